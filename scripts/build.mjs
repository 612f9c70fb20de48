// Makes dist/ from src/: the declarations with tsc, which checks the types on the way, and the code with esbuild, a
// few files for each entry instead of a file for each module: Node takes about half a millisecond a file, and a log
// viewer that starts late is in the way. Packages are not bundled, and nothing is minified: a stack trace can be read.
//
// dist/ is whole at every moment, and whatever runs from it meanwhile keeps running: files that are no longer needed
// go afterwards, not before.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { updateScanner } from './compile-scanner.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')

/** What is loaded once there is enough to read, by a path that is the same from every chunk. */
const SCANNER = 'pino/fast-lines'

/**
 * Folders that nearly everything needs: one file for each, which all others share. Split by what needs what, they would
 * come to a dozen small files, and each takes Node its time.
 */
const LAYERS = ['core', 'discovery', 'lint']

/** The command apart from the library: what both need is there twice, but each loads only what is its own. */
const BUNDLES = [
  ...LAYERS.map((layer) => ({ entries: [`${layer}/all`], chunks: layer })),
  { entries: ['index', 'pino/index', 'pretty/index', 'bus/index', 'testing/index'], chunks: 'shared' },
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
  for (const plugin of listCodePlugins()) await buildPlugin(plugin)
} catch (error) {
  // tsc has said itself what is wrong.
  if (error.status === undefined) console.error(error)
  process.exitCode = 1
}

/** The folders of plugins that have code; the others bring sets alone, and nothing is to be built. */
function listCodePlugins() {
  const plugins = join(root, 'plugins')
  return readdirSync(plugins)
    .map((name) => join(plugins, name))
    .filter((folder) => existsSync(join(folder, 'tsconfig.json')))
}

/** They see of eventsets what is in dist/, as anybody else does. */
async function buildPlugin(folder) {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', folder], {
    cwd: root,
    stdio: 'inherit',
  })
  const { outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: ['src/index.ts'],
    outdir: 'dist',
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    charset: 'utf8',
    legalComments: 'none',
    write: false,
    logLevel: 'warning',
  })
  for (const { path, contents } of outputFiles) write(path, Buffer.from(contents))
}

async function bundle({ entries, chunks, minifyWhitespace = false }) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(
      entries.map((entry) => [entry, isLayer(entry) ? `layer:${dirname(entry)}` : `src/${entry}.ts`]),
    ),
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
    plugins: [plainBuiltins, apartScanner, layersApart(entries)],
    minifyWhitespace,
    write: false,
    logLevel: 'warning',
  })
  return outputFiles.map(({ path, contents }) => ({ path, contents: nameLayers(path, contents) }))
}

function isLayer(entry) {
  return entry.endsWith('/all')
}

/** Everything of a layer as one module; and for the others, the place of that module instead of its parts. */
function layersApart(entries) {
  const own = entries.filter(isLayer).map((entry) => dirname(entry))
  return {
    name: 'layers-apart',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^layer:/ }, ({ path }) => ({ path, namespace: 'layer' }))
      onLoad({ filter: /.*/, namespace: 'layer' }, ({ path }) => {
        const layer = path.slice('layer:'.length)
        const parts = partsOf(layer).map((name) => `export * from './${name}'`)
        return { contents: parts.join('\n'), loader: 'ts', resolveDir: join(root, 'src', layer) }
      })
      onResolve({ filter: /\.ts$/ }, ({ path, resolveDir, kind }) => {
        const [layer, name] = join(resolveDir, path).slice(join(root, 'src/').length).split('/')
        if (kind !== 'import-statement' || !LAYERS.includes(layer) || own.includes(layer)) return undefined
        if (name === 'index.ts' || partsOf(layer).includes(name))
          return { path: `layer:${layer}`, external: true }
        return undefined
      })
    },
  }
}

/** The files of a layer that are loaded with it, and not when they are wanted. */
function partsOf(layer) {
  const folder = join(root, 'src', layer)
  const names = readdirSync(folder).filter((name) => name.endsWith('.ts') && name !== 'index.ts')
  const texts = names.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n')
  const later = new Set([...texts.matchAll(/\bimport\('\.\/([\w-]+\.ts)'\)/g)].map(([, name]) => name))
  return names.filter((name) => !later.has(name))
}

/** Puts the path of a layer, as seen from a file, where its name stands. */
function nameLayers(path, contents) {
  const text = Buffer.from(contents).toString()
  return Buffer.from(
    text.replace(/"layer:(\w+)"/g, (_, layer) => {
      const there = relative(dirname(path), join(dist, layer, 'all.js')).replaceAll('\\', '/')
      return JSON.stringify(there.startsWith('.') ? there : `./${there}`)
    }),
  )
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
