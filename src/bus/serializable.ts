import { types } from 'node:util'
import { formatPath } from '../core/issue.ts'
import { SerializationError } from './errors.ts'
import { quote, writeOut } from './quote.ts'

/** Deeper than data is, and far from what the stack of JSON.stringify can hold. */
const MAX_DEPTH = 200
/** What a character takes at most: `\u001f`. */
const MAX_BYTES_A_CHARACTER = 6
/** What a number, a date, a word or the signs around a key or an item take at most. */
const MAX_BYTES_A_SIGN = 30

/**
 * Checks that data comes back from JSON as it went in: no cycles, functions, symbols, BigInts, no numbers that JSON does
 * not have, and nothing that JSON makes an empty object of, such as a Map, an Error or a promise. Of objects that know how
 * to write themselves (`toJSON`, such as Date) what they write is checked.
 *
 * @param maxBytes As UTF-8.
 * @throws SerializationError that says where.
 */
export function assertSerializable(data: unknown, name: string, maxBytes: number): void {
  const size: Size = { characters: 0, signs: 0 }
  const fault = findFault(data, '', [], size)
  if (fault) {
    const path = formatPath(['data', ...fault.keys.reverse()])
    throw new SerializationError(
      `The data of the event ${quote(name)} cannot be written as JSON: ${writeOut(path)} ${fault.reason}.`,
      {
        path,
        hint: 'Publish plain data: texts, numbers, true and false, null, lists and objects of them.',
        cause: fault.cause,
      },
    )
  }
  const mostBytes = size.characters * MAX_BYTES_A_CHARACTER + size.signs * MAX_BYTES_A_SIGN
  // Writing it all to know its size takes longer than everything else about an event.
  if (mostBytes <= maxBytes) return
  const bytes = measure(data, name)
  if (bytes <= maxBytes) return
  throw new SerializationError(
    `The data of the event ${quote(name)} takes ${bytes} bytes as JSON, and the bus takes ${maxBytes}.`,
    {
      code: 'EVENTSETS_DATA_TOO_LARGE',
      path: 'data',
      hint: 'Keep what is large elsewhere and publish where it is, or raise "maxDataBytes" of the bus.',
    },
  )
}

interface Size {
  /** Of texts and keys. */
  characters: number
  /** Values, keys and items. */
  signs: number
}

interface Fault {
  /** The way to it, the last step first: it is noted on the way back, since nearly always there is none. */
  readonly keys: (string | number)[]
  readonly reason: string
  readonly cause?: unknown
}

/** @param key Where it stands in what is above it: `toJSON` is told. */
function findFault(value: unknown, key: string | number, above: object[], size: Size): Fault | undefined {
  size.signs++
  switch (typeof value) {
    case 'string':
      size.characters += value.length
      return undefined
    case 'boolean':
    case 'undefined':
      return undefined
    case 'number':
      return Number.isFinite(value)
        ? undefined
        : { keys: [], reason: `is ${value}, which JSON does not have` }
    case 'object':
      break
    default:
      return { keys: [], reason: `is a ${typeof value}` }
  }
  if (value === null) return undefined
  if (above.includes(value)) return { keys: [], reason: 'leads back to where it came from' }
  if (above.length >= MAX_DEPTH) return { keys: [], reason: `is more than ${MAX_DEPTH} levels deep` }
  above.push(value)
  let fault: Fault | undefined
  try {
    const { toJSON } = value as { readonly toJSON?: unknown }
    fault =
      typeof toJSON === 'function'
        ? findFaultWritten(value, toJSON as (key: string) => unknown, key, above, size)
        : findFaultIn(value, above, size)
  } catch (cause) {
    fault = { keys: [], reason: 'throws when it is read', cause }
  }
  above.pop()
  return fault
}

/** What `toJSON` gives is written as it is: it is not asked for a `toJSON` once more. */
function findFaultWritten(
  value: object,
  toJSON: (key: string) => unknown,
  key: string | number,
  above: object[],
  size: Size,
): Fault | undefined {
  if (types.isDate(value) && Number.isNaN(value.getTime()))
    return { keys: [], reason: 'is a Date without a time' }
  // Nearly all of them are dates.
  if (toJSON === Date.prototype.toJSON && types.isDate(value)) return undefined
  const written = toJSON.call(value, String(key))
  if (written === undefined && Array.isArray(above.at(-2)))
    return { keys: [], reason: 'writes itself as undefined, which becomes null in a list' }
  const fault = findFaultOf(written, value, above, size)
  return fault && fault.keys.length === 0 && fault.cause === undefined
    ? { keys: [], reason: `writes itself as something that ${fault.reason}` }
    : fault
}

function findFaultOf(written: unknown, value: object, above: object[], size: Size): Fault | undefined {
  if (typeof written !== 'object' || written === null) return findFault(written, '', above, size)
  if (written === value) return findFaultIn(written, above, size)
  if (above.includes(written)) return { keys: [], reason: 'leads back to where it came from' }
  above.push(written)
  const fault = findFaultIn(written, above, size)
  above.pop()
  return fault
}

function findFaultIn(value: object, above: object[], size: Size): Fault | undefined {
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const item: unknown = value[index]
      const fault =
        item === undefined
          ? { keys: [], reason: 'is undefined, which becomes null in a list' }
          : findFault(item, index, above, size)
      if (fault) return at(index, fault)
    }
    return undefined
  }
  const kind = isPlain(value) ? undefined : findKind(value)
  if (kind) return { keys: [], reason: `is ${kind}, which JSON cannot keep` }
  for (const key of Object.keys(value)) {
    const inner = (value as Record<string, unknown>)[key]
    size.characters += key.length
    size.signs++
    // Nearly everything is one of these.
    if (typeof inner === 'string') {
      size.characters += inner.length
      continue
    }
    if (typeof inner === 'boolean') continue
    const fault = findFault(inner, key, above, size)
    if (fault) return at(key, fault)
  }
  return undefined
}

function at(key: string | number, fault: Fault): Fault {
  fault.keys.push(key)
  return fault
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** What an object is of which JSON keeps nothing, or nothing that can be made the same again. */
function findKind(value: object): string | undefined {
  if (types.isPromise(value)) return 'a promise'
  if (types.isNativeError(value)) return 'an Error'
  if (types.isMap(value) || types.isWeakMap(value)) return 'a Map'
  if (types.isSet(value) || types.isWeakSet(value)) return 'a Set'
  if (types.isRegExp(value)) return 'a regular expression'
  if (types.isAnyArrayBuffer(value)) return 'an ArrayBuffer'
  if (ArrayBuffer.isView(value)) return 'binary data'
  if (types.isBigIntObject(value)) return 'a BigInt'
  if (types.isSymbolObject(value)) return 'a symbol'
  if (types.isNumberObject(value) && !Number.isFinite(Number(value))) return `the number ${Number(value)}`
  if (types.isGeneratorObject(value)) return 'a generator'
  if (types.isMapIterator(value) || types.isSetIterator(value)) return 'an iterator'
  if (value instanceof WeakRef) return 'a WeakRef'
  return undefined
}

/** The size as JSON, in bytes. */
function measure(data: unknown, name: string): number {
  try {
    const json: string | undefined = JSON.stringify(data)
    return json === undefined ? 0 : Buffer.byteLength(json)
  } catch (cause) {
    // A `toJSON` that throws, or gives what cannot be written, or more than a text can hold.
    throw new SerializationError(`The data of the event ${quote(name)} cannot be written as JSON.`, {
      path: 'data',
      cause,
    })
  }
}
