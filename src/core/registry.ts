import { AlreadyExistsError, NotFoundError, ValidationError } from './errors.ts'
import { defineEventSet, type EventMapping, type EventSet, invalidEventSet } from './event-set.ts'
import { findLinkIssues, resolveMapping } from './link.ts'
import { nearestNames } from './nearest.ts'
import type { Problem } from './problem.ts'
import { type EventSetSource, formatSource } from './source.ts'

export interface RegisterOptions {
  /** Replace a set of the same name instead of throwing. It keeps its place among sets of equal priority. */
  readonly override?: boolean | undefined
  /** Where the set comes from. Code unless given. */
  readonly source?: EventSetSource | undefined
}

/** What a registry tells about, and what it hands to the listener. */
export interface RegistryEvents {
  readonly registered: { readonly set: EventSet; readonly source: EventSetSource }
  readonly replaced: {
    readonly set: EventSet
    readonly source: EventSetSource
    /** What stood there before. */
    readonly previous: EventSet
    readonly previousSource: EventSetSource
  }
  readonly removed: { readonly set: EventSet; readonly source: EventSetSource }
  /** Something kept a set from being registered, or a listener has thrown. */
  readonly problem: Problem
}

const CODE: EventSetSource = Object.freeze({ kind: 'code' })

/** The event sets in force. Enrichers read it, and see every change at the next record. */
export class EventSetRegistry {
  /** In order of registration. */
  readonly #sets = new Map<string, EventSet>()
  readonly #links = new Map<string, readonly (EventMapping | undefined)[]>()
  readonly #sources = new Map<string, EventSetSource>()
  readonly #listeners = new Map<keyof RegistryEvents, Set<(detail: never) => void>>()
  #version = 0

  /** Grows with every change. Whoever compiles the sets compares it to know when to compile again. */
  get version(): number {
    return this.#version
  }

