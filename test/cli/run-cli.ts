import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

export const root = fileURLToPath(new URL('../..', import.meta.url))
export const main = join(root, 'dist/cli/main.js')

export interface RunOptions {
  readonly input?: string | Buffer
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
}

export interface Finished {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** Standard output as it came, for what is no valid UTF-8. */
  readonly bytes: Buffer
}

/** Nothing of the environment of the tests that would change what the command does. */
export function cleanEnv(env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR } = process.env
  return { PATH, HOME, TMPDIR, TERM: 'xterm-256color', TZ: 'UTC', SHELL: '/bin/sh', ...env }
}

/** Runs the command to its end, with pipes for standard input and output. */
export function runCli(args: readonly string[], options: RunOptions = {}): Finished {
  return runProgram(process.execPath, [main, ...args], options)
}

/** Runs a line of shell in which `eventsets` is the command. Gives the exit code of the last command. */
export function runShell(line: string, options: RunOptions = {}): Finished {
  const script = `eventsets() { ${quote(process.execPath)} ${quote(main)} "$@"; }\n${line}`
  return runProgram('bash', ['-c', script], options)
}

export function runProgram(program: string, args: readonly string[], options: RunOptions = {}): Finished {
  const { input = '', env, cwd } = options
  const { status, signal, stdout, stderr, error } = spawnSync(program, args, {
    input,
    env: cleanEnv(env),
    cwd,
    maxBuffer: 512 * 1024 * 1024,
  })
  if (error) throw error
  return { status, signal, stdout: stdout.toString(), stderr: stderr.toString(), bytes: stdout }
}

/** Whether there is a `script` that can run a command in a pseudo-terminal. */
export const hasTerminal = spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0
if (!hasTerminal) {
  console.warn('SKIPPED: tests in a terminal need "script" of util-linux, which is not installed.')
}

/** Runs a line of shell in a pseudo-terminal of 80 columns; `stdout` is all that a person would see. */
export function runInTerminal(
  line: string,
  { columns = 80, ...options }: RunOptions & { readonly columns?: number } = {},
): Finished {
  const script = `stty cols ${columns}; eventsets() { ${quote(process.execPath)} ${quote(main)} "$@"; }; ${line}`
  const finished = runProgram('script', ['-qec', script, '/dev/null'], options)
  return { ...finished, stdout: finished.stdout.replaceAll('\r\n', '\n') }
}

export interface Running {
  readonly child: ChildProcess
  /** What has been written so far. */
  readonly output: { stdout: string; stderr: string }
  /** Waits until standard output holds the text. */
  until(text: string): Promise<void>
  /** Waits until the process has ended and all that it wrote has arrived. */
  readonly ended: Promise<Finished>
}

/** Starts the command and leaves it running; ends it with the test. */
export function startCli(args: readonly string[], options: Pick<RunOptions, 'env' | 'cwd'> = {}): Running {
  const child = spawn(process.execPath, [main, ...args], {
    env: cleanEnv(options.env),
    cwd: options.cwd,
    stdio: 'pipe',
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const output = { stdout: '', stderr: '' }
  const chunks: Buffer[] = []
  const listeners = new Set<() => void>()
  child.stdout.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    output.stdout = Buffer.concat(chunks).toString()
    for (const listener of listeners) listener()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    output.stderr += chunk
  })
  child.stdin.on('error', () => {})
  const ended = new Promise<Finished>((resolve) => {
    child.on('close', (status, signal) =>
      resolve({ status, signal, ...output, bytes: Buffer.concat(chunks) }),
    )
  })
  const until = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!output.stdout.includes(text)) return
        listeners.delete(look)
        resolve()
      }
      listeners.add(look)
      look()
      void ended.then(() => reject(new Error(`ended before it wrote ${text}: ${JSON.stringify(output)}`)))
    })
  return { child, output, until, ended }
}

/** A folder that is removed with the test, or with whatever else. */
export function temporaryFolder(onEnd: (remove: () => void) => void = onTestFinished): string {
  const folder = mkdtempSync(join(tmpdir(), 'eventsets-cli-'))
  onEnd(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
