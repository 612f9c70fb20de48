import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type BusEvent, EventBus, memoryBackend } from '../../src/bus/index.ts'
import { fakeClock, recordingBackend } from '../../src/testing/index.ts'
import { root, temporaryFolder } from '../cli/run-cli.ts'

function circle(): unknown {
  const list: unknown[] = []
  list.push({ list })
  return { list }
}

function nest(depth: number): unknown {
  let data: unknown = 'bottom'
  for (let level = 0; level < depth; level++) data = { down: data }
  return data
}

class Money {
  readonly amount = 5
  readonly #secret = 1

  get secret(): number {
    return this.#secret
  }
}

function* countUp() {
  yield 1
}

function writtenAs(written: unknown): object {
  return { toJSON: () => written }
}

function writtenAsItself(): object {
  const own = { amount: 5 }
  return Object.defineProperty(own, 'toJSON', { value: () => own })
}

/** What is above it once more, twice: without a bound it would never end. */
function backUp(): object {
  const top: Record<string, unknown> = {}
  top.left = { toJSON: () => top }
  top.right = { toJSON: () => top }
  return top
}

describe('data that are no JSON', () => {
  it.each([
    ['a circle', circle(), 'data.list[0].list', 'leads back to where it came from'],
    ['a function', { onDone: () => {} }, 'data.onDone', 'is a function'],
    ['a symbol', { tag: Symbol('x') }, 'data.tag', 'is a symbol'],
    ['a BigInt', { total: 5n }, 'data.total', 'is a bigint'],
    ['NaN', { total: Number.NaN }, 'data.total', 'is NaN'],
    ['infinity', [1, Number.NEGATIVE_INFINITY], 'data[1]', 'is -Infinity'],
    ['undefined in a list', [1, undefined], 'data[1]', 'is undefined'],
    ['a hole in a list', Object.assign([1], { 2: 3 }), 'data[1]', 'is undefined'],
    ['a promise that was not awaited', { user: Promise.resolve(1) }, 'data.user', 'is a promise'],
    ['a Map', { by: new Map([[1, 2]]) }, 'data.by', 'is a Map'],
    ['a Set', new Set([1]), 'data', 'is a Set'],
    ['an Error', { error: new Error('x') }, 'data.error', 'is an Error'],
    ['a regular expression', { like: /x/ }, 'data.like', 'is a regular expression'],
    ['bytes', { file: new Uint8Array(3) }, 'data.file', 'is binary data'],
    ['a date that is none', { at: new Date(Number.NaN) }, 'data.at', 'is a Date without a time'],
    ['a boxed BigInt', { total: Object(1n) }, 'data.total', 'is a BigInt'],
    ['a boxed symbol', { tag: Object(Symbol('x')) }, 'data.tag', 'is a symbol'],
    ['a boxed NaN', { total: Object(Number.NaN) }, 'data.total', 'is the number NaN'],
    ['a generator', { rows: countUp() }, 'data.rows', 'is a generator'],
    ['an iterator', { keys: new Map().keys() }, 'data.keys', 'is an iterator'],
    ['a toJSON that gives a Map', { by: writtenAs(new Map()) }, 'data.by', 'writes itself as something that'],
    ['a toJSON that gives NaN', writtenAs(Number.NaN), 'data', 'is NaN'],
    ['a toJSON that gives a function', [writtenAs(() => {})], 'data[0]', 'is a function'],
    ['a toJSON that gives undefined in a list', [writtenAs(undefined)], 'data[0]', 'becomes null'],
    ['a toJSON with a Set in it', { a: writtenAs({ b: [new Set()] }) }, 'data.a.b[0]', 'is a Set'],
    ['a toJSON that leads back', { up: backUp() }, undefined, 'leads back to where it came from'],
    ['a key that is no word', { 'a b': { '': () => {} } }, 'data["a b"][""]', 'is a function'],
    ['depth without end', nest(300), undefined, 'is more than 200 levels deep'],
    [
      'a getter that throws',
      {
        ok: 1,
        inner: {
          get value() {
            throw new Error('gotcha')
          },
        },
      },
      'data.inner',
      'throws when it is read',
    ],
    [
      'a toJSON that throws',
      {
        toJSON() {
          throw new Error('gotcha')
        },
      },
      'data',
      'cannot be written as JSON',
    ],
  ])('such as %s are refused, and nothing is published', async (_, data, path, reason) => {
    const backend = recordingBackend()
    await using bus = new EventBus({ backend })

    for (const refused of [
      bus.publish('order.paid', data),
      bus.publishAll([
        { name: 'order.paid', data: 1 },
        { name: 'order.paid', data },
      ]),
      bus.transaction((tx) => tx.publish('order.paid', data)),
    ]) {
      const error = await refused.then(
        () => expect.fail('was taken'),
        (thrown) => thrown,
      )
      expect(error).toMatchObject({ name: 'SerializationError', code: 'EVENTSETS_SERIALIZATION' })
      if (path !== undefined) expect(error.path).toBe(path)
      expect(error.message).toContain('The data of the event "order.paid"')
      expect(error.message).toContain(reason)
    }
    expect(backend.publishedEvents).toEqual([])
  })

  it.each([
    ['undefined', undefined],
    ['undefined as a property', { note: undefined }],
    ['a date', { at: new Date(0) }],
    ['what writes itself', { url: new URL('https://example.org') }],
    ['what writes itself as undefined, as a property', { note: writtenAs(undefined) }],
    ['what writes itself as it is', { own: writtenAsItself() }],
    ['a boxed text', { text: Object('x') }],
    ['a buffer', { file: Buffer.from('x') }],
    ['an object of a class', new Money()],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
    ['a key named "__proto__"', JSON.parse('{"__proto__":{"x":1}}')],
    ['the same object twice', [Money, Money].map(() => ({})).fill(Object.freeze({ a: 1 }))],
    ['199 levels', nest(199)],
    ['a text in any language', { text: '漢字 \ud83e\udd9c \u0000 \u2028' }],
    ['a proxy', new Proxy({ a: 1 }, {})],
  ])('is not %s', async (_, data) => {
    const backend = recordingBackend()
    await using bus = new EventBus({ backend })

    await bus.publish('order.paid', data)

    expect(backend.publishedEvents).toHaveLength(1)
  })

  it('may be emitted: they do not leave the process', async () => {
    await using bus = new EventBus()
    const seen: unknown[] = []
    bus.on('order.paid', ({ data }) => void seen.push(data))
    const data = { done: () => 'yes', by: new Map() }

    await bus.emit('order.paid', data)

    expect(seen[0]).toBe(data)
  })
})

