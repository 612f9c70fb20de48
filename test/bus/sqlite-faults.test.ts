import { join } from 'node:path'
import Database from 'libsql'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StoredEvent } from '../../src/bus/index.ts'
import { recordFigure, tally } from '../bus-backends/figures.ts'
import {
  expectInOrder,
  gate,
  idsOf,
  makeFolder,
  type Noted,
  openBackend,
  openBus,
  type Process,
  readLedger,
  startProcess,
  until,
} from './sqlite-files.ts'

/** Long enough for a busy machine, short enough to wait for. */
const LEASE_MS = 1200

const unhandled: unknown[] = []
const note = (reason: unknown) => unhandled.push(reason)
beforeEach(() => {
  unhandled.length = 0
  process.on('unhandledRejection', note)
})
afterEach(() => {
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
})

function makeFiles() {
  const folder = makeFolder()
  return {
    file: join(folder, 'bus.db'),
    published: join(folder, 'published.ndjson'),
    handled: join(folder, 'handled.ndjson'),
  }
}

/** Stops a process at a moment when it does not hold the lock of the file: otherwise nobody could write any more. */
async function stopUnlocked({ child }: Process, file: string): Promise<void> {
  const probe = new Database(file)
  probe.exec('PRAGMA busy_timeout = 200')
  await until(() => {
    child.kill('SIGSTOP')
    try {
      probe.exec('BEGIN IMMEDIATE; ROLLBACK')
      return true
    } catch {
      child.kill('SIGCONT')
      return false
    }
  })
  probe.close()
}

/** A group that is there before anybody publishes. */
async function foundGroup(file: string, group: string): Promise<void> {
  const backend = openBackend(file)
  const nobody = {
    group,
    concurrency: 1,
    patterns: () => [],
    deliver: () => new Promise<never>(() => {}),
    onError() {},
  }
  const consumption = await backend.consume(nobody)
  await consumption.stop(1000)
  await backend.close()
}

function events(count: number, name = 'order.placed'): StoredEvent[] {
  return Array.from({ length: count }, (_, n) => ({
    id: `event-${n}`,
    name,
    data: { n },
    source: 'test',
    time: Date.now(),
    correlationId: `event-${n}`,
    priority: 50,
  }))
}

describe('a publisher that is killed', () => {
  it('loses nothing that publish has resolved for, and stores nothing twice, at any of many moments', async () => {
    const { file, published } = makeFiles()
    await foundGroup(file, 'shop')

    for (let round = 0; round < 12; round++) {
      const from = readLedger<Noted>(published).length
      const publisher = startProcess('publish', { file, ledger: published, prefix: 'p', keys: 3, from })
      await publisher.said(`published ${1 + ((round * 7) % 10)}`)
      await publisher.kill()
    }

    const { bus } = openBus(file, {}, { group: 'shop' })
    const seen: StoredEvent[] = []
    bus.on('order.*', (event) => void seen.push(event))
    await bus.start()
    await bus.idle()
    const taken = readLedger<Noted>(published)
    expect(taken.length).toBeGreaterThanOrEqual(12)
    for (const { id } of taken) expect(idsOf(seen)).toContain(id)
    expect(seen).toHaveLength(idsOf(seen).size)
    recordFigure({
      backend: 'sqlite',
      fault: 'F3',
      what: 'a publisher is killed while it publishes',
      did: '12 times, each at another moment',
      ...tally(
        taken,
        seen.map(({ id, key, data }) => ({ id, key, n: (data as { n: number }).n })),
      ),
    })
  })
})

describe('a publisher of large events that is killed', () => {
  it('leaves a whole file, while SQLite writes its log back into it, too', async () => {
    const { file, published } = makeFiles()
    // Every fourty events the log is written back.
    for (let round = 0; round < 5; round++) {
      const options = { file, ledger: published, prefix: `r${round}`, keys: 3, size: 100_000 }
      const publisher = startProcess('publish', options)
      await publisher.said(`published ${37 + round}`)
      await publisher.kill()
    }

    const handle = new Database(file)
    expect(handle.pragma('integrity_check')).toMatchObject([{ integrity_check: 'ok' }])
    handle.close()
    const stored = new Set<string>()
    for await (const { id } of openBackend(file).replay?.({}) ?? []) stored.add(id)
    for (const { id } of readLedger<Noted>(published)) expect(stored).toContain(id)
  })
})

