import type { EventMapping, EventSet, FieldMapping } from '../../src/index.ts'

// What event sets mean, written down as plainly as possible from the table of decisions, without regard to cost.
// The compiled enricher must agree with it. It knows records of plain JSON, log keys of at most three segments, and
// the default names of message and markers.

type Value = string | number | boolean

export interface ModelMarker {
  readonly marker: string
  readonly text: string
  readonly set: string
  readonly mapping: string
  readonly logKey: string
  readonly value: Value
}

export interface ModelEnrichment {
  readonly markers: readonly ModelMarker[]
  readonly metadata: readonly (readonly [name: string, value: Value])[] | undefined
  readonly carried: readonly string[] | undefined
}

interface Field {
  readonly set: string
  readonly field: FieldMapping
  readonly mapping: EventMapping
}

type JsonRecord = Readonly<Record<string, unknown>>

const NOTHING: ModelEnrichment = { markers: [], metadata: undefined, carried: undefined }

/** `sets` are in order of registration. */
export function model(sets: readonly EventSet[], record: JsonRecord): ModelEnrichment {
  const carried = carriedMarkers(sets, record)
  if (carried) return { ...NOTHING, carried }

  const fields = fieldsInOrder(sets)
  const scope = scopeOf(record['msg'], fields)
  const values = new Map<Field, { logKey: string; value: Value }>()
  for (const field of fields) {
    for (const logKey of namesOf(field, scope)) {
      const own = occurrences(record, logKey).find(
        (value) => ownerOf(logKey, value, fields, scope, record) === field,
      )
      if (own === undefined) continue
      values.set(field, { logKey, value: own })
      break
    }
  }
  const setsPresent = new Set([...values.keys()].map(({ set }) => set))
  for (const field of fields) {
    const { defaultValue, logKey } = field.field
    if (defaultValue === undefined || !setsPresent.has(field.set) || !whenHolds(field, record)) continue
    const isAbsent = namesOf(field, scope).every((name) =>
      occurrences(record, name).every((value) => !isOfType(value, field)),
    )
    if (isAbsent) values.set(field, { logKey, value: defaultValue })
  }

  const markers: ModelMarker[] = []
  const metadata = new Map<string, Value>()
  for (const field of fields) {
    const found = values.get(field)
    if (!found) continue
    const key = lookUp(field, found.value)
    if (key === undefined) continue
    const { set, mapping } = field
    const marker =
      entry(mapping.visualMarkers, key) ??
      fallbackKeys(field)
        .map((fallback) => entry(mapping.visualMarkers, fallback))
        .find((shown) => shown !== undefined)
    const text = key === 'default' ? mapping.name : key
    if (marker !== undefined) markers.push({ marker, text, set, mapping: mapping.name, ...found })
    for (const [name, value] of Object.entries(entry(mapping.metadataFields, key) ?? {})) {
      const isTaken =
        name === 'msg' || name === 'markers' || metadata.has(name) || spellings(record, name).length > 0
      if (!isTaken) metadata.set(name, value)
    }
  }
  return { markers, metadata: metadata.size > 0 ? [...metadata] : undefined, carried: undefined }
}

/** Sets by priority (descending), ties in order of registration; then field mappings as declared. */
function fieldsInOrder(sets: readonly EventSet[]): Field[] {
  return sets
    .toSorted((a, b) => (b.priority ?? 0) - (a.priority ?? 0))
    .flatMap((set) =>
      (set.fieldMappings ?? []).map((field) => ({ set: set.name, field, mapping: linked(field, set, sets) })),
    )
}

function linked(
  { mapping, eventSetName }: FieldMapping,
  own: EventSet,
  sets: readonly EventSet[],
): EventMapping {
  const named = (set: EventSet | undefined, name: string | undefined) =>
    set?.mappings?.find((candidate) => candidate.name === name)
  const found =
    mapping === undefined
      ? named(own, eventSetName)
      : named(eventSetName === undefined ? own : sets.find(({ name }) => name === eventSetName), mapping)
  if (!found)
    throw new Error('The model knows links by "mapping", and by "eventSetName" to a mapping of the set.')
  return found
}

/** The names of a field in order of precedence: log key, aliases; in a record about its set the bare ones, too. */
function namesOf({ set, field }: Field, scope: string | undefined): string[] {
  const full = [field.logKey, ...(field.aliases ?? [])]
  const bare = full.filter((name) => name.startsWith(`${set}.`)).map((name) => name.slice(set.length + 1))
  return [...new Set(scope === set ? [...full, ...bare] : full)]
}

/** The first field mapping that wants a value: those that a bare name means, then by priority. */
function ownerOf(
  logKey: string,
  value: Value,
  fields: readonly Field[],
  scope: string | undefined,
  record: JsonRecord,
): Field | undefined {
  const meantBare = fields.filter(
    ({ set, field }) =>
      set === scope && [field.logKey, ...(field.aliases ?? [])].includes(`${set}.${logKey}`),
  )
  const named = fields.filter(({ field }) => [field.logKey, ...(field.aliases ?? [])].includes(logKey))
  return [...meantBare, ...named].find((field) => isOfType(value, field) && whenHolds(field, record))
}

