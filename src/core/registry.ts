import { AlreadyExistsError, NotFoundError, ValidationError } from './errors.ts'
import { defineEventSet, type EventMapping, type EventSet, invalidEventSet } from './event-set.ts'
import { findLinkIssues, resolveMapping } from './link.ts'
import { nearestNames } from './nearest.ts'

export interface RegisterOptions {
  /** Replace a set of the same name instead of throwing. It keeps its place among sets of equal priority. */
  readonly override?: boolean | undefined
}

/** What changed in a registry. */
export type RegistryChange =
  | { readonly kind: 'registered'; readonly set: EventSet }
  | { readonly kind: 'removed'; readonly name: string }

/** The event sets in force. Enrichers read it, and see every change at the next record. */
export class EventSetRegistry {
  /** In order of registration. */
  readonly #sets = new Map<string, EventSet>()
  readonly #links = new Map<string, readonly (EventMapping | undefined)[]>()
  readonly #listeners = new Set<(change: RegistryChange) => void>()
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
  registerEventSet(set: EventSet, { override = false }: RegisterOptions = {}): void {
    const checked = defineEventSet(set)
    const { name } = checked
    if (this.#sets.has(name) && !override) {
      throw new AlreadyExistsError(`Event set ${JSON.stringify(name)} is already registered.`, {
        existing: name,
        hint: 'Give your set another name, or replace the registered one with { override: true }.',
      })
    }
    const findSet = (other: string) => this.#sets.get(other)
    const issues = findLinkIssues(checked, findSet, [...this.#sets.keys()])
    if (issues.length > 0) throw invalidEventSet(checked, issues)
    this.#keepLinks()
    this.#sets.set(name, checked)
    this.#links.set(
      name,
      (checked.fieldMappings ?? []).map((field) => resolveMapping(field, checked, findSet)),
    )
    this.#changed({ kind: 'registered', set: checked })
  }

  /** @throws NotFoundError naming the nearest registered sets. */
  getEventSet(name: string): EventSet {
    const set = this.#sets.get(name)
    if (set) return set
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
    if (!this.#sets.has(name)) throw this.#notFound(name)
    this.#keepLinks()
    this.#sets.delete(name)
    this.#links.delete(name)
    this.#changed({ kind: 'removed', name })
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

  /** Calls `listener` after every change, until the returned function is called. */
  onChange(listener: (change: RegistryChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Remembers where every link leads now, for the links whose set is about to change or to go. */
  #keepLinks(): void {
    for (const [name, set] of this.#sets) this.#links.set(name, this.resolveLinks(set))
  }

  #changed(change: RegistryChange): void {
    this.#version++
    for (const listener of this.#listeners) listener(change)
  }

  #notFound(name: string): NotFoundError {
    const nearest = nearestNames(name, this.#sets.keys())
    const names = [...this.#sets.keys()].sort()
    const hint =
      nearest.length > 0
        ? `Did you mean ${nearest.map((near) => JSON.stringify(near)).join(' or ')}?`
        : names.length > 0
          ? `Registered are ${names.join(', ')}.`
          : 'No event set is registered.'
    return new NotFoundError(`No event set is named ${JSON.stringify(name)}. ${hint}`, {
      missing: name,
      nearest,
      hint,
    })
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
