import { listClaims } from '../core/claim.ts'
import type { EventSet } from '../core/event-set.ts'
import { markerText } from '../core/lookup.ts'
import type { Problem } from '../core/problem.ts'
import type { EventSetRegistry } from '../core/registry.ts'
import type { EventSetSource } from '../core/source.ts'
import { isAsciiAsked } from '../pretty/ascii.ts'
import { toSafeJson } from '../pretty/safe-json.ts'
import { toSafeText } from '../pretty/safe-text.ts'
import { ExitCode } from './exit-code.ts'
import { print } from './output.ts'
import { isConfigurationProblem, loadSets, wordSource } from './sets.ts'
import { formatPlain, formatTable, toCell, wrapText } from './table.ts'
import { terminalStyle, terminalWidth } from './terminal.ts'

export interface SetFlags {
  readonly json?: boolean
  readonly plain?: boolean
  readonly ascii?: boolean
  readonly color?: boolean
  readonly set?: readonly string[]
  readonly sources?: boolean
  readonly strict?: boolean
}

/** How many markers stand for a set in the overview: what 80 columns have room for, and a pipe. */
const SAMPLE = 12
const SMALL_SAMPLE = 4

/** `eventsets list`: the sets in force, highest priority first, and what keeps others from being there. */
export async function list(flags: SetFlags): Promise<number> {
  const { registry, problems, project } = await loadSets({ ...flags })
  const sets = registry.listEventSets().map((set) => summarise(set, registry.getSource(set.name)))
  const isAscii = flags.ascii ?? isAsciiAsked(process.env)
  if (flags.json) {
    const document = flags.sources ? { sets, logKeys: describeLogKeys(registry) } : { sets }
    print(`${toSafeJson({ version: 1, project, ...document, problems }, 2)}\n`)
  } else if (flags.plain) {
    print(
      formatPlain(
        flags.sources
          ? describeLogKeys(registry).flatMap(({ logKey, claims }) =>
              claims.map(({ set, gets, source }) => [logKey, gets, set, wordSource(source)]),
            )
          : sets.map((set) => [
              ...toCells(set, isAscii, Number.POSITIVE_INFINITY),
              set.description,
              wordSource(set.source),
            ]),
      ),
    )
  } else {
    const text = flags.sources
      ? formatLogKeys(registry, flags.color)
      : formatOverview(sets, project, isAscii, flags.color)
    print(text + formatProblems(problems, flags.color))
  }
  if (problems.some(isConfigurationProblem)) return ExitCode.FAILURE
  return flags.strict && problems.length > 0 ? ExitCode.FINDINGS : ExitCode.OK
}

function formatOverview(
  sets: readonly Summary[],
  project: string | undefined,
  isAscii: boolean,
  color: boolean | undefined,
): string {
  const width = terminalWidth()
  const style = terminalStyle(color)
  const header = ['SET', 'PRIORITY', 'FIELDS', 'MAPPINGS', 'MARKERS']
  // In a pipe a set is a line; in a terminal what is long is easier to read below it.
  if (width === undefined) {
    const rows = sets.map((set) => ({
      cells: [...toCells(set, isAscii, SAMPLE), wordSource(set.source), set.description],
    }))
    return formatTable(rows, { header: [...header, 'SOURCE', 'DESCRIPTION'], style })
  }
  const rows = sets.map((set) => ({
    cells: toCells(set, isAscii, width < 80 || isAscii ? SMALL_SAMPLE : SAMPLE),
    below: [
      ...(set.description === '' ? [] : [set.description]),
      set.source.kind === 'built-in' ? 'built-in' : `from ${wordSource(set.source)}`,
    ],
  }))
  const place = project === undefined ? '' : `Plugins are those of ${toCell(project)}.\n`
  return `${formatTable(rows, { header, width, style })}\n${place}eventsets show <set> tells what a set maps.\n`
}

/** Each log key, with the set that owns it and those that get the rest, or nothing. */
function formatLogKeys(registry: EventSetRegistry, color: boolean | undefined): string {
  const rows = describeLogKeys(registry).map(({ logKey, claims }) => {
    const named = (wanted: string) =>
      [...new Set(claims.filter(({ gets }) => gets === wanted).map(({ set }) => set))].join(', ')
    return { cells: [logKey, named('owns'), named('rest'), named('nothing')] }
  })
  const header = ['LOG KEY', 'OWNER', 'GETS THE REST', 'GETS NOTHING']
  return formatTable(rows, { header, width: terminalWidth(), style: terminalStyle(color) })
}

function describeLogKeys(registry: EventSetRegistry) {
  return [...listClaims(registry)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([logKey, claims]) => ({
      logKey,
      claims: claims.map(({ set, field, gets }) => ({
        set: set.name,
        source: registry.getSource(set.name),
        priority: set.priority ?? 0,
        gets,
        field: field.logKey,
        valueType: field.valueType,
        when: field.when,
      })),
    }))
}

function formatProblems(problems: readonly Problem[], color: boolean | undefined): string {
  if (problems.length === 0) return ''
  const { bold, dim } = terminalStyle(color)
  const width = terminalWidth()
  const wrap = (text: string, indent: string) =>
    indent + (width === undefined ? text : wrapText(text, width - indent.length, indent))
  const items = problems.map(({ message, hint, code }) => {
    const [first = '', ...issues] = toSafeText(message).split('\n')
    return [
      wrap(first, '  '),
      ...issues.map((issue) => wrap(issue.trim(), '    ')),
      ...(hint === undefined ? [] : [wrap(toSafeText(hint).replaceAll('\n', ' '), '    ')]),
      dim(`    ${code}`),
    ].join('\n')
  })
  const title = problems.length === 1 ? '1 problem' : `${problems.length} problems`
  return `\n${bold(title)}\n\n${items.join('\n\n')}\n`
}

type Summary = ReturnType<typeof summarise>

function summarise(set: EventSet, source: EventSetSource) {
  const { name, description = '', priority = 0, fieldMappings = [], mappings = [] } = set
  return {
    name,
    description,
    priority,
    source,
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
  { name, priority, fields, mappings, markers }: Summary,
  isAscii: boolean,
  sampleSize: number,
): string[] {
  const distinct = [...new Set(markers.map(({ text, marker }) => (isAscii ? text : marker)))]
  const sample = distinct.slice(0, sampleSize)
  const more = distinct.length > sample.length ? [`+${distinct.length - sample.length}`] : []
  return [name, String(priority), String(fields), String(mappings), [...sample, ...more].join(' ')]
}
