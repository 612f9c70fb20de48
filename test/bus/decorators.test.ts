import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest'
import {
  type BusEvent,
  type Clock,
  connectHandlers,
  decoratorsFor,
  delayAfter,
  EventBus,
  errorBoundary,
  FinalError,
  type HandlerContext,
  isRetryable,
  on,
  Priority,
  publishes,
  publishing,
  retry,
  withErrorBoundary,
  withRetry,
} from '../../src/bus/index.ts'
import type { ValidationError } from '../../src/core/errors.ts'

import { programsOf, runTypeScript } from './run-typescript.ts'

const unhandled: unknown[] = []
const onUnhandled = (reason: unknown) => void unhandled.push(reason)
beforeEach(() => void process.on('unhandledRejection', onUnhandled))
afterEach(async () => {
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', onUnhandled)
  expect(unhandled.splice(0)).toEqual([])
})

/** A clock that shows how long somebody wants to wait, and lets the test say when that is over. */
function manualClock() {
  const waiting: { readonly ms: number; readonly ring: () => void }[] = []
  let onDelay = () => {}
  const clock: Clock = {
    now: () => 1_767_225_600_000,
    delay(ms, callback) {
      const entry = { ms, ring: callback }
      waiting.push(entry)
      onDelay()
      return () => void (waiting.includes(entry) && waiting.splice(waiting.indexOf(entry), 1))
    },
  }
  /** The next one that waits. */
  const nextDelay = () =>
    new Promise<{ readonly ms: number; readonly ring: () => void }>((resolve) => {
      const look = () => {
        const first = waiting[0]
        if (!first) return
        onDelay = () => {}
        resolve({ ms: first.ms, ring: () => waiting.splice(waiting.indexOf(first), 1)[0]?.ring() })
      }
      onDelay = look
      look()
    })
  return { clock, waiting, nextDelay }
}

function issuesOf(call: () => unknown): readonly { readonly path: string; readonly message: string }[] {
  try {
    call()
  } catch (error) {
    return (error as ValidationError).issues.map(({ path, message }) => ({ path, message }))
  }
  throw new Error('did not throw')
}

describe('withErrorBoundary', () => {
  it('gives the fallback for a synchronous function that throws, at once, and tells onError with the arguments', () => {
    const told: unknown[] = []
    const parse = withErrorBoundary((text: string) => JSON.parse(text) as { readonly a: number }, {
      onError: (error, text) => told.push([(error as Error).name, text]),
      fallback: { a: 0 },
    })

    expect(parse('{"a":1}')).toEqual({ a: 1 })
    expect(parse('{')).toEqual({ a: 0 })
    expect(told).toEqual([['SyntaxError', '{']])
    expectTypeOf(parse).returns.toEqualTypeOf<{ readonly a: number } | { a: number }>()
  })

  it('gives the fallback for an asynchronous function that rejects', async () => {
    const load = withErrorBoundary(
      async (id: number) => {
        if (id < 0) throw new Error('no such id')
        return id * 2
      },
      { fallback: (error) => (error as Error).message },
    )

    expect(await Promise.all([load(2), load(-1)])).toEqual([4, 'no such id'])
    expectTypeOf(load).returns.toEqualTypeOf<Promise<number | string>>()
  })

  it('gives undefined where there is no fallback, also for what rejects with undefined', async () => {
    const told: unknown[] = []
    const fail = withErrorBoundary(() => Promise.reject(undefined), { onError: (error) => told.push(error) })

    expect(await fail()).toBeUndefined()
    expect(told).toEqual([undefined])
  })

  it('throws on with rethrow, after it has told', async () => {
    const told: string[] = []
    const options = { onError: (error: unknown) => void told.push((error as Error).message), rethrow: true }
    const now = withErrorBoundary(() => {
      throw new RangeError('now')
    }, options)
    const later = withErrorBoundary(() => Promise.reject(new RangeError('later')), options)

    expect(now).toThrow(RangeError)
    await expect(later()).rejects.toThrow('later')
    expect(told).toEqual(['now', 'later'])
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('of onError')
      },
    ],
    ['rejects', () => Promise.reject(new Error('of onError'))],
  ])('is not harmed by an onError that %s', (_, onError) => {
    const guarded = withErrorBoundary(
      () => {
        throw new Error('of the function')
      },
      { onError, fallback: 'fallback' },
    )

    expect(guarded()).toBe('fallback')
  })

  it('keeps this, the name and the length', () => {
    const counter = {
      count: 3,
      add: withErrorBoundary(function add(this: { count: number }, by: number) {
        return this.count + by
      }),
    }

    expect(counter.add(4)).toBe(7)
    expect(counter.add.name).toBe('add')
    expect(counter.add.length).toBe(1)
  })

  it('tells everything that is wrong with its options at once', () => {
    const options = { onEror: () => {}, onError: 'log', fallback: 1, rethrow: true }

    expect(issuesOf(() => withErrorBoundary(() => {}, options as never))).toEqual([
      { path: 'onError', message: 'expected a function, got "log"' },
      { path: 'onEror', message: 'is not a known key; did you mean "onError"?' },
      { path: 'fallback', message: 'is never given, since "rethrow" throws' },
    ])
  })

  it('keeps a handler from counting as failed', async () => {
    await using bus = new EventBus()
    bus.on(
      'a',
      withErrorBoundary(() => Promise.reject(new Error('dropped'))),
    )
    bus.on('a', () => Promise.reject(new Error('told')))

    const { failures } = await bus.emit('a', 1)

    expect(failures.map(({ error }) => error.message)).toEqual([expect.stringContaining('told')])
  })
})

