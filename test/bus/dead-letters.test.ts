import { describe, expect, it } from 'vitest'
import { EventBus, memoryBackend, Priority } from '../../src/bus/index.ts'
import { fakeClock } from '../../src/testing/index.ts'

/** A bus with a handler that fails until it is mended. */
function openShop() {
  const clock = fakeClock()
  const bus = new EventBus({ clock, source: 'shop', onError: () => {} })
  const seen: unknown[] = []
  const state = { isBroken: true }
  bus.on(
    'order.*',
    async ({ data }) => {
      if (state.isBroken) throw new Error('no route')
      seen.push(data)
    },
    { name: 'mail' },
  )
  return { clock, bus, seen, state }
}

describe('a dead letter', () => {
  it('is kept with the event, the handler, the group, the reason, the attempts and the time', async () => {
    const { bus, clock } = openShop()
    await using _ = bus
    const event = await bus.publish('order.paid', { id: 17 }, { key: '17', priority: Priority.HIGH })
    await bus.idle()

    expect(await bus.deadLetters.list()).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        event: event.toJSON(),
        group: 'shop',
        handler: 'mail',
        reason: 'no route',
        attempts: 1,
        time: clock.now(),
      },
    ])
  })

  it('is kept for each handler that has failed, and for no other one', async () => {
    const { bus } = openShop()
    await using _ = bus
    bus.on('order.paid', () => Promise.reject(new Error('no paper')), { name: 'print' })
    bus.on('order.paid', () => {}, { name: 'fine' })

    await bus.publish('order.paid', 17)
    await bus.idle()

    expect((await bus.deadLetters.list()).map(({ handler, reason }) => [handler, reason])).toEqual([
      ['mail', 'no route'],
      ['print', 'no paper'],
    ])
  })

  it('is kept of an event that was published, not of one that was emitted', async () => {
    const { bus } = openShop()
    await using _ = bus

    await bus.emit('order.paid', 17)

    expect(await bus.deadLetters.list()).toEqual([])
  })

  it('is listed by pattern, the oldest first, not more than asked for', async () => {
    const { bus } = openShop()
    await using _ = bus
    for (const name of ['order.paid', 'order.sent', 'order.paid']) await bus.publish(name, name)
    await bus.idle()
    const names = async (query?: Parameters<typeof bus.deadLetters.list>[0]) =>
      (await bus.deadLetters.list(query)).map(({ event }) => event.name)

    expect(await names()).toEqual(['order.paid', 'order.sent', 'order.paid'])
    expect(await names({ pattern: '*.sent' })).toEqual(['order.sent'])
    expect(await names({ limit: 1 })).toEqual(['order.paid'])
  })
})

