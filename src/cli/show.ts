import picocolors from 'picocolors'
import type { EventMapping, EventSet, FieldMapping } from '../core/event-set.ts'
import type { EventSetRegistry } from '../core/registry.ts'
import { decideColour } from '../pretty/colour.ts'
import { toSafeRecord, toSafeText } from '../pretty/safe-text.ts'
import { ExitCode } from './exit-code.ts'
import type { ListOptions } from './list.ts'
import { print } from './output.ts'
import { loadRegistry } from './sets.ts'
import { formatPlain, formatTable } from './table.ts'
import { isAsciiAsked } from './view.ts'

/** `eventsets show <set>`: which fields a set reads, and what it shows for their values. */
export async function show(name: string, options: ListOptions): Promise<number> {
  const registry = loadRegistry(options.set)
  const set = registry.getEventSet(name)
  const isAscii = options.ascii ?? isAsciiAsked()
  if (options.json) print(`${JSON.stringify({ version: 1, set }, null, 2)}\n`)
  else if (options.plain) print(formatPlain(plainRows(set, registry, isAscii)))
  else {
    const colours = picocolors.createColors(
      decideColour({ asked: options.color, isTerminal: process.stdout.isTTY, env: process.env }),
    )
    print(describeSet(set, registry, isAscii, colours.bold))
  }
  return ExitCode.OK
}

function describeSet(
  set: EventSet,
  registry: EventSetRegistry,
  isAscii: boolean,
  bold: (text: string) => string,
): string {
  // A set may come from anybody: nothing in it may act on the terminal.
  const { fieldMappings = [], mappings = [], priority = 0, description } = toSafeRecord(set) as EventSet
  const links = registry.resolveLinks(set)
  const fields = fieldMappings.map((field, index) => {
    const [first, ...others] = [field.logKey, ...(field.aliases ?? [])]
    const names = [`${first}`, ...others.map((other) => `  ${other}`)]
    return { field, names, mapping: toSafeText(links[index]?.name ?? '') }
  })
  const rows = fields.flatMap(({ field, names, mapping }) =>
    names.map((name, index) =>
      index === 0 ? [name, mapping, field.valueType ?? 'any', describeField(field)] : [name],
    ),
  )
  const parts = [
    `${bold(set.name)}  priority ${priority}\n`,
    ...(description === undefined ? [] : [`${description}\n`]),
    `\n${bold('Fields')} (the first name that a record has counts)\n`,
    formatTable([['LOG KEY', 'MAPPING', 'TYPE', ''], ...rows], '  '),
    ...mappings.flatMap((mapping) => [
      `\n${bold(`Mapping ${mapping.name}`)}${mapping.description === undefined ? '' : `  ${mapping.description}`}\n`,
      formatTable(mappingRows(mapping, isAscii), '  '),
    ]),
  ]
  return parts.join('')
}

function describeField({ description, when, defaultValue, defaultOverrideKey }: FieldMapping): string {
  return [
    description,
    when &&
      `when ${Object.entries(when)
        .map(([key, globs]) => `${key} is ${[globs].flat().join(' or ')}`)
        .join(' and ')}`,
    defaultValue !== undefined && `${defaultValue} when absent`,
    defaultOverrideKey !== undefined && `unknown values as ${defaultOverrideKey}`,
  ]
    .filter(Boolean)
    .join('; ')
}

function mappingRows(mapping: EventMapping, isAscii: boolean): string[][] {
  const { visualMarkers = {}, ranges = {}, metadataFields = {}, transformations = {} } = mapping
  const keys = [
    ...new Set([...Object.keys(visualMarkers), ...Object.keys(ranges), ...Object.keys(metadataFields)]),
  ]
  const rows = keys.map((key) => {
    const range = ranges[key]
    const metadata = Object.entries(metadataFields[key] ?? {}).map(([field, value]) => `${field}=${value}`)
    const marker = visualMarkers[key]
    return [
      isAscii ? (marker === undefined ? '' : `[${key}]`) : (marker ?? ''),
      key,
      range ? formatRange(range) : '',
      metadata.join(' '),
    ]
  })
  const transformed = Object.entries(transformations).map(([key, transformation]) => [
    '',
    key === '*' ? 'any value' : key,
    `first ${typeof transformation === 'string' ? transformation : 'a function'}`,
    '',
  ])
  return [...transformed, ...rows]
}

function formatRange([low, high]: readonly [number | null, number | null]): string {
  if (low === null) return high === null ? 'any number' : `up to ${high}`
  return high === null ? `${low} and more` : `${low} to ${high}`
}

/** Set, log key, mapping, key, marker: one row for each marker a log key can show. */
function plainRows(set: EventSet, registry: EventSetRegistry, isAscii: boolean): string[][] {
  const links = registry.resolveLinks(set)
  return (set.fieldMappings ?? []).flatMap((field, index) => {
    const mapping = links[index]
    return Object.entries(mapping?.visualMarkers ?? {}).map(([key, marker]) =>
      [set.name, field.logKey, mapping?.name ?? '', key, isAscii ? `[${key}]` : marker].map(toSafeText),
    )
  })
}
