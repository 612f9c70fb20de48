import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type BusEvent, EventBus, Priority, type PublishError } from '../../src/bus/index.ts'
import { fakeClock, recordingBackend } from '../../src/testing/index.ts'

describe('publish', () => {
  it('hands the event to everybody who listens, after it has resolved or before', async () => {
    await using bus = new EventBus()
    const seen: string[] = []
    bus.on('order.paid', ({ data }) => seen.push(`one ${data}`))
    bus.on('order.paid', async ({ data }) => seen.push(`two ${data}`))
    bus.on('order.lost', () => seen.push('never'))

    await bus.publish('order.paid', 17)
    await bus.idle()

    expect(seen).toEqual(['one 17', 'two 17'])
  })

  it('does not call handlers before it returns', async () => {
    await using bus = new EventBus()
    const seen: string[] = []
    bus.on('order.paid', () => seen.push('handler'))

    const published = bus.publish('order.paid', 17)
    seen.push('publisher')
    await published
    await bus.idle()

    expect(seen).toEqual(['publisher', 'handler'])
  })

  it('resolves when the backend has taken the event, whatever the handlers do', async () => {
    await using bus = new EventBus({ onError: () => {} })
    bus.on('order.paid', () => {
      throw new Error('no route')
    })
    bus.on('order.paid', async () => {
      throw new Error('no paper')
    })

    const event = await bus.publish('order.paid', 17)

    expect(event.name).toBe('order.paid')
    await bus.idle()
    expect(await bus.deadLetters.list()).toHaveLength(2)
  })

  it('rejects when the backend does not take the event, and tells why', async () => {
    const backend = {
      ...recordingBackend(),
      publish: async () => {
        throw new TypeError('disk is full')
      },
    }
    await using bus = new EventBus({ backend })

    const error: PublishError = await bus.publish('order.paid', 17).then(
      () => undefined as never,
      (thrown) => thrown,
    )

    expect(error).toMatchObject({ name: 'PublishError', code: 'EVENTSETS_PUBLISH' })
    expect(error.message).toBe('order.paid could not be published: disk is full')
    expect(error.cause).toBeInstanceOf(TypeError)
  })

  it('publishes several events together, in their order', async () => {
    const backend = recordingBackend()
    await using bus = new EventBus({ backend })

    const events = await bus.publishAll([
      { name: 'order.paid', data: 1 },
      { name: 'order.sent', data: 2, options: { key: '17' } },
    ])

    expect(events.map(({ name }) => name)).toEqual(['order.paid', 'order.sent'])
    expect(backend.publishedEvents.map(({ data }) => data)).toEqual([1, 2])
  })

  it('publishes none of several events when one of them is wrong', async () => {
    const backend = recordingBackend()
    await using bus = new EventBus({ backend })

    const publishing = bus.publishAll([
      { name: 'order.paid', data: 1 },
      { name: 'order paid', data: 2 },
    ])

    await expect(publishing).rejects.toMatchObject({ code: 'EVENTSETS_EVENT_NAME' })
    expect(backend.publishedEvents).toEqual([])
  })

  it('keeps an event for later until its time', async () => {
    const clock = fakeClock()
    await using bus = new EventBus({ clock })
    const seen: unknown[] = []
    bus.on('order.late', ({ data }) => seen.push(data))

    await bus.publish('order.late', 'by number', { deliverAt: clock.now() + 60_000 })
    await bus.publish('order.late', 'by date', { deliverAt: new Date(clock.now() + 90_000) })
    await bus.publish('order.late', 'at once')
    await clock.advance(59_999)
    expect(seen).toEqual(['at once'])
    await clock.advance(1)
    expect(seen).toEqual(['at once', 'by number'])
    await clock.advance(30_000)
    expect(seen).toEqual(['at once', 'by number', 'by date'])
  })

  it('does not take an event for later where the backend cannot keep it', async () => {
    const memory = recordingBackend()
    const backend = { ...memory, features: { ...memory.features, delay: false } }
    await using bus = new EventBus({ backend })

    const publishing = bus.publish('order.late', 1, { deliverAt: Date.now() + 1000 })

    await expect(publishing).rejects.toMatchObject({ code: 'EVENTSETS_UNSUPPORTED' })
    expect(memory.publishedEvents).toEqual([])
  })

  it('does not hand over an event again that is published again with its id', async () => {
    await using bus = new EventBus()
    const seen: unknown[] = []
    bus.on('order.paid', ({ data }) => seen.push(data))

    await bus.publish('order.paid', 'first', { id: 'order-17-paid' })
    await bus.publish('order.paid', 'second', { id: 'order-17-paid' })
    await bus.idle()

    expect(seen).toEqual(['first'])
  })
})

