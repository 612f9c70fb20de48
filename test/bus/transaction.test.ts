import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest'
import {
  type BusEvent,
  EventBus,
  type EventBusOptions,
  memoryBackend,
  type Outbox,
  type StoredEvent,
  type TransactionPublisher,
} from '../../src/bus/index.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { gate } from './sqlite-files.ts'

interface Opened {
  readonly bus: EventBus
  /** What was handed to the backend, call by call. */
  readonly published: string[][]
  /** What was handled. */
  readonly seen: unknown[]
}

function openBus(options: EventBusOptions = {}): Opened {
  const backend = memoryBackend()
  const published: string[][] = []
  const watched = {
    ...backend,
    async publish(events: readonly StoredEvent[]) {
      published.push(events.map(({ name }) => name))
      await backend.publish(events)
    },
  }
  const bus = new EventBus({ backend: watched, ...options })
  onTestFinished(() => bus.close({ deadlineMs: 100 }))
  const seen: unknown[] = []
  bus.on('**', ({ data }) => void seen.push(data))
  return { bus, published, seen }
}

/** Counts up whenever it is asked, so that what is made first is first. */
const numberSchema = {
  '~standard': {
    version: 1 as const,
    vendor: 'test',
    validate: (value: unknown) =>
      typeof value === 'string'
        ? { value: Number(value) }
        : { issues: [{ message: 'expected a number as a text' }] },
  },
}