describe('withRetry', () => {
  it('tries again after the delays of the policy, and gives what the first successful try gives', async () => {
    const { clock, nextDelay } = manualClock()
    const tries: number[] = []
    const retried: unknown[] = []
    const flaky = withRetry(
      (goal: number) => {
        tries.push(goal)
        if (tries.length < goal) throw new Error(`try ${tries.length}`)
        return `after ${tries.length}`
      },
      { maxAttempts: 5, baseDelayMs: 100, factor: 3, jitter: 'none' },
      { clock, onRetry: ({ attempt, delayMs, error }) => retried.push([attempt, delayMs, String(error)]) },
    )

    const result = flaky(3)
    ;(await nextDelay()).ring()
    ;(await nextDelay()).ring()

    expect(await result).toBe('after 3')
    expect(retried).toEqual([
      [1, 100, 'Error: try 1'],
      [2, 300, 'Error: try 2'],
    ])
    expectTypeOf(flaky).returns.toEqualTypeOf<Promise<string>>()
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('log is full')
      },
    ],
    ['rejects', async () => Promise.reject(new Error('log is full'))],
  ])('goes on when its onRetry %s, which is a warning', async (_, onRetry) => {
    const warned = once(process, 'warning')
    const errors = [new Error('first'), new Error('second')]
    const [, last] = errors
    const failing = withRetry(
      () => Promise.reject(errors.shift()),
      { maxAttempts: 2, baseDelayMs: 0 },
      { onRetry },
    )

    await expect(failing()).rejects.toBe(last)

    const [warning] = await warned
    expect(warning.message).toBe('The "onRetry" of withRetry has failed: log is full')
  })

  it('refuses what is no function', () => {
    expect(() => withRetry(5 as never, { maxAttempts: 1 })).toThrow(/fn: expected a function/)
  })

  it('rejects with what the last try has thrown, as it is', async () => {
    const errors = [new Error('first'), new Error('second')]
    const failing = withRetry(() => Promise.reject(errors.shift()), { maxAttempts: 2, baseDelayMs: 0 })
    const [, last] = errors

    await expect(failing()).rejects.toBe(last)
  })

  it.each([
    ['a FinalError', new FinalError('stolen card'), undefined],
    ['whatever says so of itself', Object.assign(new Error('no'), { isRetryable: false }), undefined],
    ['what its own retryIf refuses', new TypeError('no'), (error: unknown) => !(error instanceof TypeError)],
    [
      'what makes its retryIf throw',
      new Error('no'),
      () => {
        throw new Error('of retryIf')
      },
    ],
  ])('does not try again after %s', async (_, error, retryIf) => {
    let tries = 0
    const failing = withRetry(
      () => {
        tries++
        throw error
      },
      { maxAttempts: 5, baseDelayMs: 0, retryIf },
    )

    await expect(failing()).rejects.toBe(error)
    expect(tries).toBe(1)
  })

  it('waits as long as an error asks for, where that is longer', async () => {
    const { clock, nextDelay } = manualClock()
    const errors = [
      Object.assign(new Error('busy'), { retryAfterMs: 2000 }),
      Object.assign(new Error('busy'), { retryAfterMs: 5 }),
      Object.assign(new Error('busy'), { retryAfterMs: Number.NaN }),
    ]
    const busy = withRetry(
      () => {
        const error = errors.shift()
        if (error) throw error
      },
      { maxAttempts: 4, baseDelayMs: 10, jitter: 'none' },
      { clock },
    )

    const done = busy()
    const waits: number[] = []
    for (let count = 0; count < 3; count++) {
      const { ms, ring } = await nextDelay()
      waits.push(ms)
      ring()
    }

    await done
    expect(waits).toEqual([2000, 20, 40])
  })

  it('stops when its signal is aborted while it waits, and lets go of the timer', async () => {
    const { clock, nextDelay, waiting } = manualClock()
    const abort = new AbortController()
    let tries = 0
    const failing = withRetry(
      () => {
        tries++
        throw new Error('again')
      },
      { maxAttempts: 5 },
      { clock, signal: abort.signal },
    )

    const result = failing()
    await nextDelay()
    abort.abort(new Error('enough'))

    await expect(result).rejects.toThrow('enough')
    expect({ tries, waiting }).toEqual({ tries: 1, waiting: [] })
  })

  it('no longer waits for a try that never ends when its signal is aborted', async () => {
    const abort = new AbortController()
    const stuck = withRetry(() => new Promise(() => {}), { maxAttempts: 2 }, { signal: abort.signal })

    const result = stuck()
    abort.abort(new Error('enough'))

    await expect(result).rejects.toThrow('enough')
  })

  it('ends when the function itself aborts its signal', async () => {
    const abort = new AbortController()
    const stuck = withRetry(
      () => {
        abort.abort(new Error('enough'))
        return new Promise(() => {})
      },
      { maxAttempts: 2 },
      { signal: abort.signal },
    )

    await expect(stuck()).rejects.toThrow('enough')
  })

  it('does not begin when its signal is aborted already', async () => {
    let tries = 0
    const counted = withRetry(
      () => ++tries,
      { maxAttempts: 2 },
      { signal: AbortSignal.abort(new Error('over')) },
    )

    await expect(counted()).rejects.toThrow('over')
    expect(tries).toBe(0)
  })

  it('finds the signal of a handler in its context', async () => {
    const { clock, nextDelay } = manualClock()
    const bus = new EventBus({ onError: () => {} })
    let reason: unknown
    const call = withRetry(
      (_: BusEvent, __: HandlerContext) => Promise.reject(new Error('down')),
      { maxAttempts: 9 },
      {
        clock,
        signal: (_, { signal }) => signal,
      },
    )
    bus.on('a', (event, context) =>
      call(event, context).catch((error) => {
        reason = error
      }),
    )

    const report = bus.emit('a', 1)
    await nextDelay()
    await bus.close({ deadlineMs: 1 })
    await report

    expect(reason).toMatchObject({ code: 'EVENTSETS_BUS_CLOSED' })
  })

  it('tells everything that is wrong with the policy and the options', () => {
    expect(issuesOf(() => withRetry(() => {}, { maxAttempts: 0, factor: 0 }))).toHaveLength(2)
    expect(issuesOf(() => withRetry(() => {}, undefined as never))).toHaveLength(1)
    expect(issuesOf(() => withRetry(() => {}, { maxAttempts: 1 }, { signal: 1, clok: 1 } as never))).toEqual([
      { path: 'signal', message: 'expected an AbortSignal or a function that gives one, got 1' },
      { path: 'clok', message: 'is not a known key; did you mean "clock"?' },
    ])
  })
})

