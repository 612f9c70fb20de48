import { join } from 'node:path'
import type { StoredEvent } from 'eventsets/bus'
import { expect, it } from 'vitest'
import { recordFigure } from '../../../../test/bus-backends/figures.ts'
import {
  event,
  foundGroup,
  idsOf,
  type Noted,
  newStream,
  openBackend,
  openBus,
  openFolder,
  openProcess,
  openServer,
  readLedger,
  until,
  untilIdle,
} from '../harness.ts'
import { hasRedisServer } from '../redis-server.ts'

it.runIf(hasRedisServer)(
  'gives up what nobody can handle, of all four kinds, while its neighbours go on, and hands it over when that is mended',
  async () => {
    const server = await openServer()
    const here = { url: server.url, stream: newStream(), leaseMs: 300 }
    const backend = openBackend(here)
    await foundGroup(backend, 'shop')
    const garbage = Buffer.from([0x7b, 0xff, 0x00, 0x1b, 0x5b, 0x32, 0x4a])
    const neighbours = Array.from({ length: 60 }, (_, n) => placed(n, n % 3 === 0 ? undefined : `k${n % 7}`))
    const deadly = placed(1000, 'k1')
    const invalid = event({ data: { n: 'many' }, key: 'k2' })
    const failing = placed(2000)
    await backend.publish(neighbours.slice(0, 30))
    await server.admin.xadd(`{${here.stream}}:log:normal`, '*', 'e', garbage)
    await backend.publish([deadly, invalid, failing, ...neighbours.slice(30)])
    const ledger = join(openFolder(), 'handled')

    // A process that dies of it is started again by whoever looks after it.
    const began = performance.now()
    let deaths = 0
    for (let isEnough = false; !isEnough; ) {
      const worker = openProcess('consume', {
        ...here,
        isChecking: true,
        maxAttempts: 3,
        ledger,
        group: 'shop',
        dieOn: [1000],
        failOn: [2000],
      })
      const given = until(async () => (await backend.deadLetters.list()).length === 4).then(() => true)
      isEnough = await Promise.race([given, worker.ended().then(() => false)])
      if (!isEnough) deaths++
      else await untilIdle(backend)
      await worker.kill()
    }
    const recoveryMs = performance.now() - began

    const handled = readLedger<Noted>(ledger)
    expect(neighbours.filter(({ id }) => !idsOf(handled).has(id))).toEqual([])
    const letters = await backend.deadLetters.list()
    const byKind = Object.fromEntries(letters.map((letter) => [letter.event.id, letter]))
    expect(byKind[deadly.id]).toMatchObject({ event: deadly, reason: 'crashed', group: 'shop' })
    expect(byKind[invalid.id]).toMatchObject({ event: invalid, reason: expect.stringContaining('n:') })
    expect(byKind[failing.id]).toMatchObject({ event: failing, reason: 'it always fails' })
    // A try whose process has died over another event counts as well.
    const attempts = byKind[failing.id]?.attempts ?? 0
    expect(attempts).toBeGreaterThanOrEqual(3)
    expect(attempts).toBeLessThanOrEqual(3 + deaths)
    const unreadable = letters.find((letter) => letter.event.name === 'unreadable')
    expect(unreadable).toMatchObject({ reason: expect.stringContaining('is not JSON') })
    const stored = await server.admin.xrangeBuffer(`{${here.stream}}:dead`, '-', '+')
    expect(stored.map(([, fields]) => fields.at(-1))).toContainEqual(garbage)
    recordFigure({
      backend: 'redis-streams',
      fault: 'F10',
      what: 'events that nobody can handle: no JSON, not what the schema says, a handler that always fails, one that ends its process',
      did: `4 of ${neighbours.length + 4}; ${deaths} processes died of one of them`,
      acknowledged: neighbours.length + 4,
      lost: neighbours.length - idsOf(handled.filter(({ n }) => n < 1000)).size,
      repeated: handled.length - idsOf(handled).size,
      recoveryMs,
    })

    // Mended: whoever handles them now takes anything that can be read.
    const seen: string[] = []
    const { bus } = openBus(here, { group: 'shop' })
    bus.on('order.*', ({ id }) => void seen.push(id), { name: 'ledger' })
    await bus.start()
    await backend.deadLetters.replay([deadly.id, invalid.id, failing.id].map((id) => byKind[id]?.id ?? ''))
    await bus.idle()

    expect(new Set(seen)).toEqual(new Set([deadly.id, invalid.id, failing.id]))
    expect(deaths).toBeGreaterThanOrEqual(3)
  },
)

function placed(n: number, key?: string): StoredEvent {
  return event({ data: { n }, ...(key === undefined ? {} : { key }) })
}
