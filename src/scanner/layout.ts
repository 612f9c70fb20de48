import type { PlaceTraits } from './classes.ts'
import { CHUNK_BYTES, LONGEST_LINE_BYTES } from './limits.ts'
import type { PlaceTree } from './place-tree.ts'
import type { Scanner } from './scanner.ts'

/** What a text needs beside what a line brings: the colour codes around its parts. */
export interface TextCodes {
  readonly property: readonly [open: string, close: string]
  readonly message: readonly [open: string, close: string]
  readonly grey: readonly [open: string, close: string]
}

export interface Modes {
  readonly isText: boolean
  readonly isSingleLine: boolean
  readonly isLevelFirst: boolean
  readonly isObjectHidden: boolean
  readonly hasCarriageReturn: boolean
}

/** Where things are in the memory of a scanner. Addresses; the words are those of assembly/config.ts. */
export interface Layout {
  readonly bytes: number
  readonly keys: number
  readonly keySlots: number
  readonly keyFilter: number
  readonly keyPool: number
  readonly places: number
  readonly stamps: number
  readonly limits: number
  readonly values: number
  readonly valuePool: number
  readonly outcomes: number
  readonly outcomePool: number
  readonly combination: number
  readonly firstBytes: number
  readonly levels: number
  readonly levelPool: number
  readonly seconds: number
  readonly scratch: number
  readonly codes: number
  readonly body: number
  readonly errors: number
  readonly keyList: number
  readonly heads: number
  readonly topKeys: number
  readonly output: number
  readonly outputEnd: number
  readonly input: number
  readonly inputEnd: number
}

const KIB = 1024

/** As in the assembly. */
const CONFIG = 1024
const NO_VALUE_AT = 8
/** Ten digits of the second that was written last; at first none that a time begins with. */
const LAST_SECOND_AT = 16
const COMMA_AT = 9
const QUOTE = 34
const PLACE_BYTES = 48
/** Half of the slots are free, so that an unknown key is taken for a known one once in thirty times. */
const FILTER_BITS_PER_SLOT = 16
const VALUE_SLOTS = 16_384
const VALUE_POOL_BYTES = 256 * KIB
const OUTCOME_SLOTS = 8192
const OUTCOME_POOL_BYTES = 256 * KIB
export const MOST_LEVELS = 128
export const LEVEL_POOL_BYTES = 16 * KIB
export const SCRATCH_BYTES = 64 * KIB
export const MOST_SECONDS = 256
export const SECOND_BYTES = 64
const OUTPUT_BYTES = 256 * KIB
/** The fields of a line; what is longer goes the long way. */
const BODY_BYTES = 128 * KIB

/** Behind the input: what is read beyond its end, 16 bytes at a time, is not looked at, but must be there. */
const PADDING_BYTES = 64

export function planLayout({ places }: PlaceTree, traits: readonly PlaceTraits[]): Layout {
  const keys = places.flatMap((place) => [...place.children.keys()])
  const keySlots = 2 ** Math.ceil(Math.log2(Math.max(64, keys.length * 2)))
  let next = 4 * KIB
  const take = (bytes: number): number => {
    const at = next
    next = (next + bytes + 15) & ~15
    return at
  }
  const layout = {
    keys: take(keySlots * 16),
    keySlots,
    keyFilter: take((keySlots * FILTER_BITS_PER_SLOT) / 8),
    keyPool: take(keys.reduce((bytes, key) => bytes + Buffer.byteLength(key), 0) + 16),
    places: take(places.length * PLACE_BYTES),
    stamps: take(places.length * 4),
    limits: take(traits.reduce((bytes, { limits = [] }) => bytes + limits.length * 24 + 48, 0)),
    values: take(VALUE_SLOTS * 16),
    valuePool: take(VALUE_POOL_BYTES),
    outcomes: take(OUTCOME_SLOTS * 16),
    outcomePool: take(OUTCOME_POOL_BYTES),
    combination: take(512),
    firstBytes: take(256),
    levels: take(MOST_LEVELS * 16),
    levelPool: take(LEVEL_POOL_BYTES),
    seconds: take(MOST_SECONDS * SECOND_BYTES),
    scratch: take(SCRATCH_BYTES),
    codes: take(KIB),
    body: take(BODY_BYTES),
    errors: take(256),
    keyList: take(4 * KIB),
    heads: take(2 * KIB),
    topKeys: take(KIB),
    output: take(OUTPUT_BYTES),
    outputEnd: next,
    input: take(LONGEST_LINE_BYTES + CHUNK_BYTES),
    inputEnd: next,
  }
  return { ...layout, outputEnd: layout.output + OUTPUT_BYTES, inputEnd: next, bytes: next + PADDING_BYTES }
}

export interface Contents {
  readonly layout: Layout
  readonly tree: PlaceTree
  readonly traits: readonly PlaceTraits[]
  readonly firstBytes: Uint8Array
  /** The class of texts that are longer than all keys, by place. */
  readonly longClasses: readonly number[]
  readonly bracketPlace: number
  readonly codes: TextCodes
  readonly modes: Modes
}

