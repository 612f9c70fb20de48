import type { EventSet } from '../core/event-set.ts'
import { markerText } from '../core/lookup.ts'
import { isAsciiAsked } from '../pretty/ascii.ts'
import { toSafeJson } from '../pretty/safe-json.ts'
import { ExitCode } from './exit-code.ts'
import { print } from './output.ts'
import { loadRegistry } from './sets.ts'
import { formatPlain, formatTable } from './table.ts'
import { terminalStyle, terminalWidth } from './terminal.ts'

export interface SetFlags {
  readonly json?: boolean
  readonly plain?: boolean
  readonly ascii?: boolean
  readonly color?: boolean
  readonly set?: readonly string[]
}

/** How many markers stand for a set in the overview: what 80 columns have room for, and a narrow terminal. */
const SAMPLE = 12
const SMALL_SAMPLE = 4

/** `eventsets list`: the sets in force, highest priority first. */
export async function list(flags: SetFlags): Promise<number> {
  const sets = loadRegistry(flags.set).listEventSets().map(summarise)
  const isAscii = flags.ascii ?? isAsciiAsked(process.env)
  if (flags.json) print(`${toSafeJson({ version: 1, sets }, 2)}\n`)
  else if (flags.plain) print(formatPlain(sets.map((set) => toCells(set, isAscii, Number.POSITIVE_INFINITY))))
  else print(formatOverview(sets, isAscii, flags.color))
  return ExitCode.OK
}

function formatOverview(sets: readonly Summary[], isAscii: boolean, color: boolean | undefined): string {
  const width = terminalWidth()
  const style = terminalStyle(color)
  const header = ['SET', 'PRIORITY', 'FIELDS', 'MAPPINGS', 'MARKERS']
  // In a pipe a set is a line; in a terminal a long description is easier to read below it.
  if (width === undefined) {
    const rows = sets.map((set) => ({ cells: toCells(set, isAscii, SAMPLE) }))
    return formatTable(rows, { header: [...header, 'DESCRIPTION'], style })
  }
  const rows = sets.map((set) => ({
    cells: toCells(set, isAscii, width < 80 || isAscii ? SMALL_SAMPLE : SAMPLE).slice(0, -1),
    below: set.description === '' ? [] : [set.description],
  }))
  return `${formatTable(rows, { header, width, style })}\neventsets show <set> tells what a set maps.\n`
}

type Summary = ReturnType<typeof summarise>

function summarise(set: EventSet) {
  const { name, description = '', priority = 0, fieldMappings = [], mappings = [] } = set
  return {
    name,
    description,
    priority,
    fields: fieldMappings.length,
    mappings: mappings.length,
    markers: mappings.flatMap((mapping) =>
      Object.entries(mapping.visualMarkers ?? {}).map(([key, marker]) => ({
        key,
        marker,
        text: markerText(key.toLowerCase(), mapping),
      })),
    ),
  }
}

function toCells(
  { name, priority, fields, mappings, markers, description }: Summary,
  isAscii: boolean,
  sampleSize: number,
): string[] {
  const distinct = [...new Set(markers.map(({ text, marker }) => (isAscii ? text : marker)))]
  const sample = distinct.slice(0, sampleSize)
  const more = distinct.length > sample.length ? [`+${distinct.length - sample.length}`] : []
  return [
    name,
    String(priority),
    String(fields),
    String(mappings),
    [...sample, ...more].join(' '),
    description,
  ]
}
