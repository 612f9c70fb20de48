import { createPortableScanner } from './portable-scanner.generated.ts'
import { wasmScanner } from './wasm-scanner.generated.ts'

/** What a scanner asks of its host while it runs. Addresses are into their common memory. */
export interface ScannerHost {
  /** The class of a value that is seen for the first time; 0 sends the line the long way. */
  classify(place: number, kind: number, start: number, end: number): number
  /** The outcome of a combination that is seen for the first time; 0 sends the line the long way. */
  decide(start: number, end: number): number
  /** Takes a line (without its newline) the long way; gives the place behind what it has written at `out`. */
  passSlowly(start: number, end: number, out: number): number
  /** Takes the bytes from `start` to `end` out of the memory. */
  flush(start: number, end: number): void
  /** Writes a description to the scratch area and gives its length, or -1. */
  describe(what: number, start: number, end: number): number
  /** Fills the slot of a second in the table of times; 0 when it cannot be put there. */
  fillSecond(slot: number, second: number): number
}

/** A scanner: finds in the bytes of log lines what matters of them, and writes the lines that come of it. */
export interface Scanner {
  /** Takes over the layout of the memory. */
  configure(): void
  /** Takes whole lines; what is not handed out by then stands at the output, up to the place it gives. */
  run(start: number, end: number): number
  reserve(length: number): number
  hashKey(tag: number, start: number, length: number): number
}

export type ScannerKind = 'js' | 'wasm'

const PAGE_BYTES = 65_536

interface WebAssemblyApi {
  readonly Memory: new (options: { initial: number }) => { readonly buffer: ArrayBuffer }
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown }
}

/** Absent under `node --jitless`. Its types come with those of browsers, which this is not. */
const { WebAssembly: wasm } = globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }

/** A scanner, and its memory of at least so many bytes. Throws where there is no memory for it. */
export function createScanner(
  kind: ScannerKind,
  bytes: number,
  host: ScannerHost,
): { readonly memory: ArrayBuffer; readonly scanner: Scanner } {
  const pages = Math.ceil(bytes / PAGE_BYTES)
  if (kind === 'wasm') {
    try {
      const memory = new wasm.Memory({ initial: pages })
      const { exports } = new wasm.Instance(compileModule(), { env: { memory }, host })
      return { memory: memory.buffer, scanner: exports as Scanner }
    } catch {
      // For each memory gigabytes of addresses are reserved, and a process may have only so many (ulimit -v).
    }
  }
  const memory = new ArrayBuffer(pages * PAGE_BYTES)
  return { memory, scanner: createPortableScanner(memory, host) }
}

let compiled: object | undefined

function compileModule(): object {
  compiled ??= new wasm.Module(Buffer.from(wasmScanner, 'base64'))
  return compiled
}

let isWasmUsable: boolean | undefined

/** The scanner to use: what is asked for by EVENTSETS_SCANNER, else WebAssembly where it is there with its SIMD. */
export function chooseScanner(asked: string | undefined): ScannerKind {
  if (asked === 'js') return 'js'
  isWasmUsable ??= canCompile()
  return isWasmUsable ? 'wasm' : 'js'
}

function canCompile(): boolean {
  try {
    compileModule()
    return true
  } catch {
    // No WebAssembly (node --jitless), no SIMD (processors of before 2010): JavaScript does the same.
    return false
  }
}
