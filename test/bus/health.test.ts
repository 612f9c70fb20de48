import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type BusBackend,
  type BusHealth,
  EventBus,
  type EventBusOptions,
  type HealthHandlerOptions,
  healthHandler,
  memoryBackend,
  startHealthMonitor,
} from '../../src/bus/index.ts'
import { AlreadyExistsError, ValidationError } from '../../src/core/errors.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'

/** A memory backend that says of its health what a test wants. */
function backendThat(health: BusBackend['health']): BusBackend {
  return { ...memoryBackend(), name: 'postgres', health }
}

const calm = {
  status: 'healthy',
  reasons: [],
  queueDepth: 0,
  inFlight: 0,
  lagMs: 0,
  deadLetters: 0,
  groups: [],
} as const

/** Calls a handler of that name so often; the last ones fail. */
async function run(bus: EventBus, name: string, succeeding: number, failing: number): Promise<void> {
  let left = succeeding
  bus.on(
    name,
    () => {
      if (left-- <= 0) throw new Error('no')
    },
    { name },
  )
  for (let at = 0; at < succeeding + failing; at++) await bus.emit(name, at)
}

describe('health', () => {
  it('is healthy, with every check it has made', async () => {
    const clock = fakeClock()
    const health = await new EventBus({ clock }).health()

    expect(health).toEqual({
      status: 'healthy',
      reasons: [],
      checks: {
        bus: { status: 'healthy', reasons: [] },
        backend: { status: 'healthy', reasons: [], details: { inFlight: 0, deadLetters: 0 } },
        queue: { status: 'healthy', reasons: [], details: { queueDepth: 0 } },
        lag: { status: 'healthy', reasons: [], details: { lagMs: 0 } },
        handlers: { status: 'healthy', reasons: [] },
      },
      time: clock.now(),
    })
  })

  it('has the status of the worst check, and the reasons of all', async () => {
    const backend = backendThat(async () => ({ ...calm, status: 'degraded', reasons: ['The disk is slow.'] }))
    const bus = new EventBus({
      backend,
      health: {
        checks: {
          disk: () => {
            throw new Error('full')
          },
        },
      },
    })

    const { status, reasons } = await bus.health()

    expect(status).toBe('unhealthy')
    expect(reasons).toEqual(['The disk is slow.', 'The check "disk" has failed: full'])
  })

  it('refuses wrong options', async () => {
    const health = new EventBus().health({ timeoutMs: -1, timeout: 5 } as never)

    await expect(health).rejects.toThrow(ValidationError)
    await expect(health).rejects.toThrow(/timeoutMs: .*\n.*timeout: .*did you mean "timeoutMs"/)
  })

  it('is plain data', async () => {
    const bus = new EventBus({ onError: () => {} })
    await run(bus, 'charge', 0, 20)

    const health = await bus.health()

    expect(JSON.parse(JSON.stringify(health))).toEqual(health)
  })

  describe('of the backend', () => {
    it('is unhealthy when it does not answer in time', async () => {
      const clock = fakeClock()
      const bus = new EventBus({
        clock,
        backend: backendThat(() => new Promise(() => {})),
        health: { timeoutMs: 300 },
      })

      const asked = bus.health()
      await clock.advance(300)

      const { status, reasons } = await asked
      expect(status).toBe('unhealthy')
      expect(reasons).toEqual(['The backend "postgres" has not answered within 300 ms.'])
    })

    it.each([
      ['rejects', () => Promise.reject(new Error('connection refused'))],
      [
        'throws at once',
        () => {
          throw new Error('connection refused')
        },
      ],
    ])('is unhealthy when it %s', async (_, ask) => {
      const { status, reasons } = await new EventBus({ backend: backendThat(ask) }).health()

      expect(status).toBe('unhealthy')
      expect(reasons).toEqual(['The backend "postgres" has failed: connection refused'])
    })

    it('asks once for all who ask at the same time', async () => {
      let asked = 0
      const backend = backendThat(async () => {
        asked++
        return calm
      })
      const bus = new EventBus({ backend })

      const [one, other] = await Promise.all([bus.health(), bus.health()])
      expect(asked).toBe(1)
      expect(one).toBe(other)

      await bus.health()
      expect(asked).toBe(2)
    })
  })

  describe('of the queue', () => {
    it.each([
      [9_999, 'healthy'],
      [10_000, 'degraded'],
      [1_000_000, 'degraded'],
    ])('with %i events waiting is %s', async (queueDepth, status) => {
      const bus = new EventBus({ backend: backendThat(async () => ({ ...calm, queueDepth })) })

      expect(await bus.health()).toMatchObject({ status, checks: { queue: { status } } })
    })

    it.each([
      [59_999, 'healthy'],
      [60_000, 'degraded'],
    ])('with a lag of %i ms is %s', async (lagMs, status) => {
      const bus = new EventBus({ backend: backendThat(async () => ({ ...calm, lagMs })) })

      expect(await bus.health()).toMatchObject({ status, checks: { lag: { status } } })
    })

    it('looks at what waits for the group of the bus, not for others', async () => {
      const mails = { name: 'mails', queueDepth: 20_000, inFlight: 0, lagMs: 90_000 }
      const shop = { name: 'shop', queueDepth: 7, inFlight: 1, lagMs: 30 }
      const answer = { ...calm, queueDepth: 20_007, lagMs: 90_000, groups: [mails, shop] }
      const backend = backendThat(async () => answer)

      const ours = await new EventBus({ backend, source: 'shop' }).health()
      const theirs = await new EventBus({ backend, source: 'mails' }).health()

      expect(ours).toMatchObject({
        status: 'healthy',
        checks: { queue: { details: { queueDepth: 7 } }, lag: { details: { lagMs: 30 } } },
      })
      expect(theirs).toMatchObject({
        status: 'degraded',
        reasons: ['20000 events are waiting.', 'The oldest waiting event has waited for 90000 ms.'],
      })
    })

    it('tells when events wait, and the bus has handlers but was never started', async () => {
      const kept = { ...calm, queueDepth: 3 }
      const backend = {
        ...backendThat(async () => kept),
        features: { ...memoryBackend().features, durable: true },
      }
      const bus = new EventBus({ backend })
      expect(await bus.health()).toMatchObject({ status: 'healthy' })
      bus.on('order.paid', () => {})

      const { status, reasons } = await bus.health()

      expect({ status, reasons }).toEqual({
        status: 'degraded',
        reasons: [
          '3 events are waiting, and this bus has handlers, but was never started, or could not be: call start().',
        ],
      })
    })

    it('tells it as well when it could not be started, until it has been', async () => {
      let isAway = true
      const memory = memoryBackend()
      const backend: BusBackend = {
        ...memory,
        features: { ...memory.features, durable: true },
        health: async () => ({ ...calm, queueDepth: 1 }),
        consume: (consumer) => (isAway ? Promise.reject(new Error('away')) : memory.consume(consumer)),
      }
      await using bus = new EventBus({ backend, onError: () => {} })
      bus.on('order.paid', () => {})
      await expect(bus.start()).rejects.toThrow('away')

      expect((await bus.health()).status).toBe('degraded')
      isAway = false
      await bus.start()
      expect((await bus.health()).status).toBe('healthy')
    })

    it('tells of one event that waits as of one', async () => {
      const backend = backendThat(async () => ({ ...calm, queueDepth: 1 }))
      const bus = new EventBus({ backend, health: { queueDepth: { degraded: 1 } } })

      expect((await bus.health()).reasons).toEqual(['1 event is waiting.'])
    })

    it('has limits of your own, also for unhealthy', async () => {
      const backend = backendThat(async () => ({ ...calm, queueDepth: 50, lagMs: 100 }))
      const health = { queueDepth: { degraded: 10, unhealthy: 50 }, lagMs: { degraded: 101 } }
      const bus = new EventBus({ backend, health })

      const { checks, reasons } = await bus.health()

      expect(checks).toMatchObject({ queue: { status: 'unhealthy' }, lag: { status: 'healthy' } })
      expect(reasons).toEqual(['50 events are waiting.'])
    })

    it('is read from a real backend with events that nobody handles', async () => {
      const clock = fakeClock()
      const bus = new EventBus({ clock, health: { queueDepth: { degraded: 2 }, lagMs: { degraded: 5000 } } })
      bus.on('order.paid', () => {})
      await bus.publish('order.paid', 1)
      await bus.idle()
      await bus.pause()
      await bus.publish('order.paid', 2)
      await bus.publish('order.paid', 3)
      await clock.advance(5000)

      expect((await bus.health()).reasons).toEqual([
        'The bus is paused: no event is handled.',
        '2 events are waiting.',
        'The oldest waiting event has waited for 5000 ms.',
      ])
    })
  })

  describe('of handlers', () => {
    it('is degraded when a tenth of the last calls has failed, and names the handler', async () => {
      const bus = new EventBus({ onError: () => {} })
      await run(bus, 'charge', 90, 10)

      const { status, reasons } = await bus.health()

      expect(status).toBe('degraded')
      expect(reasons).toEqual(['The handler "charge" of "charge" has failed in 10 of its last 100 calls.'])
    })

    it('is healthy below that', async () => {
      const bus = new EventBus({ onError: () => {} })
      await run(bus, 'charge', 91, 9)

      expect((await bus.health()).status).toBe('healthy')
    })

    it('says nothing of a handler with few calls', async () => {
      const bus = new EventBus({ onError: () => {} })
      await run(bus, 'charge', 0, 9)
      expect((await bus.health()).status).toBe('healthy')

      await bus.emit('charge', 1)
      expect((await bus.health()).status).toBe('degraded')
    })

    it('forgets failures that are long past', async () => {
      const bus = new EventBus({ onError: () => {} })
      let isBroken = true
      bus.on('charge', () => {
        if (isBroken) throw new Error('no')
      })
      for (let at = 0; at < 100; at++) await bus.emit('charge', at)
      isBroken = false

      for (let at = 0; at < 90; at++) await bus.emit('charge', at)
      expect((await bus.health()).status).toBe('degraded')

      await bus.emit('charge', 1)
      expect((await bus.health()).status).toBe('healthy')
    })

    it('counts right however many calls have failed before', async () => {
      const bus = new EventBus({ onError: () => {}, health: { failureWindow: 1000 } })
      await run(bus, 'charge', 0, 2500)

      expect((await bus.health()).reasons).toEqual([
        'The handler "charge" of "charge" has failed in 1000 of its last 1000 calls.',
      ])
    })

    it('counts tries that are retried', async () => {
      const clock = fakeClock()
      const bus = new EventBus({ clock })
      let calls = 0
      bus.on(
        'charge',
        () => {
          if (++calls % 2 === 1) throw new Error('every other time')
        },
        { name: 'flaky', retry: { maxAttempts: 2, baseDelayMs: 1, jitter: 'none' } },
      )
      for (let at = 0; at < 10; at++) {
        const done = bus.emit('charge', at)
        await clock.advance(1)
        await done
      }

      expect((await bus.health()).reasons).toEqual([
        'The handler "flaky" of "charge" has failed in 10 of its last 20 calls.',
      ])
    })

    it('has limits of your own', async () => {
      const health = { failureShare: { degraded: 0.5, unhealthy: 1 }, failureWindow: 10, leastCalls: 2 }
      const bus = new EventBus({ onError: () => {}, health })
      await run(bus, 'first', 1, 1)
      await run(bus, 'second', 0, 2)

      const { status, checks } = await bus.health()

      expect(status).toBe('unhealthy')
      expect(checks['handlers']?.reasons).toEqual([
        'The handler "second" of "second" has failed in 2 of its last 2 calls.',
        'The handler "first" of "first" has failed in 1 of its last 2 calls.',
      ])
    })

    it('has nothing to do with handlers that are gone', async () => {
      const bus = new EventBus({ onError: () => {} })
      const off = bus.on('charge', () => {
        throw new Error('no')
      })
      for (let at = 0; at < 20; at++) await bus.emit('charge', at)
      expect((await bus.health()).status).toBe('degraded')

      off()
      expect((await bus.health()).status).toBe('healthy')
    })

    it('names the worst ones, and counts the others', async () => {
      const bus = new EventBus({ onError: () => {} })
      for (let at = 0; at < 7; at++) await run(bus, `handler${at}`, at, 20)

      const { reasons } = await bus.health()

      expect(reasons).toHaveLength(6)
      expect(reasons[0]).toContain('"handler0"')
      expect(reasons[5]).toBe('2 more handlers are failing.')
    })
  })

  describe('of the bus', () => {
    it('is degraded while it is paused', async () => {
      const bus = new EventBus()

      await bus.pause()
      expect(await bus.health()).toMatchObject({
        status: 'degraded',
        reasons: ['The bus is paused: no event is handled.'],
      })

      await bus.resume()
      expect((await bus.health()).status).toBe('healthy')
    })

    it('is unhealthy once it is closed, which is all there is to say', async () => {
      const bus = new EventBus({ health: { checks: { disk: () => 'degraded' } } })
      await bus.close()

      const { status, reasons, checks } = await bus.health()

      expect(status).toBe('unhealthy')
      expect(reasons).toEqual(['The bus is closed.'])
      expect(Object.keys(checks)).toEqual(['bus'])
    })
  })
})

