import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { ProblemDetail } from './origin.ts'

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
  const failure = await tryInThread(href, timeoutMs)
  if (failure) return { failure: { step: 'import', file, ...word(failure, name, timeoutMs) } }
  try {
    return { exports: await withTimeout(import(href), timeoutMs) }
  } catch (error) {
    const how: Failure = error === TIMED_OUT ? { how: 'hangs' } : { how: 'throws', reason: describe(error) }
    return { failure: { step: 'import', file, ...word(how, name, timeoutMs) } }
  }
}

type Failure =
  | { readonly how: 'throws'; readonly reason: string }
  | { readonly how: 'exits'; readonly exitCode: number }
  | { readonly how: 'hangs' }

/** CommonJS, since that is what a worker takes as text. */
const TRIAL = `
const { parentPort, workerData } = require('node:worker_threads')
import(workerData).then(
  () => parentPort.postMessage({}),
  (error) => parentPort.postMessage({ reason: error instanceof Error ? error.message : String(error) }),
)`

function tryInThread(href: string, timeoutMs: number): Promise<Failure | undefined> {
  return new Promise((resolve) => {
    // What it prints would be printed twice.
    const worker = new Worker(TRIAL, { eval: true, workerData: href, stdout: true, stderr: true })
    const timer = setTimeout(() => finish({ how: 'hangs' }), timeoutMs)
    const finish = (failure: Failure | undefined) => {
      clearTimeout(timer)
      resolve(failure)
      void worker.terminate()
    }
    worker.once('message', ({ reason }: { reason?: string }) =>
      finish(reason === undefined ? undefined : { how: 'throws', reason }),
    )
    worker.once('error', (error) => finish({ how: 'throws', reason: describe(error) }))
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

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
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
    case 'hangs':
      return {
        code: 'EVENTSETS_PLUGIN_TIMEOUT',
        reason: `${name} was not loaded after ${timeoutMs} ms`,
        hint: 'Does it wait for something, or never end? Export the sets without waiting.',
      }
  }
}
