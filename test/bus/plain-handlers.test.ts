import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type BusEvent, EventBus } from '../../src/bus/index.ts'

/** Emits until a name is known and its handlers are no longer timed each time: from then on it takes the fastest way. */
async function warmUp(bus: EventBus, name: string): Promise<void> {
  for (let times = 0; times < 300; times++) await bus.emit(name, { warm: true })
}

describe('a name that is emitted again and again', () => {
  it('reaches who begins to listen in between, and not who has gone', async () => {
    const bus = new EventBus()
    const seen: string[] = []
    const off = bus.on('tick', () => seen.push('first'))
    await warmUp(bus, 'tick')
    seen.length = 0

    await bus.emit('tick', 1)
    const offAll = bus.on('*', () => seen.push('all'))
    await bus.emit('tick', 2)
    off()
    await bus.emit('tick', 3)
    offAll()
    await bus.emit('tick', 4)

    expect(seen).toEqual(['first', 'first', 'all', 'all'])
  })

  it('reaches its own handlers, and those of the name before it do not get it', async () => {
    const bus = new EventBus()
    const seen: string[] = []
    bus.on('one', ({ name, data }) => seen.push(`one: ${name} ${data}`))
    bus.on('two', ({ name, data }) => seen.push(`two: ${name} ${data}`))
    for (const name of ['one', 'two']) await warmUp(bus, name)
    seen.length = 0

    for (const [index, name] of ['one', 'two', 'two', 'one'].entries()) await bus.emit(name, index)

    expect(seen).toEqual(['one: one 0', 'two: two 1', 'two: two 2', 'one: one 3'])
  })

  it('is refused once the bus is closed, and reaches nobody while it is paused', async () => {
    const bus = new EventBus()
    let calls = 0
    bus.on('tick', () => {
      calls++
    })
    await warmUp(bus, 'tick')
    calls = 0

    await bus.pause()
    await bus.emit('tick', 1)
    await bus.resume()
    await bus.emit('tick', 2)
    await bus.close()

    await expect(bus.emit('tick', 3)).rejects.toMatchObject({ code: 'EVENTSETS_BUS_CLOSED' })
    expect(calls).toBe(1)
  })

  it('counts every event and every call', async () => {
    const bus = new EventBus({ onError: () => {} })
    bus.on('tick', function odd({ data }) {
      if (data === 'throw') throw new Error('no')
      return data === 'reject' ? Promise.reject(new Error('no')) : undefined
    })
    for (const data of ['warm', 'throw', 'reject'])
      for (let at = 0; at < 300; at++) await bus.emit('tick', data)

    const { byEvent, byHandler } = await bus.metrics()

    expect(byEvent.find(({ name }) => name === 'tick')).toMatchObject({
      published: 900,
      handled: 300,
      failed: 600,
    })
    expect(byHandler.find(({ name }) => name === 'odd')).toMatchObject({ calls: 900, failures: 600 })
  })

  it('is emitted by its own handler no deeper than the limit', async () => {
    const bus = new EventBus()
    let calls = 0
    let refused: unknown
    bus.on('again', async ({ data }) => {
      if (data !== 'deep') return
      calls++
      await bus.emit('again', 'deep').catch((error) => {
        refused ??= error
      })
    })
    await warmUp(bus, 'again')

    await bus.emit('again', 'deep')
    const first = calls
    await bus.emit('again', 'deep')

    expect(refused).toMatchObject({ code: 'EVENTSETS_DEPTH' })
    expect(calls).toBe(2 * first)
  })

  it('can be emitted after handlers that have thrown as deep as before', async () => {
    const bus = new EventBus({ onError: () => {} })
    let isFailing = false
    bus.on('tick', () => {
      if (isFailing) throw new Error('no')
    })
    await warmUp(bus, 'tick')

    isFailing = true
    for (let times = 0; times < 300; times++) await bus.emit('tick', 1)
    isFailing = false

    expect(await bus.emit('tick', 1)).toEqual({ handlers: 1, failures: [] })
  })
})

