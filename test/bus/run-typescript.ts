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
  return [...text.matchAll(/^```ts\n((?:(?!```).*\n)*)```\n\n```text\n([\s\S]*?)^```$/gm)].map(
    ([, code = '', output = '']) => ({ code, output }),
  )
}

/** Compiles a program as a reader would, types and decorators included, runs it, and gives all that was said. */
export function runTypeScript(code: string): string {
  const { complaints, folder } = compileTypeScript([code])
  return complaints || runNode(folder, join(folder, 'out', folder, 'program-0.js'))
}

/**
 * Compiles programs without running them. A line that ends in `// error: …` has to be refused: that it is not is a
 * complaint, too.
 */
export function compileTypeScript(programs: readonly string[]): {
  readonly complaints: string
  readonly folder: string
} {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'eventsets-typescript-')))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'eventsets'))
  symlinkSync(join(root, 'node_modules/zod'), join(folder, 'node_modules', 'zod'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  for (const [index, code] of programs.entries())
    writeFileSync(
      join(folder, `program-${index}.ts`),
      code.replace(/^.+\/\/ error: /gm, '// @ts-expect-error\n$&'),
    )
  const compilerOptions = {
    noEmit: false,
    rootDir: '/',
    outDir: join(folder, 'out'),
    paths: { 'eventsets/*': [join(root, 'src/*/index.ts')] },
    typeRoots: [join(root, 'node_modules/@types')],
  }
  const configuration = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['program-*.ts'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(configuration))
  return { complaints: runNode(folder, join(root, 'node_modules/typescript/bin/tsc'), '-p', folder), folder }
}

function runNode(cwd: string, ...words: readonly string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, words, { cwd, encoding: 'utf8' })
  return stdout + stderr
}
