// Compiles src/ to dist/. What an earlier build left of deleted modules goes afterwards, not before: dist/ is whole
// at every moment, and whatever runs from it meanwhile keeps running.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
const before = existsSync(dist) ? listFiles() : []
const written = new Map(before.map((file) => [file, statSync(file).mtimeMs]))

try {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  })
  for (const file of before)
    if (existsSync(file) && statSync(file).mtimeMs === written.get(file)) rmSync(file)
} catch {
  process.exitCode = 1
}
const bin = join(dist, 'cli', 'main.js')
if (existsSync(bin)) chmodSync(bin, 0o755)

function listFiles() {
  return readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
}
