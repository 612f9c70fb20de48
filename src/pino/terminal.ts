import { fstatSync } from 'node:fs'
import { isAsciiAsked } from '../pretty/ascii.ts'
import { decideColour } from '../pretty/colour.ts'
import type { LineOptions } from './options.ts'

/** What depends on where text goes and on what the environment says about terminals. */
export function resolveTerminal({ colorize, ascii, output }: LineOptions, isTerminal: boolean) {
  return {
    isTerminal,
    colorize: decideColour({ asked: colorize, isTerminal, env: process.env }),
    // The variable speaks of what people see; a log store gets what the options say.
    ascii: ascii ?? (output !== 'json' && isAsciiAsked(process.env)),
  }
}

/**
 * Whether a file descriptor is a terminal.
 *
 * node:tty comes with Node's networking and takes a while to load, so it is asked only about what may be a terminal.
 */
export function isTerminal(fd: number): boolean {
  try {
    if (!fstatSync(fd).isCharacterDevice()) return false
  } catch {
    // Not every system can tell of every descriptor.
  }
  return process.getBuiltinModule('node:tty').isatty(fd)
}
