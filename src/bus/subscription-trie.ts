/** Something that listens, with what it listens to and its place in the order of registration. */
export interface Entry<T> {
  readonly pattern: string
  readonly value: T
  readonly order: number
}

/**
 * What listens to which pattern. Finding takes as long as the name is deep and as many listen to it, however many
 * listen to others.
 *
 * Exact names stand in a map of their own: they are what nearly all subscriptions are, and need less memory there.
 * Values and their order stand in one list in turn, since an object for each would take more than all the rest.
 *
 * What is taken away from a long list leaves a gap, and the list is closed up when half of it is gaps: to take away all
 * of many takes no longer for each than to take away one of a few.
 */
export class SubscriptionTrie<T extends object | string | true> {
  readonly #exact = new Map<string, List<T>>()
  readonly #root: Node<T> = {}
  /** What is known of long lists. */
  readonly #notes = new WeakMap<List<T>, Notes>()
  readonly #keyOf: (value: T) => unknown
  #order = 0
  #size = 0

  /** @param keyOf By what a value is found again: itself unless given. */
  constructor(keyOf: (value: T) => unknown = (value) => value) {
    this.#keyOf = keyOf
  }

  /** How many there are. */
  get size(): number {
    return this.#size
  }

  /** `segments` of a pattern; undefined for an exact name. Gives the place in the order of registration. */
  add(pattern: string, segments: readonly string[] | undefined, value: T): number {
    const order = this.#order++
    this.#size++
    if (segments === undefined) {
      const list = this.#exact.get(pattern)
      if (list) this.#append(list, value, order)
      else this.#exact.set(pattern, [value, order])
      return order
    }
    const node = walk(this.#root, segments, true) as Node<T>
    node.list ??= []
    this.#append(node.list, value, order)
    // A lone star is another way to write two.
    node.pattern = pattern === '*' ? '**' : pattern
    return order
  }

  /** Takes away what was added to a pattern in that place. False when it is not there any more. */
  remove(pattern: string, segments: readonly string[] | undefined, order: number): boolean {
    const node = segments === undefined ? undefined : walk(this.#root, segments, false)
    const list = segments === undefined ? this.#exact.get(pattern) : node?.list
    if (!list) return false
    const at = placeOf(list, order)
    if (at === -1) return false
    this.#takeOut(list, at)
    this.#size--
    if (list.length > 0) return true
    if (segments === undefined) this.#exact.delete(pattern)
    else if (node) {
      node.list = undefined
      prune(this.#root, segments)
    }
    return true
  }

  #append(list: List<T>, value: T, order: number): void {
    list.push(value, order)
    // Most lists are short.
    if (list.length <= LONG) return
    const orders = this.#notes.get(list)?.orders
    if (orders) noteOrder(orders, this.#keyOf(value), order)
  }

  #takeOut(list: List<T>, at: number): void {
    const notes = this.#notes.get(list)
    if (!notes && list.length <= LONG) {
      list.splice(at, 2)
      return
    }
    const gaps = (notes?.gaps ?? 0) + 1
    list[at] = undefined
    if (gaps * 4 < list.length) {
      if (notes) notes.gaps = gaps
      else this.#notes.set(list, { gaps, orders: undefined })
      return
    }
    let end = 0
    for (let from = 0; from < list.length; from += 2) {
      if (list[from] === undefined) continue
      list[end++] = list[from]
      list[end++] = list[from + 1]
    }
    list.length = end
    this.#notes.delete(list)
  }

  /** Whether what was added to a pattern in that place is still there. */
  has(pattern: string, segments: readonly string[] | undefined, order: number): boolean {
    const list = segments === undefined ? this.#exact.get(pattern) : walk(this.#root, segments, false)?.list
    return list !== undefined && placeOf(list, order) !== -1
  }

  /** The last one of those that were added to this very pattern with a key. */
  findLast(pattern: string, segments: readonly string[] | undefined, key: unknown): Entry<T> | undefined {
    const list = segments === undefined ? this.#exact.get(pattern) : walk(this.#root, segments, false)?.list
    if (!list) return undefined
    const at = list.length <= LONG ? this.#searchBack(list, key) : this.#lookUp(list, key)
    return at === -1 ? undefined : { pattern, value: list[at] as T, order: list[at + 1] as number }
  }

  #searchBack(list: List<T>, key: unknown): number {
    for (let at = list.length - 2; at >= 0; at -= 2) {
      const value = list[at]
      if (value !== undefined && this.#keyOf(value as T) === key) return at
    }
    return -1
  }

  #lookUp(list: List<T>, key: unknown): number {
    const notes = this.#notes.get(list) ?? { gaps: 0, orders: undefined }
    this.#notes.set(list, notes)
    notes.orders ??= this.#noteOrders(list)
    const orders = notes.orders.get(key) ?? []
    for (let order = orders.at(-1); order !== undefined; order = orders.at(-1)) {
      const at = placeOf(list, order)
      if (at !== -1) return at
      // It was taken away by its order.
      orders.pop()
    }
    notes.orders.delete(key)
    return -1
  }

  #noteOrders(list: List<T>): Map<unknown, number[]> {
    const orders = new Map<unknown, number[]>()
    for (let at = 0; at < list.length; at += 2) {
      const value = list[at]
      if (value !== undefined) noteOrder(orders, this.#keyOf(value as T), list[at + 1] as number)
    }
    return orders
  }

  /** Everything that listens to a name, in the order of registration. */
  find(name: string): Entry<T>[] {
    const entries: Entry<T>[] = []
    const exact = this.#exact.get(name)
    if (exact) addEntries(name, exact, entries)
    const { child, children, one, any } = this.#root
    const isExactOnly = !child && !children && !one && !any
    if (isExactOnly) return entries
    for (const { list, pattern = '' } of collect(this.#root, name.split('.')))
      if (list) addEntries(pattern, list, entries)
    return entries.sort((a, b) => a.order - b.order)
  }

  /** Everything there is, with its pattern. */
  *[Symbol.iterator](): Generator<Entry<T>> {
    for (const [pattern, list] of this.#exact) yield* addEntries(pattern, list, [])
    yield* walkAll(this.#root)
  }
}

/** Values and their order in turn. Where a value was taken away, there is none before its order. */
type List<T> = (T | number | undefined)[]

/** What is known of a long list. */
interface Notes {
  /** How many of it have been taken away. */
  gaps: number
  /** The orders of those with a key, once somebody has asked for one: some may have been taken away. */
  orders: Map<unknown, number[]> | undefined
}

/** A list of more than half as many is long. */
const LONG = 128

/** Where in a list the value with an order stands; -1 when it is not there. */
function placeOf<T>(list: List<T>, order: number): number {
  let low = 0
  let high = list.length / 2 - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const found = list[middle * 2 + 1] as number
    if (found === order) return list[middle * 2] === undefined ? -1 : middle * 2
    if (found < order) low = middle + 1
    else high = middle - 1
  }
  return -1
}

function noteOrder(orders: Map<unknown, number[]>, key: unknown, order: number): void {
  const known = orders.get(key)
  if (known) known.push(order)
  else orders.set(key, [order])
}

interface Node<T> {
  /** Below one certain segment; */
  segment?: string | undefined
  child?: Node<T> | undefined
  /** and below others. Most have a single one, for which a map takes more than all the rest. */
  children?: Map<string, Node<T>> | undefined
  /** Below `*`. */
  one?: Node<T> | undefined
  /** Below `**`. */
  any?: Node<T> | undefined
  list?: List<T> | undefined
  /** What those in the list listen to. */
  pattern?: string
  /** Whether it stands below `**`. */
  isAny?: true | undefined
}

function addEntries<T>(pattern: string, list: Readonly<List<T>>, entries: Entry<T>[]): Entry<T>[] {
  for (let at = 0; at < list.length; at += 2) {
    const value = list[at]
    if (value !== undefined) entries.push({ pattern, value: value as T, order: list[at + 1] as number })
  }
  return entries
}

function walk<T>(root: Node<T>, segments: readonly string[], isMaking: boolean): Node<T> | undefined {
  let node: Node<T> | undefined = root
  for (const segment of segments) {
    if (!node) return undefined
    let next: Node<T> | undefined =
      segment === '*' ? node.one : segment === '**' ? node.any : childOf(node, segment)
    if (!next && isMaking) {
      next = segment === '**' ? { isAny: true } : {}
      if (segment === '*') node.one = next
      else if (segment === '**') node.any = next
      else if (!node.child) {
        node.segment = segment
        node.child = next
      } else {
        node.children ??= new Map()
        node.children.set(segment, next)
      }
    }
    node = next
  }
  return node
}

function childOf<T>(node: Node<T>, segment: string): Node<T> | undefined {
  return node.segment === segment ? node.child : node.children?.get(segment)
}

/** Takes away what is empty on the way to a pattern, so that subscribing and unsubscribing for years needs no memory. */
function prune<T>(node: Node<T>, segments: readonly string[], depth = 0): boolean {
  const segment = segments[depth]
  if (segment !== undefined) {
    const next = segment === '*' ? node.one : segment === '**' ? node.any : childOf(node, segment)
    if (next && prune(next, segments, depth + 1)) {
      if (segment === '*') node.one = undefined
      else if (segment === '**') node.any = undefined
      else if (node.segment === segment) {
        node.segment = undefined
        node.child = undefined
      } else if (node.children?.delete(segment) && node.children.size === 0) node.children = undefined
    }
  }
  return !node.list && !node.child && !node.children && !node.one && !node.any
}

/** The nodes of all patterns that match. Each node is asked once for each depth, so no name takes long. */
function collect<T>(root: Node<T>, segments: readonly string[]): Set<Node<T>> {
  let nodes = new Set<Node<T>>()
  enter(root, nodes)
  for (const segment of segments) {
    const next = new Set<Node<T>>()
    for (const node of nodes) {
      const child = childOf(node, segment)
      if (child) enter(child, next)
      if (node.one) enter(node.one, next)
      // What stands below `**` may take this segment too.
      if (node.isAny) next.add(node)
    }
    nodes = next
  }
  return nodes
}

/** A node, and what `**` makes of it without taking a segment. */
function enter<T>(node: Node<T>, into: Set<Node<T>>): void {
  into.add(node)
  if (node.any) enter(node.any, into)
}

function* walkAll<T>(node: Node<T>): Generator<Entry<T>> {
  yield* addEntries(node.pattern ?? '', node.list ?? [], [])
  if (node.child) yield* walkAll(node.child)
  for (const child of node.children?.values() ?? []) yield* walkAll(child)
  if (node.one) yield* walkAll(node.one)
  if (node.any) yield* walkAll(node.any)
}
