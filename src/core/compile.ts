import type { EventMapping, EventSet, FieldMapping } from './event-set.ts'
import { matchesGlob } from './glob.ts'
import { compileLookup, type Lookup, markerText, type OnTransformationError } from './lookup.ts'
import type { EventSetRegistry } from './registry.ts'
import { isOfType, type Scalar, toScalar } from './value.ts'

/** A field mapping, ready to be applied. */
export interface CompiledField {
  /** Its place in the order of markers: sets by priority, then as declared. */
  readonly order: number
  readonly set: string
  readonly mapping: string
  readonly field: FieldMapping
  /** The table behind `mapping`, for whoever compiles it into something else than `lookup`. */
  readonly table: EventMapping
  readonly lookup: Lookup
  readonly conditions: readonly Condition[]
}

/** One entry of a field mapping's `when`. */
export interface Condition {
  readonly node: KeyNode
  readonly globs: readonly string[]
}

/** A field mapping that may take the value of a log key; `rank` says which of its names the log key is. */
export interface Candidate {
  readonly field: CompiledField
  readonly rank: number
}

/**
 * A place in the tree of log keys that any set knows.
 *
 * Every place is reachable by its segments and by any run of them joined with dots, since `"http.method"`,
 * `http: { method }` and `a: { "b.c" }` are all ways in which one log key is written.
 */
export interface KeyNode {
  readonly logKey: string
  readonly children: Map<string, KeyNode>
  /** In order of precedence: the first one that applies owns the value. */
  readonly candidates: Candidate[]
  /** Set name -> the candidates that a bare field can mean in a record about that set, in order of precedence. */
  readonly scoped: Map<string, Candidate[]>
}

/** The sets of a registry, compiled: the cost of a record grows with its own fields, not with the number of sets. */
export interface CompiledSets {
  readonly root: KeyNode
  /** Names (lower-case) of the sets that a message such as `payment_processed` can be about. */
  readonly scopes: ReadonlyMap<string, string>
  /** Set name -> its fields with a `defaultValue`. */
  readonly defaults: ReadonlyMap<string, readonly (readonly [field: CompiledField, value: Scalar])[]>
  /** Every marker that these sets can show. */
  readonly markers: ReadonlySet<string>
}

/** The log key under which `when` and field mappings mean the message, whatever a logger calls it. */
export const MESSAGE_LOG_KEY = 'msg'

export function compileSets(registry: EventSetRegistry, onError: OnTransformationError): CompiledSets {
  const root = createNode('')
  const scopes = new Map<string, string>()
  const defaults = new Map<string, [CompiledField, Scalar][]>()
  const markers = new Set<string>()
  let order = 0
  for (const set of registry.listEventSets()) {
    const mappings = registry.resolveLinks(set)
    for (const { visualMarkers = {} } of allMappings(set, mappings)) {
      for (const marker of Object.values(visualMarkers)) markers.add(marker)
    }
    for (const [index, field] of (set.fieldMappings ?? []).entries()) {
      const mapping = mappings[index]
      if (!mapping) continue
      const compiled: CompiledField = {
        order: order++,
        set: set.name,
        mapping: mapping.name,
        field,
        table: mapping,
        lookup: lazily(() => compileLookup(mapping, field.defaultOverrideKey, onError)),
        conditions: compileConditions(root, field),
      }
      addNames(root, scopes, set, compiled)
      if (field.defaultValue !== undefined) {
        const fields = defaults.get(set.name) ?? []
        fields.push([compiled, field.defaultValue])
        defaults.set(set.name, fields)
      }
    }
  }
  return { root, scopes, defaults, markers }
}

/** The text form of every marker that the sets of a registry can show. */
export function collectTexts(registry: EventSetRegistry): ReadonlySet<string> {
  const texts = new Set<string>()
  for (const set of registry.listEventSets()) {
    for (const mapping of allMappings(set, registry.resolveLinks(set))) {
      for (const table of [mapping.visualMarkers, mapping.metadataFields, mapping.ranges]) {
        for (const key of Object.keys(table ?? {})) texts.add(markerText(key.toLowerCase(), mapping))
      }
    }
  }
  return texts
}

/** A set's own mappings and the linked ones: a mapping whose own set has been removed is found only by its link. */
function allMappings(set: EventSet, linked: readonly (EventMapping | undefined)[]): Set<EventMapping> {
  return new Set([...(set.mappings ?? []), ...linked].filter((mapping) => mapping !== undefined))
}