describe('a retry policy of a handler', () => {
  it('gives up at once after a FinalError, and keeps the dead letter', async () => {
    await using bus = new EventBus()
    let tries = 0
    bus.on(
      'card.charged',
      () => {
        tries++
        throw new FinalError('The card is stolen.', { hint: 'Ask for another one.' })
      },
      { retry: { maxAttempts: 5, baseDelayMs: 0 } },
    )

    await bus.publish('card.charged', {})
    await bus.idle()

    expect(tries).toBe(1)
    expect(await bus.deadLetters.list()).toMatchObject([{ reason: 'The card is stolen.', attempts: 1 }])
  })

  it('waits as long as the error asks for', async () => {
    const { clock, nextDelay } = manualClock()
    const bus = new EventBus({ clock })
    let tries = 0
    bus.on(
      'a',
      () => {
        if (++tries === 1) throw Object.assign(new Error('busy'), { retryAfterMs: 7000 })
      },
      { retry: { maxAttempts: 2, baseDelayMs: 1 } },
    )

    const report = bus.emit('a', 1)
    const { ms, ring } = await nextDelay()
    ring()

    expect((await report).failures).toEqual([])
    expect(ms).toBe(7000)
  })

  it('leaves the computed delay alone', () => {
    const policy = {
      maxAttempts: 3,
      baseDelayMs: 10,
      factor: 2,
      maxDelayMs: 15,
      jitter: 'none' as const,
      retryIf: isRetryable,
    }

    expect([1, 2, 3].map((attempt) => delayAfter(attempt, policy))).toEqual([10, 15, 15])
  })
})

