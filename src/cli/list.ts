import picocolors from 'picocolors'
import type { EventSet } from '../core/event-set.ts'
import { decideColour } from '../pretty/colour.ts'
import { toSafeText } from '../pretty/safe-text.ts'
import { ExitCode } from './exit-code.ts'
import { print } from './output.ts'
import { loadRegistry } from './sets.ts'
import { formatPlain, formatTable } from './table.ts'
import { isAsciiAsked } from './view.ts'

export interface ListOptions {
  readonly json?: boolean
  readonly plain?: boolean
  readonly ascii?: boolean
  readonly color?: boolean
  readonly set?: readonly string[]
}

/** How many markers stand in the overview of a set. */
const SAMPLE = 12

/** `eventsets list`: the sets in force, highest priority first. */
export async function list(options: ListOptions): Promise<number> {
  const sets = loadRegistry(options.set).listEventSets()
  if (options.json) {
    print(`${JSON.stringify({ version: 1, sets: sets.map(summarise) }, null, 2)}\n`)
    return ExitCode.OK
  }
  const isAscii = options.ascii ?? isAsciiAsked()
  const rows = sets.map((set) => {
    const { name, priority, fields, mappings, markers, description } = summarise(set)
    const sample = (
      isAscii ? markers.map(({ key }) => key) : [...new Set(markers.map(({ marker }) => marker))]
    ).map(toSafeText)
    const shown = options.plain ? sample : sample.slice(0, SAMPLE)
    const more = sample.length > shown.length ? ` +${sample.length - shown.length}` : ''
    return [
      name,
      String(priority),
      String(fields),
      String(mappings),
      `${shown.join(' ')}${more}`,
      toSafeText(description),
    ]
  })
  if (options.plain) print(formatPlain(rows))
  else {
    const colours = picocolors.createColors(
      decideColour({ asked: options.color, isTerminal: process.stdout.isTTY, env: process.env }),
    )
    const header = ['SET', 'PRIORITY', 'FIELDS', 'MAPPINGS', 'MARKERS', 'DESCRIPTION'].map(colours.bold)
    print(formatTable([header, ...rows]))
    print(
      `\n${rows.length === 1 ? '1 event set' : `${rows.length} event sets`}. "eventsets show <set>" tells what a set maps.\n`,
    )
  }
  return ExitCode.OK
}

function summarise(set: EventSet) {
  const { name, description = '', priority = 0, fieldMappings = [], mappings = [] } = set
  return {
    name,
    description,
    priority,
    fields: fieldMappings.length,
    mappings: mappings.length,
    markers: mappings.flatMap(({ visualMarkers = {} }) =>
      Object.entries(visualMarkers).map(([key, marker]) => ({ key, marker })),
    ),
  }
}
