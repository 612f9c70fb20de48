// Runs the fault tests, and writes what they have measured into docs/reference/guarantees.md:
//
//   npm run guarantees
//
// The tests need redis-server and nats-server. Nothing is written when one of them fails.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { markdownTable } from './describe-sets.mjs'
import { fillPart } from './fill-part.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const page = join(root, 'docs/reference/guarantees.md')
const BACKENDS = {
  'redis-streams': () => [serverVersion('redis-server', /v=(\S+)/, 'Redis'), clientVersion('ioredis')],
  'nats-jetstream': () => [
    serverVersion('nats-server', /v(\d\S*)/, 'NATS'),
    clientVersion('@nats-io/jetstream'),
  ],
  sqlite: () => [clientVersion('libsql')],
}

const folder = mkdtempSync(join(tmpdir(), 'eventsets-guarantees-'))
try {
  const path = join(folder, 'figures.ndjson')
  if (runTests(path)) writePage(readFigures(path))
  else {
    console.error('A fault test has failed: nothing is written.')
    process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Runs the tests that measure something. Gives whether all of them have passed. */
function runTests(path) {
  const tests = ['plugins', 'test'].flatMap(listTests).filter(hasFigures)
  const command = join(root, 'node_modules/vitest/vitest.mjs')
  const { status } = spawnSync(process.execPath, [command, 'run', ...tests], {
    cwd: root,
    stdio: 'inherit',
    // Without a server the tests are to fail, not to be skipped.
    env: { ...process.env, CI: 'true', EVENTSETS_FIGURES: path },
  })
  return status === 0
}

/** In the order of the faults: the tests run side by side. */
function readFigures(path) {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []
  return lines
    .map((line) => JSON.parse(line))
    .sort((one, other) => rankOf(one) - rankOf(other) || one.what.localeCompare(other.what, 'en'))
}

function writePage(figures) {
  let text = readFileSync(page, 'utf8')
  for (const [backend, versions] of Object.entries(BACKENDS)) {
    const rows = figures.filter((figure) => figure.backend === backend)
    const filled = fillPart(text, backend, describe(rows, versions()))
    if (filled === undefined) throw new Error(`The page has no part "${backend}".`)
    text = filled
  }
  writeFileSync(page, text)
}

function listTests(name) {
  return readdirSync(join(root, name), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('node_modules'))
    .sort()
}

function hasFigures(path) {
  return readFileSync(path, 'utf8').includes('recordFigure(')
}

/** The storm is all of them at once, and comes last. */
function rankOf({ fault }) {
  return /^F\d+$/.test(fault) ? Number(fault.slice(1)) : fault === 'storm' ? 1000 : 100
}

function describe(figures, versions) {
  const rows = figures.map(({ what, did, acknowledged, lost, repeated, outOfOrder, recoveryMs }) => [
    what,
    did,
    acknowledged,
    lost,
    repeated,
    outOfOrder ?? '–',
    recoveryMs === undefined ? '–' : wordDuration(recoveryMs),
  ])
  const header = [
    'What was done',
    'How',
    'Acknowledged',
    'Lost',
    'Handled once more',
    'Out of order',
    'Recovered after',
  ]
  const where = [...versions, `Node ${process.versions.node}`, `${availableParallelism()} CPUs`]
  return `Measured with ${where.join(', ')}.\n\n${markdownTable(header, rows.map(toTexts))}`
}

/** A nought is a figure, and not an empty cell. */
function toTexts(row) {
  return row.map(String)
}

function wordDuration(ms) {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

function serverVersion(command, pattern, name) {
  const [, version] = pattern.exec(execFileSync(command, ['--version'], { encoding: 'utf8' })) ?? []
  return `${name} ${version}`
}

function clientVersion(name) {
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'))
  return `${name} ${version}`
}
