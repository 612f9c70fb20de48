import { collectTexts, compileSets } from '../core/compile.ts'
import { eventNamePrefixes } from '../core/message.ts'
import type { EventSetRegistry } from '../core/registry.ts'
import type { Scalar } from '../core/value.ts'
import { createClasses, isKnownBeginning, type PlaceTraits, traitsOf } from './classes.ts'
import {
  LEVEL_POOL_BYTES,
  MOST_LEVELS,
  planLayout,
  SCRATCH_BYTES,
  SECOND_BYTES,
  type TextCodes,
  writeLayout,
} from './layout.ts'
import { buildPlaceTree, type Place, Role } from './place-tree.ts'
import { createScanner, type Scanner, type ScannerHost, type ScannerKind } from './scanner.ts'
import { createSecondTemplates } from './second-template.ts'

/** What a line gets. Byte strings: each character is a byte of UTF-8. */
export interface Additions {
  /** What stands before the text of the message. */
  readonly prefix: string
  /** JSON members for the end of the record: `"a":1,"b":2`. */
  readonly members: string
  /** The record brings its markers, in its field. */
  readonly isCarried: boolean
}

/** How a line is shown as text. Each function says what the renderer would write. */
export interface TextStyle extends TextCodes {
  readonly eol: string
  readonly timestampKey: string
  readonly errorKeys: readonly string[]
  /** Keys at the top that are not shown. */
  readonly ignoredKeys: readonly string[]
  readonly isSingleLine: boolean
  readonly isLevelFirst: boolean
  readonly isObjectHidden: boolean
  level(value: unknown): string | undefined
  time(value: unknown): string | undefined
  /** A text without what is not shown. */
  toSafeText(text: string): string
}

export interface LineScannerOptions {
  readonly kind: ScannerKind
  readonly messageKey: string
  readonly errorKey: string
  readonly levelKey: string
  readonly markersField: string
  readonly ascii: boolean
  /** Whether fields that sets give to values are added. */
  readonly withMetadata: boolean
  /** Whether lines of this level are shown; absent when all are. */
  readonly isShown?: ((level: unknown) => boolean) | undefined
  /** How lines are shown as text; absent for JSON. */
  readonly text?: TextStyle | undefined
  /** What the line of a record gets, by the rules of the enricher. */
  additionsFor(record: { readonly [key: string]: unknown }): Additions
  /** The long way: what takes the place of a line, its newline included. */
  convert(buffer: Buffer, start: number, end: number): string
}

export interface LineScanner {
  /** All of its memory. */
  readonly memory: Buffer
  /** Where whole lines are put, and how far they may reach. */
  readonly input: number
  readonly inputEnd: number
  /** Takes the lines from `start` to `end`, the place behind a newline. The bytes it hands out are valid only during the call. */
  run(start: number, end: number, write: (bytes: Buffer) => void): void
}

// Kinds of values, as in assembly/json.ts and assembly/value.ts.
const STRING = 1
const ARRAY = 6
const FIRST_WORD = 7
const PREFIX = 8
const LEVEL_STRING = 9

// What is described, as in assembly/text.ts.
const TIME_TEXT = 1
const NUMBER_TEXT = 2

/** Outcomes of more bytes than this are not kept. */
const LONGEST_OUTCOME_BYTES = 8192

/**
 * A scanner for the lines of some sets: reads bytes and writes bytes, and makes an object of a line only where it
 * meets something for the first time, or something odd.
 *
 * `undefined` where the options, or the sets, are such that it could not be sure to do what the long way does.
 */