describe('replay', () => {
  it('keeps in memory what nobody is there for any more, and says so', async () => {
    const backend = memoryBackend()
    const shop = new EventBus({ source: 'shop', backend, onError: () => {} })
    await using mails = new EventBus({ source: 'mails', backend })
    shop.on('order.paid', () => Promise.reject(new Error('no route')), { name: 'pay' })
    mails.on('order.sent', () => {})
    await shop.publish('order.paid', 1)
    await shop.idle()
    await shop.close()
    const [letter] = await mails.deadLetters.list()

    expect(await mails.deadLetters.replayAll()).toBe(0)
    await expect(mails.deadLetters.replay(letter?.id as string)).rejects.toMatchObject({
      code: 'EVENTSETS_HANDLER',
      message: `Nobody of the group "shop" is there to handle the dead letter "${letter?.id}": it stays.`,
    })
    expect(await mails.deadLetters.list()).toEqual([letter])
  })

  it('hands the event to its handler again, and to no other one', async () => {
    const { bus, seen, state } = openShop()
    await using _ = bus
    const others: unknown[] = []
    bus.on('order.paid', ({ data }) => void others.push(data))
    await bus.publish('order.paid', 17)
    await bus.idle()
    const [letter] = await bus.deadLetters.list()
    state.isBroken = false

    await bus.deadLetters.replay(letter?.id as string)
    await bus.idle()

    expect(seen).toEqual([17])
    expect(others).toEqual([17])
    expect(await bus.deadLetters.list()).toEqual([])
  })

  it('keeps the letter when the handler fails again', async () => {
    const { bus } = openShop()
    await using _ = bus
    const event = await bus.publish('order.paid', 17)
    await bus.idle()
    const [first] = await bus.deadLetters.list()

    await bus.deadLetters.replay(first?.id as string)
    await bus.idle()

    const again = await bus.deadLetters.list()
    expect(again).toHaveLength(1)
    expect(again[0]?.event.id).toBe(event.id)
    expect(again[0]?.id).not.toBe(first?.id)
  })

  it('does not run handlers of lower priority once more', async () => {
    const { bus, state } = openShop()
    await using _ = bus
    let calls = 0
    bus.on('order.paid', () => void calls++, { priority: Priority.LOW })
    await bus.publish('order.paid', 17)
    await bus.idle()
    state.isBroken = false

    await bus.deadLetters.replayAll()
    await bus.idle()

    expect(calls).toBe(1)
  })

  it('hands all letters of a pattern to their handlers, and tells how many', async () => {
    const { bus, seen, state } = openShop()
    await using _ = bus
    for (const name of ['order.paid', 'order.sent', 'order.paid']) await bus.publish(name, name)
    await bus.idle()
    state.isBroken = false

    expect(await bus.deadLetters.replayAll({ pattern: 'order.paid' })).toBe(2)
    await bus.idle()
    expect(seen).toEqual(['order.paid', 'order.paid'])
    expect(await bus.deadLetters.replayAll()).toBe(1)
    expect(await bus.deadLetters.replayAll()).toBe(0)
    await bus.idle()
    expect(seen).toHaveLength(3)
  })

  it('goes to the group whose handler has failed, not to others on the same backend', async () => {
    const backend = memoryBackend()
    await using shop = new EventBus({ backend, source: 'shop', onError: () => {} })
    await using stock = new EventBus({ backend, source: 'stock' })
    const calls = { shop: 0, stock: 0 }
    const handle = (who: 'shop' | 'stock') => () => {
      calls[who]++
      if (who === 'shop') throw new Error('no route')
    }
    shop.on('order.paid', handle('shop'), { name: 'same' })
    stock.on('order.paid', handle('stock'), { name: 'same' })
    await shop.publish('order.paid', 17)
    await shop.idle()

    await stock.deadLetters.replayAll()
    await shop.idle()

    expect(calls).toEqual({ shop: 2, stock: 1 })
  })

  it('keeps the letter, and tells, when its handler does not listen any more', async () => {
    const told: string[] = []
    await using bus = new EventBus({ onError: ({ message }) => void told.push(message) })
    const off = bus.on('order.paid', () => Promise.reject(new Error('no route')), { name: 'mail' })
    await bus.publish('order.paid', 17)
    await bus.idle()
    off()

    await bus.deadLetters.replayAll()
    await bus.idle()

    expect(await bus.deadLetters.list()).toMatchObject([
      { handler: 'mail', reason: 'No handler of this name listens any more.' },
    ])
    expect(told.at(-1)).toBe(
      'The handler "mail" of "order.paid" has failed: No handler of this name listens any more.',
    )
  })

  it('does not know what is not there', async () => {
    const { bus } = openShop()
    await using _ = bus
    const refusal = { name: 'NotFoundError', code: 'EVENTSETS_NOT_FOUND', missing: 'x' }

    await expect(bus.deadLetters.replay('x')).rejects.toMatchObject(refusal)
    await expect(bus.deadLetters.drop('x')).rejects.toMatchObject(refusal)
  })
})

describe('drop', () => {
  it('forgets a letter', async () => {
    const { bus } = openShop()
    await using _ = bus
    await bus.publish('order.paid', 1)
    await bus.publish('order.paid', 2)
    await bus.idle()
    const [first, second] = await bus.deadLetters.list()

    await bus.deadLetters.drop(first?.id as string)

    expect(await bus.deadLetters.list()).toEqual([second])
  })
})

describe('an event that nobody can handle', () => {
  it('because its name is none ends as a dead letter, and others go on', async () => {
    const backend = memoryBackend()
    await using bus = new EventBus({ backend, source: 'shop', onError: () => {} })
    const seen: unknown[] = []
    bus.on('order.*', ({ data }) => void seen.push(data))
    const stored = (await bus.publish('order.paid', 1)).toJSON()

    // What another program has put there.
    await backend.publish([{ ...stored, id: 'foreign', name: 'no such name' }])
    await bus.publish('order.paid', 2)
    await bus.idle()

    expect(seen).toEqual([1, 2])
    expect(await bus.deadLetters.list()).toMatchObject([
      {
        handler: undefined,
        event: { id: 'foreign' },
        reason: expect.stringContaining('not the name of an event'),
      },
    ])
  })
})