describe('a check of your own', () => {
  it.each([
    ['nothing', () => {}, 'healthy', []],
    ['a promise of nothing', async () => {}, 'healthy', []],
    ['a status', () => 'healthy' as const, 'healthy', []],
    [
      'a bad status without a reason',
      () => 'degraded' as const,
      'degraded',
      ['The check "disk" says degraded.'],
    ],
    [
      'a result',
      async () => ({ status: 'degraded' as const, reasons: ['The disk is nearly full.'] }),
      'degraded',
      ['The disk is nearly full.'],
    ],
    ['a result without a status', () => ({ details: { freeBytes: 5 } }), 'healthy', []],
    ['a rejection', () => Promise.reject('broken'), 'unhealthy', ['The check "disk" has failed: broken']],
    [
      'something else',
      () => true as never,
      'unhealthy',
      ['The check "disk" has given neither a status nor nothing.'],
    ],
    ['null', () => null as never, 'unhealthy', ['The check "disk" has given neither a status nor nothing.']],
    [
      'a status that is none',
      () => 'fine' as never,
      'unhealthy',
      ['The check "disk" has given neither a status nor nothing.'],
    ],
  ])('that gives %s', async (_, check, status, reasons) => {
    const bus = new EventBus()
    bus.addHealthCheck('disk', check)

    const health = await bus.health()

    expect(health.status).toBe(status)
    expect(health.checks['disk']).toMatchObject({ status, reasons })
  })

  it.each([
    ['a text', 'It is full.', ['It is full.']],
    ['other values', [1, null, { a: 1 }, 2n], ['1', 'null', '[object Object]', '2']],
    ['what acts on a terminal', ['\u001b[31mred'], ['\\u{1b}[31mred']],
  ])('has its reasons as texts that gives %s', async (_, given, reasons) => {
    const bus = new EventBus()
    bus.addHealthCheck('disk', () => ({ status: 'degraded', reasons: given as never }))

    expect((await bus.health()).checks['disk']?.reasons).toEqual(reasons)
    expect((await bus.health()).reasons).toEqual(reasons)
  })

  it('has details that can be sent, whatever it gives', async () => {
    const circular: { [name: string]: unknown } = { freeBytes: 5n, at: new Date(0), rate: Number.NaN }
    circular['self'] = circular
    circular['tags'] = new Set(['a'])
    circular['failed'] = new Error('no')
    circular['broken'] = {
      get it() {
        throw new Error('trap')
      },
    }
    const bus = new EventBus()
    bus.addHealthCheck('disk', () => ({ details: circular }))
    bus.addHealthCheck('list', () => ({ details: [1] as never }))

    const { checks } = await bus.health()

    expect(checks['disk']?.details).toEqual({
      freeBytes: '5',
      at: '1970-01-01T00:00:00.000Z',
      rate: 'NaN',
      self: '[circular]',
      tags: ['a'],
      failed: 'no',
      broken: '[unreadable]',
    })
    expect(checks['list']?.details).toEqual({ value: [1] })
    expect(JSON.parse(JSON.stringify(checks))).toEqual(checks)
  })

  it('tells details', async () => {
    const bus = new EventBus()
    bus.addHealthCheck('disk', () => ({ details: { freeBytes: 5 } }))

    expect((await bus.health()).checks['disk']?.details).toEqual({ freeBytes: 5 })
  })

  it('has a time of its own; then its signal is aborted and it counts as unhealthy', async () => {
    const clock = fakeClock()
    const bus = new EventBus({ clock })
    let given: AbortSignal | undefined
    bus.addHealthCheck(
      'slow',
      (signal) => {
        given = signal
        return new Promise(() => {})
      },
      { timeoutMs: 20 },
    )
    bus.addHealthCheck('other', () => new Promise(() => {}))

    const asked = bus.health({ timeoutMs: 100 })
    await clock.advance(20)
    expect(given?.aborted).toBe(true)
    await clock.advance(80)

    expect((await asked).reasons).toEqual([
      'The check "slow" has not ended within 20 ms.',
      'The check "other" has not ended within 100 ms.',
    ])
  })

  it('can be taken away', async () => {
    const bus = new EventBus()
    const remove = bus.addHealthCheck('disk', () => 'unhealthy')

    remove()

    expect((await bus.health()).checks).not.toHaveProperty('disk')
  })

  it('stays when an earlier one of its name is taken away twice', async () => {
    const bus = new EventBus()
    const remove = bus.addHealthCheck('disk', () => 'unhealthy')
    remove()
    bus.addHealthCheck('disk', () => 'degraded')

    remove()

    expect((await bus.health()).status).toBe('degraded')
  })

  it.each(['backend', 'disk'])('cannot have the name of another one: %s', (name) => {
    const bus = new EventBus({ health: { checks: { disk: () => {} } } })

    expect(() => bus.addHealthCheck(name, () => {})).toThrow(AlreadyExistsError)
  })

  it('tells all that is wrong with it', () => {
    const add = () => new EventBus().addHealthCheck('', 5 as never, { timeoutMs: 0 })

    expect(add).toThrow(ValidationError)
    expect(add).toThrow(/timeoutMs: .*\n.*name: .*\n.*check: /)
  })
})

