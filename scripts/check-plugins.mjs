// Checks each package in plugins/ as it would be published: what is in the tarball, publint, and our own lint.
// Build first. Exit code 1 when something is wrong.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Everything that may be in the tarball. */
const ALLOWED = /^(?:package\.json|README\.md|LICENSE|sets\/[\w.-]+\.json|dist\/[\w./-]+\.(?:js|d\.ts))$/

const folder = mkdtempSync(join(tmpdir(), 'check-plugins-'))
try {
  for (const name of readdirSync(join(root, 'plugins')).sort()) check(name)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function check(name) {
  const packed = execFileSync(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', folder, join(root, 'plugins', name)],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const { filename, files } = Object.values(JSON.parse(packed))[0]
  const paths = files.map(({ path }) => path)
  const tarball = join(folder, filename)
  const problems = [
    ...paths.filter((path) => !ALLOWED.test(path)).map((path) => `${path} should not be published`),
    ...['README.md', 'LICENSE'].filter((path) => !paths.includes(path)).map((path) => `${path} is missing`),
    ...run('node_modules/publint/src/cli.js', ['run', tarball, '--strict']),
    // Plugins that have only code bring no sets to look at.
    ...(existsSync(join(root, 'plugins', name, 'sets'))
      ? run('dist/cli/main.js', ['lint', tarball, '--fail-on', 'warn'])
      : []),
  ]
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${filename}: ${paths.length} files`)
  for (const problem of problems) console.log(`     ${problem.replaceAll('\n', '\n     ')}`)
  if (problems.length > 0) process.exitCode = 1
}

/** What a program of ours has to say, if it is not content. */
function run(program, args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, FORCE_COLOR: '0' },
  })
  return status === 0 ? [] : [`${stdout}${stderr}`.trim()]
}
