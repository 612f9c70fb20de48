// Runs peers in turn, each in a fresh process, and turns what they took into medians and ratios.
import { execFileSync, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheDir } from './corpus.mjs'

const usagePreload = fileURLToPath(new URL('peers/report-usage.cjs', import.meta.url))

/** Does a file that a peer needs exist? Without the built package only the other peers run. */
export const isAvailable = ({ needs }) => needs === undefined || existsSync(projectPath(needs))

/** The absolute path of a file in `bench/peers`. */
export const peerPath = (name) => fileURLToPath(new URL(`peers/${name}`, import.meta.url))

/** The absolute path of a file of the repository. */
export const projectPath = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url))

/**
 * An application folder with nothing in it, where the measured processes run: plugins and configuration files
 * of this repository must not show up in the figures.
 */
function emptyAppDir() {
  const path = join(cacheDir, 'app')
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, 'package.json'), '{ "name": "bench-app", "private": true }\n')
  return path
}

/**
 * Runs Node once and measures it from outside (wall time) and from inside (CPU time and peak memory; needs
 * `usage`, which costs the process about a millisecond).
 *
 * stdin is a file (a path, or a descriptor, which is closed) or nothing, stdout goes to /dev/null or, with
 * `capture`, into `stdout` of the result. `env` is added to the environment. Throws where the process fails.
 */
export async function runNode(args, { stdin, capture = false, usage = true, env } = {}) {
  const input = typeof stdin === 'number' ? stdin : openSync(stdin ?? '/dev/null', 'r')
  const output = capture ? 'pipe' : openSync('/dev/null', 'w')
  const start = process.hrtime.bigint()
  const child = spawn(process.execPath, usage ? ['-r', usagePreload, ...args] : args, {
    cwd: emptyAppDir(),
    env: { ...cleanEnvironment(), ...env },
    stdio: [input, output, 'pipe', usage ? 'pipe' : 'ignore'],
  })
  closeSync(input)
  if (!capture) closeSync(output)
  const texts = ['', '', '', '']
  for (const fd of [1, 2, 3]) child.stdio[fd]?.setEncoding('utf8').on('data', (text) => (texts[fd] += text))
  let wallMs = 0
  child.once('exit', () => {
    wallMs = Number(process.hrtime.bigint() - start) / 1e6
  })
  const [code, signal] = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (...result) => resolve(result))
  })
  if (code !== 0) throw new Error(`node ${args.join(' ')}: exit ${code ?? signal}\n${texts[2]}`)
  return { wallMs, ...(usage ? JSON.parse(texts[3]) : {}), stdout: texts[1] }
}

/**
 * Runs Node as `runNode` does, its stdin a pipe that another process writes a file to, `times` over.
 *
 * A named pipe, since what `spawn` makes for 'pipe' is a socket, and nobody's shell does that.
 */
export async function runNodeInPipe(args, { file, times, ...options }) {
  const pipe = join(cacheDir, `pipe-${process.pid}`)
  execFileSync('mkfifo', [pipe])
  // An end of a pipe opens only when the other is open. This one is both.
  const both = openSync(pipe, 'r+')
  const [readEnd, writeEnd] = [openSync(pipe, 'r'), openSync(pipe, 'w')]
  closeSync(both)
  rmSync(pipe)
  const writer = spawn(process.execPath, [peerPath('repeat-file.mjs'), file, String(times)], {
    env: cleanEnvironment(),
    stdio: ['ignore', writeEnd, 'inherit'],
  })
  closeSync(writeEnd)
  const written = new Promise((resolve, reject) => {
    writer.once('error', reject)
    writer.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`the pipe's writer: exit ${code}`)),
    )
  })
  const [run] = await Promise.all([runNode(args, { ...options, stdin: readEnd }), written])
  return run
}

/** Runs a script of ours that prints its own measurements as one JSON object. */
export async function runReport(args, { env } = {}) {
  const { stdout } = await runNode(args, { capture: true, usage: false, env })
  return JSON.parse(stdout)
}

/** The environment of the caller without what changes colours, options or preloads of a peer. */
function cleanEnvironment() {
  const environment = { ...process.env, TZ: 'UTC' }
  for (const name of ['NO_COLOR', 'FORCE_COLOR', 'NODE_OPTIONS', 'NODE_V8_COVERAGE', 'EVENTSETS_SCANNER'])
    delete environment[name]
  for (const name of Object.keys(environment)) if (name.startsWith('npm_')) delete environment[name]
  return environment
}

/**
 * How much of the corpus a peer should read: the least of the rising `shares` that takes it `leastMs`, so that its
 * start does not count for much, or else the last.
 *
 * `measureMs(share)` runs it once. The first runs are short, and those that cannot be long enough are left out.
 */
export async function findShare({ shares, leastMs, measureMs }) {
  let at = 0
  while (at < shares.length - 1) {
    const tookMs = await measureMs(shares[at])
    if (tookMs >= leastMs) break
    // The start is part of what it took, so at this speed a share takes less than is reckoned here, not more.
    const next = shares.findIndex((share, index) => index > at && (tookMs * share) / shares[at] >= leastMs)
    at = next === -1 ? shares.length - 1 : next
  }
  return shares[at]
}

/**
 * Runs every peer once a round, in reverse order every second round, so that what else the machine does hits
 * all of them alike. Returns peer name -> one value of `runOne` a round.
 */
export async function inTurn(peers, rounds, runOne, onProgress = () => {}) {
  const results = new Map(peers.map((peer) => [peer.name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const peer of round % 2 === 0 ? peers : [...peers].reverse()) {
      onProgress(`round ${round + 1}/${rounds}: ${peer.name}`)
      results.get(peer.name).push(await runOne(peer))
    }
  }
  return results
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Median, lowest and highest of what `pick` takes from each measurement. */
export function spread(measurements, pick) {
  const values = measurements.map(pick)
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) }
}

/** The spread of `ours / theirs`, taken round by round, so that a slow minute of the machine hits both. */
export function ratio(ours, theirs, pick) {
  return spread(
    ours.map((value, round) => pick(value) / pick(theirs[round])),
    (value) => value,
  )
}
