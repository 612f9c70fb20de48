import { afterAll, expect, it } from 'vitest'
import { recordFigure } from '../../../../test/bus-backends/figures.ts'
import { foundGroup, newStream, openBackend, openProcess, openServer, until, watch } from '../harness.ts'
import { hasRedisServer } from '../redis-server.ts'

it.runIf(hasRedisServer).each([
  ['that was never used', 'unused', 0],
  ['that is idle', 'idle', 0],
  ['twice, one after another', 'twice', 0],
  ['several times at once', 'idle, at once', 0],
  ['with a handler that never ends', 'at work', 1],
  ['with a handler that never ends, several times at once', 'at work, at once', 1],
  ['in a handler', 'in a handler', 1],
])('closes a bus %s: the process ends, and others have what is left', async (_, state, left) => {
  const server = await openServer()
  // Nobody would find out in time that it does not live any more: it says so itself.
  const here = { url: server.url, stream: newStream(), leaseMs: 600_000 }
  const backend = openBackend(here)
  await foundGroup(backend, 'shop')
  const closing = openProcess('close', { ...here, state, group: 'shop', deadlineMs: 300 })

  const { closed } = await closing.said('closed')

  expect(closed).toEqual({ late: 'EVENTSETS_BUS_CLOSED' })
  expect(await closing.ended()).toBe(0)
  const heir = await watch(backend, 'shop')
  await until(() => heir.deliveries.length === left)
  expect(heir.deliveries.every(({ isRedelivered }) => isRedelivered)).toBe(true)
  note(left)
})

it.runIf(hasRedisServer)('closes a bus whose server is away: the process ends', async () => {
  const server = await openServer()
  // What waits does so for longer than this test.
  const here = { url: server.url, stream: newStream(), timeoutMs: 600_000 }
  const closing = openProcess('close', { ...here, state: 'away', group: 'shop', deadlineMs: 300 })
  await closing.said('ready')

  await server.kill()
  closing.tell({ go: true })

  const { closed } = await closing.said('closed')
  expect(closed).toEqual({ late: 'EVENTSETS_BUS_CLOSED', pending: 'EVENTSETS_BUS_CLOSED' })
  expect(await closing.ended()).toBe(0)
  note(0)
})

it.runIf(hasRedisServer)('closes a bus that has never reached its server: the process ends', async () => {
  const here = { url: 'redis://127.0.0.1:1', stream: newStream(), timeoutMs: 600_000 }
  const closing = openProcess('close', { ...here, state: 'never connected', group: 'shop', deadlineMs: 300 })

  const { closed } = await closing.said('closed')

  expect(closed).toEqual({ late: 'EVENTSETS_BUS_CLOSED', pending: 'EVENTSETS_BUS_CLOSED' })
  expect(await closing.ended()).toBe(0)
  note(0)
})

let noted = { states: 0, left: 0 }

function note(left: number): void {
  noted = { states: noted.states + 1, left: noted.left + left }
}

afterAll(() => {
  if (noted.states === 0) return
  recordFigure({
    backend: 'redis-streams',
    fault: 'F19',
    what: 'a bus is closed: unused, idle, at work, in a handler, twice, several times at once, without its server',
    did: `${noted.states} states; each process ended by itself, and ${noted.left} events were handled elsewhere at once`,
    acknowledged: noted.left,
    lost: 0,
    repeated: noted.left,
  })
})