export function createLineScanner(
  registry: EventSetRegistry,
  options: LineScannerOptions,
): LineScanner | undefined {
  const { kind, text, ascii } = options
  // Lookups that report failing transformations belong to the enricher; here places with such are left to it.
  const sets = compileSets(registry, () => {})
  const markers = ascii ? [...sets.markers, ...collectTexts(registry)] : [...sets.markers]
  // A message may begin with a marker as it stands in a set, or as it is shown.
  const known = new Set(text ? [...markers, ...markers.map(text.toSafeText)] : markers)
  const metadataNames = options.withMetadata ? collectMetadataNames(registry) : []
  const roles = collectRoles(options)
  const tree =
    roles &&
    buildPlaceTree(sets, {
      messageKey: options.messageKey,
      errorKey: options.errorKey,
      roles,
      slowKeys: text ? SLOW_IN_TEXT.filter((key) => !roles.has(key)) : [],
      metadataNames,
    })
  if (!tree || tree.places.length > MOST_PLACES || hasOddKey(tree.places)) return undefined

  const traits = tree.places.map(traitsOf)
  if (traits[tree.message.id]?.isSlow) return undefined
  const classes = tree.places.map(createClasses)
  const layout = planLayout(tree, traits)
  const bracketPlace = tree.places.length
  let scanner: Scanner
  let memory: Buffer
  let sink: (bytes: Buffer) => void = () => {}

  const convertSafely = (start: number, end: number): string => {
    try {
      return options.convert(memory, start, end)
    } catch {
      return `${memory.toString('latin1', start, end)}\n`
    }
  }
  const rawText = (start: number, end: number): string => memory.toString('utf8', start, end)
  const stringAt = (start: number, end: number): string => {
    const raw = rawText(start, end)
    return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw
  }
  const levelPool = { next: layout.levelPool, count: 0 }
  const levels = new Map<string, number>()
  const classifyLevel = (level: unknown): number => {
    // Not JSON: there all numbers beyond the greatest are one.
    const id = `${typeof level} ${level}`
    const found = levels.get(id)
    if (found !== undefined) return found
    const shown = describeLevel(level, options)
    const bytes = Buffer.from(shown?.label ?? '')
    const isFull =
      levelPool.count + 1 >= MOST_LEVELS ||
      levelPool.next + bytes.length > layout.levelPool + LEVEL_POOL_BYTES
    if (!shown || isFull || bytes.length > 100) return 0
    const number = ++levelPool.count
    bytes.copy(memory, levelPool.next)
    writeWords(memory, layout.levels + number * 16, [shown.isHidden ? 1 : 0, levelPool.next, bytes.length])
    levelPool.next += bytes.length
    levels.set(id, number)
    return number
  }
  const classifyMessage = (value: Scalar): number => {
    let scope = ''
    if (typeof value === 'string') {
      const prefix = eventNamePrefixes(value).find((candidate) => sets.scopes.has(candidate))
      scope = prefix === undefined ? '' : (sets.scopes.get(prefix) as string)
    }
    // Class 1 is that of a message for which nothing of it matters.
    const found = classOfMessage(value, scope)
    return found === 0 ? 0 : found + 1
  }
  const classOfMessage = classes[tree.message.id] as (value: Scalar, context: string) => number

  const classifyCarried = createCarriedClasses(options)
  const templateFor = createSecondTemplates((time) => text?.time(time))

  const host: ScannerHost = {
    classify(place, valueKind, start, end) {
      if (valueKind === PREFIX) return isKnownBeginning(rawText(start, end), known) ? 2 : 1
      if (valueKind === ARRAY) return classifyCarried(JSON.parse(rawText(start, end)))
      if (valueKind === LEVEL_STRING) return classifyLevel(stringAt(start, end))
      if (valueKind > LEVEL_STRING) return classifyLevel(JSON.parse(rawText(start, end)))
      const isText = valueKind === STRING || valueKind === FIRST_WORD
      const value: Scalar = isText ? stringAt(start, end) : JSON.parse(rawText(start, end))
      if (place === tree.message.id) return classifyMessage(value)
      return (classes[place] as (value: Scalar) => number)(value)
    },
    decide(start, end) {
      const record = JSON.parse(rawText(start, end))
      const { prefix, members, isCarried } = options.additionsFor(record)
      // Of markers that nothing is left of, a blank may be left.
      if (text && isCarried && prefix === '') return 0
      const length = prefix.length + members.length
      const at = length > LONGEST_OUTCOME_BYTES ? 0 : scanner.reserve(24 + length)
      if (at === 0) return 0
      const membersAt = at + 24 + prefix.length
      memory.write(prefix, at + 24, 'latin1')
      memory.write(members, membersAt, 'latin1')
      writeWords(memory, at, [prefix.length, at + 24, members.length, membersAt, isCarried ? 1 : 0])
      return at
    },
    passSlowly(start, end, out) {
      const line = convertSafely(start, end)
      if (line.length <= layout.outputEnd - out) return out + memory.write(line, out, 'latin1')
      if (out > layout.output) sink(memory.subarray(layout.output, out))
      sink(Buffer.from(line, 'latin1'))
      return layout.output
    },
    flush(start, end) {
      sink(memory.subarray(start, end))
    },
    describe(what, start, end) {
      let described: string | undefined
      if (what === TIME_TEXT) {
        described = text?.time(
          memory[start] === QUOTE
            ? text.toSafeText(stringAt(start + 1, end - 1))
            : JSON.parse(rawText(start, end)),
        )
        // The line is put together by what its parts end with, and further lines are indented.
        if (described?.endsWith(':') || described?.includes('\n')) return -1
      } else if (what === NUMBER_TEXT) described = JSON.stringify(JSON.parse(rawText(start, end)))
      else described = JSON.stringify(text?.toSafeText(stringAt(start, end))).slice(1, -1)
      if (described === undefined || described.length * 3 > SCRATCH_BYTES) return -1
      return memory.write(described, layout.scratch)
    },
    fillSecond(slot, second) {
      const template = templateFor(second)
      if (template === undefined || template.bytes.length > SECOND_BYTES - 24) return 0
      template.bytes.copy(memory, slot + 24)
      memory.writeDoubleLE(second, slot)
      writeWords(memory, slot + 8, [slot + 24, template.bytes.length, template.millisecondsAt])
      return 1
    },
  }
  ;({ scanner, memory } = attach(kind, layout.bytes, makeSafe(host)))
  writeLayout(memory.buffer as ArrayBuffer, scanner, {
    layout,
    tree,
    traits,
    firstBytes: listFirstBytes(tree.message, sets.scopes),
    longClasses: tree.places.map((place) => longClassOf(place, traits, classes)),
    bracketPlace,
    codes: text ?? NO_CODES,
    modes: {
      isText: text !== undefined,
      isSingleLine: text?.isSingleLine === true,
      isLevelFirst: text?.isLevelFirst === true,
      isObjectHidden: text?.isObjectHidden === true,
      hasCarriageReturn: text?.eol === '\r\n',
    },
  })

  const convertAll = (start: number, end: number): Buffer => {
    let text = ''
    for (let at = start; at < end; ) {
      const newline = memory.indexOf(NEWLINE, at)
      text += convertSafely(at, newline)
      at = newline + 1
    }
    return Buffer.from(text, 'latin1')
  }
  let isBroken = false
  return {
    memory,
    input: layout.input,
    inputEnd: layout.inputEnd,
    run(start, end, write) {
      let written = 0
      sink = (bytes) => {
        written += bytes.length
        write(bytes)
      }
      if (!isBroken) {
        try {
          const out = scanner.run(start, end)
          if (out > layout.output) sink(memory.subarray(layout.output, out))
          return
        } catch {
          // Never seen, but a log must outlive it: the long way writes the same, and a part of that is written already.
          isBroken = true
        }
      }
      const rest = convertAll(start, end).subarray(written)
      if (rest.length > 0) write(rest)
    },
  }
}

