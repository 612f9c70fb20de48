import {
  type EventSet,
  elementOf,
  type FieldMapping,
  findMistypedElements,
  parseEventSet,
} from '../core/event-set.ts'
import type { Issue } from '../core/issue.ts'
import { isPlainObject } from '../core/shape.ts'
import type { EventSetSource } from '../core/source.ts'
import type { Document } from './document.ts'
import type { Path } from './path.ts'

/** What may be an event set, with all that is known about it. */
export interface Candidate {
  readonly value: unknown
  readonly source: EventSetSource
  readonly document: Document | undefined
}

export interface OpenedCandidate extends Candidate {
  /** Its name, if it has one. */
  readonly name: string | undefined
  /** The set, or what of it is sound in shape. */
  readonly set: EventSet | undefined
  /** Whether it would be loaded. */
  readonly isValid: boolean
  readonly issues: readonly Issue[]
  /** Whether a part was not sound, so that nothing can be said about it. */
  readonly isBroken: (path: Path) => boolean
}

/** Reads a candidate as a set. Whoever mends one wants to see everything at once, so its sound parts are kept. */
export function openCandidate(candidate: Candidate): OpenedCandidate {
  const { value, document } = candidate
  // Of a text that breaks off in the middle, the parts would only mislead.
  if (document?.isWhole === false)
    return {
      ...candidate,
      name: nameOf(value),
      set: undefined,
      isValid: false,
      issues: [],
      isBroken: () => true,
    }
  const { set, issues = [] } = parseEventSet(value)
  const broken: ReadonlySet<string> = set === undefined ? findMistypedElements(value) : new Set()
  return {
    ...candidate,
    name: nameOf(value),
    set: set ?? salvage(value, broken),
    isValid: set !== undefined,
    issues,
    isBroken: (path) => broken.has(elementOf(path)),
  }
}

function nameOf(value: unknown): string | undefined {
  try {
    const name = isPlainObject(value) ? value.name : undefined
    return typeof name === 'string' ? name : undefined
  } catch {
    // A getter that throws; that it does stands among the issues.
    return undefined
  }
}

/** The set with harmless things in the place of what is not sound, so that indices and links stay. */
function salvage(value: unknown, broken: ReadonlySet<string>): EventSet | undefined {
  try {
    if (!isPlainObject(value)) return undefined
    const { name, mappings = [], fieldMappings = [], ...others } = value
    if (!Array.isArray(mappings) || !Array.isArray(fieldMappings)) return undefined
    const sound = Object.entries(others).filter(([key]) => !broken.has(key))
    return {
      ...Object.fromEntries(sound),
      name: typeof name === 'string' ? name : '',
      mappings: mappings.map((mapping, index) =>
        broken.has(`mappings[${index}]`) ? { name: textOf(mapping, 'name') ?? '' } : mapping,
      ),
      fieldMappings: fieldMappings.map((field, index) =>
        broken.has(`fieldMappings[${index}]`) ? salvageField(field, index) : field,
      ),
    }
  } catch {
    // Only an object with a getter or a proxy that throws comes here.
    return undefined
  }
}

/** A field mapping still uses the mapping that it names. */
function salvageField(field: unknown, index: number): FieldMapping {
  return {
    logKey: textOf(field, 'logKey') ?? String(index),
    mapping: textOf(field, 'mapping'),
    eventSetName: textOf(field, 'eventSetName'),
    // Nothing else of the set is taken away by it.
    when: { '': String(index) },
  }
}

function textOf(value: unknown, key: string): string | undefined {
  const text = isPlainObject(value) ? value[key] : undefined
  return typeof text === 'string' ? text : undefined
}