describe('a transaction', () => {
  it('publishes everything together when it succeeds, in the order of the calls, and gives what its function gives', async () => {
    const { bus, published, seen } = openBus()

    const result = await bus.transaction(async (tx) => {
      await tx.publish('order.placed', 1)
      await bus.publish('order.paid', 2)
      await bus.publishAll([
        { name: 'order.packed', data: 3 },
        { name: 'order.sent', data: 4 },
      ])
      expect(published).toEqual([])
      return 'done'
    })
    await bus.idle()

    expect(result).toBe('done')
    expect(published).toEqual([['order.placed', 'order.paid', 'order.packed', 'order.sent']])
    expect(seen).toEqual([1, 2, 3, 4])
  })

  it('publishes nothing when its function throws, and rejects with what that has thrown', async () => {
    const { bus, published } = openBus()
    const failure = new Error('no stock')

    const transaction = bus.transaction(async (tx) => {
      await tx.publish('order.placed', 1)
      throw failure
    })

    await expect(transaction).rejects.toBe(failure)
    expect(published).toEqual([])
  })

  it('takes a function that is not asynchronous, and that throws at once', async () => {
    const { bus } = openBus()

    expect(await bus.transaction(() => 7)).toBe(7)
    const transaction = bus.transaction(() => {
      throw new Error('at once')
    })
    await expect(transaction).rejects.toThrow('at once')
  })

  it('gives the event at once, with the id under which it will be published', async () => {
    const { bus } = openBus()
    const ids: string[] = []
    bus.on('order.*', ({ id }) => void ids.push(id))

    let event: BusEvent | undefined
    await bus.transaction(async (tx) => {
      event = await tx.publish('order.placed', 1, { key: 'k' })
    })
    await bus.idle()

    expect(event).toMatchObject({ name: 'order.placed', data: 1, key: 'k' })
    expect(ids).toEqual([event?.id])
  })

  it('publishes nothing when nothing was published in it', async () => {
    const { bus, published } = openBus()

    await bus.transaction(() => {})

    expect(published).toEqual([])
  })

  it('hands over data as its schema has made it, once', async () => {
    const { bus, seen } = openBus({ schemas: { 'order.placed': numberSchema } })

    await bus.transaction(async (tx) => {
      await tx.publish('order.placed', '17')
      await bus.publish('order.placed', '18')
    })
    await bus.idle()

    expect(seen).toEqual([17, 18])
  })

  it('checks an event when it is published in it', async () => {
    const { bus, published } = openBus({ schemas: { 'order.placed': numberSchema } })

    const transaction = bus.transaction(async (tx) => {
      await expect(tx.publish('order.placed', {})).rejects.toMatchObject({ code: 'EVENTSETS_INVALID_EVENT' })
      await expect(bus.publish('no name', 1)).rejects.toMatchObject({ code: 'EVENTSETS_EVENT_NAME' })
      await expect(tx.publish('order.x', 1, { kye: 1 } as never)).rejects.toMatchObject({
        code: 'EVENTSETS_INVALID_OPTIONS',
      })
      await tx.publish('order.placed', '1')
    })

    // All of them or none, whoever has caught what.
    await expect(transaction).rejects.toMatchObject({ code: 'EVENTSETS_INVALID_EVENT' })
    expect(published).toEqual([])
  })

  it.each<[string, (bus: EventBus, tx: TransactionPublisher) => unknown]>([
    ['its argument', (_, tx) => tx.publish('no name', 1)],
    ['the bus', (bus) => bus.publish('no name', 1)],
    ['the bus, several at once', (bus) => bus.publishAll([{ name: 'no name', data: 1 }])],
    ['a wrong option', (_, tx) => tx.publish('order.paid', 1, { kye: 1 } as never)],
  ])('fails with what was refused of %s, even if its publisher does not wait', async (_, publish) => {
    const { bus, published } = openBus()

    const transaction = bus.transaction(async (tx) => {
      void tx.publish('order.placed', 1)
      void publish(bus, tx)
      void tx.publish('order.sent', 1)
    })

    await expect(transaction).rejects.toThrow(/no name|kye/)
    expect(published).toEqual([])
  })

  it('that throws is all that is heard of what it has begun to publish', async () => {
    const { bus, published } = openBus()

    const transaction = bus.transaction((tx) => {
      void tx.publish('order.placed', 1)
      void bus.publish('order.paid', 1)
      void bus.transaction(() => bus.publish('order.sent', 1)).catch(() => {})
      throw new Error('no stock')
    })

    await expect(transaction).rejects.toThrow('no stock')
    expect(published).toEqual([])
  })

  it('keeps the time at which each event is to be delivered', async () => {
    const clock = fakeClock()
    const bus = new EventBus({ backend: memoryBackend({ clock }), clock })
    const seen: unknown[] = []
    bus.on('order.*', ({ data }) => void seen.push(data))
    await bus.transaction(async (tx) => {
      await tx.publish('order.reminder', 'later', { deliverAt: clock.now() + 60_000 })
      await bus.publish('order.reminder', 'later still', { deliverAt: new Date(clock.now() + 120_000) })
      await tx.publish('order.placed', 'now')
    })

    await clock.advance(59_999)
    expect(seen).toEqual(['now'])
    await clock.advance(1)
    expect(seen).toEqual(['now', 'later'])
    await clock.advance(60_000)
    expect(seen).toEqual(['now', 'later', 'later still'])
    await bus.close()
  })

  it('takes what its function has begun to publish and does not wait for', async () => {
    const checking = gate()
    const slow = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: async (value: unknown) => {
          await checking.opened
          return { value }
        },
      },
    }
    const { bus, seen } = openBus({ schemas: { 'order.slow': slow } })

    const transaction = bus.transaction((tx) => {
      void tx.publish('order.slow', 'first')
      void bus.publish('order.placed', 'second')
    })
    checking.open()
    await transaction
    await bus.idle()

    expect(seen).toEqual(['first', 'second'])
  })

  it('takes nothing once it has ended, and what the bus publishes later is published by itself', async () => {
    const { bus, published } = openBus()
    const ended = gate()
    let late: Promise<unknown> | undefined
    let later: Promise<unknown> | undefined
    await bus.transaction((tx) => {
      late = ended.opened.then(() => tx.publish('order.late', 1))
      later = ended.opened.then(() => bus.publish('order.later', 1))
    })
    ended.open()

    await expect(late).rejects.toMatchObject({
      code: 'EVENTSETS_TRANSACTION',
      hint: expect.stringContaining('Wait for all'),
    })
    await later
    expect(published).toEqual([['order.later']])
  })

  it('takes nothing once it has failed, even what was begun before', async () => {
    const checking = gate()
    const slow = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: async (value: unknown) => {
          await checking.opened
          return { value }
        },
      },
    }
    const { bus, published } = openBus({ schemas: { 'order.slow': slow } })
    let pending: Promise<unknown> | undefined

    const transaction = bus.transaction((tx) => {
      pending = tx.publish('order.slow', 1)
      throw new Error('no')
    })
    await expect(transaction).rejects.toThrow('no')
    checking.open()

    await expect(pending).rejects.toMatchObject({ code: 'EVENTSETS_TRANSACTION' })
    expect(published).toEqual([])
  })

  it('does not mix with others that run at the same time', async () => {
    const { bus, published } = openBus()
    const bothRun = gate()
    let running = 0
    const run = (name: string, isFailing: boolean) =>
      bus.transaction(async () => {
        await bus.publish(`${name}.one`, 1)
        if (++running === 3) bothRun.open()
        await bothRun.opened
        await bus.publish(`${name}.two`, 2)
        if (isFailing) throw new Error(name)
      })

    const results = await Promise.allSettled([run('a', false), run('b', true), run('c', false)])

    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(published.sort()).toEqual([
      ['a.one', 'a.two'],
      ['c.one', 'c.two'],
    ])
  })

  it('leaves out handlers that run meanwhile: what they publish is theirs', async () => {
    const { bus, published } = openBus()
    const handled = gate()
    bus.on('outside.began', async (_, context) => {
      await context.publish('outside.followed', 1)
      await bus.publish('outside.followed.too', 1)
      handled.open()
    })

    const transaction = bus.transaction(async (tx) => {
      await tx.publish('inside', 1)
      await handled.opened
      throw new Error('undone')
    })
    await bus.publish('outside.began', 1)
    await expect(transaction).rejects.toThrow('undone')
    await bus.idle()

    expect(published).toEqual([['outside.began'], ['outside.followed'], ['outside.followed.too']])
  })

  it('rejects when the backend does not take the events', async () => {
    const backend = memoryBackend({ maxQueueDepth: 1, overflow: 'error' })
    const bus = new EventBus({ backend, onError: () => {} })
    bus.on('order.*', () => {})
    await bus.pause()
    await bus.publish('order.placed', 0)

    const transaction = bus.transaction(async (tx) => {
      await tx.publish('order.placed', 1)
      await tx.publish('order.placed', 2)
    })

    await expect(transaction).rejects.toMatchObject({ name: 'PublishError', code: 'EVENTSETS_PUBLISH' })
    await bus.close({ deadlineMs: 0 })
  })

  it('publishes nothing when the bus closes before it has ended, and says so', async () => {
    const { bus, published } = openBus()
    const closed = gate()

    const transaction = bus.transaction(async (tx) => {
      await tx.publish('order.placed', 1)
      await closed.opened
    })
    await bus.close()
    closed.open()

    await expect(transaction).rejects.toMatchObject({ code: 'EVENTSETS_BUS_CLOSED' })
    await expect(bus.transaction(() => {})).rejects.toMatchObject({ code: 'EVENTSETS_BUS_CLOSED' })
    expect(published).toEqual([])
  })

  it('publishes what follows from an event in hand while the bus closes', async () => {
    const bus = new EventBus()
    const seen: unknown[] = []
    const begun = gate()
    const closing = gate()
    bus.on('order.placed', async (event, context) => {
      begun.open()
      await closing.opened
      await context.transaction((tx) => tx.publish('order.paid', event.id))
    })
    bus.on('order.paid', ({ data, causationId }) => seen.push(data === causationId))
    await bus.publish('order.placed', 1)
    await begun.opened

    const closed = bus.close()
    closing.open()
    await closed

    expect(seen).toEqual([true])
    const late = bus.transaction((tx) => tx.publish('order.paid', 2))
    await expect(late).rejects.toMatchObject({ code: 'EVENTSETS_BUS_CLOSED' })
  })

  it('that never ends holds up nobody: neither publishers nor the end of the bus', async () => {
    const { bus, seen } = openBus()
    void bus.transaction(async (tx) => {
      await tx.publish('order.placed', 'never')
      await new Promise(() => {})
    })
    await bus.publish('order.placed', 'other')
    await bus.idle()
    await bus.close()

    expect(seen).toEqual(['other'])
  })
})

