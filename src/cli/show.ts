import type { EventMapping, EventSet, FieldMapping } from '../core/event-set.ts'
import { markerText } from '../core/lookup.ts'
import type { EventSetRegistry } from '../core/registry.ts'
import { isAsciiAsked } from '../pretty/ascii.ts'
import { toSafeJson } from '../pretty/safe-json.ts'
import { ExitCode } from './exit-code.ts'
import type { SetFlags } from './list.ts'
import { print } from './output.ts'
import { loadSets, wordSource } from './sets.ts'
import { formatPlain, formatTable, type TableRow, type TableStyle, toCell, wrapText } from './table.ts'
import { terminalStyle, terminalWidth } from './terminal.ts'

/**
 * `eventsets show <set>`: which fields a set reads, and what it shows for their values.
 *
 * @throws NotFoundError naming the nearest sets.
 */
export async function show(name: string, flags: SetFlags): Promise<number> {
  const { registry } = await loadSets({ ...flags })
  const set = registry.getEventSet(name)
  const isAscii = flags.ascii ?? isAsciiAsked(process.env)
  if (flags.json) print(`${toSafeJson({ version: 1, set, source: registry.getSource(name) }, 2)}\n`)
  else if (flags.plain) print(formatPlain(plainRows(set, registry, isAscii)))
  else
    print(describeSet(set, registry, { isAscii, width: terminalWidth(), style: terminalStyle(flags.color) }))
  return ExitCode.OK
}

interface ShowLayout {
  readonly isAscii: boolean
  readonly width: number | undefined
  readonly style: TableStyle
}

function describeSet(set: EventSet, registry: EventSetRegistry, layout: ShowLayout): string {
  const { name, fieldMappings = [], mappings = [], priority = 0, description = '' } = set
  const { width, style } = layout
  const source = registry.getSource(name)
  const origin = source.kind === 'built-in' ? '' : `  from ${toCell(wordSource(source))}`
  const head = `${style.bold(toCell(name))}  priority ${priority}${origin}\n`
  const fields = formatTable(fieldRows(set, registry), {
    header: ['LOG KEY', 'MAPPING', 'TYPE'],
    indent: '  ',
    width,
    style,
  })
  return [
    head,
    wrapDescription(description, width),
    `\n${style.bold('Fields')}  of several names, the first that a record has counts\n`,
    fieldMappings.length === 0 ? '  none\n' : fields,
    ...mappings.map((mapping) => describeMapping(mapping, layout)),
  ].join('')
}

function wrapDescription(description: string, width: number | undefined): string {
  const text = toCell(description)
  return text === '' ? '' : `${width === undefined ? text : wrapText(text, width)}\n`
}

function fieldRows(set: EventSet, registry: EventSetRegistry): TableRow[] {
  const links = registry.resolveLinks(set)
  return (set.fieldMappings ?? []).map((field, index) => {
    const { logKey, aliases = [], valueType = 'any' } = field
    return {
      cells: [logKey, nameMapping(links[index], set, registry), valueType],
      below: [...(aliases.length === 0 ? [] : [`or ${aliases.join(', ')}`]), ...describeField(field)],
    }
  })
}

/** The name of a mapping, with its set where that is another one. */
function nameMapping(mapping: EventMapping | undefined, own: EventSet, registry: EventSetRegistry): string {
  if (mapping === undefined) return ''
  if (own.mappings?.includes(mapping)) return mapping.name
  const owner = registry.listEventSets().find(({ mappings }) => mappings?.includes(mapping))
  return owner ? `${mapping.name} of ${owner.name}` : mapping.name
}