describe('emit', () => {
  it('calls the handlers of this bus at once, and resolves when they have ended', async () => {
    await using bus = new EventBus()
    const seen: string[] = []
    bus.on('order.paid', () => seen.push('sync'))
    bus.on('order.paid', async () => {
      await null
      seen.push('async')
    })

    const emitted = bus.emit('order.paid', 17)
    expect(seen).toEqual(['sync'])
    const report = await emitted

    expect(seen).toEqual(['sync', 'async'])
    expect(report).toEqual({ handlers: 2, failures: [] })
  })

  it('gives nothing to the backend', async () => {
    const backend = recordingBackend()
    await using bus = new EventBus({ backend })

    await bus.emit('order.paid', 17)

    expect(backend.publishedEvents).toEqual([])
  })

  it('reaches nobody without harm', async () => {
    await using bus = new EventBus()

    expect(await bus.emit('order.paid', 17)).toEqual({ handlers: 0, failures: [] })
  })

  it('reaches no other bus on the same backend', async () => {
    const backend = recordingBackend()
    await using one = new EventBus({ backend, source: 'one' })
    await using other = new EventBus({ backend, source: 'other' })
    const seen: string[] = []
    one.on('order.paid', () => seen.push('one'))
    other.on('order.paid', () => seen.push('other'))

    await one.emit('order.paid', 17)
    expect(seen).toEqual(['one'])

    await one.publish('order.paid', 17)
    await Promise.all([one.idle(), other.idle()])
    expect(seen).toEqual(['one', 'one', 'other'])
  })
})

describe('an event', () => {
  it('has everything that is known about it', async () => {
    const clock = fakeClock()
    await using bus = new EventBus({ clock, source: 'shop' })
    const seen: BusEvent[] = []
    bus.on('order.paid', (event) => void seen.push(event))

    const { id } = await bus.publish('order.paid', { total: 5 })
    await bus.publish('order.paid', null, {
      id: 'my-own',
      source: 'till',
      correlationId: 'request-1',
      causationId: 'click-9',
      key: '17',
      priority: Priority.HIGH,
      time: 1_700_000_000_000,
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    })
    await bus.idle()

    expect(seen.map((event) => event.toJSON())).toEqual([
      {
        id,
        name: 'order.paid',
        data: { total: 5 },
        source: 'shop',
        time: clock.now(),
        correlationId: id,
        priority: 50,
      },
      {
        id: 'my-own',
        name: 'order.paid',
        data: null,
        source: 'till',
        time: 1_700_000_000_000,
        correlationId: 'request-1',
        causationId: 'click-9',
        key: '17',
        priority: 75,
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      },
    ])
  })

  it('has an id of UUID version 7 that sorts by time, and then in order of publishing', async () => {
    const clock = fakeClock()
    await using bus = new EventBus({ clock })
    const ids: string[] = []
    for (let n = 0; n < 300; n++) {
      if (n % 100 === 99) await clock.advance(1)
      ids.push((await bus.publish('order.paid', n)).id)
    }

    expect(ids).toEqual([...ids].sort())
    expect(new Set(ids).size).toBe(300)
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(Number.parseInt((ids[0] as string).replaceAll('-', '').slice(0, 12), 16)).toBe(clock.now() - 3)
  })

  it('cannot be changed', async () => {
    await using bus = new EventBus()
    const event = await bus.publish('order.paid', { total: 5 })

    for (const key of ['id', 'name', 'data', 'source', 'time', 'key', 'correlationId'])
      expect(() => Object.assign(event, { [key]: 'other' })).toThrow(TypeError)
    expect(event.data).toEqual({ total: 5 })
  })

  it('is the same for every handler, and shows itself in a log', async () => {
    await using bus = new EventBus()
    const seen: BusEvent[] = []
    bus.on('order.paid', (event) => void seen.push(event))
    bus.on('order.paid', (event) => void seen.push(event), { priority: 1 })

    await bus.emit('order.paid', { total: 5 })

    expect(seen[0]).toBe(seen[1])
    expect(inspect(seen[0])).toContain("name: 'order.paid'")
    expect(JSON.parse(JSON.stringify(seen[0]))).toMatchObject({ name: 'order.paid', data: { total: 5 } })
  })

  it('that follows from another one through the context knows where it comes from', async () => {
    await using bus = new EventBus()
    const seen: BusEvent[] = []
    // Taken apart or not, it is the same.
    bus.on('order.*', async (event, context) => {
      const { emit } = context
      seen.push(event)
      if (event.name === 'order.placed') await context.publish('order.paid', 17)
      if (event.name === 'order.paid') await emit('order.sent', 17)
    })

    const placed = await bus.publish('order.placed', 17, { correlationId: 'request-1' })
    await bus.idle()

    const [, paid, sent] = seen as [BusEvent, BusEvent, BusEvent]
    expect(seen.map(({ correlationId }) => correlationId)).toEqual(['request-1', 'request-1', 'request-1'])
    expect(paid).toMatchObject({ causationId: placed.id, depth: 1 })
    expect(sent).toMatchObject({ causationId: paid.id, depth: 2 })
  })
})

