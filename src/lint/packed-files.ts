import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { isPlainObject } from '../core/shape.ts'

/** Far more than a package of event sets needs. */
export interface PackLimits {
  readonly timeoutMs: number
  readonly memoryMib: number
}

export const PACK_LIMITS: PackLimits = { timeoutMs: 20_000, memoryMib: 256 }

/** The files that npm would publish, as paths from the folder with "/", or why that cannot be found out, as a clause. */
export type PackedFiles =
  | { readonly files: ReadonlySet<string>; readonly failure?: undefined }
  | { readonly files?: undefined; readonly failure: string }

/**
 * Asks npm which files of a package it would publish.
 *
 * In a process of its own, since what npm goes by comes from the package: its globs and its lists of what to leave out
 * may be such that to match them takes for ever, or all memory there is.
 */
export async function listPackedFiles(
  folder: string,
  manifest: { readonly [key: string]: unknown },
  limits: PackLimits = PACK_LIMITS,
): Promise<PackedFiles> {
  const { timeoutMs, memoryMib } = limits
  const module = createRequire(import.meta.url).resolve('npm-packlist')
  const args = [`--max-old-space-size=${memoryMib}`, '--input-type=commonjs', '--eval', PROGRAM]
  const options = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: MAX_ANSWER_BYTES } as const
  return await new Promise((resolve) => {
    const child = execFile(process.execPath, [...args, module], options, (error, answer) => {
      if (error === null) resolve(readAnswer(answer))
      else if (error.killed) resolve({ failure: `npm was not done after ${timeoutMs / 1000} seconds` })
      else resolve({ failure: 'npm needed too much memory, or broke down' })
    })
    // One that is gone already says so by its end.
    child.stdin?.on('error', () => {})
    child.stdin?.end(
      JSON.stringify({ folder, manifest: tidy(manifest), timeoutMs, maxBytes: MAX_IGNORE_BYTES }),
    )
  })
}

const MAX_ANSWER_BYTES = 64 * 1024 * 1024

/** Of a list of what to leave out. Each of its lines is compared with each file. */
const MAX_IGNORE_BYTES = 256 * 1024

/** What npm goes by, without what it does not expect: it would throw where nobody can catch it. */
function tidy({ files, main, browser, bin }: { readonly [key: string]: unknown }) {
  const isText = (value: unknown) => typeof value === 'string' && value !== ''
  return {
    ...(Array.isArray(files) ? { files: files.filter(isText) } : {}),
    ...(isText(main) ? { main } : {}),
    ...(isText(browser) ? { browser } : {}),
    ...(isText(bin) ? { bin: { bin } } : {}),
    ...(isPlainObject(bin)
      ? { bin: Object.fromEntries(Object.entries(bin).filter(([, path]) => isText(path))) }
      : {}),
  }
}

/**
 * What the process runs. A text, so that it needs no file of its own beside a bundle. The thread ends the process in
 * time even when whoever waits for it has gone.
 */
const PROGRAM = `
const { readFileSync, statSync } = require('node:fs')
const { join } = require('node:path')
const { Worker } = require('node:worker_threads')
const { folder, manifest, timeoutMs, maxBytes } = JSON.parse(readFileSync(0, 'utf8'))
const end = 'setTimeout(() => process.kill(process.pid, "SIGKILL"), ' + (timeoutMs + 1000) + ')'
new Worker(end, { eval: true }).unref()

const { Walker } = require(process.argv[1])
class CheckedWalker extends Walker {
  addIgnoreFile(file, done) {
    const path = join(this.path, file)
    const name = JSON.stringify(path.slice(folder.length + 1))
    const refuse = (reason) => this.emit('error', new Error(name + ' ' + reason))
    let stats
    try {
      stats = statSync(path)
    } catch (error) {
      return refuse('cannot be read (' + error.code + ')')
    }
    if (!stats.isFile()) return refuse('is no regular file')
    if (stats.size > maxBytes) return refuse('has more than ' + maxBytes + ' bytes')
    super.addIgnoreFile(file, done)
  }
  walker(entry, options, done) {
    new CheckedWalker(this.tree, this.walkerOpt(entry, options)).on('done', done).start()
  }
}

const answer = (value) => process.stdout.write(JSON.stringify(value))
const tree = { path: folder, package: manifest, isProjectRoot: true, edgesOut: new Map() }
new CheckedWalker(tree, { isPackage: true })
  .on('done', (files) => answer({ files }))
  .on('error', ({ message }) => answer({ failure: message }))
  .start()
`

function readAnswer(text: string): PackedFiles {
  try {
    const { files, failure } = JSON.parse(text) as { files?: string[]; failure?: string }
    return files === undefined ? { failure: failure ?? NO_ANSWER } : { files: new Set(files) }
  } catch {
    return { failure: NO_ANSWER }
  }
}

const NO_ANSWER = 'npm gave no answer'