describe('data that are large', () => {
  const bytes = 50 * 2 ** 20

  it('are refused when they take more than a MiB as JSON, with the size', async () => {
    const backend = recordingBackend()
    await using bus = new EventBus({ backend })
    const refusal = { name: 'SerializationError', code: 'EVENTSETS_DATA_TOO_LARGE', path: 'data' }

    const error = await bus.publish('file.read', 'x'.repeat(bytes)).catch((thrown) => thrown)

    expect(error).toMatchObject(refusal)
    expect(error.message).toBe(
      `The data of the event "file.read" takes ${bytes + 2} bytes as JSON, and the bus takes 1048576.`,
    )
    expect(error.hint).toContain('maxDataBytes')
    const list = Array.from({ length: 200_000 }, (_, n) => n + 100_000)
    await expect(bus.publish('file.read', list)).rejects.toMatchObject(refusal)
    await expect(bus.publish('file.read', Buffer.alloc(600_000))).rejects.toMatchObject(refusal)
    expect(backend.publishedEvents).toEqual([])
  })

  it('are taken where the bus is told so: 50 MB arrive as they were', async () => {
    await using bus = new EventBus({ maxDataBytes: 64 * 2 ** 20 })
    const text = 'ä'.repeat(bytes / 2)
    let received: unknown
    bus.on('file.read', ({ data }) => {
      received = data
    })

    await bus.publish('file.read', { text })
    await bus.idle()

    expect((received as { text: string }).text === text).toBe(true)
  })

  it('may be emitted: they are not made JSON', async () => {
    await using bus = new EventBus()
    let length = 0
    bus.on('file.read', ({ data }) => {
      length = (data as string).length
    })

    await bus.emit('file.read', 'x'.repeat(bytes))

    expect(length).toBe(bytes)
  })

  it('are measured to the byte, as UTF-8', async () => {
    await using bus = new EventBus({ maxDataBytes: 100 })

    await bus.publish('file.read', 'x'.repeat(98))
    await bus.publish('file.read', 'ä'.repeat(49))
    await bus.publish('file.read', { at: new Date(0), n: 123, list: [true, null] })
    await expect(bus.publish('file.read', 'x'.repeat(99))).rejects.toThrow('takes 101 bytes')
    await expect(bus.publish('file.read', 'ä'.repeat(50))).rejects.toThrow('takes 102 bytes')
    await expect(bus.publish('file.read', '\u0001'.repeat(17))).rejects.toThrow('takes 104 bytes')
    await expect(bus.publish('file.read', { ['k'.repeat(95)]: 1 })).rejects.toThrow('takes 101 bytes')
  })

  it.each([0, -1, 1.5, '1 MB', Number.NaN])('cannot be limited to %s', (maxDataBytes) => {
    expect(() => new EventBus({ maxDataBytes: maxDataBytes as number })).toThrow(
      /maxDataBytes: expected a whole number/,
    )
  })
})