describe('on and off', () => {
  it('gives a function that ends the subscription, and no other one of the same handler', async () => {
    await using bus = new EventBus()
    const seen: string[] = []
    const handler = () => seen.push('handler')
    const first = bus.on('order.paid', handler)
    bus.on('order.paid', () => seen.push('between'))
    bus.on('order.paid', handler)

    first()
    first()
    await bus.emit('order.paid', 1)

    expect(seen).toEqual(['between', 'handler'])
  })

  it('ends a subscription with off, with its signal, and with using', async () => {
    await using bus = new EventBus()
    const seen: string[] = []
    const named = () => seen.push('named')
    const controller = new AbortController()
    bus.on('order.paid', named)
    bus.on('order.paid', () => seen.push('signal'), { signal: controller.signal })
    {
      using _ = bus.on('order.paid', () => seen.push('using'))
      await bus.emit('order.paid', 1)
    }
    expect(seen.splice(0)).toEqual(['named', 'signal', 'using'])

    controller.abort()
    expect(bus.off('order.paid', named)).toBe(true)
    expect(bus.off('order.paid', named)).toBe(false)
    await bus.emit('order.paid', 2)

    expect(seen).toEqual([])
    expect(bus.handlers()).toEqual([])
  })

  it('ends 50,000 subscriptions of one pattern, which takes no longer for each than for a few', async () => {
    await using bus = new EventBus()
    const handlers = Array.from({ length: 50_000 }, () => () => expect.fail('was called'))
    for (const handler of handlers) bus.on('order.paid', handler)

    expect(handlers.every((handler) => bus.off('order.paid', handler))).toBe(true)

    expect(bus.handlers()).toEqual([])
    expect(bus.off('order.paid', handlers[0] as () => void)).toBe(false)
    expect(await bus.emit('order.paid', 1)).toEqual({ handlers: 0, failures: [] })
  })

  it('does not begin what has a signal that is aborted', async () => {
    await using bus = new EventBus()

    bus.on('order.paid', () => expect.fail('was called'), { signal: AbortSignal.abort() })
    await bus.emit('order.paid', 1)

    expect(bus.handlers()).toEqual([])
  })

  it('lets many subscriptions share one signal without a warning', async () => {
    await using bus = new EventBus()
    const warnings: Error[] = []
    const note = (warning: Error) => warnings.push(warning)
    process.on('warning', note)
    const controller = new AbortController()

    for (let n = 0; n < 50; n++) bus.on('order.paid', () => {}, { signal: controller.signal })
    await new Promise((resolve) => setImmediate(resolve))
    controller.abort()
    process.off('warning', note)

    expect(bus.handlers()).toEqual([])
    expect(warnings).toEqual([])
  })

  it('takes away a handler that was given with options, the last one first', async () => {
    await using bus = new EventBus()
    const seen: unknown[] = []
    const handler = (event: BusEvent) => seen.push(event.data)
    bus.on('order.*', handler, { name: 'first' })
    bus.on('order.*', handler, { name: 'second' })

    bus.off('order.*', handler)

    expect(bus.handlers().map(({ name }) => name)).toEqual(['first'])
  })

  it('never calls a handler again once it has been taken away', async () => {
    await using bus = new EventBus()
    const seen: string[] = []
    const off: (() => void)[] = []
    bus.on('order.paid', () => {
      seen.push('first')
      for (const each of off) each()
    })
    off.push(bus.on('order.paid', () => seen.push('bare')))
    off.push(bus.on('order.paid', () => seen.push('with options'), { priority: Priority.LOW }))

    await bus.emit('order.paid', 1)
    expect(seen).toEqual(['first'])
  })

  it('counts in the report only those that were called', async () => {
    await using bus = new EventBus({ onError: () => {} })
    let off = () => {}
    bus.on('order.paid', () => off())
    off = bus.on('order.paid', () => expect.fail('was called'))
    bus.on('order.paid', async () => {})
    expect(await bus.emit('order.paid', 1)).toEqual({ handlers: 2, failures: [] })

    off = bus.on('order.paid', () => expect.fail('was called'))
    bus.on('order.paid', async () => {
      throw new Error('no route')
    })
    const { handlers, failures } = await bus.emit('order.paid', 2)
    expect([handlers, failures.length]).toEqual([3, 1])
  })

  it('does not call a handler for an event that was on its way when it began to listen', async () => {
    await using bus = new EventBus()
    const seen: string[] = []
    bus.on('order.paid', () => {
      seen.push('first')
      if (seen.length === 1) bus.on('order.paid', () => seen.push('late'))
    })

    await bus.emit('order.paid', 1)
    expect(seen).toEqual(['first'])
    await bus.emit('order.paid', 2)
    expect(seen).toEqual(['first', 'first', 'late'])
  })

  it('lets a handler take itself away while it runs', async () => {
    await using bus = new EventBus()
    const seen: number[] = []
    const off = bus.on('order.paid', ({ data }) => {
      seen.push(data as number)
      off()
    })

    await bus.emit('order.paid', 1)
    await bus.emit('order.paid', 2)

    expect(seen).toEqual([1])
  })
})