describe('a consumer that is killed', () => {
  it('loses nothing: another one takes over what it had in hand, and only that comes twice', async () => {
    const { file, handled } = makeFiles()
    await foundGroup(file, 'shop')
    const backend = openBackend(file)
    const taken = events(200)
    await backend.publish(taken)

    const victim = startProcess('consume', { file, ledger: handled, group: 'shop', leaseMs: LEASE_MS })
    await victim.said('handled 30')
    const killedMs = performance.now()
    await victim.kill()
    const rescuer = startProcess('consume', { file, ledger: handled, group: 'shop', leaseMs: LEASE_MS })
    await rescuer.said('ready')
    await until(async () => (await backend.health()).queueDepth + (await backend.health()).inFlight === 0)
    const recoveryMs = performance.now() - killedMs
    rescuer.tell({ close: true })
    await rescuer.ended()

    const all = readLedger<Noted>(handled)
    const times = new Map<string, Noted[]>()
    for (const each of all) times.set(each.id, [...(times.get(each.id) ?? []), each])
    expect(times.size).toBe(200)
    const repeated = [...times.values()].filter(({ length }) => length > 1)
    // It had ten hands.
    expect(repeated.length).toBeLessThanOrEqual(10)
    for (const [, again] of repeated) expect(again).toMatchObject({ attempt: 2, isRedelivered: true })
    for (const { attempt, isRedelivered } of all) expect(isRedelivered).toBe(attempt > 1)
    recordFigure({
      backend: 'sqlite',
      fault: 'F1',
      what: `a consumer is killed with a batch in hand, \`leaseMs: ${LEASE_MS}\``,
      did: 'up to 10 of 200 events were in its hands',
      ...tally(taken, all),
      recoveryMs,
    })
  })

  it('by the same event again and again leaves a dead letter "crashed", and all others are handled', async () => {
    const { file, handled } = makeFiles()
    await foundGroup(file, 'shop')
    const backend = openBackend(file)
    const taken = events(60)
    await backend.publish(taken)

    const options = { file, ledger: handled, group: 'shop', leaseMs: LEASE_MS, dieOn: [13], maxCrashes: 3 }
    for (let life = 0; life < 3; life++) {
      const victim = startProcess('consume', options)
      expect(await victim.ended()).toBe(null)
    }
    const { bus, errors } = openBus(file, { leaseMs: LEASE_MS }, { group: 'shop' })
    const seen: string[] = []
    bus.on('order.*', ({ id }) => void seen.push(id))
    await bus.start()
    await bus.idle()

    const letters = await bus.deadLetters.list()
    expect(letters).toMatchObject([
      { reason: 'crashed', attempts: 3, group: 'shop', handler: undefined, event: { id: 'event-13' } },
    ])
    expect(errors).toMatchObject([{ code: 'EVENTSETS_CRASHED' }])
    const others = new Set([...idsOf(readLedger(handled)), ...seen])
    expect(others.size).toBe(59)
    expect(others).not.toContain('event-13')
    recordFigure({
      backend: 'sqlite',
      fault: 'F2',
      what: 'an event ends the process of whoever handles it',
      did: '1 of 60; it is a dead letter after 3 processes',
      ...tally(
        taken,
        [...readLedger<Noted>(handled), ...seen.map((id) => ({ id, key: undefined, n: 0 }))],
        idsOf(letters.map((letter) => letter.event)),
      ),
    })

    await bus.deadLetters.replay(letters[0]?.id as string)
    await bus.idle()
    expect(seen).toContain('event-13')
  })

  it('is taken over in the time that the lease says, by one that was there already', async () => {
    const { file } = makeFiles()
    await foundGroup(file, 'shop')
    const victim = startProcess('hold', { file, group: 'shop', leaseMs: LEASE_MS })
    await victim.said('ready')
    const backend = openBackend(file, { leaseMs: LEASE_MS })
    await backend.publish(events(1))
    await victim.said('holds 1')
    const { bus } = openBus(file, { leaseMs: LEASE_MS }, { group: 'shop' })
    const handled = gate()
    bus.on('order.*', () => handled.open())
    await bus.start()

    await victim.kill()
    await handled.opened

    expect(await bus.deadLetters.list()).toEqual([])
  })
})

