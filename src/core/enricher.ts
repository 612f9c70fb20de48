import {
  type Candidate,
  type CompiledField,
  type CompiledSets,
  collectTexts,
  compileSets,
  holds,
  isValueOf,
  type KeyNode,
  MESSAGE_LOG_KEY,
  renameKeys,
} from './compile.ts'
import type { EventMapping } from './event-set.ts'
import { carriesMarkers, eventNamePrefixes } from './message.ts'
import { assertRegistry, type EventSetRegistry } from './registry.ts'
import { isPlainObject } from './shape.ts'
import { type Scalar, toScalar } from './value.ts'

export type LogRecord = { readonly [key: string]: unknown }

/** A marker that a record earned, and why. */
export interface AppliedMarker {
  readonly marker: string
  /** The text form, for terminals without emoji: `2xx`. */
  readonly text: string
  /** The key of the mapping under which the value was found. */
  readonly key: string
  readonly set: string
  readonly mapping: string
  /** The name under which the record has the value: the field mapping's log key or one of its aliases. */
  readonly logKey: string
  readonly value: string | number | boolean | bigint
}

/** What the event sets have to say about one record. */
export interface Enrichment {
  /** In the order in which they are shown. */
  readonly markers: readonly AppliedMarker[]
  /** Fields that the record lacks and gets, flat keys. `undefined` when there are none. */
  readonly metadata: Readonly<Record<string, string | number | boolean>> | undefined
  /** Set when the record was enriched before: the markers in its field, or `[]` when they stand in its message. */
  readonly carried: readonly string[] | undefined
}

export interface EnricherOptions {
  /** The key of the message, pino's `messageKey`. Default `msg`. */
  readonly messageKey?: string | undefined
  /** The key of an error, pino's `errorKey`: log keys that begin with `err.` mean the fields below it. Default `err`. */
  readonly errorKey?: string | undefined
  /** The key below which the logger puts its fields, pino's `nestedKey`. */
  readonly nestedKey?: string | undefined
  /** The field that holds a record's markers in JSON. Default `markers`. */
  readonly markersField?: string | undefined
  /** Whether markers are written in their text form, so that it is recognised in a message too. */
  readonly ascii?: boolean | undefined
  /** Told once per mapping when a function used as a transformation throws. The value counts as unchanged. */
  readonly onTransformationError?: ((error: unknown, mapping: EventMapping) => void) | undefined
}

export interface Enricher {
  /** Never throws; a record that cannot be read has no markers. */
  enrich(record: LogRecord): Enrichment
  /** How often a transformation has thrown. */
  readonly transformationErrors: number
}

/**
 * Compiles the sets of a registry into a function from records to their markers and metadata.
 * A set that is registered later is in force from the next record on.
 *
 * Cost: one map look-up per field of the record, whatever the number of sets.
 */
export function createEnricher(registry: EventSetRegistry, options: EnricherOptions = {}): Enricher {
  const {
    messageKey = MESSAGE_LOG_KEY,
    errorKey = 'err',
    nestedKey,
    markersField = 'markers',
    ascii = false,
  } = options
  assertRegistry(registry, 'createEnricher')
  let transformationErrors = 0
  const reported = new WeakSet<EventMapping>()
  const onError = (error: unknown, mapping: EventMapping) => {
    transformationErrors++
    if (reported.has(mapping)) return
    reported.add(mapping)
    try {
      options.onTransformationError?.(error, mapping)
    } catch {
      // A report that fails must not cost the record its markers.
    }
  }
  const compile = () => {
    const sets = compileSets(registry, onError)
    const known = ascii ? new Set([...sets.markers, ...collectTexts(registry)]) : sets.markers
    const renamed = renameKeys(sets.root, messageKey, errorKey)
    return {
      sets,
      known,
      renamed,
      index: indexKeys(sets.root, renamed),
    }
  }
  let version = registry.version
  let compiled = compile()

  const enrich = (record: LogRecord): Enrichment => {
    if (registry.version !== version) {
      version = registry.version
      compiled = compile()
    }
    const { sets, known, renamed, index } = compiled
    const carried = record[markersField]
    if (carried !== undefined && isListOfStrings(carried))
      return { markers: [], metadata: undefined, carried }
    const message = record[messageKey]
    if (typeof message === 'string' && carriesMarkers(message, known)) return CARRIED_IN_MESSAGE

    const hits: Hit[] = []
    collect(record, index, renamed, hits, 0)
    const nested = nestedKey === undefined ? undefined : record[nestedKey]
    if (isPlainObject(nested)) collect(nested, index, renamed, hits, BELOW_NESTED_KEY)
    if (hits.length === 0) return NOTHING

    const scope = scopeOf(message, sets)
    const claims = claim(hits, scope)
    if (claims.length === 0) return NOTHING
    addDefaults(claims, sets, hits, scope)
    claims.sort((a, b) => a.field.order - b.field.order)
    const isTaken = (name: string) =>
      name === messageKey ||
      name === markersField ||
      hasField(record, name) ||
      (isPlainObject(nested) && hasField(nested, name))
    return describe(claims, isTaken)
  }

  return {
    enrich(record) {
      try {
        return enrich(record)
      } catch {
        // A getter or a proxy in a record may throw. Logging must not fail for it.
        return NOTHING
      }
    },
    get transformationErrors() {
      return transformationErrors
    },
  }
}

