import { type CompiledSets, type Condition, type KeyNode, renameKeys } from '../core/compile.ts'

/** What a member at the top of a record is for itself, whether or not a set knows it. As in assembly/line.ts. */
export const Role = {
  NONE: 0,
  MESSAGE: 1,
  LEVEL: 2,
  TIME: 3,
  NAME: 4,
  PID: 5,
  HOSTNAME: 6,
  SKIPPED: 7,
  ERROR: 8,
  CARRIED: 9,
} as const

export type Role = (typeof Role)[keyof typeof Role]

/** A place in a record that matters, and the keys below it. */
export interface Place {
  readonly id: number
  readonly node: KeyNode | undefined
  readonly children: Map<string, Place>
  /** The conditions that other fields make on the value here. */
  conditions: readonly Condition[]
  role: Role
  /** It matters whether a record has it at all. */
  isPresence: boolean
  /** A record that has it goes the long way. */
  isSlow: boolean
}

export interface PlaceTree {
  /** Its keys are those at the top of a record. */
  readonly root: Place
  readonly message: Place
  /** In the order of their ids, the root included. */
  readonly places: readonly Place[]
}

export interface PlaceTreeOptions {
  readonly messageKey: string
  readonly errorKey: string
  /** Members at the top that are something for themselves. */
  readonly roles: ReadonlyMap<string, Role>
  /** Members at the top that send a record the long way. */
  readonly slowKeys: readonly string[]
  /** Names of fields that are added to records which lack them. */
  readonly metadataNames: Iterable<string>
}

/**
 * The places that matter to some sets, as a tree of keys. `undefined` for the few configurations in which one
 * member would be two things at once: their records all go the long way.
 */
export function buildPlaceTree(sets: CompiledSets, options: PlaceTreeOptions): PlaceTree | undefined {
  const { messageKey, errorKey, roles, slowKeys, metadataNames } = options
  const places: Place[] = []
  const byNode = new Map<KeyNode, Place>()
  const create = (node: KeyNode | undefined): Place => {
    const place: Place = {
      id: places.length,
      node,
      children: new Map(),
      conditions: [],
      role: Role.NONE,
      isPresence: false,
      isSlow: false,
    }
    places.push(place)
    if (node) byNode.set(node, place)
    return place
  }
  const placeFor = (node: KeyNode): Place => {
    const known = byNode.get(node)
    if (known) return known
    const place = create(node)
    for (const [key, child] of node.children) place.children.set(key, placeFor(child))
    return place
  }
  const root = placeFor(sets.root)
  const meant = renameKeys(sets.root, messageKey, errorKey)
  for (const [key, node] of meant ?? []) {
    if (key === messageKey) continue
    // A key that means two places at once.
    if (root.children.has(key)) (root.children.get(key) as Place).isSlow = true
    else root.children.set(key, placeFor(node))
  }
  const message = placeMessage(root, messageKey, meant?.get(messageKey), create)
  if (!message) return undefined
  const hasOtherError = errorKey !== ERROR_KEY && root.children.has(errorKey)
  for (const name of metadataNames) {
    // The errors of a logger are at one place under two keys, and only under one of them they are a field of the name.
    if (hasOtherError && [errorKey, ERROR_KEY].some((key) => isBelow(name, key))) return undefined
    if (!markPresence(root, name, create)) return undefined
  }
  for (const key of slowKeys) placeAtTop(root, key, create).isSlow = true
  for (const [key, role] of roles) {
    const place = placeAtTop(root, key, create)
    if (place.role !== Role.NONE) return undefined
    place.role = role
  }
  if (hasAmbiguousRole(places)) return undefined
  collectConditions(places, byNode)
  return { root, message, places }
}

/** pino's usual key for an error. */
const ERROR_KEY = 'err'

function isBelow(name: string, key: string): boolean {
  return name === key || name.startsWith(`${key}.`)
}

/** Whether a member that is something for itself can be reached by another key as well, or by a path. */
function hasAmbiguousRole(places: readonly Place[]): boolean {
  const ways = new Map<Place, number>()
  for (const { children } of places)
    for (const child of children.values()) ways.set(child, (ways.get(child) ?? 0) + 1)
  return places.some((place) => place.role !== Role.NONE && (ways.get(place) ?? 0) > 1)
}

function placeAtTop(root: Place, key: string, create: (node: undefined) => Place): Place {
  const place = root.children.get(key) ?? create(undefined)
  root.children.set(key, place)
  return place
}

/** `undefined` when the key is a field of a set as well, and so two things at once. */
function placeMessage(
  root: Place,
  key: string,
  node: KeyNode | undefined,
  create: (node: KeyNode | undefined) => Place,
): Place | undefined {
  const known = root.children.get(key)
  if (known && node) return undefined
  const place = known ?? create(node)
  // What a logger with a message key of its own has under the usual one is left to the long way.
  const usual = node && root.children.get(node.logKey)
  if (usual) usual.isSlow = true
  root.children.set(key, place)
  place.role = Role.MESSAGE
  return place
}

/** As many segments are looked for as one flat key, as where log keys are compiled. */
const MOST_JOINED = 16

/** Marks every way in which a record can have a field of this name; false when there are too many. */
function markPresence(root: Place, name: string, create: (node: undefined) => Place): boolean {
  const segments = name.split('.')
  if (segments.length > MOST_JOINED) return false
  const path = [root]
  for (const segment of segments) {
    const place = path.at(-1) as Place
    const child = place.children.get(segment) ?? create(undefined)
    place.children.set(segment, child)
    path.push(child)
  }
  for (const [from, place] of path.entries()) {
    for (let to = from + 2; to < path.length; to++) {
      const key = segments.slice(from, to).join('.')
      if (place.children.has(key) && place.children.get(key) !== path[to]) return false
      place.children.set(key, path[to] as Place)
    }
  }
  ;(path.at(-1) as Place).isPresence = true
  return true
}

/** A condition that any value meets says nothing about the value. */
function collectConditions(places: readonly Place[], byNode: ReadonlyMap<KeyNode, Place>): void {
  const found = new Map<Place, Set<Condition>>()
  for (const { node } of places) {
    for (const { field } of candidatesOf(node)) {
      for (const condition of field.conditions) {
        const place = byNode.get(condition.node)
        if (!place) continue
        const conditions = found.get(place) ?? new Set()
        found.set(place, conditions.add(condition))
      }
    }
  }
  for (const [place, conditions] of found) place.conditions = [...conditions]
}

/** All field mappings that may take the value at a place, in records about whatever. */
export function candidatesOf(node: KeyNode | undefined) {
  return node === undefined ? [] : [...node.candidates, ...[...node.scoped.values()].flat()]
}

/** Whether a value at a place matters, beyond its being there. */
export function hasValue({ node, conditions }: Place): boolean {
  return conditions.length > 0 || candidatesOf(node).length > 0
}
