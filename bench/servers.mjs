// Servers that a benchmark starts for itself, on free ports of this machine, and stops.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { cacheDir } from './corpus.mjs'

/** `argumentsFor` gives what it is started with; `isReady` asks it by a line whether it answers. */
export const REDIS = {
  command: 'redis-server',
  // Nothing is written to the disk: it would be the disk that is measured.
  argumentsFor: (folder, port) => ['--port', port, '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
  greeting: ['PING\r\n', '+PONG'],
}

export const NATS = {
  command: 'nats-server',
  argumentsFor(folder, port) {
    const file = join(folder, 'nats.conf')
    const store = JSON.stringify(join(folder, 'store'))
    writeFileSync(file, `listen: "127.0.0.1:${port}"\nmax_payload: 8MB\njetstream { store_dir: ${store} }\n`)
    return ['-c', file]
  },
  greeting: ['', 'INFO'],
}

/** What is installed: its version as it says it, or undefined. */
export function versionOf({ command }) {
  const { error, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' })
  return error ? undefined : /\d+\.\d+\.\d+/.exec(stdout)?.[0]
}

/** Starts a server, gives its `port`, its `pid` and a `folder` of its own to `use`, and stops it when that has ended, however. */
export async function withServer(server, use) {
  mkdirSync(cacheDir, { recursive: true })
  const folder = mkdtempSync(join(cacheDir, `${server.command}-`))
  const port = await findFreePort()
  const child = spawn(server.command, server.argumentsFor(folder, String(port)), { stdio: 'ignore' })
  const exit = once(child, 'exit')
  try {
    await Promise.race([untilReady(server, port), exit.then(() => refuse(server))])
    return await use({ port, pid: child.pid, folder })
  } finally {
    child.kill('SIGKILL')
    await exit
    rmSync(folder, { recursive: true, force: true })
  }
}

function refuse({ command }) {
  throw new Error(`${command} has ended by itself.`)
}

async function findFreePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

async function untilReady({ command, greeting: [question, answer] }, port) {
  const giveUpAt = Date.now() + 10_000
  while (!(await answers(port, question, answer))) {
    if (Date.now() > giveUpAt) throw new Error(`${command} has not answered for 10 s.`)
    await setTimeout(10)
  }
}

function answers(port, question, answer) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(question))
    socket.once('data', (data) => {
      resolve(data.toString().startsWith(answer))
      socket.destroy()
    })
    socket.once('error', () => resolve(false))
  })
}
