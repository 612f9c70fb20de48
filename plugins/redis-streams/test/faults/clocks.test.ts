import { join } from 'node:path'
import { expect, it } from 'vitest'
import { recordFigure, tally } from '../../../../test/bus-backends/figures.ts'
import {
  event,
  foundGroup,
  type Noted,
  newStream,
  openBackend,
  openFolder,
  openProcess,
  openServer,
  readLedger,
  replayAll,
  until,
  untilIdle,
  watch,
} from '../harness.ts'
import { hasRedisServer } from '../redis-server.ts'

const HOUR_MS = 3_600_000
const EVENTS = 2000

it.runIf(hasRedisServer)(
  'goes by the clock of the server alone: those of the processes may be wrong by an hour, in both directions',
  async () => {
    const server = await openServer()
    const here = { url: server.url, stream: newStream() }
    const folder = openFolder()
    const [published, handled] = [join(folder, 'published'), join(folder, 'handled')]
    const backend = openBackend(here)
    await foundGroup(backend, 'shop')
    const consumer = (shiftMs: number) =>
      openProcess('consume', { ...here, ledger: handled, group: 'shop', failEvery: 20 }, [clockOf(shiftMs)])
    const late = consumer(-HOUR_MS)
    const early = consumer(HOUR_MS)
    await Promise.all([late.said('ready'), early.said('ready')])
    openProcess(
      'publishBursts',
      { ...here, ledger: published, prefix: 'p', keys: 100, count: EVENTS, burst: 50 },
      [clockOf(HOUR_MS)],
    )

    await early.said('handled 100')
    const killed = performance.now()
    await early.kill()
    await until(() => readLedger(published).length === EVENTS)
    await untilIdle(backend)
    const recoveryMs = performance.now() - killed

    const result = tally(readLedger<Noted>(published), readLedger<Noted>(handled))
    recordFigure({
      backend: 'redis-streams',
      fault: 'F13',
      what: 'clocks of the publisher an hour fast, of one consumer an hour slow and of another one an hour fast; that one killed',
      did: `${EVENTS} events, every twentieth tried again`,
      ...result,
      recoveryMs,
    })
    expect(result).toMatchObject({ acknowledged: EVENTS, lost: 0, outOfOrder: 0 })
    // Nobody was taken for dead who lives.
    expect(late.hasSaid('error EVENTSETS_CONNECTION')).toBe(false)
    expect((await replayAll(backend)).map(({ id }) => id)).toEqual(
      readLedger<Noted>(published).map(() => expect.any(String)),
    )
  },
)

it.runIf(hasRedisServer)('delivers at a time of the server, and never before', async () => {
  const server = await openServer()
  const backend = openBackend({ url: server.url, stream: newStream() })
  const serverTime = async () => {
    const [seconds = 0, microseconds = 0] = (await server.admin.time()).map(Number)
    return seconds * 1000 + microseconds / 1000
  }
  const times: number[] = []
  const { deliveries } = await watch(backend, 'shop', async () => {
    times.push(await serverTime())
    return undefined
  })
  const dueMs = Math.ceil(await serverTime()) + 200

  await backend.publish([event({ deliverAt: dueMs }), event({ deliverAt: dueMs, key: 'k' })])
  await until(() => times.length === 2)

  expect(deliveries).toHaveLength(2)
  expect(Math.min(...times)).toBeGreaterThanOrEqual(dueMs)
})

function clockOf(shiftMs: number): string {
  return new URL(`shift-clock.mjs?ms=${shiftMs}`, import.meta.url).href
}
