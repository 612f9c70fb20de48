import type { EventMapping, EventSet, FieldMapping } from '../core/event-set.ts'
import type { EventSetSource } from '../core/source.ts'
import type { Path } from './path.ts'

/**
 * `error`: it does not work. `warn`: it works, but hardly as meant.
 * `info`: worth knowing, or nicer for those who use the set.
 */
export type FindingLevel = 'error' | 'warn' | 'info'

/** What lint can find, as data: the check, the documentation and the tests of a rule all come from it. */
export interface Rule<Code extends string = string> {
  /** Permanent: tests and tools may rely on it. */
  readonly code: Code
  readonly level: FindingLevel
  /** What is the case, as a clause: `a range has no marker`. */
  readonly title: string
  /** Why that matters, as sentences. */
  readonly why: string
  readonly bad: Example
  readonly good: Example
}

/** Files, and what of them is checked. */
export interface Example {
  /** Path -> content: text, bytes, or an object that is written as JSON. `undefined`: no such file. */
  readonly files: { readonly [path: string]: unknown }
  /** What `eventsets lint` is given. Everything in force without it. */
  readonly target: string | undefined
}

/** One place at which a rule found something. */
export interface Spot {
  readonly path: Path
  /** Whether the key is meant rather than what it holds. */
  readonly at?: 'key' | 'value' | undefined
  /** A clause that stands alone, without the place. */
  readonly message: string
  readonly hint?: string | undefined
  /** Where it is not that of the rule. */
  readonly level?: FindingLevel | undefined
}

/** A rule about one event set. */
export interface SetRule<Code extends string = string> extends Rule<Code> {
  readonly check: (subject: SetSubject) => Iterable<Spot>
}

export interface SetSubject {
  /** Sound in shape; parts that were not are left out. */
  readonly set: EventSet
  /** The mapping that each field mapping leads to, in their order. */
  readonly links: readonly (EventMapping | undefined)[]
  /** The field mappings of this set that lead to a mapping. */
  readonly fieldsOf: (mapping: EventMapping) => readonly FieldMapping[]
  /** Whether the set is a file, and not an object in code. */
  readonly isFile: boolean
  /** Sets that this one may link to, its own among them. */
  readonly findSet: (name: string) => EventSet | undefined
  readonly setNames: readonly string[]
  /** Whether a set beside this one uses a mapping of this one. */
  readonly isUsedOutside: (mapping: EventMapping) => boolean
}

/** A rule about one event set among others. */
export interface NeighbourRule<Code extends string = string> extends Rule<Code> {
  readonly check: (subject: NeighbourSubject) => Iterable<Spot>
}

export interface NeighbourSubject {
  readonly own: Neighbour
  readonly others: readonly Neighbour[]
}

/** A set among others, with all that the rules compare. */
export interface Neighbour {
  readonly set: EventSet
  readonly source: EventSetSource
  /** Its place in the order of registration. */
  readonly order: number
  /** Whether whoever asks can change it: their own set, or the one that is being checked. */
  readonly isOwn: boolean
  /** Log key -> the field mappings that may take it, in order of precedence. */
  readonly claims: ReadonlyMap<string, readonly FieldClaim[]>
}

/** A field mapping under one of its names. */
export interface FieldClaim {
  readonly field: FieldMapping
  readonly index: number
  /** Where the name stands. */
  readonly path: Path
  readonly mapping: EventMapping | undefined
}

/** A rule about a package. */
export interface PackageRule<Code extends string = string> extends Rule<Code> {
  readonly check: (subject: PackageSubject) => Iterable<Spot>
}

export interface PackageSubject {
  /** What package.json says. */
  readonly manifest: { readonly [key: string]: unknown }
  /** Its `eventsets` key, where that is an object. */
  readonly plugin: { readonly [key: string]: unknown } | undefined
  /** Names of the files at the top of the package. */
  readonly topFiles: readonly string[]
  /** The version of eventsets that checks. */
  readonly ownVersion: string | undefined
}

/** Gives a rule its type, its code as a literal. */
export function setRule<const Code extends string>(rule: SetRule<Code>): SetRule<Code> {
  return rule
}

export function neighbourRule<const Code extends string>(rule: NeighbourRule<Code>): NeighbourRule<Code> {
  return rule
}

export function packageRule<const Code extends string>(rule: PackageRule<Code>): PackageRule<Code> {
  return rule
}

/** A rule whose check is somewhere else: in the parser, in discovery. */
export function plainRule<const Code extends string>(rule: Rule<Code>): Rule<Code> {
  return rule
}
