// Compiles src/ to dist/. The old dist/ goes first, so that no file of a deleted module is ever packed.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true })
try {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  })
} catch {
  process.exitCode = 1
}
const bin = new URL('../dist/cli/main.js', import.meta.url)
if (existsSync(bin)) chmodSync(bin, 0o755)