/** The longest name of a set that a single event name begins with, if that set has names below its own. */
function scopeOf(message: unknown, fields: readonly Field[]): string | undefined {
  if (typeof message !== 'string' || message.length > 128 || !/^[a-z][a-z0-9._:-]*$/i.test(message))
    return undefined
  return fields
    .filter(({ set, field }) =>
      [field.logKey, ...(field.aliases ?? [])].some((name) => name.startsWith(`${set}.`)),
    )
    .map(({ set }) => set)
    .filter((set) => {
      const rest = message.toLowerCase().startsWith(set.toLowerCase()) ? message.slice(set.length) : undefined
      return rest !== undefined && (rest === '' || '._:-'.includes(rest.charAt(0)))
    })
    .toSorted((a, b) => b.length - a.length)[0]
}

/** Every value that a record has for a log key, however it is written; the flattest spelling first. */
function spellings(record: JsonRecord, logKey: string, depth = 1): { value: unknown; depth: number }[] {
  const found = Object.keys(record).flatMap((key) => {
    if (key === logKey) return [{ value: record[key], depth }]
    const inner = record[key]
    if (!logKey.startsWith(`${key}.`) || typeof inner !== 'object' || inner === null || Array.isArray(inner))
      return []
    return spellings(inner as JsonRecord, logKey.slice(key.length + 1), depth + 1)
  })
  return found.toSorted((a, b) => a.depth - b.depth)
}

function occurrences(record: JsonRecord, logKey: string): Value[] {
  return spellings(record, logKey)
    .map(({ value }) => (Array.isArray(value) && value.length === 1 ? value[0] : value))
    .filter((value): value is Value => ['string', 'number', 'boolean'].includes(typeof value))
}

function isOfType(value: Value, { field: { valueType } }: Field): boolean {
  switch (valueType) {
    case undefined:
      return true
    case 'string':
      return typeof value === 'string'
    case 'boolean':
      return ['true', 'false'].includes(String(value).toLowerCase())
    case 'integer':
      return Number.isInteger(numberOf(value))
    case 'number':
      return Number.isFinite(numberOf(value))
  }
}

function numberOf(value: Value): number {
  if (typeof value === 'number') return value
  return typeof value === 'string' && /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(value)
    ? Number(value)
    : Number.NaN
}

function whenHolds({ field }: Field, record: JsonRecord): boolean {
  return Object.entries(field.when ?? {}).every(([logKey, globs]) =>
    occurrences(record, logKey).some((value) =>
      [globs].flat().some((glob) => globPattern(glob).test(String(value))),
    ),
  )
}

/** A glob as a regular expression. */
export function globPattern(glob: string): RegExp {
  const source = glob.replace(/[.*+?^${}()|[\]\\/-]/g, (special) =>
    special === '*' ? '[^]*' : special === '?' ? '[^]' : `\\${special}`,
  )
  return new RegExp(`^${source}$`, 'i')
}

/** The key under which a value is found. */
function lookUp(field: Field, original: Value): string | undefined {
  const { mapping } = field
  const value = transformed(mapping, original)
  const text = String(value).toLowerCase()
  if (isKey(mapping, text)) return text
  for (const [key, [low, high]] of Object.entries(mapping.ranges ?? {})) {
    const number = numberOf(value)
    if (Number.isNaN(number)) continue
    if ((low === null || number >= low) && (high === null || number <= high)) return key.toLowerCase()
  }
  return fallbackKeys(field).find((key) => isKey(mapping, key))
}

function fallbackKeys({ field, mapping }: Field): string[] {
  return [field.defaultOverrideKey, mapping.defaultKey ?? 'default'].flatMap(
    (key) => key?.toLowerCase() ?? [],
  )
}

function isKey(mapping: EventMapping, key: string): boolean {
  return entry(mapping.visualMarkers, key) !== undefined || entry(mapping.metadataFields, key) !== undefined
}

function entry<T>(table: { readonly [key: string]: T } | undefined, key: string): T | undefined {
  return Object.entries(table ?? {}).find(([name]) => name.toLowerCase() === key)?.[1]
}

function transformed({ transformations }: EventMapping, value: Value): Value {
  const transformation = entry(transformations, String(value).toLowerCase()) ?? entry(transformations, '*')
  if (typeof transformation === 'function') {
    try {
      const result = transformation(value)
      return ['string', 'number', 'boolean'].includes(typeof result) ? (result as Value) : value
    } catch {
      return value
    }
  }
  if (transformation === 'trim' && typeof value === 'string') return value.trim()
  if (transformation === 'lastSegment' && typeof value === 'string')
    return /[^.:/]+$/.exec(value)?.[0] ?? value
  if (transformation === 'statusClass') {
    const status = typeof value === 'boolean' ? Number.NaN : numberOf(value)
    return status >= 100 && status < 600 ? `${String(status).charAt(0)}xx` : value
  }
  return value
}

/** The markers that a record brings along: in its field, or known ones at the beginning of its message. */
function carriedMarkers(sets: readonly EventSet[], record: JsonRecord): readonly string[] | undefined {
  const inField = record['markers']
  if (Array.isArray(inField) && inField.every((element) => typeof element === 'string')) return inField
  const message = record['msg']
  if (typeof message !== 'string') return undefined
  const known = new Set(
    sets.flatMap(({ mappings = [] }) =>
      mappings.flatMap(({ visualMarkers = {} }) => Object.values(visualMarkers)),
    ),
  )
  const brackets = /^((?:\[[^[\]]*\])+)(?: |$)/.exec(message)?.[1]
  if (brackets !== undefined) {
    return brackets
      .slice(1, -1)
      .split('][')
      .every((marker) => known.has(marker))
      ? []
      : undefined
  }
  const [firstWord = ''] = message.split(' ')
  return known.has(firstWord) && firstWord.charCodeAt(0) > 127 ? [] : undefined
}
