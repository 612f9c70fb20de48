import { join } from 'node:path'
import { expect, it } from 'vitest'
import { recordFigure, tally } from '../../../../test/bus-backends/figures.ts'
import type { Process } from '../../../../test/bus-backends/process.ts'
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

const EVENTS = 50_000
const SIZE = 2000
/** What waits is ten times as large as what a process may grow by. */
const MAX_GROWTH_BYTES = (EVENTS * SIZE) / 10

it.runIf(hasRedisServer)(
  'has the same memory, in both processes, while a publisher is ten times as fast as the consumer, and loses nothing',
  async () => {
    const server = await openServer()
    const here = { url: server.url, stream: newStream() }
    const folder = openFolder()
    const [published, handled] = [join(folder, 'published'), join(folder, 'handled')]
    const backend = openBackend(here)
    await foundGroup(backend, 'shop')
    const consumer = openProcess('consume', {
      ...here,
      ledger: handled,
      isSynced: false,
      group: 'shop',
      isRationed: true,
    })
    const publisher = openProcess('publishBursts', {
      ...here,
      ledger: published,
      prefix: 'p',
      keys: 100,
      count: EVENTS,
      burst: 100,
      size: SIZE,
    })
    publisher.child.on('message', ({ burst = 0 }: { burst?: number }) =>
      consumer.tell({ rations: burst / 10 }),
    )

    await publisher.said(`published ${EVENTS / 10}`)
    const before = await Promise.all([memoryOf(publisher), memoryOf(consumer)])
    await publisher.said(`published ${EVENTS}`)
    const after = await Promise.all([memoryOf(publisher), memoryOf(consumer)])
    const { queueDepth, lagMs } = await backend.health()
    const behind = EVENTS - readLedger(handled).length

    const growth = after.map((bytes, at) => bytes - (before[at] ?? 0))
    expect(Math.max(...growth)).toBeLessThan(MAX_GROWTH_BYTES)
    expect(behind).toBeGreaterThan(EVENTS / 2)
    // It goes on while it is counted.
    expect(queueDepth).toBeGreaterThan(behind - 1000)
    expect(queueDepth).toBeLessThan(behind + 1000)
    expect(lagMs).toBeGreaterThan(0)

    consumer.tell({ rations: Number.POSITIVE_INFINITY })
    await untilIdle(backend)
    const result = tally(readLedger<Noted>(published), readLedger<Noted>(handled))
    recordFigure({
      backend: 'redis-streams',
      fault: 'F9',
      what: 'a publisher ten times as fast as the consumer',
      did: `${EVENTS} events of ${SIZE} bytes; the publisher has grown by ${inMiB(growth[0])}, the consumer by ${inMiB(growth[1])}`,
      ...result,
    })
    expect(result).toEqual({ acknowledged: EVENTS, lost: 0, repeated: 0, outOfOrder: 0 })
  },
  180_000,
)

let questions = 0

async function memoryOf(process: Process): Promise<number> {
  const memory = `memory ${questions++}`
  process.tell({ memory })
  return (await process.said(memory))[memory] as number
}

function inMiB(bytes = 0): string {
  return `${(Math.max(0, bytes) / 2 ** 20).toFixed(1)} MiB`
}
