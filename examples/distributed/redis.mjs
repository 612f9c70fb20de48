// A Redis server for a while: one of yours, or one that is started here and leaves nothing behind.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { Redis } from 'ioredis'
import { hasEnded } from './crew.mjs'

/**
 * @param {object} options
 * @param {string | undefined} options.url of a server of yours
 * @param {string} options.folder where a server of its own may keep its data
 * @param {string} options.stream what the keys of the example begin with
 */
export async function openRedis({ url, folder, stream }) {
  if (url === undefined) return await startServer(folder)
  await expectServer(url)
  return {
    url,
    what: 'your server',
    /** Takes away what the example has stored. */
    async close() {
      const client = connectOnce(url)
      try {
        for await (const keys of client.scanStream({ match: `{${stream}}:*`, count: 1000 }))
          if (keys.length > 0) await client.unlink(keys)
      } catch {
        console.error(`The server has gone away; what begins with {${stream}}: may still be on it.`)
      } finally {
        client.disconnect()
      }
    },
  }
}

/** @param {string} url */
async function expectServer(url) {
  const client = connectOnce(url)
  try {
    await client.ping()
  } catch (cause) {
    throw new Error('No Redis server answers at the address in REDIS_URL.', { cause })
  } finally {
    client.disconnect()
  }
}

/** @param {string} url */
function connectOnce(url) {
  const client = new Redis(url, { retryStrategy: () => null, connectTimeout: 5000 })
  // Whoever asks it something is told.
  client.on('error', () => {})
  return client
}

/** @param {string} folder */
async function startServer(folder) {
  mkdirSync(folder)
  const port = await findPort()
  const address = ['--bind', '127.0.0.1', '--port', `${port}`]
  // What keeps events when the server is killed, and what keeps it from forgetting some to make room.
  const safety = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--maxmemory-policy', 'noeviction']
  const server = spawn('redis-server', [...address, ...safety, '--save', '', '--dir', folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
    // Ctrl-C reaches all processes of a terminal, and the workers need it to the end.
    detached: true,
  })
  const failed = new Promise((_, reject) => {
    server.once('error', (error) => reject(missingServer(error)))
    server.once('exit', (code) => reject(new Error(`redis-server has ended with ${code}.`)))
  })
  const client = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null, retryStrategy: () => 50 })
  client.on('error', () => {})
  try {
    await Promise.race([client.ping(), failed])
  } finally {
    client.disconnect()
  }
  failed.catch(() => {})
  return {
    url: `redis://127.0.0.1:${port}`,
    what: 'a server of its own, with an append-only file',
    async close() {
      server.kill('SIGKILL')
      await hasEnded(server)
    },
  }
}

async function findPort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return port
}

/** @param {Error & { code?: unknown }} error */
function missingServer(error) {
  if (error.code !== 'ENOENT') return error
  return new Error(`redis-server is not installed. It comes with most systems:

  apt install redis-server      Debian, Ubuntu
  brew install redis            macOS

Or give the address of a server that runs: REDIS_URL=redis://localhost:6379 npm run example:distributed`)
}
