import picocolors from 'picocolors'
import { decideColour } from '../pretty/colour.ts'
import type { TableStyle } from './table.ts'

/** The columns that standard output has, or `undefined` where it is no terminal and lines may be of any length. */
export function terminalWidth(): number | undefined {
  if (!process.stdout.isTTY) return undefined
  return process.stdout.columns || Number(process.env.COLUMNS) || 80
}

export function terminalStyle(asked: boolean | undefined): TableStyle {
  return picocolors.createColors(decideColour({ asked, isTerminal: process.stdout.isTTY, env: process.env }))
}
