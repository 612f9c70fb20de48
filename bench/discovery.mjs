// Discovery: how long it takes to find the plugins among an application's dependencies, which files are read for it, and
// what it adds to the time until a transport has written its first line.
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { makeAppFolder, PLUGIN_MARKER, pluginField } from './app-folder.mjs'
import { cacheDir } from './corpus.mjs'
import { inTurn, isAvailable, peerPath, ratio, runReport, spread } from './measure.mjs'
import { formatNumber, formatSpread } from './report.mjs'
import { reachedPerScanner } from './scanners.mjs'

/** It is as short and as jumpy as a start. */
const ROUNDS_FACTOR = 4

const DIRECT = 32

/** The applications, by what they are called in the tables. */
const APPS = {
  '1,000 packages, no plugin': { installed: 1000, plugins: 0 },
  '1,000 packages, 2 plugins': { installed: 1000, plugins: 2 },
  '1,000 packages, 5 plugins': { installed: 1000, plugins: 5 },
  '10,000 packages, 5 plugins': { installed: 10_000, plugins: 5 },
  'no plugin, eventsets.config.json': {
    installed: 1000,
    plugins: 0,
    files: { 'eventsets.config.json': '{ "minimumLevel": "info" }\n' },
  },
  'no plugin, eventsets.config.yaml': {
    installed: 1000,
    plugins: 0,
    files: { 'eventsets.config.yaml': 'minimumLevel: info\n' },
  },
}
const [BARE, , USUAL, LARGE] = Object.keys(APPS)

const OURS = 'eventsets'
const GLOBBING = ['fast-glob', 'readdir']
const needs = 'dist/index.js'

const WAYS = [
  ...Object.keys(APPS).map((app) => ({ way: OURS, app, needs })),
  ...GLOBBING.flatMap((way) => [USUAL, LARGE].map((app) => ({ way, app }))),
].map((peer) => ({ ...peer, name: wayName(peer.way, peer.app) }))

function wayName(way, app) {
  return `${way}: ${app}`
}

const OFF = 'eventsets, discovery off'
const FOUND = ['eventsets, no plugin', 'eventsets, 5 plugins']
const STARTS = [
  { name: 'identity', transport: 'identity', app: BARE },
  { name: OFF, transport: 'eventsets text', app: BARE, options: { discovery: false, config: false }, needs },
  { name: FOUND[0], transport: 'eventsets text', app: BARE, needs },
  { name: FOUND[1], transport: 'eventsets text', app: USUAL, needs },
  { name: 'pino-pretty', transport: 'pino-pretty', app: BARE },
]

/** As many fields of plugins as any of the applications has plugins. */
const RECORD = {
  req: { method: 'GET', url: '/' },
  res: { statusCode: 200 },
  ...Object.fromEntries(
    Array.from({ length: APPS[USUAL].plugins }, (_, index) => [pluginField(index), 'found']),
  ),
}