/** A value of the record at a place that some set knows. */
interface Hit {
  readonly node: KeyNode
  readonly value: Scalar
  /** How many objects stand around the value. Of several ways to write one log key, the flattest one counts. */
  readonly depth: number
}

/** A value that belongs to a field mapping; of several names the one of lowest rank counts. */
interface Claim {
  readonly field: CompiledField
  rank: number
  depth: number
  logKey: string
  value: Scalar
}

const NOTHING: Enrichment = Object.freeze({
  markers: Object.freeze([]),
  metadata: undefined,
  carried: undefined,
})
const CARRIED_IN_MESSAGE: Enrichment = Object.freeze({ ...NOTHING, carried: Object.freeze([]) })

/** Nested objects with fewer known keys than this are asked for each of them; larger ones are walked. */
const FEW_KEYS = 12

/** Depth of what stands below the logger's `nestedKey`: behind everything beside it. */
const BELOW_NESTED_KEY = 1000

/**
 * The keys at the top of a record, by their first character (its lowest seven bits).
 *
 * Most keys of a record are known to no set. The lengths (their lowest five bits) turn them away without hashing
 * them; and a group of keys stays small, and so in the processor's cache, however many sets there are.
 */
interface KeyIndex {
  readonly lengths: Int32Array
  readonly groups: readonly (ReadonlyMap<string, KeyNode> | undefined)[]
}

function indexKeys({ children }: KeyNode, renamed: ReadonlyMap<string, KeyNode> | undefined): KeyIndex {
  const lengths = new Int32Array(128)
  const groups: (Map<string, KeyNode> | undefined)[] = new Array(128).fill(undefined)
  for (const [key, node] of [...children, ...(renamed ?? [])]) {
    const slot = key.charCodeAt(0) & 127
    lengths[slot] = (lengths[slot] as number) | (1 << (key.length & 31))
    if (children.get(key) !== node) continue
    const group = groups[slot] ?? new Map<string, KeyNode>()
    groups[slot] = group.set(key, node)
  }
  return { lengths, groups }
}

function collect(
  record: LogRecord,
  { lengths, groups }: KeyIndex,
  renamed: ReadonlyMap<string, KeyNode> | undefined,
  hits: Hit[],
  depth: number,
): void {
  for (const key in record) {
    const slot = key.charCodeAt(0) & 127
    if ((((lengths[slot] as number) >>> (key.length & 31)) & 1) === 0) continue
    // The renamed place first: of two values for one place, the one the logger means counts.
    const meant = renamed?.get(key)
    if (meant !== undefined) visit(record[key], meant, hits, depth)
    const node = groups[slot]?.get(key)
    if (node !== undefined) visit(record[key], node, hits, depth + 1)
  }
}

function visit(value: unknown, node: KeyNode, hits: Hit[], depth: number): void {
  if (value === null || value === undefined) return
  if (typeof value !== 'object' || Array.isArray(value)) {
    const scalar = toScalar(value)
    if (scalar !== undefined) hits.push({ node, value: scalar, depth })
    return
  }
  const { children } = node
  if (children.size === 0) return
  const object = value as LogRecord
  // Errors and instances of classes are always asked: a walk passes over what their prototypes have.
  if (children.size < FEW_KEYS || Object.getPrototypeOf(object) !== Object.prototype) {
    for (const [key, child] of children) {
      const inner = object[key]
      if (inner !== undefined) visit(inner, child, hits, depth + 1)
      else if (key === 'type' && value instanceof Error) visit(value.constructor.name, child, hits, depth + 1)
    }
  } else {
    for (const key in object) {
      const child = children.get(key)
      if (child !== undefined) visit(object[key], child, hits, depth + 1)
    }
  }
}

