import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { inspect, promisify } from 'node:util'
import { redisPubSub } from '@eventsets/redis-streams'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { fromClone } from '../../../test/bus-backends/process.ts'
import { findFreePort } from '../../../test/servers/free-port.ts'
import { createCertificate, hasOpenssl } from './certificates.ts'
import {
  event,
  newStream,
  openBackend,
  openBus,
  openFolder,
  openServer,
  replayAll,
  until,
  untilIdle,
  watch,
} from './harness.ts'
import { hasRedisServer, type RedisServer, redisServerCommand, startRedis } from './redis-server.ts'

const SECRET = 's3cret-that-nobody-may-read'
/** Long enough that it shows when something is told only at the end of it. */
const timeoutMs = 30_000

describe.runIf(hasRedisServer && hasOpenssl && speaksTls())('a server that speaks TLS', () => {
  it('is reached by a URL, by whoever trusts its certificate', async () => {
    const { url, authorityPath } = await openSecureServer()
    const program = `
      import { EventBus } from 'eventsets/bus'
      import { redisStreams } from '@eventsets/redis-streams'
      const bus = new EventBus({ group: 'shop', backend: redisStreams({ url: ${JSON.stringify(url)} }) })
      bus.on('order.*', (event) => console.log(event.name))
      await bus.start()
      await bus.publish('order.placed', {})
      await bus.idle()
      await bus.close()`
    const args = ['--import', fromClone, '--input-type=module', '--eval', program]
    const cwd = fileURLToPath(new URL('..', import.meta.url))
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: authorityPath }

    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd, env })

    expect(stdout).toBe('order.placed\n')
  })

  it('is reached by a client that names the authority', async () => {
    const { url, authority } = await openSecureServer()
    const client = new Redis(url, { tls: { ca: authority }, lazyConnect: true })
    const backend = openBackend({ client, stream: newStream() })
    const { deliveries } = await watch(backend, 'shop')

    await backend.publish([event()])

    await until(() => deliveries.length === 1)
  })

  it('is told apart at once from one whose certificate nobody trusts', async () => {
    const { url } = await openSecureServer()
    const backend = openBackend({ url, stream: newStream(), timeoutMs })

    await expect(backend.publish([event()])).rejects.toMatchObject({
      name: 'ConnectionError',
      code: 'EVENTSETS_CONNECTION',
      message: expect.stringMatching(/^There is no way to Redis: .*(certificate|issuer)/),
      hint: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
    })
    expect(await backend.health()).toMatchObject({
      status: 'unhealthy',
      reasons: [expect.stringContaining('certificate')],
    })
  })

  it('is asked for when there is no answer', async () => {
    const { port } = await openServer()
    const backend = openBackend({ url: `rediss://127.0.0.1:${port}`, stream: newStream(), timeoutMs: 200 })

    await expect(backend.publish([event()])).rejects.toMatchObject({
      code: 'EVENTSETS_CONNECTION',
      message: expect.stringContaining('There was no answer in TLS.'),
      hint: expect.stringContaining('does not speak TLS'),
    })
  })

  it.each([
    ['hangs up', (socket: Socket) => socket.end(), 'There was no answer in TLS.', 1000],
    ['answers something', (socket: Socket) => socket.end('-ERR what?\r\n'), 'is no TLS', timeoutMs],
  ])('is told from one that %s', async (_, answer, message, patienceMs) => {
    const plain = createServer((socket) => {
      socket.on('error', () => {}).once('data', () => answer(socket))
    })
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void plain.close())
    const { port } = plain.address() as AddressInfo
    const url = `rediss://127.0.0.1:${port}`
    const backend = openBackend({ url, stream: newStream(), timeoutMs: patienceMs })

    await expect(backend.publish([event()])).rejects.toMatchObject({
      code: 'EVENTSETS_CONNECTION',
      message: expect.stringContaining(message),
      hint: expect.stringContaining('does not speak TLS'),
    })
  })
})

