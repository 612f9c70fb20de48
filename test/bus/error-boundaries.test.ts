import { describe, expect, it, onTestFinished } from 'vitest'
import { type BusEvent, EventBus, HANDLER_FAILED, HandlerError } from '../../src/bus/index.ts'
import { recordingBackend } from '../../src/testing/index.ts'

const failures: readonly (readonly [string, () => unknown, string])[] = [
  [
    'throws an error',
    () => {
      throw new Error('no route')
    },
    'no route',
  ],
  [
    'rejects with an error',
    async () => {
      throw new Error('no route')
    },
    'no route',
  ],
  ['rejects with undefined', () => Promise.reject(undefined), 'undefined'],
  [
    'throws null',
    () => {
      throw null
    },
    'null',
  ],
  [
    'rejects with what cannot be made a text',
    () => Promise.reject(Object.create(null)),
    'something of type object',
  ],
  ['rejects with a symbol', () => Promise.reject(Symbol('no')), 'Symbol(no)'],
  [
    'rejects with an error whose message cannot be read',
    () =>
      Promise.reject(
        Object.defineProperty(new Error(), 'message', {
          get() {
            throw new Error('gotcha')
          },
        }),
      ),
    'something of type object',
  ],
  [
    'gives a thenable that throws',
    () => ({
      // biome-ignore lint/suspicious/noThenProperty: that is what is tried.
      then() {
        throw new Error('no route')
      },
    }),
    'no route',
  ],
]

describe.each(failures)('a handler that %s', (_, handler, reason) => {
  it('is told in the report of emit, and no other handler suffers', async () => {
    const told: unknown[] = []
    await using bus = new EventBus({ onError: (error, event) => void told.push([error, event?.name]) })
    const seen: string[] = []
    bus.on('order.paid', () => seen.push('before'))
    bus.on('order.paid', handler)
    bus.on('order.paid', () => seen.push('after'))
    bus.on('order.paid', () => seen.push('low'), { priority: 1 })

    for (const round of [1, 2]) {
      const { handlers, failures } = await bus.emit('order.paid', round)

      expect(handlers).toBe(4)
      expect(failures).toHaveLength(1)
      expect(failures[0]?.error).toBeInstanceOf(HandlerError)
      expect(failures[0]?.error.message).toMatch(new RegExp(`of "order.paid" has failed: ${quoted(reason)}$`))
      expect(failures[0]?.error).toMatchObject({
        code: 'EVENTSETS_HANDLER',
        eventName: 'order.paid',
        attempts: 1,
      })
    }
    expect(seen).toEqual(['before', 'after', 'low', 'before', 'after', 'low'])
    expect(told).toHaveLength(2)
  })

  it('is told in the report of emit when all handlers are plain functions', async () => {
    await using bus = new EventBus({ onError: () => {} })
    const seen: string[] = []
    bus.on('order.paid', async () => seen.push('before'))
    bus.on('order.paid', handler)
    bus.on('order.paid', () => seen.push('after'))

    const { failures } = await bus.emit('order.paid', 1)
    const again = await bus.emit('order.paid', 2)

    expect([failures.length, again.failures.length]).toEqual([1, 1])
    expect(seen).toEqual(['before', 'after', 'before', 'after'])
    await bus.idle()
  })

  it('is told in the report of emit when it is the only one', async () => {
    const told: string[] = []
    await using bus = new EventBus({ onError: ({ message }) => void told.push(message) })
    bus.on('order.paid', handler, undefined)

    const reports = [await bus.emit('order.paid', 1), await bus.emit('order.paid', 2)]

    for (const { handlers, failures } of reports) {
      expect(handlers).toBe(1)
      expect(failures.map(({ error }) => error.message)).toEqual([
        expect.stringMatching(new RegExp(`has failed: ${quoted(reason)}$`)),
      ])
    }
    expect(told).toHaveLength(2)
    await bus.idle()
    expect(bus.dispatcher.inFlight).toBe(0)
  })

  it('becomes a dead letter when the event was published, and no other handler suffers', async () => {
    await using bus = new EventBus({ onError: () => {} })
    const seen: string[] = []
    bus.on('order.paid', handler, { name: 'failing' })
    bus.on('order.paid', () => seen.push('after'))

    await bus.publish('order.paid', 17)
    await bus.idle()

    expect(await bus.deadLetters.list()).toMatchObject([{ handler: 'failing', reason, attempts: 1 }])
    expect(seen).toEqual(['after'])
  })
})

