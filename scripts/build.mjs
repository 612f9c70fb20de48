// Makes dist/ from src/: the declarations with tsc, which checks the types on the way, and the code with esbuild, a
// few files for each entry instead of a file for each module: Node takes about half a millisecond a file, and a log
// viewer that starts late is in the way. Packages are not bundled, and nothing is minified: a stack trace can be read.
//
// dist/ is whole at every moment, and whatever runs from it meanwhile keeps running: files that are no longer needed
// go afterwards, not before.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { updateScanner } from './compile-scanner.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')

/** What is loaded once there is enough to read, by a path that is the same from every chunk. */
const SCANNER = 'pino/fast-lines'

/** The command apart from the library: what both need is there twice, but each loads only what is its own. */
const BUNDLES = [
  { entries: ['index', 'pino/index', 'pretty/index', 'testing/index'], chunks: 'shared' },
  { entries: ['cli/main'], chunks: 'cli' },
  // The scanner is generated code: nobody reads it, and it is wanted by both.
  { entries: [SCANNER], chunks: 'pino', minifyWhitespace: true },
]

/**
 * Node's own modules as `require` gives them. An `import` of `node:fs` asks for everything in it, and so loads streams
 * and promises too, which takes longer than reading a log line.
 */
const plainBuiltins = {
  name: 'plain-builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'builtin', sideEffects: false } : undefined,
    )
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`,
    }))
  },
}

const apartScanner = {
  name: 'apart-scanner',
  setup({ onResolve }) {
    onResolve({ filter: /\/fast-lines\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: `../${SCANNER}.js`, external: true } : undefined,
    )
  },
}

try {
  await updateScanner()
  execFileSync(
    process.execPath,
    ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--emitDeclarationOnly'],
    { cwd: root, stdio: 'inherit' },
  )
  const declarations = [...listFiles()].filter((file) => file.endsWith('.d.ts') && isDeclared(file))
  const code = (await Promise.all(BUNDLES.map(bundle))).flat()
  for (const { path, contents } of code) write(path, contents)
  chmodSync(join(dist, 'cli', 'main.js'), 0o755)
  const wanted = new Set([...declarations, ...code.map(({ path }) => path)])
  for (const file of listFiles()) if (!wanted.has(file)) rmSync(file)
} catch (error) {
  // tsc has said itself what is wrong.
  if (error.status === undefined) console.error(error)
  process.exitCode = 1
}

async function bundle({ entries, chunks, minifyWhitespace = false }) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(entries.map((entry) => [entry, `src/${entry}.ts`])),
    outdir: 'dist',
    chunkNames: `${chunks}/[name]-[hash]`,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    charset: 'utf8',
    legalComments: 'none',
    plugins: [plainBuiltins, apartScanner],
    minifyWhitespace,
    write: false,
    logLevel: 'warning',
  })
  return outputFiles
}

/** A declaration of a module that has been deleted stays behind otherwise. */
function isDeclared(file) {
  return existsSync(join(root, 'src', `${file.slice(dist.length, -'.d.ts'.length)}.ts`))
}

function write(path, contents) {
  // As it is: tests may be running from it.
  if (existsSync(path) && readFileSync(path).equals(contents)) return
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, contents)
}

function listFiles() {
  if (!existsSync(dist)) return []
  return readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
}