describe('options', () => {
  it.each([
    [{ backed: memoryBackend() }, /backed: is not a known option; did you mean "backend"\?/],
    [{ backend: {} }, /backend: expected a backend/],
    [{ backend: null }, /backend: expected a backend, such as memoryBackend\(\), got null/],
    [{ backend: memoryBackend }, /backend: .*\(call it\), got the function "memoryBackend"/],
    [
      { backend: 'redis://:secret@host' },
      /backend: expected a backend, such as memoryBackend\(\), got a URL$/,
    ],
    [{ retries: 3 }, /retries: is not a known option; did you mean "retry"\?/],
    [{ retry: { retries: 3 } }, /retry\.retries: is not a known key; did you mean "maxAttempts"\?/],
    [{ source: '' }, /source: expected a text, got ""/],
    [{ group: 5 }, /group: expected a text/],
    [{ concurrency: 0 }, /concurrency: expected a whole number/],
    [{ handlersAtOnce: 1.5 }, /handlersAtOnce: expected a whole number/],
    [{ onError: 'log' }, /onError: expected a function/],
    [{ logger: {} }, /logger: expected a logger/],
    [{ clock: {} }, /clock: expected a clock/],
    [{ schemas: [] }, /schemas: expected an object/],
    [{ source: '', concurrency: -1, colour: 'red' }, /3 issues/],
    [null, /expected an object/],
    ['memory', /expected an object/],
  ])('of a bus cannot be %j', (options, problem) => {
    expect(() => new EventBus(options as never)).toThrow(problem)
    expect(() => new EventBus(options as never)).toThrow(
      expect.objectContaining({ name: 'ValidationError', code: 'EVENTSETS_INVALID_OPTIONS' }),
    )
  })

  it.each([
    [{ prioriti: 5 }, /prioriti: is not a known option; did you mean "priority"\?/],
    [{ name: '' }, /name: expected a text, got ""/],
    [{ name: [] }, /name: expected a text, got a list/],
    [{ priority: '\u001b[2J' }, /priority: expected a whole number, .* got "\\u001b\[2J"/],
    [{ once: 'yes' }, /once: expected true or false/],
    [{ signal: {} }, /signal: expected an AbortSignal/],
    [{ name: 5, priority: 'high', timeout: 5 }, /3 issues/],
    [5, /expected an object/],
    [null, /expected an object/],
  ])('of a handler cannot be %j', async (options, problem) => {
    await using bus = new EventBus()

    expect(() => bus.on('order.paid', () => {}, options as never)).toThrow(problem)
    expect(() => bus.on('order.paid', () => {}, options as never)).toThrow(
      expect.objectContaining({ name: 'ValidationError', code: 'EVENTSETS_INVALID_OPTIONS' }),
    )
    expect(bus.handlers()).toEqual([])
  })

  it.each([
    [{ corelationId: 'x' }, /corelationId: is not a known option; did you mean "correlationId"\?/],
    [{ id: '' }, /id: expected a text/],
    [{ id: 5 }, /id: expected a text/],
    [{ key: 'x'.repeat(1025) }, /key: expected a text of 1 to 1024 characters/],
    [{ priority: 1.5 }, /priority: expected a whole number/],
    [{ time: new Date() }, /time: expected milliseconds since 1970, got a Date/],
    [{ key: Symbol('a') }, /key: expected a text of 1 to 1024 characters, got a symbol/],
    [{ time: -1 }, /time: expected milliseconds/],
    [{ depth: -1 }, /depth: expected a whole number, 0 or more/],
    [{ __proto__: { id: 5 } }, /id: expected a text/],
    [{ id: 5, key: 5, source: 5 }, /3 issues/],
    [null, /expected an object/],
    ['key', /expected an object/],
  ])('of an event cannot be %j', async (options, problem) => {
    const backend = recordingBackend()
    await using bus = new EventBus({ backend })
    bus.on('**', () => expect.fail('was called'))
    const given = options as never

    await expect(bus.publish('order.paid', 1, given)).rejects.toThrow(problem)
    await expect(bus.emit('order.paid', 1, given)).rejects.toThrow(problem)
    await expect(bus.publishAll([{ name: 'order.paid', data: 1, options: given }])).rejects.toThrow(problem)
    expect(backend.publishedEvents).toEqual([])
  })

  it.each([new Date(Number.NaN), Number.POSITIVE_INFINITY, 'tomorrow', null])(
    'of publish cannot have the time %s',
    async (deliverAt) => {
      await using bus = new EventBus()

      await expect(bus.publish('order.paid', 1, { deliverAt: deliverAt as never })).rejects.toThrow(
        /deliverAt: expected milliseconds since 1970, or a Date/,
      )
    },
  )

  it.each([1_795_262_400, new Date(1_795_262_400), 5000, 0, -1])(
    'of publish cannot have a time in seconds, or how long to wait: %s',
    async (deliverAt) => {
      await using bus = new EventBus()

      await expect(bus.publish('order.paid', 1, { deliverAt })).rejects.toThrow(
        /deliverAt: .*none before 2001 \(multiply seconds by 1000; add to Date\.now\(\) how long to wait\)/,
      )
    },
  )

  it('of publish that others call differently are told by their names here', async () => {
    await using bus = new EventBus()

    await expect(bus.publish('order.paid', 1, { delay: 5000 } as never)).rejects.toThrow(
      /delay: is not a known option; did you mean "deliverAt"\?/,
    )
  })

  it('are asked for one pattern at a time', async () => {
    await using bus = new EventBus()

    expect(() => bus.on(['order.paid', 'order.sent'] as never, () => {})).toThrow(
      expect.objectContaining({
        code: 'EVENTSETS_PATTERN',
        hint: 'Give one pattern at a time: call on() for each.',
      }),
    )
  })

  it('belong to one method', async () => {
    await using bus = new EventBus()

    await expect(bus.publish('order.paid', 1, { rethrow: true } as never)).rejects.toThrow(
      /rethrow: is not a known/,
    )
    await expect(bus.emit('order.paid', 1, { deliverAt: 1 } as never)).rejects.toThrow(
      /deliverAt: is not a known/,
    )
  })

  it.each([undefined, null, 'function', {}])('are not a handler: %s', async (handler) => {
    await using bus = new EventBus()

    expect(() => bus.on('order.paid', handler as never)).toThrow(/handler: expected a function/)
    expect(() => bus.on('order.paid', handler as never, { name: 'x' })).toThrow(
      /handler: expected a function/,
    )
    expect(bus.handlers()).toEqual([])
  })
})

