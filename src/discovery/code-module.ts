import { writeSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { oneLine, type ProblemDetail } from './origin.ts'
import { describeThrown } from './thrown.ts'
import { limitAfter } from './time-limit.ts'
import type { Role, Trust } from './trust.ts'

export type ImportedModule =
  | { readonly exports: { readonly [name: string]: unknown }; readonly failure?: undefined }
  | { readonly exports?: undefined; readonly failure: ProblemDetail }

export interface CodeLoader {
  /**
   * Loads a configuration, or a module that one names. `name` is what it is called in messages. Never rejects.
   */
  load(file: string, name: string, namedBy?: string): Promise<ImportedModule>
  /** Whether code has run, and may have left something that goes on. */
  readonly hasRun: boolean
  /** From now on whoever ends the process does so for a reason of their own. */
  close(): void
}

export interface CodeLoaderOptions {
  readonly role: Role
  readonly trust: Trust
  /** How long a module may take. */
  readonly timeoutMs: number
}

/**
 * Loads modules, each in a thread of its own first: what hangs for ever, or ends the process, does so there, and costs
 * the application its sets and not its log. What they export is read there, too: a getter is code.
 */
export function createCodeLoader({ role, trust, timeoutMs: limitMs }: CodeLoaderOptions): CodeLoader {
  const begun = performance.now()
  let watch: ExitWatch | undefined
  let hasRun = false
  return {
    get hasRun() {
      return hasRun
    },
    async load(file, name, namedBy) {
      const flaw = trust.findDistrust(file, { namedBy })
      if (flaw !== undefined) return { failure: distrusted(file, name, flaw) }
      const timeoutMs = limitAfter(limitMs, begun)
      const { href } = pathToFileURL(file)
      const fail = (failure: Failure) => ({
        failure: { step: 'import' as const, file, ...word(failure, name, timeoutMs) },
      })
      const begunHere = performance.now()
      hasRun = true
      try {
        const failure = await tryInThread(href, timeoutMs)
        if (failure) return fail(failure)
        watch ??= await watchExit(role)
        watch.add(file)
        return { exports: await withTimeout(import(href), limitAfter(timeoutMs, begunHere)) }
      } catch (error) {
        return fail(error === TIMED_OUT ? { how: 'hangs' } : { how: 'throws', reason: describeThrown(error) })
      }
    },
    close: () => watch?.stop(),
  }
}

function distrusted(file: string, name: string, flaw: string): ProblemDetail {
  return {
    code: 'EVENTSETS_NOT_TRUSTED',
    step: 'import',
    file,
    reason: `${name}: ${flaw}, so that it is not run`,
    hint: 'Let it and its folders belong to you, or take it out of the configuration.',
  }
}

interface ExitWatch {
  /** A module that is loaded from now on. */
  add(file: string): void
  stop(): void
}

/**
 * What has come through its trial can end the process all the same, if it wants to: then at least somebody is told, and
 * the exit code of the command is not that of success. A worker has no exit code that its application would survive,
 * and an application has reasons of its own to end.
 */
async function watchExit(role: Role): Promise<ExitWatch> {
  const { isMainThread } = await import('node:worker_threads')
  const files: string[] = []
  const tell = () => {
    if (role === 'reader') process.exitCode ||= FAILURE
    try {
      writeSync(2, `eventsets: ended by code that a configuration names: ${oneLine(files.join(', '))}\n`)
    } catch {
      // Nobody can be told.
    }
  }
  const isWatched = role === 'reader' || !isMainThread
  // First of all: a listener of the thread that a logger's worker runs in ends it at once.
  if (isWatched) process.prependListener('exit', tell)
  return { add: (file) => files.push(file), stop: () => process.off('exit', tell) }
}

/** The exit code for wrong configuration. */
const FAILURE = 2

type Failure =
  | { readonly how: 'throws'; readonly reason: string }
  | { readonly how: 'exits'; readonly exitCode: number }
  /** Nothing is left that could make it go on. */
  | { readonly how: 'waits' }
  | { readonly how: 'hangs' }

/**
 * Reads as CommonJS and as an ES module, since the application's command line says which of them it is.
 *
 * What a module leaves behind for the next moment, such as a rejection that nobody handles, belongs to its trial. So do
 * getters and proxies in what it exports; what is too large to be read here is refused afterwards anyway.
 */
const TRIAL = `
const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads')
process.on('beforeExit', () => parentPort.postMessage({ trial: 'waits' }))
import(workerData).then(
  (exported) => {
    const waiting = []
    for (const name of ['sets', 'default']) {
      try { waiting.push(exported[name]) } catch {}
    }
    const seen = new Set()
    for (let left = 20000; left > 0 && waiting.length > 0; left--) {
      const value = waiting.pop()
      if (typeof value !== 'object' || value === null || seen.has(value)) continue
      seen.add(value)
      try {
        for (const key of Object.keys(value).slice(0, 20000)) {
          try { waiting.push(value[key]) } catch {}
        }
      } catch {}
    }
    setTimeout(() => parentPort.postMessage({ trial: 'passed' }))
  },
  (error) => setTimeout(() => { throw error }),
)`

async function tryInThread(href: string, timeoutMs: number): Promise<Failure | undefined> {
  // Most applications name no code, and need not wait for it.
  const { Worker } = await import('node:worker_threads')
  return await new Promise((resolve) => {
    // What it prints would be printed twice.
    const worker = new Worker(TRIAL, { eval: true, workerData: href, stdout: true, stderr: true })
    const timer = setTimeout(() => finish({ how: 'hangs' }), timeoutMs)
    const finish = (failure: Failure | undefined) => {
      clearTimeout(timer)
      resolve(failure)
      void worker.terminate()
    }
    // The module may send messages of its own.
    worker.on('message', (message: { readonly trial?: unknown } | null) => {
      if (message?.trial === 'passed') finish(undefined)
      else if (message?.trial === 'waits') finish({ how: 'waits' })
    })
    worker.once('error', (error) => finish({ how: 'throws', reason: describeThrown(error) }))
    worker.once('exit', (exitCode) => finish({ how: 'exits', exitCode }))
  })
}

const TIMED_OUT = Symbol('timed out')

function withTimeout<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(reject, timeoutMs, TIMED_OUT)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

function word(
  failure: Failure,
  name: string,
  timeoutMs: number,
): Pick<ProblemDetail, 'code' | 'reason' | 'hint'> {
  switch (failure.how) {
    case 'throws':
      return {
        code: 'EVENTSETS_PLUGIN_CODE',
        reason: `${name} cannot be loaded: ${failure.reason}`,
        hint: 'Mend the module, or take it out of the configuration.',
      }
    case 'exits':
      return {
        code: 'EVENTSETS_PLUGIN_EXIT',
        reason: `${name} ends the process when it is loaded (exit code ${failure.exitCode})`,
        hint: 'A module with event sets must not call process.exit; take it out of the configuration.',
      }
    case 'waits':
      return {
        code: 'EVENTSETS_PLUGIN_TIMEOUT',
        reason: `${name} waits for something that never happens`,
        hint: 'Export the sets without waiting.',
      }
    case 'hangs':
      return {
        code: 'EVENTSETS_PLUGIN_TIMEOUT',
        reason: `${name} was not loaded after ${timeoutMs} ms`,
        hint: 'Does it wait for something, or never end? Export the sets without waiting.',
      }
  }
}
