import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A folder of an application that has installed eventsets, and what carries its lines. It is gone after the test. */
export interface Application {
  readonly folder: string
  /** Starts a logger, which is killed with the test. */
  start(options: TransportOptions, more?: { readonly sync?: boolean }): Promise<Logger>
  /** The same with all that pino.transport takes, in the folder or one below it. */
  run(transport: object, below?: string): Promise<Logger>
}

interface TransportOptions {
  readonly destination?: string
  readonly [name: string]: unknown
}

/** A process that logs what it is told to. */
export interface Logger {
  readonly child: ChildProcess
  /** Resolves when it has been done; with an end of the process, when it has ended. */
  tell(task: Task): Promise<void>
  /** Its exit code, or the signal that has ended it. */
  readonly ended: Promise<number | string>
  /** What it has said on standard error so far. */
  readonly stderr: string
  readonly stdout: string
  /** Errors of the transport. */
  readonly errors: readonly string[]
}

export type Task =
  /** Lines with the numbers from `from` on. */
  | { readonly task: 'log'; readonly from: number; readonly count: number; readonly text?: string }
  | { readonly task: 'write'; readonly base64: string }
  | { readonly task: 'flush' | 'stop' | 'exit' | 'throw' | 'endTransport' }

/** As far as a test is about what is missing. */
export interface Installed {
  /** The driver: as it is, without what makes it one, or not at all. */
  readonly driver?: 'whole' | 'old' | 'none'
  readonly client?: boolean
}

export function openApplication({ driver = 'whole', client = true }: Installed = {}): Application {
  const folder = mkdtempSync(join(tmpdir(), 'eventsets-application-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const modules = join(folder, 'node_modules')
  const plugin = join(modules, '@eventsets', 'redis-streams')
  mkdirSync(modules)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'application', type: 'module' }))
  symlinkSync(root, join(modules, 'eventsets'))
  for (const name of ['pino', ...(client ? ['ioredis'] : [])])
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  if (driver !== 'none') {
    const source = join(root, 'plugins', 'redis-streams')
    // A copy, as npm makes it: what it imports is looked for in this folder.
    for (const part of ['package.json', 'dist'])
      cpSync(join(source, part), join(plugin, part), { recursive: true })
  }
  if (driver === 'old') writeFileSync(join(plugin, 'dist', 'index.js'), 'export function redisStreams() {}\n')
  cpSync(fileURLToPath(new URL('logger-process.mjs', import.meta.url)), join(folder, 'logger.mjs'))
  const run = async (transport: object, below = '.') => {
    const child = fork(join(folder, 'logger.mjs'), [JSON.stringify(transport)], {
      cwd: join(folder, below),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: environment(),
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    return await connect(child)
  }
  return {
    folder,
    run,
    start: (options, { sync = false } = {}) => run({ target: 'eventsets', options, sync }),
  }
}

async function connect(child: ChildProcess): Promise<Logger> {
  const errors: string[] = []
  let stderr = ''
  let stdout = ''
  const waiting = new Map<string, () => void>()
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk
  })
  child.on('message', ({ done, error }: { readonly done?: string; readonly error?: string }) => {
    if (error !== undefined) errors.push(error)
    if (done !== undefined) waiting.get(done)?.()
  })
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  const done = (task: string) => {
    const told = new Promise<void>((resolve) => waiting.set(task, resolve))
    return Promise.race([told, ended.then(() => {})])
  }
  await done('start')
  return {
    child,
    ended,
    errors,
    get stderr() {
      return stderr
    },
    get stdout() {
      return stdout
    },
    async tell(task) {
      const isDone = done(task.task)
      child.send(task)
      await isDone
    },
  }
}

/** Without what would decide about colours, or about what is found. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, EVENTSETS_CONFIG: __, EVENTSETS_NO_DISCOVERY: ___, ...env } = process.env
  return env
}