describe('publishing', () => {
  /** What has been published on a bus, in order. */
  function listen(bus: EventBus): BusEvent[] {
    const events: BusEvent[] = []
    bus.on('**', (event) => void events.push(event))
    return events
  }

  it('publishes start and success of an asynchronous function, with one correlation and a cause, and no arguments', async () => {
    await using bus = new EventBus()
    const events = listen(bus)
    const deploy = publishing(bus, 'action.deploy', async (_password: string) => 'deployed')

    expect(await deploy('secret')).toBe('deployed')
    await bus.idle()

    const [start, success] = events
    expect(events.map(({ name }) => name)).toEqual(['action.deploy.start', 'action.deploy.success'])
    expect(start?.data).toEqual({})
    expect(success?.data).toEqual({ durationMs: expect.any(Number) })
    expect(start?.correlationId).toBe(start?.id)
    expect(success).toMatchObject({ correlationId: start?.id, causationId: start?.id })
  })

  it('publishes the failure with its reason, and rejects as the function does', async () => {
    await using bus = new EventBus()
    const events = listen(bus)
    const cause = new Error('no space left')
    const deploy = publishing(bus, 'action.deploy', () => Promise.reject(cause))

    await expect(deploy()).rejects.toBe(cause)
    await bus.idle()

    expect(events.map(({ name, data }) => [name, data])).toEqual([
      ['action.deploy.start', {}],
      ['action.deploy.failure', { durationMs: expect.any(Number), error: 'no space left' }],
    ])
  })

  it('leaves a synchronous function synchronous', async () => {
    await using bus = new EventBus()
    const events = listen(bus)
    const parse = publishing(bus, 'parse', (text: string) => JSON.parse(text) as unknown)

    expect(parse('1')).toBe(1)
    expect(() => parse('{')).toThrow(SyntaxError)
    await bus.idle()

    expect(events.map(({ name }) => name)).toEqual([
      'parse.start',
      'parse.start',
      'parse.success',
      'parse.failure',
    ])
  })

  it('publishes what the options choose', async () => {
    await using bus = new EventBus()
    const events = listen(bus)
    const ship = publishing(
      bus,
      'order.ship',
      async (order: { id: string; card: string }) => ({ parcel: `p-${order.id}` }),
      {
        start: ({ id }) => ({ id }),
        success: ({ parcel }, { id }) => ({ id, parcel }),
        source: 'shipping',
        priority: Priority.HIGH,
        key: ({ id }) => id,
        correlationId: ({ id }) => `order-${id}`,
      },
    )

    await ship({ id: '7', card: '4242' })
    await bus.idle()

    expect(events.map(({ data }) => data)).toEqual([
      { id: '7' },
      { id: '7', parcel: 'p-7', durationMs: expect.any(Number) },
    ])
    for (const event of events)
      expect(event).toMatchObject({ source: 'shipping', priority: 75, key: '7', correlationId: 'order-7' })
  })

  it('has handed over its events when the asynchronous function ends, the success never before the start', async () => {
    const taken: string[] = []
    let open = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const bus = {
      async publish(name: string) {
        if (name.endsWith('.start')) await gate
        taken.push(name)
      },
      emit: async () => {},
    }
    const run = publishing(bus, 'run', async () => 'done')

    const result = run()
    await new Promise((resolve) => setImmediate(resolve))
    expect(taken).toEqual([])
    open()

    expect(await result).toBe('done')
    expect(taken).toEqual(['run.start', 'run.success'])
  })

  it('goes on when its events cannot be published, and tells onError', async () => {
    const bus = new EventBus()
    await bus.close()
    const told: unknown[] = []
    const run = publishing(bus, 'run', async () => 'done', { onError: (error) => told.push(error) })

    expect(await run()).toBe('done')
    expect(told).toMatchObject([{ code: 'EVENTSETS_BUS_CLOSED' }, { code: 'EVENTSETS_BUS_CLOSED' }])
  })

  it('takes what its options throw for the loss of an event, not of the call', async () => {
    await using bus = new EventBus()
    const events = listen(bus)
    const told: string[] = []
    const run = publishing(bus, 'run', () => 'done', {
      start: () => {
        throw new Error('of start')
      },
      onError: (error) => {
        told.push((error as Error).message)
        throw new Error('of onError')
      },
    })

    expect(run()).toBe('done')
    await bus.idle()
    await new Promise((resolve) => setImmediate(resolve))

    expect(told).toEqual(['of start'])
    expect(events.map(({ name }) => name)).toEqual(['run.success'])
  })

  it('warns where nobody asked to be told of lost events', async () => {
    const bus = new EventBus()
    await bus.close()
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve))

    await publishing(bus, 'run', async () => {})()

    expect(await warned).toMatchObject({
      name: 'EventsetsWarning',
      message: expect.stringContaining('"run"'),
    })
  })

  it('publishes through the context of a handler, as what follows from its event', async () => {
    await using bus = new EventBus()
    const events = listen(bus)
    bus.on('order.paid', (event, context) =>
      publishing(context, 'action.ship', async () => {}, { correlationId: event.correlationId })(),
    )

    const paid = await bus.publish('order.paid', {})
    await bus.idle()

    expect(events.map(({ correlationId }) => correlationId)).toEqual([paid.id, paid.id, paid.id])
    expect(events[1]?.depth).toBe(1)
  })

  it('refuses a name that is none and options that are wrong', () => {
    const bus = new EventBus()

    expect(() => publishing(bus, 'a b', () => {})).toThrow(
      expect.objectContaining({ code: 'EVENTSETS_EVENT_NAME' }),
    )
    expect(
      issuesOf(() => publishing(bus, 'a', () => {}, { start: {}, key: '', sucess: 1 } as never)),
    ).toEqual([
      { path: 'start', message: 'expected a function, got an object' },
      { path: 'key', message: 'expected a text or a function that gives one, got ""' },
      { path: 'sucess', message: 'is not a known key; did you mean "success"?' },
    ])
  })

  it('knows the names of a typed bus', () => {
    const bus = new EventBus<{
      'ship.start': object
      'ship.success': object
      'ship.failure': object
      'order.paid': number
    }>()

    publishing(bus, 'ship', () => {})
    // @ts-expect-error there is no "order.start" on this bus.
    publishing(bus, 'order', () => {})
  })
})

