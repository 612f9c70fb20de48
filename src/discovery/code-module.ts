import { pathToFileURL } from 'node:url'
import type { ProblemDetail } from './origin.ts'
import { describeThrown } from './thrown.ts'
import { limitAfter } from './time-limit.ts'

export type ImportedModule =
  | { readonly exports: { readonly [name: string]: unknown }; readonly failure?: undefined }
  | { readonly exports?: undefined; readonly failure: ProblemDetail }

/**
 * Loads a module that the application has named. `name` is what it is called in messages. Never rejects.
 *
 * It is loaded in a thread of its own first: what hangs for ever, or ends the process, does so there, and costs
 * the application its sets and not its log.
 */
export async function importModule(file: string, name: string, timeoutMs: number): Promise<ImportedModule> {
  const { href } = pathToFileURL(file)
  const fail = (failure: Failure) => ({
    failure: { step: 'import' as const, file, ...word(failure, name, timeoutMs) },
  })
  const begun = performance.now()
  try {
    const failure = await tryInThread(href, timeoutMs)
    if (failure) return fail(failure)
    return { exports: await withTimeout(import(href), limitAfter(timeoutMs, begun)) }
  } catch (error) {
    return fail(error === TIMED_OUT ? { how: 'hangs' } : { how: 'throws', reason: describeThrown(error) })
  }
}

type Failure =
  | { readonly how: 'throws'; readonly reason: string }
  | { readonly how: 'exits'; readonly exitCode: number }
  /** Nothing is left that could make it go on. */
  | { readonly how: 'waits' }
  | { readonly how: 'hangs' }

/**
 * Reads as CommonJS and as an ES module, since the application's command line says which of them it is.
 *
 * What a module leaves behind for the next moment, such as a rejection that nobody handles, belongs to its trial.
 */
const TRIAL = `
const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads')
process.on('beforeExit', () => parentPort.postMessage({ trial: 'waits' }))
import(workerData).then(
  () => setTimeout(() => parentPort.postMessage({ trial: 'passed' })),
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
