import { compileReader, type FieldPath, hasPath, splitPath } from './field-path.ts'

export type AnyRecord = { readonly [key: string]: unknown }

/** What of a record is shown. */
export interface Filter {
  /** Top-level keys that are left out. */
  readonly ignored: ReadonlySet<string>
  /** By top-level key: the value without what is left out inside it. The record's own value stays as it is. */
  readonly trims: ReadonlyMap<string, Trim>
  /** What is left out inside values. */
  readonly inside: readonly FieldPath[]
  /** The record to show in place of the given one, where only some of its keys are wanted. */
  readonly select: ((record: AnyRecord) => AnyRecord) | undefined
}

type Trim = (value: unknown) => unknown

export const NO_FILTER: Filter = { ignored: new Set(), trims: new Map(), inside: [], select: undefined }

/** With `include` the option `ignore` has nothing to say. */
export function compileFilter(ignore: string | undefined, include: string | undefined): Filter {
  if (include !== undefined) return { ...NO_FILTER, select: compileSelect(include) }
  const paths = ignore ? ignore.split(',').map(splitPath) : []
  const inside = paths.filter((path) => path.length > 1)
  const trims = new Map<string, Trim>()
  for (const [key] of inside as [string][]) trims.set(key, compileTrim(inside, key))
  const ignored = new Set(paths.filter((path) => path.length < 2).map(([key = NAMELESS]) => key))
  return { ignored, trims, inside, select: undefined }
}

/** A path without segments, as behind the comma of `"a,"`: pino-pretty takes the last segment of none, `undefined`. */
const NAMELESS = 'undefined'

/** The whole record without what is left out, as a record of its own. Values are shared with the given one. */
export function applyFilter(record: AnyRecord, { ignored, trims, select }: Filter): AnyRecord {
  if (select) return select(record)
  if (ignored.size === 0 && trims.size === 0) return record
  const shown = copyShallow(record) as Record<string, unknown>
  for (const key of ignored) delete shown[key]
  for (const [key, trim] of trims) if (Object.hasOwn(shown, key)) shown[key] = trim(shown[key])
  return shown
}

/** Reads a top-level field as it is shown. */
export function compileFieldReader(key: string, { ignored, trims }: Filter): (record: AnyRecord) => unknown {
  if (ignored.has(key)) return () => undefined
  const trim = trims.get(key)
  return trim ? (record) => trim(record[key]) : (record) => record[key]
}

/** Reads what lies at the end of a path as it is shown. */
export function compileShownReader(path: FieldPath, filter: Filter): (record: AnyRecord) => unknown {
  const [first] = path
  const read = compileReader(path)
  if (first === undefined || !(filter.ignored.has(first) || filter.trims.has(first))) return read
  const readFirst = compileFieldReader(first, filter)
  return (record) => (Object.hasOwn(record, first) ? read({ [first]: readFirst(record) }) : undefined)
}

function compileSelect(include: string): (record: AnyRecord) => AnyRecord {
  const wanted = [...new Set(include.split(','))]
    .map(splitPath)
    .map((path) => ({ path, read: compileReader(path) }))
  return (record) => {
    const selected: Record<string, unknown> = {}
    for (const { path, read } of wanted) if (hasPath(record, path)) put(selected, path, read(record))
    return selected
  }
}

/** What is there already is the record's own object, which has all of this in it. */
function put(target: Record<string, unknown>, path: FieldPath, value: unknown): void {
  const last = path.length - 1
  let place = target
  for (const segment of path.slice(0, last)) {
    if (typeof place[segment] !== 'object' || place[segment] === null) place[segment] = {}
    place = place[segment] as Record<string, unknown>
  }
  const key = path[last] as string
  if (place[key] !== value || !Object.hasOwn(place, key)) place[key] = value
}

function compileTrim(paths: readonly FieldPath[], key: string): Trim {
  const inside = paths.filter(([first]) => first === key).map((path) => path.slice(1))
  return (value) => inside.reduce(withoutField, value)
}

/** The value without the field at the end of the path. Only objects on the way to it are copied. */
function withoutField(value: unknown, [key, ...rest]: FieldPath): unknown {
  if (typeof value !== 'object' || value === null || key === undefined || !Object.hasOwn(value, key))
    return value
  const inner = (value as Record<string, unknown>)[key]
  const trimmed = rest.length === 0 ? undefined : withoutField(inner, rest)
  if (rest.length > 0 && trimmed === inner) return value
  const copy = copyShallow(value) as Record<string, unknown>
  if (rest.length === 0) delete copy[key]
  else copy[key] = trimmed
  return copy
}

function copyShallow(value: object): object {
  if (Array.isArray(value)) return value.slice()
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) return { ...value }
  return Object.create(prototype as object | null, Object.getOwnPropertyDescriptors(value)) as object
}

/**
 * A copy for functions that might change what they are given, without what is left out inside its values. An object
 * that is in several places still is, and then lacks in all of them what is left out in one.
 */
export function copyRecord<T extends object>(record: T, { inside }: Filter = NO_FILTER): T {
  const copy = copyDeep(record, new Map())
  for (const path of inside) deleteField(copy, path)
  return copy
}

/** As deep as plain objects and lists go. */
function copyDeep<T>(value: T, copies: Map<unknown, unknown>, isPart = isCopied(value)): T {
  if (!isPart) return value
  const known = copies.get(value)
  if (known !== undefined) return known as T
  const copy = copyShallow(value as object) as Record<string, unknown>
  copies.set(value, copy)
  for (const key of Object.keys(copy)) {
    const inner = copy[key]
    const innerCopy = copyDeep(inner, copies)
    if (innerCopy !== inner) copy[key] = innerCopy
  }
  return copy as T
}

function isCopied(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null || Array.isArray(value)
}

function deleteField(value: unknown, [key, ...rest]: FieldPath): void {
  if (key === undefined || !isCopied(value) || !Object.hasOwn(value as object, key)) return
  if (rest.length > 0) deleteField((value as Record<string, unknown>)[key], rest)
  else Reflect.deleteProperty(value as object, key)
}
