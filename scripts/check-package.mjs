// Checks the package as it would be published: what is in the tarball, how big it is, whether its entries and their
// types resolve. It packs dist/ as it is, so build first. Exit code 1 when something is wrong.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Grown past these, the package has got something that should be looked at before it is published. */
const MAX_PACKED_BYTES = 680_000
const MAX_UNPACKED_BYTES = 2_500_000

/** Everything that may be in the tarball. What matches none of these is there by mistake: a test, a source, a map. */
const ALLOWED = [
  /^(package\.json|README\.md|CHANGELOG\.md|LICENSE|schema\.json)$/,
  /^sets\/[\w.-]+\.json$/,
  // README links to these; without them the links of an installed package lead nowhere.
  /^docs\/[\w./-]+\.(md|svg)$/,
  /^dist\/(?!.*\.test\.)[\w./-]+\.(js|d\.ts)$/,
]

const REQUIRED = new Set([
  'package.json',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  'schema.json',
  'dist/index.js',
  'dist/index.d.ts',
  ...Object.values(manifest.bin),
  ...readdirSync(join(root, 'sets')).map((name) => `sets/${name}`),
  ...exportTargets(manifest.exports).filter((target) => !target.includes('*')),
])

if (!existsSync(join(root, 'dist/index.js'))) {
  console.error('There is no dist/index.js. Run "npm run build" first.')
  process.exit(1)
}

const folder = mkdtempSync(join(tmpdir(), 'check-package-'))
try {
  const { filename, size, unpackedSize, files } = pack(folder)
  const tarball = join(folder, filename)
  const paths = files.map(({ path }) => path)

  console.log(`${filename}: ${paths.length} files\n`)
  for (const line of summarise(files)) console.log(`  ${line}`)
  console.log()

  const checks = [
    check('nothing that should not be in it', () => {
      const strangers = paths.filter((path) => !ALLOWED.some((pattern) => pattern.test(path)))
      return strangers.map((path) => `${path} should not be published`)
    }),
    check('nothing missing', () =>
      [...REQUIRED].filter((path) => !paths.includes(path)).map((path) => `${path} is missing`),
    ),
    check(`${kilobytes(size)} packed, at most ${kilobytes(MAX_PACKED_BYTES)}`, () =>
      size > MAX_PACKED_BYTES ? ['too big; see the list above'] : [],
    ),
    check(`${kilobytes(unpackedSize)} unpacked, at most ${kilobytes(MAX_UNPACKED_BYTES)}`, () =>
      unpackedSize > MAX_UNPACKED_BYTES ? ['too big; see the list above'] : [],
    ),
    check('publint, strict', () => runTool(['node_modules/publint/src/cli.js', 'run', tarball, '--strict'])),
    // The profile leaves out node10, the resolution without `exports`, which no supported Node has.
    // The rule complains that `require('eventsets')` gives an ES module: true, wanted, and fine in every supported
    // Node (>= 20.19 has require of ES modules; the tests of the package do it). With the profile esm-only, what
    // CommonJS resolves to would not be looked at at all.
    check('are the types wrong?', () =>
      runTool([
        'node_modules/@arethetypeswrong/cli/dist/index.js',
        tarball,
        '--profile',
        'node16',
        '--ignore-rules',
        'cjs-resolves-to-esm',
        '--no-emoji',
        '--no-color',
      ]),
    ),
  ]
  if (checks.includes(false)) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Packs into a folder and returns npm's description of the tarball. */
function pack(destination) {
  const output = execFileSync(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', destination],
    {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      // On Windows npm is a script.
      shell: process.platform === 'win32',
    },
  )
  // An array, and in later versions of npm an object by package name.
  return Object.values(JSON.parse(output))[0]
}

/** Prints one line, and below it what is wrong. */
function check(title, findProblems) {
  const problems = findProblems()
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${title}`)
  for (const problem of problems) console.log(`     ${problem.replaceAll('\n', '\n     ')}`)
  return problems.length === 0
}

function runTool(args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, FORCE_COLOR: '0' },
  })
  return status === 0 ? [] : [`${stdout}${stderr}`.trim()]
}

/** Every file that `exports` names, patterns with `*` included, without the leading `./`. */
function exportTargets(entry) {
  if (typeof entry === 'string') return [entry.replace(/^\.\//, '')]
  return Object.values(entry).flatMap(exportTargets)
}

/** What is in it, one line a folder, single files by name. */
function summarise(files) {
  const groups = new Map()
  for (const { path, size } of files) {
    const folders = path.split('/').slice(0, -1)
    const name = folders.length === 0 ? path : `${folders.join('/')}/*.${/\.(d\.ts|\w+)$/.exec(path)?.[1]}`
    const group = groups.get(name) ?? { count: 0, bytes: 0 }
    groups.set(name, { count: group.count + 1, bytes: group.bytes + size })
  }
  const rows = [...groups].map(([name, { count, bytes }]) => [name, String(count), kilobytes(bytes)])
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column].length)))
  return rows.map(([name, count, bytes]) =>
    [name.padEnd(widths[0]), count.padStart(widths[1]), bytes.padStart(widths[2])].join('  '),
  )
}

function kilobytes(bytes) {
  return `${(bytes / 1000).toFixed(1)} kB`
}