describe('a handler that ends twice', () => {
  it('has ended once', async () => {
    const told: unknown[] = []
    await using bus = new EventBus({ onError: (error) => void told.push(error) })
    const twice = {
      // biome-ignore lint/suspicious/noThenProperty: that is what is tried.
      then(resolve: () => void, reject: (error: unknown) => void) {
        resolve()
        reject(new Error('ended already'))
        resolve()
      },
    }
    let isSlowDone = false
    bus.on('order.paid', () => twice)
    bus.on('order.paid', async () => {
      await new Promise((resolve) => setImmediate(resolve))
      isSlowDone = true
    })

    for (const round of [1, 2]) {
      isSlowDone = false
      expect(await bus.emit('order.paid', round)).toEqual({ handlers: 2, failures: [] })
      expect(isSlowDone).toBe(true)
    }
    expect(bus.dispatcher.inFlight).toBe(0)
    expect(told).toEqual([])
  })

  it('has ended once when it is the only one', async () => {
    await using bus = new EventBus({ onError: () => expect.fail('was told of something') })
    bus.on('order.paid', () => ({
      // biome-ignore lint/suspicious/noThenProperty: that is what is tried.
      then(resolve: () => void, reject: () => void) {
        resolve()
        reject()
        resolve()
      },
    }))

    for (const round of [1, 2])
      expect(await bus.emit('order.paid', round)).toEqual({ handlers: 1, failures: [] })
    await bus.idle()
    expect(bus.dispatcher.inFlight).toBe(0)
  })
})