/** Writes everything that does not change while lines come, and lets the scanner take it over. */
export function writeLayout(memory: ArrayBuffer, scanner: Scanner, contents: Contents): void {
  const { layout, tree, firstBytes, bracketPlace, codes, modes } = contents
  const bytes = Buffer.from(memory)
  const words = new Int32Array(memory)
  const set = (at: number, value: number) => {
    words[at >> 2] = value
  }
  bytes[NO_VALUE_AT] = 0
  bytes.fill(0, LAST_SECOND_AT, LAST_SECOND_AT + 10)
  bytes[COMMA_AT] = 44
  bytes.set(firstBytes, layout.firstBytes)
  new Float64Array(memory, layout.seconds, (MOST_SECONDS * SECOND_BYTES) / 8).fill(-1)
  writePlaces(memory, contents)

  const flags = [
    modes.isText,
    modes.isSingleLine,
    modes.isLevelFirst,
    modes.isObjectHidden,
    modes.hasCarriageReturn,
  ].reduce((bits, isOn, index) => bits | (isOn ? 1 << index : 0), 0)
  const config = [
    ...[layout.keys, layout.keySlots - 1, longestKey(tree), layout.places, layout.stamps],
    ...[layout.values, VALUE_SLOTS - 1, layout.valuePool, layout.valuePool + VALUE_POOL_BYTES],
    ...[layout.outcomes, OUTCOME_SLOTS - 1, layout.outcomePool, layout.outcomePool + OUTCOME_POOL_BYTES],
    ...[layout.combination, layout.firstBytes, layout.levels, layout.seconds, layout.scratch],
    ...[layout.output, layout.outputEnd, layout.body, tree.message.id, bracketPlace, flags],
  ]
  let codeAt = layout.codes
  for (const code of [codes.property, codes.message, codes.grey].flat()) {
    const length = bytes.write(code, codeAt, 'latin1')
    config.push(codeAt, length)
    codeAt += length
  }
  config.push(tree.places.length, layout.body + BODY_BYTES, layout.errors, layout.keyList)
  config.push(layout.keyFilter, layout.keySlots * FILTER_BITS_PER_SLOT - 1, layout.heads, layout.topKeys)
  for (const [index, value] of config.entries()) set(CONFIG + index * 4, value)
  scanner.configure()
  writeKeys(memory, scanner, contents)
}

function longestKey({ places }: PlaceTree): number {
  let longest = 0
  for (const { children } of places)
    for (const key of children.keys()) longest = Math.max(longest, Buffer.byteLength(key))
  return longest
}

function writeKeys(memory: ArrayBuffer, scanner: Scanner, { layout, tree }: Contents): void {
  const bytes = Buffer.from(memory)
  const words = new Int32Array(memory)
  let keyAt = layout.keyPool
  for (const place of tree.places) {
    for (const [key, child] of place.children) {
      const length = bytes.write(key, keyAt)
      const tag = (length << 16) | place.id
      // Where an empty key would begin, its closing quote stands.
      const ofFirst = (layout.topKeys >> 2) + (length > 0 ? (bytes[keyAt] as number) : QUOTE)
      if (place === tree.root) words[ofFirst] = (words[ofFirst] as number) | (1 << (length & 31))
      const hash = scanner.hashKey(tag, keyAt, length)
      const bit = hash & (layout.keySlots * FILTER_BITS_PER_SLOT - 1)
      const filterAt = layout.keyFilter + (bit >> 3)
      bytes[filterAt] = (bytes[filterAt] as number) | (1 << (bit & 7))
      let slot = hash & (layout.keySlots - 1)
      while (words[(layout.keys + slot * 16 + 12) >> 2] !== 0) slot = (slot + 1) & (layout.keySlots - 1)
      words.set([hash, tag, keyAt, child.id], (layout.keys + slot * 16) >> 2)
      keyAt += length
    }
  }
}

/** Bits of the flags of a place, as in assembly/value.ts. */
const HAS_CHILDREN = 1
const IS_PRESENCE = 2
const HAS_VALUE = 4
const IS_SLOW = 8
const FIRST_WORD_ONLY = 16
const HAS_LIMITS = 32
const LONG_IS_OTHER = 64

function writePlaces(memory: ArrayBuffer, { layout, tree, traits, longClasses }: Contents): void {
  const words = new Int32Array(memory)
  const floats = new Float64Array(memory)
  let limitsAt = layout.limits
  for (const place of tree.places) {
    const { hasValue, isSlow, isFirstWordOnly, limits, longest } = traits[place.id] as PlaceTraits
    const at = (layout.places + place.id * PLACE_BYTES) >> 2
    const longClass = longClasses[place.id] ?? 0
    words[at] =
      (place.children.size > 0 ? HAS_CHILDREN : 0) |
      (place.isPresence ? IS_PRESENCE : 0) |
      (hasValue ? HAS_VALUE : 0) |
      (isSlow ? IS_SLOW : 0) |
      (isFirstWordOnly ? FIRST_WORD_ONLY : 0) |
      (limits ? HAS_LIMITS : 0) |
      (longClass > 0 ? LONG_IS_OTHER : 0)
    words[at + 1] = place.role
    if (limits) {
      floats.set(limits, limitsAt >> 3)
      words[at + 2] = limits.length
      words[at + 3] = limitsAt
      words[at + 4] = limitsAt + limits.length * 8
      limitsAt += limits.length * 24 + 32
      limitsAt = (limitsAt + 7) & ~7
    }
    // An escape takes six bytes for a character at most, so a text of more bytes is surely longer.
    words[at + 5] = (longest ?? 0) * 6
    words[at + 6] = longClass
  }
}