export async function run({ rounds, onProgress }) {
  const folder = join(cacheDir, `apps-${process.pid}`)
  try {
    return await measure(folder, rounds, onProgress)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measure(folder, rounds, onProgress) {
  const dependencies = new Map()
  for (const [app, setting] of Object.entries(APPS)) {
    onProgress(`making an application: ${app}`)
    dependencies.set(app, makeAppFolder(appFolder(folder, app), { direct: DIRECT, ...setting }))
  }
  const pipe = join(folder, 'pipe')
  mkdirSync(folder, { recursive: true })
  execFileSync('mkfifo', [pipe])
  const ways = WAYS.filter(isAvailable)
  const starts = STARTS.filter(isAvailable)
  const find = ({ way, app }, ...rest) =>
    runReport([peerPath('find-sets.mjs'), way, appFolder(folder, app), ...rest])
  const start = ({ transport, app, options = {} }) =>
    runReport([
      peerPath('first-line.mjs'),
      transport,
      pipe,
      appFolder(folder, app),
      ...[options, RECORD].map((value) => JSON.stringify(value)),
    ])

  // Each once before the clock runs, which also makes the files warm.
  const reads = new Map()
  for (const peer of ways) {
    onProgress(`check: ${peer.name}`)
    const { found, noted } = await find(peer, 'noted')
    checkFound(peer, found)
    const sorted = sortReads(noted, appFolder(folder, peer.app), dependencies.get(peer.app))
    // Nobody can know what a package is without a look at it: then something reads past what takes notes.
    if (sorted.perDependency.includes(0)) throw new Error(`${peer.name} found plugins, but not by reading`)
    reads.set(peer.name, sorted)
  }
  for (const peer of starts) {
    onProgress(`check: ${peer.name}`)
    checkLine(peer, (await start(peer)).text)
  }

  const runs = rounds * ROUNDS_FACTOR
  const finds = await inTurn(ways, runs, (peer) => find(peer), onProgress)
  const firstLines = await inTurn(starts, runs, start, (step) => onProgress(`first line, ${step}`))

  const findRows = ways.map(({ name }) => {
    const of = finds.get(name)
    return [
      name,
      formatNumber(spread(of, (run) => run.loadMs).median),
      formatSpread(spread(of, findMs)),
      formatNumber(spread(of, cpuMs).median),
    ]
  })
  const readRows = ways.map(({ name }) => {
    const { perDependency, ofOthers, otherFiles, folders } = reads.get(name)
    return [name, ...[Math.max(...perDependency), ofOthers, otherFiles, folders].map(String)]
  })
  const compare = (ours, theirs) =>
    finds.has(ours) && finds.has(theirs) ? ratio(finds.get(ours), finds.get(theirs), findMs) : undefined
  const ratioRows = [
    ...GLOBBING.flatMap((way) =>
      [USUAL, LARGE].map((app) => [
        `eventsets / ${wayName(way, app)}`,
        wayName(OURS, app),
        wayName(way, app),
      ]),
    ),
    ['eventsets: 10,000 packages / 1,000', wayName(OURS, LARGE), wayName(OURS, USUAL)],
  ].flatMap(([label, ours, theirs]) => {
    const compared = compare(ours, theirs)
    return compared === undefined ? [] : [[label, formatSpread(compared)]]
  })
  const startRows = starts.map(({ name }) => [
    name,
    formatSpread(spread(firstLines.get(name), (run) => run.firstLineMs)),
    formatNumber(spread(firstLines.get(name), cpuMs).median),
    ...(firstLines.has(OFF) && FOUND.includes(name)
      ? [formatSpread(ratio(firstLines.get(name), firstLines.get(OFF), cpuMs))]
      : ['']),
  ])

  return {
    name: 'discovery',
    title: 'Discovery: plugins among the dependencies',
    notes: [
      `Applications with ${DIRECT} direct dependencies. Their packages have the package.json files of packages that are in use, and a plugin has one set of the usual size.`,
      `Median (lowest - highest) of ${runs} fresh processes. Load is the import of the library or of what globs; find is what comes after it, until all sets are registered. The others read and parse every package.json of the first level, and stop at the names of the plugins.`,
      'Read: how often the package.json of a direct dependency is read at the most, how many of other packages, how many other files, and how many folders are listed.',
      'First line: from pino.transport() in the application until the line can be read; CPU is that of the application and its worker meanwhile.',
    ],
    tables: [
      { columns: ['find', 'load ms', 'find ms', 'find CPU ms'], rows: findRows },
      { columns: ['read', 'a dependency', 'other packages', 'other files', 'folders'], rows: readRows },
      { columns: ['time to find, ratio', 'find'], rows: ratioRows },
      { columns: ['transport', 'first line ms', 'CPU ms', 'CPU, times discovery off'], rows: startRows },
    ],
    reached: reachedTargets(finds, reads),
    raw: { find: Object.fromEntries(finds), firstLine: Object.fromEntries(firstLines) },
  }
}

/** Nothing of it has to do with the line scanner: what one reaches, both do. */
function reachedTargets(finds, reads) {
  const [usual, large] = [USUAL, LARGE].map((app) => wayName(OURS, app))
  if (!finds.has(usual)) return {}
  const values = {
    discovery: spread(finds.get(usual), findMs),
    discoveryReads: { median: Math.max(...[usual, large].flatMap((name) => reads.get(name).perDependency)) },
    discoveryGrowth: { median: countReads(reads.get(large)) / countReads(reads.get(usual)) },
  }
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, reachedPerScanner(() => value)]),
  )
}

const findMs = (run) => run.findMs
const cpuMs = (run) => run.cpuMs

const appFolder = (folder, app) => join(folder, app.replaceAll(/\W+/g, '-'))

function checkFound({ name, way, app }, found) {
  const plugins = Array.from({ length: APPS[app].plugins }, (_, index) => `eventsets-plugin-${index}`)
  // Whoever looks at all packages finds more than the application has asked for.
  const expected = way === OURS ? plugins : [...plugins, 'eventsets-plugin-transitive']
  if (JSON.stringify(found) !== JSON.stringify(expected))
    throw new Error(`${name} found ${found.join(', ')}, and not ${expected.join(', ')}`)
}

function checkLine({ name, transport, app, options }, text) {
  if (!text.includes('request completed')) throw new Error(`${name} wrote ${JSON.stringify(text)}`)
  const isLookedFor = transport.startsWith(OURS) && options?.discovery !== false
  const expected = isLookedFor ? APPS[app].plugins : 0
  const markers = text.split(`[${PLUGIN_MARKER}]`).length - 1
  if (markers !== expected) throw new Error(`${name} showed ${markers} markers of plugins, not ${expected}`)
}

/**
 * What has been read in an application's folder: how often the package.json of each dependency, how many package.json
 * of other packages, how many other files, and how many folders were listed.
 */
export function sortReads({ files, folders }, folder, dependencies) {
  const manifests = new Map(
    dependencies.map((name) => [join(folder, 'node_modules', name, 'package.json'), 0]),
  )
  let ofOthers = 0
  let otherFiles = 0
  for (const file of files) {
    if (manifests.has(file)) manifests.set(file, manifests.get(file) + 1)
    else if (/[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+[\\/]package\.json$/.test(file)) ofOthers++
    else otherFiles++
  }
  return { perDependency: [...manifests.values()], ofOthers, otherFiles, folders: folders.length }
}

const countReads = ({ perDependency, ofOthers, otherFiles, folders }) =>
  perDependency.reduce((sum, reads) => sum + reads, 0) + ofOthers + otherFiles + folders
