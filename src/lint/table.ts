type Table<T> = { readonly [key: string]: T } | undefined

/** Whether a table has a key, upper and lower case being the same. */
export function hasKey(table: Table<unknown>, key: string): boolean {
  return keysOf(table).has(key.toLowerCase())
}

/** The keys of a table as values are compared with them. */
export function keysOf(table: Table<unknown>): ReadonlySet<string> {
  if (table === undefined) return NONE
  let keys = known.get(table)
  if (keys === undefined) {
    keys = new Set(Object.keys(table).map((key) => key.toLowerCase()))
    known.set(table, keys)
  }
  return keys
}

const NONE: ReadonlySet<string> = new Set()
const known = new WeakMap<object, ReadonlySet<string>>()