describe('a transaction inside another one', () => {
  it('is published with the outer one, in the order of the calls', async () => {
    const { bus, published } = openBus()

    await bus.transaction(async (outer) => {
      await outer.publish('one', 1)
      const inner = await bus.transaction(async (tx) => {
        await tx.publish('two', 2)
        await outer.publish('three', 3)
        return 'inner'
      })
      expect(inner).toBe('inner')
      expect(published).toEqual([])
      await bus.publish('four', 4)
    })

    expect(published).toHaveLength(1)
    expect([...(published[0] ?? [])].sort()).toEqual(['four', 'one', 'three', 'two'])
    expect(published[0]?.[0]).toBe('one')
    expect(published[0]?.at(-1)).toBe('four')
  })

  it('publishes nothing when the outer one throws', async () => {
    const { bus, published } = openBus()

    const transaction = bus.transaction(async () => {
      await bus.transaction((tx) => tx.publish('inner', 1))
      throw new Error('outer')
    })

    await expect(transaction).rejects.toThrow('outer')
    expect(published).toEqual([])
  })

  it('publishes nothing of its own when it throws and the outer one goes on', async () => {
    const { bus, published } = openBus()

    await bus.transaction(async (outer) => {
      await outer.publish('before', 1)
      const inner = bus.transaction(async (tx) => {
        await tx.publish('inner', 2)
        throw new Error('inner')
      })
      await expect(inner).rejects.toThrow('inner')
      await outer.publish('after', 3)
    })

    expect(published).toEqual([['before', 'after']])
  })
})