/** Most fields never occur in a service's log, so their tables are made at the first value. */
function lazily(compile: () => Lookup): Lookup {
  let lookup: Lookup | undefined
  return (value) => {
    lookup ??= compile()
    return lookup(value)
  }
}

function addNames(root: KeyNode, scopes: Map<string, string>, set: EventSet, field: CompiledField): void {
  const names = [...new Set([field.field.logKey, ...(field.field.aliases ?? [])])]
  const ranks = new Map(names.map((name, rank) => [name, rank]))
  const prefix = `${set.name}.`
  for (const [rank, name] of names.entries()) {
    nodeFor(root, name).candidates.push({ field, rank })
    if (!name.startsWith(prefix) || name.length === prefix.length) continue
    const { scoped } = nodeFor(root, name.slice(prefix.length))
    // Of two sets whose names differ in case only, the one of higher priority comes first.
    const scope = set.name.toLowerCase()
    if (!scopes.has(scope)) scopes.set(scope, set.name)
    // A full name in the record is plainer than a bare one, so bare names rank behind all full ones.
    const rankOfBareName = ranks.get(name.slice(prefix.length))
    const candidates = scoped.get(set.name) ?? []
    candidates.push({ field, rank: rankOfBareName ?? names.length + rank })
    scoped.set(set.name, candidates)
  }
}

function compileConditions(root: KeyNode, { when }: FieldMapping): Condition[] {
  return Object.entries(when ?? {}).map(([logKey, globs]) => {
    return { node: nodeFor(root, logKey), globs: [globs].flat().map((glob) => glob.toLowerCase()) }
  })
}

/** Whether a value is of the type that a field mapping asks for. */
export function isValueOf({ field: { valueType } }: CompiledField, value: Scalar): boolean {
  return valueType === undefined || isOfType(value, valueType)
}

/** Whether the value that a record has for a condition matches it. An absent field matches nothing. */
export function holds({ globs }: Condition, value: unknown): boolean {
  const scalar = toScalar(value)
  if (scalar === undefined) return false
  // Texts of megabytes are cut: what a glob can tell about a record stands at its beginning.
  const text = String(scalar).slice(0, 1000).toLowerCase()
  return globs.some((glob) => matchesGlob(glob, text))
}

function nodeFor(root: KeyNode, logKey: string): KeyNode {
  const segments = logKey.split('.')
  let node = root
  // All prefixes first, so that each of them can be given the shortcuts to the places below it.
  const path = [root]
  for (const segment of segments) {
    let child = node.children.get(segment)
    if (!child) {
      child = createNode(node === root ? segment : `${node.logKey}.${segment}`)
      node.children.set(segment, child)
    }
    node = child
    path.push(node)
  }
  for (let from = 0; from < segments.length; from++) {
    for (let to = from + 2; to <= Math.min(from + MOST_JOINED, segments.length); to++) {
      const ancestor = path[from] as KeyNode
      ancestor.children.set(segments.slice(from, to).join('.'), path[to] as KeyNode)
    }
  }
  if (segments.length > 1) root.children.set(logKey, node)
  return node
}

/**
 * At most so many segments of a log key are looked for as one flat part of it, beside the whole. No one writes
 * longer ones, and without a bound a key of a thousand dots would need half a million ways in.
 */
const MOST_JOINED = 16

function createNode(logKey: string): KeyNode {
  return { logKey, children: new Map(), candidates: [], scoped: new Map() }
}

/**
 * The places that a logger with keys of its own means: with `errorKey` "error", "error" and "error.code" are the
 * log keys "err" and "err.code". They are still themselves as well. `undefined` when the logger has the usual keys.
 */
export function renameKeys(
  { children }: KeyNode,
  messageKey: string,
  errorKey: string,
): ReadonlyMap<string, KeyNode> | undefined {
  if (messageKey === MESSAGE_LOG_KEY && errorKey === ERROR_LOG_KEY) return undefined
  const renamed = new Map<string, KeyNode>()
  for (const [key, node] of children) {
    if (key === MESSAGE_LOG_KEY && messageKey !== key) renamed.set(messageKey, node)
    const isOfError = key === ERROR_LOG_KEY || key.startsWith(`${ERROR_LOG_KEY}.`)
    if (isOfError && errorKey !== ERROR_LOG_KEY) renamed.set(errorKey + key.slice(ERROR_LOG_KEY.length), node)
  }
  return renamed
}

const ERROR_LOG_KEY = 'err'