it('wrong options for health are told with all others of the bus', () => {
  const health = {
    timeoutMs: -1,
    queueDepth: { degraded: 'many' },
    failureShare: { degraded: 10 },
    failureWindow: 5000,
    leastCalls: 0,
    checks: { disk: 'df', backend: () => {} },
    treshold: 1,
  }
  const create = () => new EventBus({ health, concurrency: 0 } as unknown as EventBusOptions)

  expect(create).toThrow(ValidationError)
  for (const place of [
    'concurrency: ',
    'health.timeoutMs: ',
    'health.queueDepth.degraded: ',
    'health.failureShare.degraded: ',
    'health.failureWindow: ',
    'health.leastCalls: ',
    'health.checks.disk: ',
    'health.checks.backend: is the name of a check that every bus has',
    'health.treshold: is not a known key',
  ])
    expect(create).toThrow(place)
})

describe('startHealthMonitor', () => {
  const watch = (options: EventBusOptions = {}) => {
    const clock = fakeClock()
    const bus = new EventBus({ clock, ...options })
    let status: BusHealth['status'] = 'healthy'
    bus.addHealthCheck('disk', () => status)
    const changes: string[] = []
    const monitor = startHealthMonitor(bus, {
      intervalMs: 1000,
      onChange: (health, previous) => changes.push(`${previous?.status ?? 'new'} → ${health.status}`),
    })
    return { clock, bus, changes, monitor, turn: (to: BusHealth['status']) => (status = to) }
  }

  it('tells each change of the status once', async () => {
    const { clock, changes, turn } = watch()

    await clock.advance(2000)
    expect(changes).toEqual([])

    turn('degraded')
    await clock.advance(3000)
    turn('unhealthy')
    await clock.advance(3000)
    turn('healthy')
    await clock.advance(3000)

    expect(changes).toEqual(['healthy → degraded', 'degraded → unhealthy', 'unhealthy → healthy'])
  })

  it('looks at once, and tells a bus that is not healthy from the beginning', async () => {
    const { clock, changes, turn, monitor } = watch()
    turn('degraded')

    await clock.advance(0)

    expect(changes).toEqual(['new → degraded'])
    expect(monitor.latest?.status).toBe('degraded')
  })

  it('waits for a slow answer before it asks again', async () => {
    const clock = fakeClock()
    let asked = 0
    const backend = backendThat(() => {
      asked++
      return new Promise(() => {})
    })
    const bus = new EventBus({ clock, backend })
    const seen: BusHealth[] = []
    const monitor = startHealthMonitor(bus, {
      intervalMs: 10,
      timeoutMs: 100,
      onCheck: (health) => seen.push(health),
    })

    await clock.advance(99)
    expect(asked).toBe(1)
    await clock.advance(1 + 10)

    expect(asked).toBe(2)
    expect(seen.map(({ reasons }) => reasons)).toEqual([
      ['The backend "postgres" has not answered within 100 ms.'],
    ])
    monitor.stop()
  })

  it('tells that the bus is closed, and then nothing more', async () => {
    const { clock, bus, changes, monitor } = watch()
    await clock.advance(0)

    await bus.close()
    await clock.advance(5000)

    expect(changes).toEqual(['healthy → unhealthy'])
    expect(monitor.latest?.reasons).toEqual(['The bus is closed.'])
  })

  it('says nothing after it was stopped, even when it is just looking', async () => {
    const { clock, changes, monitor, turn } = watch()
    turn('degraded')

    monitor.stop()
    await clock.advance(5000)

    expect(changes).toEqual([])
  })

  it('is stopped by a signal, and by the end of its block', async () => {
    const clock = fakeClock()
    const bus = new EventBus({ clock })
    let looks = 0
    const onCheck = () => looks++
    const controller = new AbortController()
    startHealthMonitor(bus, { intervalMs: 10, onCheck, signal: controller.signal })
    await clock.advance(10)
    expect(looks).toBe(2)

    controller.abort()
    startHealthMonitor(bus, { intervalMs: 10, onCheck, signal: controller.signal })
    startHealthMonitor(bus, { intervalMs: 10, onCheck })[Symbol.dispose]()
    await clock.advance(100)

    expect(looks).toBe(2)
  })

  it('goes on when somebody who is told throws, and says so', async () => {
    const clock = fakeClock()
    const errors: string[] = []
    const bus = new EventBus({ clock, onError: (error) => errors.push(error.message) })
    let looks = 0
    startHealthMonitor(bus, {
      intervalMs: 10,
      onCheck: () => {
        looks++
        throw new Error('pager is away')
      },
    })

    await clock.advance(20)

    expect(looks).toBe(3)
    expect(errors).toEqual(Array(3).fill('pager is away'))
  })

  it('goes on when what it tells rejects, and tells of changes all the same', async () => {
    const clock = fakeClock()
    const errors: string[] = []
    const bus = new EventBus({ clock, onError: (error) => errors.push(error.message) })
    bus.addHealthCheck('disk', () => 'degraded')
    const changes: string[] = []
    startHealthMonitor(bus, {
      intervalMs: 10,
      onCheck: async () => {
        throw new Error('pager is away')
      },
      onChange: async ({ status }) => {
        changes.push(status)
        throw new Error('nobody is there')
      },
    })

    await clock.advance(10)

    expect(changes).toEqual(['degraded'])
    expect(errors).toEqual(['pager is away', 'nobody is there', 'pager is away'])
  })

  it('tells all that is wrong with its options', () => {
    const start = () =>
      startHealthMonitor(new EventBus(), { intervalMs: 0, onChange: 1, interval: 5 } as never)

    expect(start).toThrow(ValidationError)
    expect(start).toThrow(/intervalMs: .*\n.*onChange: .*\n.*interval: .*/)
  })

  it('does not keep the process', async () => {
    const entry = fileURLToPath(new URL('../../dist/bus/index.js', import.meta.url))
    const script = `
      const { EventBus, startHealthMonitor } = await import(${JSON.stringify(entry)})
      startHealthMonitor(new EventBus(), { intervalMs: 30_000, onCheck: ({ status }) => console.log(status) })`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script])
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))

    const [code] = await once(child, 'close')

    expect([code, output]).toEqual([0, 'healthy\n'])
  })
})