describe('a handler that never ends', () => {
  it('keeps neither other events nor their handlers from being handled', async () => {
    const clock = fakeClock()
    const bus = new EventBus({ clock, onError: () => {} })
    const seen: unknown[] = []
    bus.on('order.stuck', () => new Promise(() => {}))
    bus.on('order.*', ({ data }) => void seen.push(data))

    await bus.publish('order.stuck', 1)
    await bus.publish('order.paid', 2)
    await clock.advance(0)
    expect(seen).toEqual([1, 2])

    const closing = bus.close({ deadlineMs: 100 })
    await clock.advance(100)
    await closing
  })

  it('keeps those of lower priority waiting, and those of its key', async () => {
    const clock = fakeClock()
    const bus = new EventBus({ clock, onError: () => {} })
    const seen: unknown[] = []
    bus.on('order.stuck', () => new Promise(() => {}), { priority: 100 })
    bus.on('order.*', ({ data }) => void seen.push(data), { priority: 1 })

    await bus.publish('order.stuck', 'of lower priority', { key: 'k' })
    await bus.publish('order.paid', 'of its key', { key: 'k' })
    await bus.publish('order.paid', 'of another key', { key: 'other' })
    await clock.advance(0)
    expect(seen).toEqual(['of another key'])

    const closing = bus.close({ deadlineMs: 100 })
    await clock.advance(100)
    await closing
  })
})

describe('a handler that blocks the event loop', () => {
  it('delays what comes after it, and loses nothing', async () => {
    await using bus = new EventBus()
    const seen: unknown[] = []
    bus.on('order.paid', ({ data }) => {
      const end = performance.now() + 30
      while (performance.now() < end);
      seen.push(data)
    })

    for (let n = 0; n < 5; n++) await bus.publish('order.paid', n)
    await bus.idle()

    expect(seen).toEqual([0, 1, 2, 3, 4])
  })

  it('has failed all the same when its time is over', async () => {
    await using bus = new EventBus({ onError: () => {} })
    bus.on(
      'order.paid',
      async () => {
        const end = performance.now() + 40
        while (performance.now() < end);
        await new Promise(() => {})
      },
      { timeoutMs: 20 },
    )

    const { failures } = await bus.emit('order.paid', 1)

    expect(failures[0]?.error.cause).toMatchObject({ code: 'EVENTSETS_HANDLER_TIMEOUT' })
  })
})

