// Makes the two line scanners from their one source, src/scanner/assembly:
//   src/scanner/portable-scanner.generated.ts   JavaScript
//   src/scanner/wasm-scanner.generated.ts       WebAssembly with SIMD, as base64: nothing is looked up at run time
// Both share everything but the way in which memory is touched.
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import asc from 'assemblyscript/asc'

const folder = new URL('../src/scanner/', import.meta.url)

/** In the order in which they are put together. */
const SHARED = ['config.ts', 'json.ts', 'value.ts', 'outcome.ts', 'line.ts', 'text.ts', 'lines.ts']
const EXPORTED = ['configure', 'hashKey', 'reserve', 'run']

/** Called so often, or from so few places, that a call would cost more than the code. JavaScript decides for itself. */
const INLINED = [
  ...[
    'findStop',
    'findUnplain',
    'isSame',
    'put',
    'putSpaces',
    'skipSpace',
    'skipColon',
    'isDigit',
    'flagsOf',
  ],
  ...[
    'roleOf',
    'hashKey',
    'findKey',
    'keepKey',
    'note',
    'endLine',
    'isMovedKey',
    'endOfShownKey',
    'isFirstVisit',
    'noteValue',
  ],
]

export async function compileScanner() {
  const shared = SHARED.map(readPart).join('\n')
  const [portable, wasm] = OUTPUTS
  return new Map([
    [portable, makePortable(shared)],
    [wasm, await makeWasm(shared)],
  ])
}

function readPart(name) {
  return readFileSync(new URL(`assembly/${name}`, folder), 'utf8')
}

const OUTPUTS = ['portable-scanner.generated.ts', 'wasm-scanner.generated.ts'].map(
  (name) => new URL(name, folder),
)

function header() {
  return `// Generated from src/scanner/assembly by \`npm run build\`. Do not edit. Source: ${sourceHash()}
`
}

function makePortable(shared) {
  const types = /^type \w+ = \w+\n/gm
  const head = readPart('memory.portable.ts')
  const body = `${head.replace(types, '')}\n${shared}`.replace(/^export function/gm, 'function')
  return `${header()}import type { Scanner, ScannerHost } from './scanner.ts'

${head.match(types).join('')}
/** The scanner in JavaScript, for where WebAssembly or its SIMD is missing. */
export function createPortableScanner(memory: ArrayBuffer, host: ScannerHost): Scanner {
${body.replace(/^(?=.)/gm, '  ')}
  return { ${EXPORTED.join(', ')} }
}
`
}

async function makeWasm(shared) {
  const work = mkdtempSync(join(tmpdir(), 'eventsets-scanner-'))
  try {
    const source = join(work, 'scanner.ts')
    const binary = join(work, 'scanner.wasm')
    const isInlined = new RegExp(`^(?=function (?:${INLINED.join('|')})\\()`, 'gm')
    writeFileSync(source, `${readPart('memory.wasm.ts')}\n${shared}`.replace(isInlined, '@inline\n'))
    const { error, stderr } = await asc.main(
      [
        ...[source, '--outFile', binary, '--runtime', 'stub', '--importMemory', '--noExportMemory'],
        ...[
          '--enable',
          'simd',
          '--enable',
          'bulk-memory',
          '--optimizeLevel',
          '3',
          '--noAssert',
          ...(process.env.DEBUG_SCANNER ? ['--debug'] : []),
        ],
        ...['--converge', '--use', 'abort='],
      ],
      { readFile: readText, writeFile: (name, data) => writeFileSync(name, data) },
    )
    if (error) throw new Error(`The scanner does not compile.\n${stderr.toString()}`)
    return `${header()}
/** The scanner in WebAssembly, as base64. */
export const wasmScanner: string =
  '${readFileSync(binary).toString('base64')}'
`
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function readText(name) {
  try {
    return readFileSync(name, 'utf8')
  } catch {
    return null
  }
}

/** Compiles the scanners again when their source has changed. */
export async function updateScanner() {
  const isCurrent = OUTPUTS.every(
    (url) => existsSync(url) && readFileSync(url, 'utf8').includes(sourceHash()),
  )
  if (isCurrent) return
  for (const [url, text] of await compileScanner()) writeFileSync(url, text)
}

/** Of the source and of this file, so that a look at the result tells whether it is theirs. */
function sourceHash() {
  const parts = ['memory.wasm.ts', 'memory.portable.ts', ...SHARED].map(readPart)
  const hash = createHash('sha256').update(readFileSync(new URL(import.meta.url), 'utf8'))
  for (const part of parts) hash.update(part)
  return hash.digest('hex').slice(0, 16)
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await updateScanner()