describe('a consumer that stands still', () => {
  it('has nothing to say any more about what another one has taken over', async () => {
    const { file } = makeFiles()
    await foundGroup(file, 'shop')
    const sleeper = startProcess('hold', { file, group: 'shop', leaseMs: LEASE_MS })
    await sleeper.said('ready')
    const { bus, backend } = openBus(file, { leaseMs: LEASE_MS }, { group: 'shop', concurrency: 1 })
    const [first, second] = events(2) as [StoredEvent, StoredEvent]
    await backend.publish([first])
    await sleeper.said('holds 1')

    await stopUnlocked(sleeper, file)
    const taken = gate()
    const end = gate()
    const deliveries: unknown[] = []
    bus.on('order.*', async ({ id }, { attempt, isRedelivered }) => {
      deliveries.push({ id, attempt, isRedelivered })
      taken.open()
      await end.opened
    })
    await bus.start()
    await taken.opened
    sleeper.child.kill('SIGCONT')
    // It gives up an event that is not its own any more, and goes on with others.
    const letter = { id: 'late', event: first, reason: 'too late', attempts: 1, time: 0 }
    sleeper.tell({ outcome: { deadLetters: [letter] } })
    await backend.publish([second])
    await sleeper.said('holds 2')
    sleeper.tell({ outcome: { deadLetters: [] } })
    sleeper.tell({ close: true })
    await sleeper.ended()

    expect(await backend.health()).toMatchObject({ inFlight: 1, queueDepth: 0, deadLetters: 0 })
    end.open()
    await bus.idle()
    expect(deliveries).toEqual([{ id: first.id, attempt: 2, isRedelivered: true }])
    recordFigure({
      backend: 'sqlite',
      fault: 'F8',
      what: 'a consumer is stopped (SIGSTOP) until others have its event',
      did: 'what it said of it later was not heard',
      acknowledged: 1,
      lost: 0,
      repeated: 0,
    })
  })

  it('in its handler for longer than the lease keeps its event, as long as its process lives', async () => {
    const { file } = makeFiles()
    const slow = openBus(file, { leaseMs: 200 }, { group: 'shop', concurrency: 1 })
    const end = gate()
    const begun = gate()
    const calls: number[] = []
    const handler = async (_: unknown, { attempt }: { readonly attempt: number }) => {
      calls.push(attempt)
      begun.open()
      await end.opened
    }
    slow.bus.on('order.*', handler, { retry: { maxAttempts: 1 } })
    await slow.bus.start()
    await slow.bus.publish('order.placed', {})
    await begun.opened
    const other = openBus(file, { leaseMs: 200 }, { group: 'shop' })
    other.bus.on('order.*', handler)
    await other.bus.start()

    const handle = new Database(file)
    const beats = () =>
      (handle.prepare('SELECT min(beat) AS beat FROM eventsets_consumers').get([]) as { beat: number }).beat
    const before = beats()
    // Three leases go by.
    await until(() => beats() >= before + 12)
    end.open()
    await slow.bus.idle()

    expect(calls).toEqual([1])
    expect(await slow.bus.deadLetters.list()).toEqual([])
    handle.close()
  })
})

describe('a process', () => {
  it('ends by itself when its bus has closed, and when it has only published', async () => {
    const { file } = makeFiles()
    const consumer = startProcess('finish', { file, isConsuming: true, isClosing: true })
    await consumer.said('handled')
    expect(await consumer.ended()).toBe(0)

    expect(await startProcess('finish', { file, isConsuming: false, isClosing: false }).ended()).toBe(0)
  })

  it('stays as long as its bus waits for events', async () => {
    const { file } = makeFiles()
    const consumer = startProcess('finish', { file, isConsuming: true, isClosing: false })
    await consumer.said('handled')
    const backend = openBackend(file)
    const [next] = events(1)
    await backend.publish([next as StoredEvent])
    await consumer.said('event-0')
  })
})

describe('the order of a key', () => {
  it('holds with several processes, failures that are tried again, and one that is killed', async () => {
    const { file, published, handled } = makeFiles()
    await foundGroup(file, 'shop')
    const consumer = () =>
      startProcess('consume', {
        file,
        ledger: handled,
        group: 'shop',
        leaseMs: LEASE_MS,
        concurrency: 5,
        failEvery: 9,
      })
    const publisher = startProcess('publish', { file, ledger: published, prefix: 'p', keys: 20 })
    const consumers: Process[] = [consumer(), consumer(), consumer()]
    await publisher.said('published 60')
    await consumers[0]?.kill()
    await publisher.said('published 150')
    await publisher.kill()

    const backend = openBackend(file)
    await until(async () => {
      const { queueDepth, inFlight } = await backend.health()
      return queueDepth + inFlight === 0
    })
    for (const each of consumers.slice(1)) {
      each.tell({ close: true })
      await each.ended()
    }
    const all = readLedger<Noted>(handled)
    const done = idsOf(all)
    for (const { id } of readLedger<Noted>(published)) expect(done).toContain(id)
    expectInOrder(all)
    recordFigure({
      backend: 'sqlite',
      fault: 'F16',
      what: 'three consumers and 20 keys, a ninth of the first tries fail, one consumer is killed',
      did: `${done.size} events`,
      ...tally(readLedger<Noted>(published), all),
    })
    expect(await backend.deadLetters.list()).toEqual([])
  })
})
