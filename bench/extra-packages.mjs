// Packages that the repository does without, and one benchmark compares with: they are installed when it runs.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir } from './corpus.mjs'

const INSTALL_TIMEOUT_MS = 120_000

/**
 * The folder of a package, in which it is installed unless it is already: beside the benchmark's other files, with
 * `versions` of what it needs beside it, by their names. Undefined where that fails, which is said on stderr.
 */
export function ensurePackage(name, versions) {
  const home = join(cacheDir, 'packages', name)
  const folder = join(home, 'node_modules', name)
  const wanted = Object.entries(versions)
  if (wanted.every(([each, version]) => installedVersion(home, each) === version)) return folder
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'package.json'), '{ "name": "bench-extra", "private": true }\n')
  const specs = wanted.map(([each, version]) => `${each}@${version}`)
  try {
    // Nothing of it is to run while it is installed.
    const flags = ['--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund', '--save-exact']
    execFileSync('npm', ['install', ...flags, ...specs], {
      cwd: home,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: INSTALL_TIMEOUT_MS,
    })
    return folder
  } catch (error) {
    // Half of it would be taken for all of it.
    rmSync(home, { recursive: true, force: true })
    process.stderr.write(
      `\nNOT MEASURED: ${specs.join(' and ')} could not be installed (npm install).\n${error.message}\n`,
    )
    return undefined
  }
}

function installedVersion(home, name) {
  const manifest = join(home, 'node_modules', name, 'package.json')
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : undefined
}
