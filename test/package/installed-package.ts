import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Finished {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A folder of a stranger's: an empty project in which the packed tarball is installed beside pino. */
export interface Project {
  readonly folder: string
  /** Writes a file and gives its path. */
  write(name: string, text: string): string
  /** Runs a command in the folder. */
  run(command: string, args: readonly string[], input?: string): Finished
  /** Runs a file, given as text, with this Node. */
  runNode(name: string, text: string, input?: string): Finished
  remove(): void
}

/** Packs the package as it stands in dist/, and installs it as npm does for everybody. */
export function installPackage(): Project {
  // The real path: a program sees itself there, and paths are compared.
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'eventsets-package-')))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const tarball = join(folder, `eventsets-${readVersion(root)}.tgz`)
    const pino = `pino@${readVersion(join(root, 'node_modules/pino'))}`
    writeFileSync(join(folder, 'package.json'), '{ "name": "project", "private": true }\n')
    execFileSync(
      'npm',
      ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', tarball, pino],
      { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
    )
  } catch (error) {
    remove()
    throw error
  }
  const write = (name: string, text: string) => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
  const run = (command: string, args: readonly string[], input?: string) =>
    runIn(folder, command, args, input)
  return {
    folder,
    write,
    run,
    runNode: (name, text, input) => run(process.execPath, [write(name, text)], input),
    remove,
  }
}

/** Runs a command to its end. Colours are off: stdout is a pipe. */
export function runIn(cwd: string, command: string, args: readonly string[], input = ''): Finished {
  const { FORCE_COLOR: _, NO_COLOR: __, NODE_OPTIONS: ___, ...env } = process.env
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, input, encoding: 'utf8' })
  if (error) throw error
  return { status, stdout, stderr }
}

function readVersion(folder: string): string {
  return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version
}