describe('a plain handler', () => {
  it.each([1, 3])('is called without a this, also as one of %i', async (handlers) => {
    const bus = new EventBus()
    const seen = new Set<unknown>()
    for (let at = 0; at < handlers; at++)
      bus.on('tick', function withThis(this: unknown) {
        seen.add(this)
      })

    await warmUp(bus, 'tick')

    expect([...seen]).toEqual([undefined])
  })

  it.each([1, 3])('may give what only looks like a promise, also as one of %i', async (handlers) => {
    const bus = new EventBus({ onError: () => {} })
    const odd = {
      twice: {
        // biome-ignore lint/suspicious/noThenProperty: that is what it is about.
        then: (resolve: () => void, reject: (error: Error) => void) => {
          resolve()
          resolve()
          reject(new Error('too late'))
        },
      },
      throwing: {
        // biome-ignore lint/suspicious/noThenProperty: that is what it is about.
        then: () => {
          throw new Error('then throws')
        },
      },
      unreadable: {
        // biome-ignore lint/suspicious/noThenProperty: that is what it is about.
        get then() {
          throw new Error('unreadable')
        },
      },
    }
    for (let at = 0; at < handlers; at++) bus.on('tick', ({ data }) => odd[data as keyof typeof odd])
    await warmUp(bus, 'tick')

    const reports = []
    for (const kind of Object.keys(odd)) reports.push(await bus.emit('tick', kind))
    await bus.idle()

    expect(
      reports.map(({ failures }) => failures.map(({ error }) => (error.cause as Error).message)),
    ).toEqual([[], Array(handlers).fill('then throws'), Array(handlers).fill('unreadable')])
  })

  it('is waited for when it is the only one, by emit and by idle', async () => {
    const bus = new EventBus()
    let release = () => {}
    let ended = false
    bus.on('tick', async ({ data }) => {
      if (data !== 'wait') return
      await new Promise<void>((resolve) => {
        release = resolve
      })
      ended = true
    })
    await warmUp(bus, 'tick')

    const emitted = bus.emit('tick', 'wait')
    const idle = bus.idle().then(() => ended)
    await nextTurn()
    expect(ended).toBe(false)
    release()

    expect(await emitted).toEqual({ handlers: 1, failures: [] })
    expect(await idle).toBe(true)
  })
})

describe('the report of an event', () => {
  it.each([0, 1, 3])('cannot be changed for the next one, with %i handlers', async (handlers) => {
    const bus = new EventBus()
    for (let at = 0; at < handlers; at++) bus.on('tick', () => {})
    const report = await bus.emit('tick', 1)

    expect(() => Object.assign(report, { handlers: 99 })).toThrow(TypeError)
    expect(() => (report.failures as unknown[]).push('mine')).toThrow(TypeError)
    expect(await bus.emit('tick', 2)).toEqual({ handlers, failures: [] })
  })
})

describe('events that are emitted together', () => {
  it('have ids in their order, in whatever order somebody asks for them', async () => {
    const bus = new EventBus()
    const events: BusEvent[] = []
    bus.on('tick', (event) => {
      events.push(event)
    })
    for (let at = 0; at < 1000; at++) await bus.emit('tick', at)

    const ids = [...events].reverse().map(({ id }) => id)

    expect([...ids].sort()).toEqual([...ids].reverse())
    expect(new Set(ids).size).toBe(1000)
  })

  it('do not get earlier, and those of another turn of the event loop are told its time', async () => {
    const bus = new EventBus()
    const times: number[] = []
    bus.on('tick', ({ time }) => {
      times.push(time)
    })
    for (let turn = 0; turn < 5; turn++) {
      const before = Date.now()
      for (let at = 0; at < 100; at++) await bus.emit('tick', at)
      expect(times.at(-100)).toBeGreaterThanOrEqual(before)
      expect(times.at(-1)).toBeLessThanOrEqual(Date.now())
      // What a turn shares has been given up when the next but one begins.
      await nextTurn()
      await nextTurn()
    }

    expect(times).toEqual([...times].sort((a, b) => a - b))
  })

  it('have the time of a clock of one’s own each', async () => {
    let now = 1000
    const bus = new EventBus({ clock: { now: () => now++, delay: () => () => {} } })
    const times: number[] = []
    bus.on('tick', ({ time }) => {
      times.push(time)
    })
    for (let at = 0; at < 300; at++) await bus.emit('tick', at)

    expect(times).toHaveLength(new Set(times).size)
  })
})

describe('very many handlers', () => {
  it('are all called, though not all ways can be remembered', async () => {
    const bus = new EventBus()
    let calls = 0
    for (let at = 0; at < 20_000; at++)
      bus.on('*', () => {
        calls++
      })

    for (let at = 0; at < 5; at++) await bus.emit(`name.n${at}`, at)
    for (let at = 0; at < 5; at++) await bus.emit(`name.n${at}`, at)

    expect(calls).toBe(200_000)
  })
})