/** The set that a message such as `payment_processed` is about, if any: there a bare `status` means `payment.status`. */
function scopeOf(message: unknown, { scopes }: CompiledSets): string | undefined {
  if (scopes.size === 0 || typeof message !== 'string') return undefined
  for (const prefix of eventNamePrefixes(message)) {
    const set = scopes.get(prefix)
    if (set !== undefined) return set
  }
  return undefined
}

function claim(hits: readonly Hit[], scope: string | undefined): Claim[] {
  const claims: Claim[] = []
  for (const { node, value, depth } of hits) {
    const fits = (candidate: Candidate) => applies(candidate, value, hits)
    const owner = scopedCandidates(node, scope)?.find(fits) ?? node.candidates.find(fits)
    if (owner === undefined) continue
    const { field, rank } = owner
    const known = claims.find((earlier) => earlier.field === field)
    if (known === undefined) claims.push({ field, rank, depth, logKey: node.logKey, value })
    else if (rank < known.rank || (rank === known.rank && depth < known.depth)) {
      known.rank = rank
      known.depth = depth
      known.logKey = node.logKey
      known.value = value
    }
  }
  return claims
}

function scopedCandidates(node: KeyNode, scope: string | undefined): readonly Candidate[] | undefined {
  return scope === undefined ? undefined : node.scoped.get(scope)
}

function applies({ field }: Candidate, value: Scalar, hits: readonly Hit[]): boolean {
  return isValueOf(field, value) && conditionsHold(field, hits)
}

function conditionsHold({ conditions }: CompiledField, hits: readonly Hit[]): boolean {
  return conditions.every((condition) =>
    hits.some((hit) => hit.node === condition.node && holds(condition, hit.value)),
  )
}

function addDefaults(
  claims: Claim[],
  { defaults }: CompiledSets,
  hits: readonly Hit[],
  scope: string | undefined,
): void {
  if (defaults.size === 0) return
  for (const set of new Set(claims.map(({ field }) => field.set))) {
    for (const [field, value] of defaults.get(set) ?? []) {
      if (isPresent(field, hits, scope) || !conditionsHold(field, hits)) continue
      const behindAll = Number.POSITIVE_INFINITY
      claims.push({ field, rank: behindAll, depth: behindAll, logKey: field.field.logKey, value })
    }
  }
}

/** Whether the record has a field, even if another field mapping owns its value. Then no default speaks for it. */
function isPresent(field: CompiledField, hits: readonly Hit[], scope: string | undefined): boolean {
  const isOfField = (candidate: Candidate) => candidate.field === field
  return hits.some(
    ({ node, value }) =>
      (node.candidates.some(isOfField) || scopedCandidates(node, scope)?.some(isOfField)) &&
      isValueOf(field, value),
  )
}

function describe(claims: readonly Claim[], isTaken: (name: string) => boolean): Enrichment {
  const markers: AppliedMarker[] = []
  let metadata: Record<string, string | number | boolean> | undefined
  for (const { field, logKey, value } of claims) {
    const found = field.lookup(value)
    if (found === undefined) continue
    const { key, text, marker } = found
    if (marker !== undefined)
      markers.push({ marker, text, key, set: field.set, mapping: field.mapping, logKey, value })
    for (const [name, extra] of found.metadata) {
      if (isTaken(name)) continue
      metadata ??= Object.create(null) as Record<string, string | number | boolean>
      if (!(name in metadata)) metadata[name] = extra
    }
  }
  return markers.length === 0 && metadata === undefined ? NOTHING : { markers, metadata, carried: undefined }
}

/** Whether a record has a field, flat (`"http.success"`) or nested (`http: { success }`), whatever its value. */
function hasField(record: LogRecord, logKey: string): boolean {
  if (Object.hasOwn(record, logKey)) return true
  for (let dot = logKey.indexOf('.'); dot !== -1; dot = logKey.indexOf('.', dot + 1)) {
    const inner = Object.hasOwn(record, logKey.slice(0, dot)) ? record[logKey.slice(0, dot)] : undefined
    if (isPlainObject(inner) && hasField(inner, logKey.slice(dot + 1))) return true
  }
  return false
}

function isListOfStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((element) => typeof element === 'string')
}