function quoted(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

describe('onError', () => {
  it('is told the error, with what was thrown, and the event', async () => {
    const told: [unknown, BusEvent | undefined][] = []
    await using bus = new EventBus({ onError: (error, event) => void told.push([error, event]) })
    const thrown = new TypeError('no route')
    bus.on('order.paid', function sendMail() {
      throw thrown
    })

    const event = await bus.publish('order.paid', 17)
    await bus.idle()

    expect(told).toHaveLength(1)
    expect(told[0]?.[0]).toMatchObject({ name: 'HandlerError', handler: 'sendMail', cause: thrown })
    expect(told[0]?.[1]?.id).toBe(event.id)
  })

  it('may fail itself, at once or later: nobody is there to be told', async () => {
    const fails: (() => unknown)[] = [
      () => {
        throw new Error('broken')
      },
      async () => {
        throw new Error('broken')
      },
    ]
    for (const onError of fails) {
      const logged: string[] = []
      const logger = { warn: () => {}, error: (_: object, message: string) => void logged.push(message) }
      await using bus = new EventBus({ onError: onError as () => void, logger })
      bus.on('order.paid', () => {
        throw new Error('no route')
      })

      const { failures } = await bus.emit('order.paid', 17)

      expect(failures).toHaveLength(1)
      expect(logged).toEqual(['A handler of "order.paid" has failed: no route'])
    }
  })
})

describe('the logger', () => {
  it('gets the error, the name of the event and its id', async () => {
    const logged: [object, string][] = []
    const logger = { warn: () => {}, error: (...args: [object, string]) => void logged.push(args) }
    await using bus = new EventBus({ logger })
    bus.on('order.paid', function sendMail() {
      throw new Error('no route')
    })

    const event = await bus.publish('order.paid', 17)
    await bus.idle()

    expect(logged).toHaveLength(1)
    expect(logged[0]?.[0]).toMatchObject({
      event: 'order.paid',
      eventId: event.id,
      err: { handler: 'sendMail' },
    })
  })
})

describe('rethrow', () => {
  it('makes emit reject with everything that has failed', async () => {
    await using bus = new EventBus({ onError: () => {} })
    bus.on('order.paid', () => {
      throw new Error('no route')
    })
    bus.on('order.paid', async () => {
      throw new Error('no paper')
    })

    const error = await bus.emit('order.paid', 17, { rethrow: true }).catch((thrown) => thrown)

    expect(error).toBeInstanceOf(AggregateError)
    expect(error.errors.map(({ cause }: Error) => (cause as Error).message)).toEqual(['no route', 'no paper'])
    expect(error.message).toContain('no route')
    expect(error.message).toContain('no paper')
  })

  it('changes nothing when all is well', async () => {
    await using bus = new EventBus()
    bus.on('order.paid', () => {})

    expect(await bus.emit('order.paid', 17, { rethrow: true })).toEqual({ handlers: 1, failures: [] })
  })
})

describe('handler.failed', () => {
  it('is emitted for each handler that has failed for good, and says what and why', async () => {
    await using bus = new EventBus({ onError: () => {} })
    const seen: BusEvent[] = []
    bus.on(HANDLER_FAILED, (event) => void seen.push(event))
    bus.on('order.paid', () => Promise.reject(new Error('no route')), {
      name: 'mail',
      retry: { maxAttempts: 2, baseDelayMs: 0 },
    })

    const event = await bus.publish('order.paid', 17)
    await bus.idle()

    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject({ correlationId: event.correlationId, causationId: event.id })
    expect(seen[0]?.data).toEqual({
      eventId: event.id,
      eventName: 'order.paid',
      handler: 'mail',
      attempts: 2,
      error: 'no route',
    })
  })

  it('is not published: no other process hears of it', async () => {
    const backend = recordingBackend()
    await using bus = new EventBus({ backend, onError: () => {} })
    bus.on('order.paid', () => Promise.reject(new Error('no route')))

    await bus.publish('order.paid', 17)
    await bus.idle()

    expect(backend.publishedEvents.map(({ name }) => name)).toEqual(['order.paid'])
  })

  it('does not lead to itself when those who are told of it fail', async () => {
    const told: string[] = []
    await using bus = new EventBus({ onError: ({ message }) => void told.push(message) })
    let calls = 0
    bus.on('**', () => {
      calls++
      throw new Error('always')
    })

    await bus.emit('order.paid', 17)
    await bus.idle()

    expect(calls).toBe(2)
    expect(told).toHaveLength(2)
  })

  it.each(['emit', 'publish'] as const)(
    'does not go on for ever when a handler of it leads to another failure with %s',
    async (method) => {
      await using bus = new EventBus({ onError: () => {} })
      let calls = 0
      bus.on(HANDLER_FAILED, async (_, context) => {
        calls++
        await context[method]('order.lost', 17)
      })
      bus.on('order.lost', async () => {
        throw new Error('no route')
      })

      await bus.emit('order.lost', 17)
      await bus.idle()

      expect(calls).toBeGreaterThan(1)
      expect(calls).toBeLessThan(100)
    },
  )
})

describe('a filter that throws', () => {
  it.each(['emit', 'publish'] as const)('is told like a handler that fails, after %s', async (method) => {
    const told: string[] = []
    await using bus = new EventBus({ onError: ({ message }) => void told.push(message) })
    const seen: string[] = []
    bus.on('order.paid', () => seen.push('filtered'), {
      name: 'picky',
      retry: { maxAttempts: 5, baseDelayMs: 0 },
      filter: () => {
        throw new Error('no such plan')
      },
    })
    bus.on('order.paid', () => seen.push('other'))

    await bus[method]('order.paid', 17)
    await bus.idle()

    expect(seen).toEqual(['other'])
    expect(told).toEqual(['The handler "picky" of "order.paid" has failed: no such plan'])
    expect((await bus.deadLetters.list()).map(({ handler }) => handler)).toEqual(
      method === 'publish' ? ['picky'] : [],
    )
  })
})

describe('what nobody can be told of', () => {
  it('is a warning of the process', async () => {
    const warnings: Error[] = []
    const note = (warning: Error) => warnings.push(warning)
    process.on('warning', note)
    const backend = {
      ...recordingBackend(),
      consume: async () => {
        throw new Error('no connection')
      },
    }
    const bus = new EventBus({ backend })
    bus.on('order.paid', () => {})

    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', note)
    await bus.close()

    expect(warnings.map(({ message }) => message)).toEqual(['no connection'])
  })

  it('is a warning that names the pattern of a handler without a name, and asks for one', async () => {
    const warnings: (Error & { detail?: string })[] = []
    const note = (warning: Error) => warnings.push(warning)
    process.on('warning', note)
    onTestFinished(() => void process.off('warning', note))
    await using bus = new EventBus()
    bus.on('order.*', () => {
      throw Object.assign(new Error('x'), { stack: 'Error: \u001b[2J\n    at nowhere' })
    })
    bus.on('user.left', () => Promise.reject(null))

    await bus.emit('order.paid', 1)
    await bus.emit('user.left', 1)
    await new Promise((resolve) => setImmediate(resolve))

    expect(warnings.map(({ message }) => message)).toEqual([
      'A handler of "order.*", called for "order.paid", has failed: x',
      'A handler of "user.left" has failed: null',
    ])
    expect(warnings[0]?.detail).toContain('Give it a name')
    expect(warnings[0]?.detail).toContain('\\u{1b}[2J\n        at nowhere')
    expect(warnings[0]?.detail).not.toContain('\u001b')
  })

  it('is a warning for the first failure of each event, too, where nobody has asked to be told', async () => {
    const warnings: Error[] = []
    const note = (warning: Error) => warnings.push(warning)
    process.on('warning', note)
    onTestFinished(() => void process.off('warning', note))
    await using bus = new EventBus()
    await using told = new EventBus({ onError: () => {} })
    for (const each of [bus, told])
      each.on('order.*', function sendMail() {
        throw new Error('no route')
      })
    bus.on('handler.failed', () => {
      throw new Error('no route either')
    })

    for (const each of [bus, told]) {
      await each.publish('order.paid', 1)
      await each.publish('order.paid', 2)
      await each.emit('order.sent', 3)
      await each.idle()
    }
    await new Promise((resolve) => setImmediate(resolve))

    expect(warnings.map(({ message }) => message).sort()).toEqual([
      'The handler "sendMail" of "order.paid" has failed: no route',
      'The handler "sendMail" of "order.sent" has failed: no route',
    ])
    const details = warnings.map((warning) => (warning as { detail?: string }).detail)
    for (const detail of details) {
      // Where it has failed, on lines that do not begin where a warning of somebody else would.
      expect(detail).toMatch(/Error: no route\n +at .*sendMail.*error-boundaries\.test/)
      expect(detail).toContain('Give the bus "onError" or a "logger"')
    }
    expect(details[0]).toMatch(/^It is the dead letter "/)
  })
})