describe.runIf(hasRedisServer)('a server with a password', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
    await server.admin.call('ACL', 'SETUSER', 'shop', 'on', `>${SECRET}`, ...ruleOf('shop'))
    await server.admin.call('ACL', 'SETUSER', 'cache', 'on', `>${SECRET}`, ...ruleOf('cache'))
  })
  afterAll(() => server?.dispose())

  const urlOf = (who: string) => server.url.replace('redis://', `redis://${who}@`)

  it.each([
    ['a wrong password', (url: string) => url.replace(SECRET, `${SECRET}!`)],
    ['an unknown user', (url: string) => url.replace('shop', 'nobody')],
  ])('refuses %s at once, and nobody reads it', async (_, change) => {
    const backend = openBackend({ url: change(urlOf(`shop:${SECRET}`)), timeoutMs })
    const error = await backend.publish([event()]).catch((reason) => reason)

    expect(error).toMatchObject({
      name: 'ConnectionError',
      code: 'EVENTSETS_CONNECTION',
      message: expect.stringContaining('WRONGPASS'),
      hint: expect.stringContaining('password'),
    })
    expect(inspect([error, await backend.health()], { depth: 10 })).not.toContain(SECRET)
    await expect(watch(backend, 'shop')).rejects.toMatchObject({ code: 'EVENTSETS_CONNECTION' })
  })

  it('refuses whoever has none', async () => {
    const own = await openServer()
    await own.admin.config('SET', 'requirepass', SECRET)
    const backend = openBackend({ url: own.url, timeoutMs })

    await expect(backend.publish([event()])).rejects.toMatchObject({
      code: 'EVENTSETS_CONNECTION',
      message: expect.stringContaining('NOAUTH'),
    })
  })

  it('is served by a user who may do only what the README says', async () => {
    const { bus, backend, errors } = openBus(
      { url: urlOf(`shop:${SECRET}`), stream: 'shop' },
      { group: 'orders' },
    )
    let handled = 0
    bus.on(
      'order.*',
      ({ name }, { attempt }) => {
        if (name === 'order.lost' || attempt === 1) throw new Error('not yet')
        handled++
      },
      { name: 'note', retry: { maxAttempts: 2, baseDelayMs: 1 } },
    )
    await bus.start()
    await bus.publish('order.placed', {}, { key: 'k' })
    await bus.publish('order.placed', {}, { deliverAt: Date.now() + 50 })
    await bus.publish('order.lost', {})
    await until(async () => handled === 2 && (await bus.deadLetters.list()).length === 1)
    const [letter] = await bus.deadLetters.list()
    await bus.deadLetters.replay(letter?.id as string)
    await until(async () => (await bus.deadLetters.list()).length === 1)
    await bus.deadLetters.drop((await bus.deadLetters.list())[0]?.id as string)
    await untilIdle(backend)
    expect(await replayAll(backend)).toHaveLength(3)
    expect(await backend.removeGroup('orders')).toBe(true)
    await bus.close()

    expect(errors.filter(({ name }) => name !== 'HandlerError')).toEqual([])
    const denied = (await server.admin.call('ACL', 'LOG')) as string[][]
    // With newer servers the client says what it is called, and does without.
    expect(denied.filter((entry) => entry.includes('command') && !entry.includes('client|setinfo'))).toEqual(
      [],
    )
  })

  it('says what a user may not do who was given too little', async () => {
    const backend = openBackend({ url: urlOf(`shop:${SECRET}`), stream: 'of-others', timeoutMs })

    await expect(backend.publish([event()])).rejects.toMatchObject({
      message: expect.stringMatching(/NOPERM|permissions/),
      hint: expect.stringContaining('README'),
    })
  })

  it('is used for telling all at once by a user who may do only what the README says', async () => {
    const backend = redisPubSub({ url: urlOf(`cache:${SECRET}`), channel: 'cache' })
    onTestFinished(() => backend.close())
    const { deliveries } = await watch(backend, 'cache')

    await backend.publish([event()])

    await until(() => deliveries.length === 1)
  })

  it('refuses a wrong password as quickly and clearly where all are told at once', async () => {
    const backend = redisPubSub({ url: urlOf('cache:wrong'), channel: 'cache', timeoutMs })
    onTestFinished(() => backend.close())

    await expect(watch(backend, 'cache')).rejects.toMatchObject({
      name: 'ConnectionError',
      message: expect.stringMatching(/^There is no way to Redis: WRONGPASS/),
      hint: expect.stringContaining('password'),
    })
  })

  it.each([
    ['may not listen', ['resetchannels']],
    ['may not count', ['-incrby']],
  ])('says so at once where all are told to a user who %s', async (_, rule) => {
    await server.admin.call('ACL', 'SETUSER', 'less', 'on', `>${SECRET}`, ...ruleOf('cache'), ...rule)
    const backend = redisPubSub({ url: urlOf(`less:${SECRET}`), channel: 'cache', timeoutMs })
    onTestFinished(() => backend.close())

    await expect(watch(backend, 'cache')).rejects.toMatchObject({
      name: 'ConnectionError',
      message: expect.stringMatching(/^Redis has refused: .*(NOPERM|permission|can't run)/),
      hint: expect.stringContaining('README'),
    })
  })
})

/** Some servers are built without it; the others miss a certificate. */
function speaksTls(): boolean {
  const { stdout } = spawnSync(redisServerCommand, ['--port', '0', '--tls-port', '1'], { encoding: 'utf8' })
  return stdout.includes('tls-cert-file')
}

/** What the README lets a user do. */
function ruleOf(user: string): string[] {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const lines = readme.replaceAll('\\\n', '').split('\n')
  const rule = lines.find((line) => line.startsWith(`ACL SETUSER ${user} `))
  return (rule ?? '').split(/\s+/).slice(5)
}

async function openSecureServer() {
  const certificate = createCertificate(openFolder())
  const securePort = await findFreePort()
  const { path, keyPath, authorityPath } = certificate
  const tls = ['--tls-port', `${securePort}`, '--tls-cert-file', path, '--tls-key-file', keyPath]
  await openServer({ more: [...tls, '--tls-ca-cert-file', authorityPath, '--tls-auth-clients', 'no'] })
  return { ...certificate, url: `rediss://127.0.0.1:${securePort}` }
}
