import { join } from 'node:path'
import { setTimeout as passed } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { recordFigure, tally } from '../../../../test/bus-backends/figures.ts'
import type { Process } from '../../../../test/bus-backends/process.ts'
import { killAndRestart } from '../../../../test/bus-backends/recovery.ts'
import {
  foundGroup,
  type Noted,
  newStream,
  openBackend,
  openFolder,
  openProcess,
  openServer,
  readLedger,
  untilIdle,
} from '../harness.ts'
import { hasRedisServer } from '../redis-server.ts'

const STORM_MS = 60_000
const MEAN_PAUSE_MS = 700
const EVENTS = 100_000
const PUBLISHERS = 2
const CONSUMERS = 6
const BURST = 250
/** What a consumer has in hand, and two batches that it has handled and not yet told. */
const MOST_UNTOLD = 10 + 2 * 250

it.runIf(hasRedisServer)(
  'loses nothing and no order while eight processes work, consumers are killed at random for a minute, and the server once',
  async () => {
    const server = await openServer({ appendFsync: 'always' })
    // The events are not to blame for what is done to those who handle them.
    const here = { url: server.url, stream: newStream(), leaseMs: 2000, maxCrashes: 1000, timeoutMs: 120_000 }
    const folder = openFolder()
    const handled = join(folder, 'handled')
    const backend = openBackend(here)
    await foundGroup(backend, 'shop')
    const startConsumer = () =>
      openProcess('consume', { ...here, ledger: handled, isSynced: false, group: 'shop', failEvery: 50 })
    const consumers = Array.from({ length: CONSUMERS }, startConsumer)
    await Promise.all(consumers.map((consumer) => consumer.said('ready')))
    const count = EVENTS / PUBLISHERS
    const pauseMs = (STORM_MS * 0.8) / (count / BURST)
    const publishers = Array.from({ length: PUBLISHERS }, (_, number) =>
      openProcess('publishBursts', {
        ...here,
        ledger: join(folder, `published-${number}`),
        prefix: `p${number}`,
        keys: 100,
        count,
        burst: BURST,
        pauseMs,
      }),
    )

    const [kills, recoveryMs] = await Promise.all([
      killAtRandom(consumers, startConsumer),
      passed(STORM_MS / 2).then(() => killAndRestart(server, handled)),
    ])
    await Promise.all(publishers.map((publisher) => publisher.said(`published ${count}`)))
    await untilIdle(backend)

    const taken = publishers.flatMap((_, number) => readLedger<Noted>(join(folder, `published-${number}`)))
    const result = tally(taken, readLedger<Noted>(handled))
    recordFigure({
      backend: 'redis-streams',
      fault: 'storm',
      what: 'consumers killed at random, the server killed once (`appendfsync always`)',
      did: `${PUBLISHERS} publishers, ${CONSUMERS} consumers, ${kills} of them killed in ${STORM_MS / 1000} s`,
      ...result,
      recoveryMs,
    })
    expect(kills).toBeGreaterThan(20)
    expect(result).toMatchObject({ acknowledged: EVENTS, lost: 0, outOfOrder: 0 })
    expect(await backend.deadLetters.list()).toEqual([])
    expect(result.repeated).toBeLessThan(kills * MOST_UNTOLD)
  },
  300_000,
)

/** Gives how many were killed. Each is followed by another one. */
async function killAtRandom(consumers: Process[], start: () => Process): Promise<number> {
  const end = performance.now() + STORM_MS
  let kills = 0
  while (performance.now() < end) {
    await passed(Math.random() * 2 * MEAN_PAUSE_MS)
    const at = Math.floor(Math.random() * consumers.length)
    // Dead or alive, or about to begin.
    await consumers[at]?.kill()
    consumers[at] = start()
    kills++
  }
  return kills
}