  /**
   * Puts a set in force, at once.
   *
   * @throws ValidationError with every issue of the set, dangling links included.
   * @throws AlreadyExistsError when a set of this name is registered and `override` is not given.
   */
  registerEventSet(set: EventSet, { override = false, source = CODE }: RegisterOptions = {}): void {
    const checked = defineEventSet(set)
    const { name } = checked
    const previous = this.#sets.get(name)
    const previousSource = this.#sources.get(name) ?? CODE
    if (previous && !override) {
      const owner = previousSource.kind === 'code' ? '' : `, by ${formatSource(previousSource)}`
      throw new AlreadyExistsError(`Event set ${JSON.stringify(name)} is already registered${owner}.`, {
        existing: name,
        hint: 'Give your set another name, or replace the registered one with { override: true }.',
      })
    }
    const findSet = (other: string) => this.#sets.get(other)
    const issues = findLinkIssues(checked, findSet, [...this.#sets.keys()])
    if (issues.length > 0) throw invalidEventSet(checked, issues)
    // A set that is new changes where no other link leads.
    if (previous) this.#keepLinks()
    this.#sets.set(name, checked)
    this.#links.set(
      name,
      (checked.fieldMappings ?? []).map((field) => resolveMapping(field, checked, findSet)),
    )
    this.#sources.set(name, source)
    this.#version++
    if (previous) this.#tell('replaced', { set: checked, source, previous, previousSource })
    else this.#tell('registered', { set: checked, source })
  }

  /** @throws NotFoundError naming the nearest registered sets. */
  getEventSet(name: string): EventSet {
    const set = this.#sets.get(name)
    if (set) return set
    throw this.#notFound(name)
  }

  /**
   * Where a registered set comes from.
   *
   * @throws NotFoundError naming the nearest registered sets.
   */
  getSource(name: string): EventSetSource {
    const source = this.#sources.get(name)
    if (source) return source
    throw this.#notFound(name)
  }

  hasEventSet(name: string): boolean {
    return this.#sets.has(name)
  }

  /** The sets by priority, highest first; sets of equal priority in order of registration. */
  listEventSets(): EventSet[] {
    // Array.prototype.sort is stable, which keeps ties in order of registration.
    return [...this.#sets.values()].sort((a, b) => (b.priority ?? 0) - (a.priority ?? 0))
  }

  /** @throws NotFoundError naming the nearest registered sets. */
  removeEventSet(name: string): void {
    const set = this.getEventSet(name)
    const source = this.getSource(name)
    this.#keepLinks()
    this.#sets.delete(name)
    this.#links.delete(name)
    this.#sources.delete(name)
    this.#version++
    this.#tell('removed', { set, source })
  }

  /**
   * The mapping each field mapping of a set leads to, in their order.
   *
   * Links to other sets are followed anew, since those may have been replaced. A link whose set has been removed
   * keeps the mapping it had: a marker must not vanish because of a change somewhere else.
   */
  resolveLinks(set: EventSet): (EventMapping | undefined)[] {
    const kept = this.#links.get(set.name) ?? []
    return (set.fieldMappings ?? []).map(
      (field, index) => resolveMapping(field, set, (other) => this.#sets.get(other)) ?? kept[index],
    )
  }

  /**
   * Calls `listener` whenever that happens, after the fact, until the returned function is called. A listener that
   * throws harms neither the change nor the other listeners: it becomes a problem.
   */
  on<Name extends keyof RegistryEvents>(
    name: Name,
    listener: (detail: RegistryEvents[Name]) => void,
  ): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(listener))
    return () => void listeners.delete(listener)
  }

  /** Tells those who listen for problems of one that was met on the way to this registry. */
  reportProblem(problem: Problem): void {
    this.#tell('problem', problem)
  }

  /** Remembers where every link leads now, for the links whose set is about to change or to go. */
  #keepLinks(): void {
    for (const [name, set] of this.#sets) this.#links.set(name, this.resolveLinks(set))
  }

  #tell<Name extends keyof RegistryEvents>(name: Name, detail: RegistryEvents[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        listener(detail as never)
      } catch (error) {
        // Of a listener for problems that throws nobody could be told without beginning anew.
        if (name !== 'problem') this.reportProblem(listenerProblem(name, error))
      }
    }
  }

  #notFound(name: string): NotFoundError {
    const nearest = nearestNames(name, this.#sets.keys())
    const names = [...this.#sets.keys()].sort()
    const more = names.length - MAX_NAMES_TOLD
    const hint =
      nearest.length > 0
        ? `Did you mean ${nearest.map((near) => JSON.stringify(near)).join(' or ')}?`
        : names.length > 0
          ? `Registered are ${names.slice(0, MAX_NAMES_TOLD).join(', ')}${more > 0 ? ` and ${more} more` : ''}.`
          : 'No event set is registered.'
    return new NotFoundError(`No event set is named ${JSON.stringify(name)}. ${hint}`, {
      missing: name,
      nearest,
      hint,
    })
  }
}

const MAX_NAMES_TOLD = 20

function listenerProblem(event: string, error: unknown): Problem {
  const reason = error instanceof Error ? error.message : String(error)
  return {
    code: 'EVENTSETS_LISTENER',
    step: 'register',
    package: undefined,
    version: undefined,
    file: undefined,
    message: `A listener for ${JSON.stringify(event)} of a registry has thrown: ${reason}`,
    hint: 'Handle errors in the listener.',
    issues: [],
  }
}

/**
 * For functions that take a registry: whoever hands over something else should hear of it there, not at a log call.
 *
 * @throws ValidationError
 */
export function assertRegistry(value: unknown, where: string): asserts value is EventSetRegistry {
  if (isRegistry(value)) return
  const message = 'expected an EventSetRegistry, such as getRegistry() or new EventSetRegistry()'
  throw new ValidationError(
    `The first argument of ${where} is`,
    [{ path: 'registry', code: 'type', message }],
    {
      code: 'EVENTSETS_INVALID_OPTIONS',
    },
  )
}

/** By what it can do and not by its class: a process may hold two copies of the package. */
export function isRegistry(value: unknown): value is EventSetRegistry {
  const { listEventSets, resolveLinks } = (value ?? {}) as Partial<EventSetRegistry>
  return typeof listEventSets === 'function' && typeof resolveLinks === 'function'
}