/** What is found out for the first time is not worth the log: a line that nothing can be said about goes the long way. */
function makeSafe(host: ScannerHost): ScannerHost {
  const orElse = <A extends number[]>(ask: (...parameters: A) => number, otherwise: number) => {
    return (...parameters: A): number => {
      try {
        return ask(...parameters)
      } catch {
        return otherwise
      }
    }
  }
  return {
    ...host,
    classify: orElse(host.classify, 0),
    decide: orElse(host.decide, 0),
    describe: orElse(host.describe, -1),
    fillSecond: orElse(host.fillSecond, 0),
  }
}

const NEWLINE = 10
const QUOTE = 34
const MOST_PLACES = 30_000
const NO_CODES: TextCodes = { property: ['', ''], message: ['', ''], grey: ['', ''] }

/** Members that make a line of its own kind: another place for the time, who logged it, an error as a record. */
const SLOW_IN_TEXT = ['timestamp', 'caller', 'stack']

function attach(kind: ScannerKind, bytes: number, host: ScannerHost) {
  const { memory, scanner } = createScanner(kind, bytes, host)
  return { memory: Buffer.from(memory), scanner }
}

function writeWords(memory: Buffer, at: number, words: readonly number[]): void {
  for (const [index, word] of words.entries()) memory.writeInt32LE(word, at + index * 4)
}

/** A key that bytes which are no UTF-8 could be taken for, or one too long for the tables. */
function hasOddKey(places: readonly Place[]): boolean {
  return places.some(({ children }) =>
    [...children.keys()].some((key) => key.length > 1000 || /\ufffd|\p{Surrogate}/u.test(key)),
  )
}

/** `undefined` when one member at the top would be two things at once. */
function collectRoles({
  text,
  messageKey,
  levelKey,
  markersField,
  isShown,
}: LineScannerOptions): Map<string, Role> | undefined {
  const given: [string, Role][] = [[markersField, Role.CARRIED]]
  if (text) {
    const { timestampKey, errorKeys, ignoredKeys } = text
    const ignored = new Set(ignoredKeys)
    const own = new Map<string, Role>([
      [levelKey, Role.LEVEL],
      [timestampKey, Role.TIME],
      ['name', Role.NAME],
      ['pid', Role.PID],
      ['hostname', Role.HOSTNAME],
    ])
    // These are read for what they are, whatever else they are called.
    if (
      SLOW_IN_TEXT.includes(levelKey) ||
      (timestampKey !== 'timestamp' && SLOW_IN_TEXT.includes(timestampKey))
    )
      return undefined
    for (const key of errorKeys) {
      // What a logger writes of itself is not shown among the fields, not even as an error.
      if (own.has(key) || ['level', 'time', ...SLOW_IN_TEXT].includes(key)) return undefined
      own.set(key, Role.ERROR)
    }
    if (own.size !== 5 + new Set(errorKeys).size || own.has(messageKey) || own.has(markersField))
      return undefined
    // Never shown as a field: what a logger always writes. The rest of these are slow, see SLOW_IN_TEXT.
    for (const key of ['level', 'time']) if (!own.has(key) && key !== messageKey) own.set(key, Role.SKIPPED)
    for (const key of ignored) {
      if (key === messageKey || key === markersField || (key === levelKey && isShown)) return undefined
      own.set(key, Role.SKIPPED)
    }
    given.push(...own)
  } else if (isShown) given.push([levelKey, Role.LEVEL])
  const roles = new Map(given)
  return roles.size === given.length && !roles.has(messageKey) ? roles : undefined
}