describe('handlers that publish without end', () => {
  async function depthOf(handle: (bus: EventBus, event: BusEvent, context: never) => unknown) {
    const told: { readonly cause?: unknown }[] = []
    await using bus = new EventBus({ onError: (error) => void told.push(error) })
    let deepest = 0
    bus.on('order.again', (event, context) => {
      deepest = Math.max(deepest, event.depth)
      return handle(bus, event, context as never)
    })

    const first = bus.publish('order.again', 1)
    await first
    await bus.idle()

    return { deepest, told }
  }

  it.each([
    ['bus.emit', (bus: EventBus) => bus.emit('order.again', 1, { rethrow: true })],
    ['bus.publish', (bus: EventBus) => bus.publish('order.again', 1)],
    ['a transaction', (bus: EventBus) => bus.transaction((tx) => tx.publish('order.again', 1))],
    [
      'context.emit',
      async (_bus: EventBus, _event: BusEvent, context: { emit: EventBus['emit'] }) => {
        await null
        await context.emit('order.again', 1, { rethrow: true })
      },
    ],
    [
      'context.publish, later',
      async (_bus: EventBus, _event: BusEvent, context: { publish: EventBus['publish'] }) => {
        await new Promise((resolve) => setImmediate(resolve))
        await context.publish('order.again', 1)
      },
    ],
  ] as const)('are stopped with a clear error: by %s', async (_, handle) => {
    const { told } = await depthOf(handle as never)

    const depthErrors = told.map((error) => rootOf(error)).filter(({ code }) => code === 'EVENTSETS_DEPTH')
    expect(depthErrors.length).toBeGreaterThan(0)
    expect(depthErrors[0]?.message).toContain('more than 64 deep')
    expect(depthErrors[0]?.hint).toContain('{ depth: 0 }')
  })

  it.each(['bus', 'context'] as const)('at a later time go on for ever, by the %s', async (by) => {
    const clock = fakeClock()
    await using bus = new EventBus({ clock, onError: () => {} })
    let ticks = 0
    bus.on('clock.tick', (_, context) => {
      ticks++
      const publisher = by === 'bus' ? bus : context
      return publisher.publish('clock.tick', ticks, { deliverAt: clock.now() + 60_000 })
    })

    await bus.publish('clock.tick', 0)
    await clock.advance(200 * 60_000)

    expect(ticks).toBe(201)
  })

  it('may go on where they say so, and starve nobody', async () => {
    await using bus = new EventBus()
    let links = 0
    let turns = 0
    bus.on('page.read', ({ data }) => {
      links++
      return (data as number) < 2000
        ? bus.publish('page.read', (data as number) + 1, { depth: 0 })
        : undefined
    })
    const timer = setInterval(() => turns++, 0)

    await bus.publish('page.read', 1)
    await bus.idle()
    clearInterval(timer)

    expect(links).toBe(2000)
    expect(turns).toBeGreaterThan(0)
  })
})

function rootOf(error: unknown): {
  readonly code?: string
  readonly message?: string
  readonly hint?: string
} {
  let inner = error as { cause?: unknown; errors?: unknown[] }
  for (let next: unknown = inner; next; next = inner.errors?.[0] ?? inner.cause) inner = next as typeof inner
  return inner as never
}

describe('a great many', () => {
  it('patterns: each event is handled by those that match, once', async () => {
    await using bus = new EventBus()
    const seen = new Map<string, number>()
    const patterns = Array.from(
      { length: 10_000 },
      (_, n) =>
        [`area${n}.*.done`, `area${n}.**`, `*.step${n}.done`, `area${n}.step${n}.done`][n % 4] as string,
    )
    const note = (pattern: string) => () => void seen.set(pattern, (seen.get(pattern) ?? 0) + 1)
    const offs = patterns.map((pattern) => bus.on(pattern, note(pattern)))

    for (let n = 0; n < 2000; n++) await bus.emit(`area${n}.step${n}.done`, n)

    expect(seen.size).toBe(2000)
    expect([...seen.values()].every((count) => count === 1)).toBe(true)
    for (const off of offs) off()
    await bus.emit('area1.step1.done', 1)
    expect(seen.get('area1.**')).toBe(1)
    expect(bus.handlers()).toEqual([])
  })

  it('names, while handlers come and go: each event is handled by those that listen', async () => {
    await using bus = new EventBus()
    let calls = 0
    bus.on('all.*', () => void calls++)
    let extra = 0

    for (let n = 0; n < 20_000; n++) {
      const off = n % 100 === 0 ? bus.on('all.**', () => void extra++) : undefined
      await bus.emit(`all.n${n}`, n)
      off?.()
    }

    expect([calls, extra]).toEqual([20_000, 200])
  })

  it('events that wait: all are handled, in order of their keys', async () => {
    await using bus = new EventBus()
    const last = new Map<string, number>()
    let calls = 0
    let isOrdered = true
    bus.on('order.*', ({ key = '', data }) => {
      calls++
      if ((last.get(key) ?? -1) >= (data as number)) isOrdered = false
      last.set(key, data as number)
    })
    await bus.pause()
    for (let from = 0; from < 100_000; from += 1000)
      await bus.publishAll(
        Array.from({ length: 1000 }, (_, index) => ({
          name: 'order.paid',
          data: from + index,
          options: { key: `key-${index % 97}` },
        })),
      )
    expect((await bus.backend.health()).queueDepth).toBe(100_000)

    await bus.resume()
    await bus.idle()

    expect([calls, isOrdered]).toEqual([100_000, true])
  })

  it('events at once: all of them are taken', async () => {
    await using bus = new EventBus()
    let calls = 0
    bus.on('order.*', () => void calls++)

    await bus.publishAll(Array.from({ length: 150_000 }, (_, n) => ({ name: 'order.paid', data: n })))
    await bus.idle()

    expect(calls).toBe(150_000)
  })

  it('handlers of one event: all of them run', async () => {
    await using bus = new EventBus()
    let calls = 0
    for (let n = 0; n < 5000; n++) bus.on('order.paid', async () => void calls++)

    const { handlers } = await bus.emit('order.paid', 1)
    await bus.publish('order.paid', 2)
    await bus.idle()

    expect([handlers, calls]).toEqual([5000, 10_000])
  })

  it('events do not keep timers and signals from having their turn', async () => {
    await using bus = new EventBus()
    let calls = 0
    bus.on('order.*', () => void calls++)
    await bus.publishAll(Array.from({ length: 20_000 }, (_, n) => ({ name: 'order.paid', data: n })))

    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))

    expect(calls).toBeGreaterThan(0)
    expect(calls).toBeLessThan(20_000)
    await bus.idle()
    expect(calls).toBe(20_000)
  })
})