describe('once', () => {
  it('rejects when the bus closes before its event has come, and says so', async () => {
    const bus = new EventBus()
    const event = bus.once('order.paid')

    await bus.close()

    await expect(event).rejects.toMatchObject({
      code: 'EVENTSETS_BUS_CLOSED',
      message: 'The bus was closed before the event came.',
    })
  })

  it('calls a handler once, however many events come together', async () => {
    await using bus = new EventBus()
    const seen: unknown[] = []
    bus.once('order.paid', async ({ data }) => {
      seen.push(data)
      await null
    })

    await Promise.all([bus.emit('order.paid', 1), bus.emit('order.paid', 2), bus.publish('order.paid', 3)])
    await bus.idle()

    expect(seen).toEqual([1])
    expect(bus.handlers()).toEqual([])
  })

  it('calls a handler of on() once that asks for it', async () => {
    await using bus = new EventBus()
    const seen: unknown[] = []
    bus.on('order.paid', ({ data }) => void seen.push(data), { once: true })

    await bus.publish('order.paid', 1)
    await bus.publish('order.paid', 2)
    await bus.idle()

    expect(seen).toEqual([1])
    expect(bus.handlers()).toEqual([])
  })

  it('waits for an event that its filter lets through', async () => {
    await using bus = new EventBus()
    const seen: unknown[] = []
    bus.once('order.paid', ({ data }) => void seen.push(data), { filter: { path: 'data.total', eq: 5 } })

    for (const total of [1, 5, 5]) await bus.emit('order.paid', { total })

    expect(seen).toEqual([{ total: 5 }])
  })

  it.each(['emit', 'publish'] as const)('tries its one event again with %s', async (method) => {
    await using bus = new EventBus()
    const attempts: number[] = []
    bus.once(
      'order.paid',
      (_, { attempt }) => {
        attempts.push(attempt)
        if (attempt < 3) throw new Error('not yet')
      },
      { retry: { maxAttempts: 3, baseDelayMs: 1 } },
    )

    await bus[method]('order.paid', 1)
    await bus.idle()
    await bus.emit('order.paid', 2)

    expect(attempts).toEqual([1, 2, 3])
    expect(bus.handlers()).toEqual([])
    expect(await bus.deadLetters.list()).toEqual([])
  })

  it('can be taken away by its handler, and by the function it gives', async () => {
    await using bus = new EventBus()
    const handler = () => expect.fail('was called')
    bus.once('order.paid', handler)
    const off = bus.once('order.paid', handler)

    expect(bus.off('order.paid', handler)).toBe(true)
    off()
    off()
    expect(bus.off('order.paid', handler)).toBe(true)
    await bus.emit('order.paid', 1)
  })

  it('gives a promise of the event without a handler', async () => {
    await using bus = new EventBus()

    const paid = bus.once('order.*')
    await bus.publish('order.paid', 17)

    expect((await paid).name).toBe('order.paid')
    expect(bus.handlers()).toEqual([])
  })

  it('rejects its promise when its signal is aborted', async () => {
    await using bus = new EventBus()
    const controller = new AbortController()

    const paid = bus.once('order.paid', { signal: controller.signal })
    controller.abort(new Error('too late'))

    await expect(paid).rejects.toThrow('too late')
    await expect(bus.once('order.paid', { signal: controller.signal })).rejects.toThrow('too late')
    expect(bus.handlers()).toEqual([])
  })

  it('rejects its promise when the bus closes', async () => {
    const bus = new EventBus()
    const paid = bus.once('order.paid')

    await bus.close()

    await expect(paid).rejects.toMatchObject({ code: 'EVENTSETS_BUS_CLOSED' })
  })
})