describe('healthHandler', () => {
  const serve = async (bus: EventBus, options?: HealthHandlerOptions) => {
    const handler = healthHandler(bus, options)
    const server = createServer((request, response) => void handler(request, response))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/healthz`
  }

  it('answers 200 with everything as JSON', async () => {
    const bus = new EventBus()

    const response = await fetch(await serve(bus))

    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.json()).toMatchObject({ status: 'healthy', reasons: [], checks: { bus: {} } })
  })

  it('answers with the details of a check that JSON does not know', async () => {
    const bus = new EventBus()
    bus.addHealthCheck('disk', () => ({ details: { freeBytes: 5n } }))

    const response = await fetch(await serve(bus))

    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ checks: { disk: { details: { freeBytes: '5' } } } })
  })

  it('leaves an answer alone that has begun, whatever the method', async () => {
    const bus = new EventBus()
    const handler = healthHandler(bus)
    const server = createServer(async (request, response) => {
      response.writeHead(200).flushHeaders()
      await handler(request, response)
      response.end('done')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())

    const { port } = server.address() as AddressInfo
    const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST' })

    expect(await response.text()).toBe('done')
  })

  it('answers 200 when the bus is degraded: it still works', async () => {
    const bus = new EventBus()
    bus.addHealthCheck('disk', () => 'degraded')

    const response = await fetch(await serve(bus))

    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ status: 'degraded' })
  })

  it('answers 503 when it is unhealthy', async () => {
    const bus = new EventBus()
    bus.addHealthCheck('disk', () => 'unhealthy')

    const response = await fetch(await serve(bus))

    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ reasons: ['The check "disk" says unhealthy.'] })
  })

  it('answers 503 when the backend is silent, in the time of the check', async () => {
    const backend = backendThat(() => new Promise(() => {}))
    const bus = new EventBus({ backend, health: { timeoutMs: 1 } })

    expect((await fetch(await serve(bus))).status).toBe(503)
  })

  it('as a liveness probe asks nobody, and answers 503 only when the bus is closed', async () => {
    let asked = 0
    const backend = backendThat(() => {
      asked++
      return new Promise(() => {})
    })
    const bus = new EventBus({ backend })
    bus.addHealthCheck('disk', () => 'unhealthy')
    const url = await serve(bus, { probe: 'liveness' })

    const alive = await fetch(url)
    expect([alive.status, await alive.json()]).toEqual([200, { status: 'healthy' }])
    expect(asked).toBe(0)

    void bus.close({ deadlineMs: 1 })
    expect((await fetch(url)).status).toBe(503)
  })

  it('says nothing but the status when details are not for everybody', async () => {
    const bus = new EventBus()
    bus.addHealthCheck('secret-database', () => 'unhealthy')

    const response = await fetch(await serve(bus, { hasDetails: false }))

    expect([response.status, await response.json()]).toEqual([503, { status: 'unhealthy' }])
  })

  it('answers HEAD with the same status and no body', async () => {
    const bus = new EventBus()
    bus.addHealthCheck('disk', () => 'unhealthy')

    const response = await fetch(await serve(bus), { method: 'HEAD' })

    expect([response.status, await response.text()]).toEqual([503, ''])
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(0)
  })

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('answers %s with 405', async (method) => {
    const response = await fetch(await serve(new EventBus()), { method })

    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('GET, HEAD')
  })

  it('survives a client that has gone before the answer', async () => {
    let arrived = () => {}
    const isAsked = new Promise<void>((resolve) => (arrived = resolve))
    let finish = () => {}
    const bus = new EventBus()
    bus.addHealthCheck('slow', () => {
      arrived()
      return new Promise<void>((resolve) => (finish = resolve))
    })
    const url = await serve(bus)
    const controller = new AbortController()
    const gone = fetch(url, { signal: controller.signal })

    await isAsked
    controller.abort()
    await expect(gone).rejects.toThrow()
    finish()

    bus.addHealthCheck('other', () => finish())
    const next = fetch(url)
    await expect(next.then(({ status }) => status)).resolves.toBe(200)
  })

  it('leaves an answer alone that somebody else has given meanwhile', async () => {
    const handler = healthHandler(new EventBus())
    const ends: Promise<void>[] = []
    const server = createServer((request, response) => {
      ends.push(handler(request, response))
      response.writeHead(504).end('too late')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())

    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)

    expect([response.status, await response.text()]).toEqual([504, 'too late'])
    await expect(Promise.all(ends)).resolves.toEqual([undefined])
  })

  it('tells all that is wrong with its options', () => {
    const create = () =>
      healthHandler(new EventBus(), { probe: 'startup', hasDetails: 1, detail: 1 } as never)

    expect(create).toThrow(ValidationError)
    expect(create).toThrow(/probe: .*\n.*hasDetails: .*\n.*detail: .*/)
  })

  it.each([undefined, null, {}])('needs a bus: %j is none', (bus) => {
    expect(() => healthHandler(bus as never)).toThrow(/bus: expected an event bus, got /)
  })
})