describe('a process', () => {
  it('does not end by what handlers, filters, policies and listeners of errors do', () => {
    const { stdout, status } = run(`
      const problems = []
      process.on('unhandledRejection', (reason) => problems.push('rejection ' + String(reason)))
      process.on('uncaughtException', (error) => problems.push('exception ' + String(error)))
      const bus = new EventBus({ onError: async () => { throw new Error('onError') } })
      const retry = { maxAttempts: 2, baseDelayMs: 0, retryIf: () => { throw new Error('retryIf') } }
      bus.on('a.*', () => { throw undefined })
      bus.on('a.*', () => Promise.reject(Object.create(null)), { retry })
      bus.on('a.*', async () => { throw new Error('late') }, { timeoutMs: 1 })
      bus.on('a.*', () => new Promise((_, reject) => setTimeout(reject, 20)), { timeoutMs: 1 })
      bus.on('a.*', () => ({ then() { throw new Error('then') } }))
      bus.on('a.*', () => {}, { filter: () => { throw new Error('filter') } })
      bus.on('handler.failed', () => { throw new Error('handler of failures') })
      bus.batch('a.*', { maxSize: 2 }, () => Promise.reject(new Error('batch')))
      bus.once('never.comes')
      const stream = bus.stream('a.*', { bufferSize: 1, overflow: 'error' })
      for (let n = 0; n < 3; n++) await bus.publish('a.b', n)
      await bus.emit('a.b', 3)
      await bus.idle()
      await new Promise((resolve) => setTimeout(resolve, 50))
      await bus.close()
      console.log(JSON.stringify(problems))`)

    expect(stdout.trim()).toBe('[]')
    expect(status).toBe(0)
  })

  it('is not kept alive by a bus that is idle', () => {
    const { stdout, status } = run(`
      const bus = new EventBus({ timeoutMs: 30_000 })
      bus.on('a.*', () => console.log('handled'))
      await bus.publish('a.b', 1)`)

    expect(stdout.trim()).toBe('handled')
    expect(status).toBe(0)
  })

  it('is kept alive until what is to be tried again has been', () => {
    const { stdout } = run(`
      const bus = new EventBus()
      const retry = { maxAttempts: 2, baseDelayMs: 50, jitter: 'none' }
      bus.on('a.*', (_, { attempt }) => { console.log(attempt); if (attempt < 2) throw new Error('no route') }, { retry })
      await bus.publish('a.b', 1)`)

    expect(stdout.trim()).toBe('1\n2')
  })
})

/** Runs a program with the package as it is built. */
function run(text: string) {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'eventsets'))
  const file = join(folder, 'program.mjs')
  writeFileSync(file, `import { EventBus } from 'eventsets/bus'\n${text}\n`)
  return spawnSync(process.execPath, [file], { encoding: 'utf8', cwd: folder, timeout: 30_000 })
}