describe('decorated methods', () => {
  const all: string[] = []

  class Orders {
    readonly seen: string[] = []

    @on('order.paid')
    paid(event: BusEvent<string, { readonly id: string }>): void {
      this.seen.push(`paid ${event.data.id}`)
    }

    @on('order.shipped', { priority: Priority.LOW })
    @on('order.returned', { name: 'returns' })
    async moved(event: BusEvent) {
      this.seen.push(event.name)
    }

    @on('order.hidden')
    #hidden(): void {
      this.seen.push('hidden')
    }

    @on('order.*')
    static count({ name }: BusEvent): void {
      all.push(name)
    }

    use(): () => void {
      return () => this.#hidden()
    }
  }

  it('are handlers of their object once it is connected, private and static ones too', async () => {
    await using bus = new EventBus()
    const orders = new Orders()
    await bus.emit('order.paid', { id: '1' })
    connectHandlers(bus, orders)
    connectHandlers(bus, Orders)

    for (const name of ['paid', 'shipped', 'returned', 'hidden']) await bus.emit(`order.${name}`, { id: '2' })

    expect(orders.seen).toEqual(['paid 2', 'order.shipped', 'order.returned', 'hidden'])
    expect(all).toEqual(['order.paid', 'order.shipped', 'order.returned', 'order.hidden'])
  })

  it('go by the names of class and method, and have the options of their decorators', () => {
    const bus = new EventBus()
    connectHandlers(bus, new Orders())

    expect(
      bus
        .handlers()
        .map(({ pattern, name, priority }) => [pattern, name, priority])
        .sort(),
    ).toEqual([
      ['order.hidden', 'Orders.#hidden', 50],
      ['order.paid', 'Orders.paid', 50],
      ['order.returned', 'returns', 50],
      ['order.shipped', 'Orders.moved', 25],
    ])
  })

  it('are disconnected by the returned function, by using, and by a signal', () => {
    const bus = new EventBus()
    const abort = new AbortController()
    const off = connectHandlers(bus, new Orders())
    const other = connectHandlers(bus, new Orders(), { signal: abort.signal })
    expect(bus.handlers()).toHaveLength(8)

    off()
    off()
    expect(bus.handlers()).toHaveLength(4)
    abort.abort()
    other[Symbol.dispose]()
    expect(bus.handlers()).toHaveLength(0)
  })

  it('keep two objects of a class apart', async () => {
    await using bus = new EventBus()
    const [one, two] = [new Orders(), new Orders()]
    connectHandlers(bus, one)

    await bus.emit('order.paid', { id: '1' })

    expect([one.seen, two.seen]).toEqual([['paid 1'], []])
  })

  it('are those of the subclass, once each', async () => {
    class Exports extends Orders {
      override paid(event: BusEvent<string, { readonly id: string }>): void {
        this.seen.push(`export ${event.data.id}`)
      }

      @on('order.shipped', { priority: Priority.CRITICAL })
      override async moved() {
        this.seen.push('exported')
      }
    }
    await using bus = new EventBus()
    const orders = new Exports()
    connectHandlers(bus, orders)

    await bus.emit('order.paid', { id: '1' })
    await bus.emit('order.shipped', {})

    expect(orders.seen).toEqual(['export 1', 'exported'])
    expect(bus.handlers('order.shipped')).toMatchObject([{ priority: 100, name: 'Exports.moved' }])
  })

  it('subscribe all or nothing', () => {
    class Wrong {
      @on('a')
      one(): void {}
      @on('b', { priority: 1.5 })
      two(): void {}
    }
    const bus = new EventBus()

    expect(() => connectHandlers(bus, new Wrong())).toThrow(/priority/)
    expect(bus.handlers()).toEqual([])
  })

  it('work together: tried again, then told, then given up', async () => {
    const told: string[] = []
    class Mailer {
      tries = 0

      @on('mail.wanted')
      @errorBoundary({ onError: (error) => void told.push((error as Error).message) })
      @retry({ maxAttempts: 3, baseDelayMs: 0 })
      async send(_event: BusEvent): Promise<void> {
        throw new Error(`try ${++this.tries}`)
      }
    }
    await using bus = new EventBus()
    connectHandlers(bus, new Mailer())

    expect((await bus.emit('mail.wanted', {})).failures).toEqual([])
    expect(told).toEqual(['try 3'])
  })

  it('publish what becomes of them on the bus of their object', async () => {
    class Deployer {
      readonly version = '1.2'

      @publishes('action.deploy', { start: (target) => ({ target }) })
      async deploy(target: string) {
        return `${target} ${this.version}`
      }
    }
    await using bus = new EventBus()
    const seen: unknown[] = []
    bus.on('action.deploy.*', ({ name, data }) => void seen.push([name, data]))
    const deployer = new Deployer()
    connectHandlers(bus, deployer)

    expect(await deployer.deploy('north')).toBe('north 1.2')
    await bus.idle()

    expect(seen).toEqual([
      ['action.deploy.start', { target: 'north' }],
      ['action.deploy.success', { durationMs: expect.any(Number) }],
    ])
  })

  it('find a bus of their own, and say so when there is none', async () => {
    class Deployer {
      readonly events = new EventBus()

      @publishes('action.deploy', { bus: (self) => (self as Deployer).events })
      deploy(): string {
        return 'done'
      }

      @publishes('action.undo')
      undo(): void {}
    }
    const deployer = new Deployer()
    const started = deployer.events.once('action.deploy.start')

    expect(deployer.deploy()).toBe('done')
    expect(await started).toMatchObject({ name: 'action.deploy.start' })
    expect(() => deployer.undo()).toThrow(
      expect.objectContaining({
        code: 'EVENTSETS_INVALID_OPTIONS',
        hint: expect.stringContaining('connectHandlers'),
      }),
    )
  })

  it('are told what is wrong where they stand', () => {
    const legacy = on('a') as unknown as (target: object, key: string) => void
    const field = on('a') as unknown as (value: undefined, context: object) => void

    expect(() => on('a b')).toThrow(expect.objectContaining({ code: 'EVENTSETS_PATTERN' }))
    expect(() => legacy({}, 'method')).toThrow(/experimental/)
    expect(() => field(undefined, { kind: 'field', name: 'x' })).toThrow(
      '@on decorates methods, and x is a field.',
    )
    expect(() => retry({ maxAttempts: 0 })).toThrow(/maxAttempts/)
    expect(() => publishes('a b')).toThrow(expect.objectContaining({ code: 'EVENTSETS_EVENT_NAME' }))
    expect(() => errorBoundary({ rethrow: 1 } as never)).toThrow(/rethrow/)
    expect(() => connectHandlers(new EventBus(), {})).toThrow(/No method of Object is decorated/)
  })

  it('are checked by the compiler', () => {
    const typed = decoratorsFor<{ 'order.paid': { readonly id: string }; 'ship.start': object }>()

    class Checked {
      @typed.on('order.paid')
      paid(event: BusEvent<'order.paid', { readonly id: string }>): string {
        return event.data.id
      }

      // @ts-expect-error the data of the event has no price.
      @typed.on('order.paid')
      priced(event: BusEvent<'order.paid', { readonly price: number }>): number {
        return event.data.price
      }

      // @ts-expect-error no event matches.
      @typed.on('user.*')
      user(): void {}

      // @ts-expect-error the method would give a promise.
      @retry({ maxAttempts: 2 })
      now(): number {
        return 1
      }

      // @ts-expect-error the fallback is no number.
      @errorBoundary()
      async count(): Promise<number> {
        return 1
      }

      @errorBoundary({ fallback: 0 })
      async counted(): Promise<number> {
        return 1
      }
    }

    expect(new Checked()).toBeInstanceOf(Checked)
  })
})

describe('docs/guides/bus-decorators.md', () => {
  const programs = programsOf('docs/guides/bus-decorators.md')

  it.each(programs)('shows in TypeScript what really happens: $output', ({ code, output }) => {
    expect(runTypeScript(code)).toBe(output)
  })

  it('has such programs', () => {
    expect(programs.length).toBeGreaterThan(0)
  })
})
