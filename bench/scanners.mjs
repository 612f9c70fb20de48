// The implementations of the line scanner, which the targets ask for one by one.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectPath } from './measure.mjs'

/** `name` is the value of EVENTSETS_SCANNER. */
export const SCANNERS = [
  { name: 'js', title: 'JavaScript' },
  { name: 'wasm', title: 'WebAssembly' },
]

/** The name of a peer of ours in the tables. */
export const scannerName = (name, scanner) => `${name} (${scanner})`

/** A peer of ours once for each scanner. */
export function perScanner(peer) {
  return SCANNERS.map((scanner) => ({
    ...peer,
    name: scannerName(peer.name, scanner.name),
    subject: peer.name,
    scanner: scanner.name,
    env: { EVENTSETS_SCANNER: scanner.name },
  }))
}

/** What `reach(scanner name)` gives for each scanner, by its name: what the targets table takes. */
export function reachedPerScanner(reach) {
  return Object.fromEntries(SCANNERS.map(({ name }) => [name, reach(name)]))
}

/** What to say where the switch has no effect yet. */
export function scannerNotes() {
  return knowsSwitch()
    ? []
    : ['This build knows no EVENTSETS_SCANNER: (js) and (wasm) are the same code, measured twice.']
}

function knowsSwitch() {
  const dist = projectPath('dist')
  if (!existsSync(dist)) return false
  return readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .some((name) => readFileSync(join(dist, name), 'utf8').includes('EVENTSETS_SCANNER'))
}