function collectMetadataNames(registry: EventSetRegistry): Set<string> {
  const names = new Set<string>()
  for (const set of registry.listEventSets()) {
    for (const mapping of [...(set.mappings ?? []), ...registry.resolveLinks(set)])
      for (const fields of Object.values(mapping?.metadataFields ?? {}))
        for (const name of Object.keys(fields)) names.add(name)
  }
  return names
}

/** Classes of the lists of markers that records bring: a number for each list, and at most so many. */
function createCarriedClasses({ text, ascii }: LineScannerOptions): (value: unknown) => number {
  const known = new Map<string, number>()
  return (value) => {
    if (!Array.isArray(value) || !value.every((element) => typeof element === 'string')) return 0
    // JSON stays as it is, whatever the list says.
    if (!text) return 1
    // As text an empty list is shown, and emoji are not what a terminal without them wants: both are rare.
    if (value.length === 0 || ascii) return 0
    const key = JSON.stringify(value)
    const number = known.get(key) ?? known.size + 1
    if (number > MOST_LISTS) return 0
    known.set(key, number)
    return number
  }
}

const MOST_LISTS = 1000

/** How a level is shown; `undefined` for one that is not plain. */
function describeLevel(
  level: unknown,
  { text, isShown }: LineScannerOptions,
): { isHidden: boolean; label: string } | undefined {
  if (typeof level !== 'number' && typeof level !== 'string') return undefined
  const isHidden = isShown !== undefined && !isShown(level)
  if (!text || isHidden) return { isHidden, label: '' }
  try {
    const label = text.level(typeof level === 'string' ? text.toSafeText(level) : level)
    const isPlain = label !== undefined && label !== '' && !label.endsWith(':') && !label.includes('\n')
    return isPlain ? { isHidden, label } : undefined
  } catch {
    // A level that no label can be found for is shown by the long way, as whatever it is.
    return undefined
  }
}

// What there is to find out about a message, by its first byte; as in assembly/value.ts.
const MAY_MATCH = 1
const MAY_NAME_EVENT = 2
const MAY_CARRY = 4

function listFirstBytes(message: Place, scopes: ReadonlyMap<string, string>): Uint8Array {
  const bytes = new Uint8Array(256)
  const mark = (byte: number, bit: number) => {
    bytes[byte] = (bytes[byte] as number) | bit
  }
  const markLetter = (letter: string, bit: number) => {
    mark(letter.toLowerCase().charCodeAt(0), bit)
    mark(letter.toUpperCase().charCodeAt(0), bit)
  }
  const globs = message.conditions.flatMap((condition) => condition.globs).filter((glob) => glob !== '*')
  const isValue =
    message.node !== undefined && (message.node.candidates.length > 0 || message.node.scoped.size > 0)
  for (let byte = 0; byte < 256; byte++) {
    const isAsciiText = byte < 128 && byte !== 92
    if (isValue || globs.some((glob) => !/^[\x21-\x29\x2b-\x3e\x40-\x7e ]/.test(glob))) mark(byte, MAY_MATCH)
    // Some letters become one of ASCII in lower case, and an escape can be any character.
    if (!isAsciiText) mark(byte, MAY_CARRY | (globs.length > 0 ? MAY_MATCH : 0))
  }
  for (const glob of globs) if (/^[\x20-\x7e]/.test(glob)) markLetter(glob.charAt(0), MAY_MATCH)
  for (const scope of scopes.keys()) if (/^[a-z]/.test(scope)) markLetter(scope.charAt(0), MAY_NAME_EVENT)
  mark(91, MAY_CARRY)
  return bytes
}

/** The class of texts that are longer than every key of a place. */
function longClassOf(
  place: Place,
  traits: readonly PlaceTraits[],
  classes: readonly ((value: Scalar) => number)[],
): number {
  const longest = traits[place.id]?.longest
  if (longest === undefined || place.role === Role.MESSAGE) return 0
  return (classes[place.id] as (value: Scalar) => number)('x'.repeat(longest + 1))
}
