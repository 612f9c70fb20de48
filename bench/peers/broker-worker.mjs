// Has a process take log lines from one stream of Redis to another, and prints what a line takes.
// Usage: node broker-worker.mjs <eventsets|loop> <file of lines> <lines> <port> <pid of the server> <folder>
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { cpuUsOf, inBatches } from './broker-events.mjs'

const STORED_TOGETHER = 500
const WARM_UP_SHARE = 0.2
/** The end is seen so late at most. */
const LOOK_MS = 5

const [way, file, count, port, serverPid, folder] = process.argv.slice(2)
const lines = Number(count)
const warmUp = lines * WARM_UP_SHARE
const admin = new Redis(Number(port))
await storeLines()

const child = spawn(process.execPath, [...process.execArgv, ...commands()[way]], {
  cwd: folder,
  stdio: ['ignore', 'ignore', 'inherit'],
})
let isOver = false
child.once('exit', (code) => {
  if (!isOver) throw new Error(`The worker has ended by itself with ${code}.`)
})
const begin = await reached(warmUp)
const end = await reached(warmUp + lines)
isOver = true
child.kill('SIGKILL')
const taken = (name) => (end[name] - begin[name]) / (end.lines - begin.lines)
process.stdout.write(
  JSON.stringify({ wallUs: taken('wallUs'), cpuUs: taken('cpuUs'), serverUs: taken('serverUs') }),
)
process.exit()

function commands() {
  const url = `redis://127.0.0.1:${port}`
  const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
  return {
    eventsets: [main, 'worker', '--from', `${url}/logs`, '--group', 'enrich', '--to', `${url}/out`],
    loop: [fileURLToPath(new URL('broker-loop.mjs', import.meta.url)), port],
  }
}

async function storeLines() {
  installPlugin()
  const texts = readFileSync(file, 'utf8').trimEnd().split('\n')
  await inBatches(0, warmUp + lines, STORED_TOGETHER, async (numbers) => {
    const pipeline = admin.pipeline()
    for (const index of numbers) pipeline.xadd('logs', '*', 'line', texts[index % texts.length])
    for (const [error] of await pipeline.exec()) if (error) throw error
  })
  await admin.xgroup('CREATE', 'logs', 'enrich', '0')
}

/** An application that has the plugin: the worker looks for it there. */
function installPlugin() {
  const modules = join(folder, 'node_modules', '@eventsets')
  mkdirSync(modules, { recursive: true })
  const plugin = fileURLToPath(new URL('../../plugins/redis-streams', import.meta.url))
  symlinkSync(plugin, join(modules, 'redis-streams'), 'junction')
  const dependencies = { '@eventsets/redis-streams': '*' }
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'bench-app', private: true, dependencies }),
  )
}

/** When so many lines have come through: how many those are, and what has been taken for them. */
async function reached(wanted) {
  for (;;) {
    const found = await admin.xlen('out')
    if (found >= wanted)
      return {
        lines: found,
        wallUs: performance.now() * 1000,
        cpuUs: cpuUsOf(child.pid),
        serverUs: cpuUsOf(serverPid),
      }
    await setTimeout(LOOK_MS)
  }
}
