import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { notedOf, recordFigure, tally } from '../../../../test/bus-backends/figures.ts'
import {
  event,
  gate,
  idsOf,
  newStream,
  openBackend,
  openServer,
  until,
  untilIdle,
  watch,
} from '../harness.ts'
import { hasRedisServer, type RedisServer } from '../redis-server.ts'

describe.runIf(hasRedisServer && process.platform === 'linux')('a server whose disk is full', () => {
  it.each(['everysec', 'no'] as const)(
    'refuses publishers with appendfsync %s, and everybody goes on when there is room, with nothing lost',
    async (appendFsync) => {
      const server = await openServer({ appendFsync, outlivesFileLimit: true })
      const options = { url: server.url, stream: newStream() }
      const backend = openBackend(options)
      const impatient = openBackend({ ...options, timeoutMs: 2000 })
      const end = gate()
      const { deliveries } = await watch(backend, 'shop', () => end.opened.then(() => undefined))
      const taken = [event(), event({ key: 'k' })]
      await backend.publish(taken)
      await until(() => deliveries.length === 2)
      await limitFiles(server, 0)

      // Those that come before the server has noticed are taken: they are in its memory.
      const refusal = await refusalOf(async () => {
        const each = event()
        await impatient.publish([each])
        taken.push(each)
      })
      expect(refusal).toMatchObject({
        name: 'PublishError',
        message: expect.stringContaining('MISCONF'),
        hint: expect.stringContaining('disk'),
      })
      end.open()

      const roomMs = performance.now()
      await limitFiles(server, 'unlimited')
      const last = event()
      await backend.publish([last])
      taken.push(last)
      await until(() => idsOf(deliveries.map((delivery) => delivery.event)).size === taken.length)
      const recoveryMs = performance.now() - roomMs
      await untilIdle(backend)
      const result = tally(taken, notedOf(deliveries))
      recordFigure({
        backend: 'redis-streams',
        fault: 'disk',
        what: `the disk of the server is full until there is room, \`appendfsync ${appendFsync}\``,
        did: 'a publish meanwhile was rejected with `PublishError`',
        ...result,
        recoveryMs,
      })
      expect(result).toMatchObject({ lost: 0, repeated: 0 })
      await server.kill()
      await server.start()
      await until(async () => (await backend.health()).status === 'healthy')
      expect(await backend.health()).toMatchObject({ queueDepth: 0, inFlight: 0 })
    },
  )

  it('ends with appendfsync always, and has everything that was taken when it is started again', async () => {
    const server = await openServer({ appendFsync: 'always', outlivesFileLimit: true })
    const options = { url: server.url, stream: newStream() }
    const backend = openBackend(options)
    const impatient = openBackend({ ...options, timeoutMs: 2000 })
    const taken = Array.from({ length: 20 }, (_, n) => event(n % 2 ? { key: `k${n}` } : {}))
    await backend.publish(taken)
    await limitFiles(server, 0)

    const refusal = await refusalOf(async () => {
      const each = event()
      await impatient.publish([each])
      taken.push(each)
    })

    expect(refusal).toMatchObject({ name: 'ConnectionError', code: 'EVENTSETS_CONNECTION' })
    const roomMs = performance.now()
    // There is room: the limit was for the process that has ended.
    await server.start()
    const { deliveries } = await watch(openBackend(options), 'shop')
    await until(() => idsOf(deliveries.map((delivery) => delivery.event)).size >= taken.length)
    const recoveryMs = performance.now() - roomMs
    await untilIdle(backend)
    const result = tally(taken, notedOf(deliveries))
    recordFigure({
      backend: 'redis-streams',
      fault: 'disk',
      what: 'the disk of the server is full, `appendfsync always`: it ends, and is started again when there is room',
      did: 'a publish meanwhile was rejected with `ConnectionError`',
      ...result,
      recoveryMs,
    })
    expect(result).toMatchObject({ lost: 0, repeated: 0 })
  })
})

async function refusalOf(publish: () => Promise<void>): Promise<unknown> {
  for (;;) {
    try {
      await publish()
    } catch (error) {
      return error
    }
  }
}

/** How large the files of a server may become, in bytes. What is larger already stays. */
async function limitFiles({ admin }: RedisServer, most: number | 'unlimited'): Promise<void> {
  const [, pid = ''] = /^process_id:(\d+)/m.exec(await admin.info('server')) ?? []
  execFileSync('prlimit', ['--pid', pid, `--fsize=${most}:`])
}
