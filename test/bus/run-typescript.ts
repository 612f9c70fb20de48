import { spawnSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The programs in TypeScript on a page, each with what stands behind it as its output. */
export function programsOf(page: string): { readonly code: string; readonly output: string }[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```\n\n```text\n([\s\S]*?)^```$/gm)].map(
    ([, code = '', output = '']) => ({ code, output }),
  )
}

/** Compiles a program as a reader would, types and decorators included, runs it, and gives all that was said. */
export function runTypeScript(code: string): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'eventsets-typescript-')))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'eventsets'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(join(folder, 'program.ts'), code)
  const compilerOptions = {
    noEmit: false,
    rootDir: '/',
    outDir: join(folder, 'out'),
    paths: { 'eventsets/*': [join(root, 'src/*/index.ts')] },
    typeRoots: [join(root, 'node_modules/@types')],
  }
  const configuration = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['program.ts'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(configuration))
  const run = (...words: readonly string[]) => {
    const { stdout, stderr } = spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8' })
    return stdout + stderr
  }
  const complaints = run(join(root, 'node_modules/typescript/bin/tsc'), '-p', folder)
  return complaints || run(join(folder, 'out', folder, 'program.js'))
}