function describeField({ description, when, defaultValue, defaultOverrideKey }: FieldMapping): string[] {
  const conditions = Object.entries(when ?? {}).map(
    ([key, globs]) => `${key} is ${[globs].flat().join(' or ')}`,
  )
  return [
    ...(description === undefined ? [] : [description]),
    ...(conditions.length === 0 ? [] : [`only when ${conditions.join(', and ')}`]),
    ...(defaultValue === undefined
      ? []
      : [`taken as ${defaultValue} when absent beside other fields of the set`]),
    ...(defaultOverrideKey === undefined ? [] : [`any other value counts as ${defaultOverrideKey}`]),
  ]
}

function describeMapping(mapping: EventMapping, { isAscii, width, style }: ShowLayout): string {
  const { name, description = '', transformations = {} } = mapping
  const title = toCell(`Mapping ${name}`)
  const subtitle = toCell(description)
  const rows = mappingRows(mapping, isAscii)
  const conversions = Object.entries(transformations).map(([key, transformation]) => {
    const how = typeof transformation === 'string' ? transformation : 'a function'
    return `  ${toCell(`${key === '*' ? 'every value' : key} passes ${how} first`)}\n`
  })
  const fits = width === undefined || `${title}  ${subtitle}`.length <= width
  return [
    `\n${style.bold(title)}${subtitle === '' ? '' : fits ? `  ${subtitle}` : `\n${wrapText(subtitle, width)}`}\n`,
    ...conversions,
    rows.length === 0 ? '  no markers\n' : formatTable(rows, { indent: '  ', width, style }),
  ].join('')
}

/**
 * Marker, the fields it adds, and the values it stands for. Values that differ in nothing else share a row:
 * `🐘  db.type=sql  postgresql, postgres, pg`.
 */
function mappingRows(mapping: EventMapping, isAscii: boolean): TableRow[] {
  const { visualMarkers = {}, ranges = {}, metadataFields = {}, defaultKey = 'default' } = mapping
  // In the order in which a value is looked up: its text first, then the ranges as they stand.
  const exact = Object.keys(visualMarkers).filter((key) => !Object.hasOwn(ranges, key))
  const keys = new Set([...exact, ...[ranges, metadataFields].flatMap(Object.keys)])
  const rows = new Map<string, { marker: string; added: string; values: string[] }>()
  for (const key of keys) {
    const marker = own(visualMarkers, key) ?? ''
    const added = Object.entries(own(metadataFields, key) ?? {})
      .map(([field, value]) => `${field}=${value}`)
      .join(' ')
    const range = own(ranges, key)
    const meaning = range ? ` (${formatRange(range)})` : key === defaultKey ? ' (any other value)' : ''
    const value = `${isAscii && marker !== '' ? `[${markerText(key.toLowerCase(), mapping)}]` : key}${meaning}`
    const same = rows.get(`${marker}\0${added}`)
    if (same) same.values.push(value)
    else rows.set(`${marker}\0${added}`, { marker: isAscii ? '' : marker, added, values: [value] })
  }
  return [...rows.values()].map(({ marker, added, values }) => ({
    cells: [marker, added, values.join(', ')],
  }))
}

/** A key such as "constructor" is data: what every object has does not count. */
function own<T>(table: { readonly [key: string]: T }, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined
}

function formatRange([low, high]: readonly [number | null, number | null]): string {
  if (low === null) return high === null ? 'any number' : `up to ${high}`
  return high === null ? `${low} and more` : `${low} to ${high}`
}

/** Set, log key, mapping, key, marker, aliases: one row for each marker a log key can show. */
function plainRows(set: EventSet, registry: EventSetRegistry, isAscii: boolean): string[][] {
  const links = registry.resolveLinks(set)
  return (set.fieldMappings ?? []).flatMap(({ logKey, aliases = [] }, index) => {
    const mapping = links[index]
    return Object.entries(mapping?.visualMarkers ?? {}).map(([key, marker]) => [
      set.name,
      logKey,
      mapping?.name ?? '',
      key,
      isAscii && mapping ? `[${markerText(key.toLowerCase(), mapping)}]` : marker,
      aliases.join(','),
    ])
  })
}