describe('a transaction with an outbox', () => {
  function recordingOutbox(): Outbox<string> & { readonly written: [string, string[]][] } {
    const written: [string, string[]][] = []
    return {
      written,
      async write(handle, events) {
        written.push([handle, events.map(({ name }) => name)])
      },
    }
  }

  it('is written there, with its handle, and not published', async () => {
    const { bus, published } = openBus()
    const outbox = recordingOutbox()

    await bus.transaction(
      async (tx) => {
        await tx.publish('order.placed', 1)
        await bus.transaction((inner) => inner.publish('order.paid', 2))
        await bus.transaction((inner) => inner.publish('order.sent', 3), { outbox, handle: 'connection 7' })
      },
      { outbox, handle: 'connection 7' },
    )

    expect(outbox.written).toEqual([['connection 7', ['order.placed', 'order.paid', 'order.sent']]])
    expect(published).toEqual([])
  })

  it('writes nothing when its function throws, and when nothing was published', async () => {
    const { bus } = openBus()
    const outbox = recordingOutbox()
    const target = { outbox, handle: 'connection' }

    await bus.transaction(() => {}, target)
    const failing = bus.transaction(async (tx) => {
      await tx.publish('order.placed', 1)
      throw new Error('no')
    }, target)

    await expect(failing).rejects.toThrow('no')
    expect(outbox.written).toEqual([])
  })

  it('rejects when it cannot be written, so that the caller takes everything back', async () => {
    const { bus } = openBus()
    const outbox: Outbox<string> = {
      write() {
        throw new Error('relation "outbox" does not exist')
      },
    }

    const transaction = bus.transaction((tx) => tx.publish('order.placed', 1), { outbox, handle: 'c' })

    await expect(transaction).rejects.toMatchObject({
      name: 'PublishError',
      message: expect.stringContaining('relation "outbox" does not exist'),
    })
  })

  it('may not be inside one that goes elsewhere: half of it would be stored with the rows', async () => {
    const { bus, published } = openBus()
    const outbox = recordingOutbox()

    await bus.transaction(async (tx) => {
      await tx.publish('outer', 1)
      const inner = bus.transaction((each) => each.publish('inner', 1), { outbox, handle: 'c' })
      await expect(inner).rejects.toMatchObject({ code: 'EVENTSETS_TRANSACTION' })
    })
    const other = bus.transaction(
      () => bus.transaction((each) => each.publish('inner', 1), { outbox, handle: 'another' }),
      { outbox, handle: 'c' },
    )

    await expect(other).rejects.toMatchObject({ code: 'EVENTSETS_TRANSACTION' })
    expect(published).toEqual([['outer']])
    expect(outbox.written).toEqual([])
  })
})

describe('the types of a transaction', () => {
  it('know the events of the bus', () => {
    interface Events {
      'order.placed': { readonly total: number }
      'order.sent': { readonly to: string }
    }
    const check = async (bus: EventBus<Events>) => {
      const result = await bus.transaction(async (tx) => {
        const event = await tx.publish('order.placed', { total: 1 })
        expectTypeOf(event.data).toEqualTypeOf<{ readonly total: number }>()
        // @ts-expect-error: the data of another event.
        await tx.publish('order.placed', { to: 'x' })
        // @ts-expect-error: no event of this bus.
        await tx.publish('order.lost', {})
        return 7
      })
      expectTypeOf(result).toEqualTypeOf<number>()
    }
    expect(check).toBeTypeOf('function')
  })
})
