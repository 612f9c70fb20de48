import { BroadcastChannel, getEnvironmentData, setEnvironmentData } from 'node:worker_threads'
import type { EventSet } from '../core/event-set.ts'
import { parseEventSet } from '../core/event-set.ts'
import { registerEventSets } from '../core/register-sets.ts'
import type { EventSetRegistry } from '../core/registry.ts'

/**
 * Sets that are registered on the process's registry reach the transports in its workers over this channel.
 * The name carries the version of the messages, since several versions of the package may live in one process.
 */
const CHANNEL = 'eventsets.registrations.1'

type Message =
  | { readonly kind: 'registered'; readonly set: EventSet }
  | { readonly kind: 'removed'; readonly name: string }
  /** A transport has started and wants to know what was registered meanwhile. */
  | { readonly kind: 'asked' }

/** How the process's registry differs from the sets that every transport starts with, by name. */
interface Difference {
  /** Each of these sets stands in the environment data under a key of its own: see `keyOf`. */
  readonly registered: readonly string[]
  readonly removed: readonly string[]
}

/**
 * Tells the workers of this process what is registered on a registry. Those that start later find it in their
 * environment data, before their first line; those that run hear of it over the channel, which is opened at the
 * first change: who registers nothing pays nothing. `known` are the sets that every transport starts with.
 */
export function announceRegistrations(registry: EventSetRegistry, known: readonly EventSet[]): void {
  let channel: BroadcastChannel | undefined
  const registered = () =>
    registry.listEventSets().filter((set) => !known.includes(set) && !hasFunctions(set))
  const removed = () => known.filter(({ name }) => !registry.hasEventSet(name)).map(({ name }) => name)
  const open = (): BroadcastChannel => {
    const opened = new BroadcastChannel(CHANNEL)
    // An open channel must not keep the process alive.
    opened.unref()
    opened.onmessage = (event: unknown) => {
      if ((event as { data?: { kind?: unknown } }).data?.kind !== 'asked') return
      for (const set of registered()) opened.postMessage(registration(set))
      for (const name of removed()) opened.postMessage({ kind: 'removed', name } satisfies Message)
    }
    return opened
  }
  const keep = () => {
    const difference: Difference = { registered: registered().map(({ name }) => name), removed: removed() }
    setEnvironmentData(CHANNEL, difference as never)
  }
  const announce = ({ set }: { readonly set: EventSet }) => {
    channel ??= open()
    if (!hasFunctions(set)) {
      const message = registration(set)
      setEnvironmentData(keyOf(set.name), message.set as never)
      channel.postMessage(message)
    }
    keep()
  }
  registry.on('registered', announce)
  registry.on('replaced', announce)
  registry.on('removed', ({ set: { name } }) => {
    channel ??= open()
    channel.postMessage({ kind: 'removed', name } satisfies Message)
    keep()
  })
}

function registration(set: EventSet): { readonly kind: 'registered'; readonly set: EventSet } {
  return { kind: 'registered', set: toPlainData(set) }
}

function keyOf(setName: string): string {
  return `${CHANNEL}:${setName}`
}

/**
 * Brings a transport's registry in step with the process's, and keeps it there. Returns a function that ends it.
 */
export function followRegistrations(registry: EventSetRegistry): () => void {
  /** Sets with a link to a set that is not here yet. */
  let waiting: EventSet[] = []
  const register = (inputs: readonly unknown[]) => {
    // The sender's registry has accepted the sets; whatever is wrong with them here must not cost a log line.
    const sets = inputs.map((input) => parseEventSet(input).set).filter((set) => set !== undefined)
    const names = new Set(sets.map(({ name }) => name))
    const all = [...waiting.filter(({ name }) => !names.has(name)), ...sets]
    waiting = [...registerEventSets(registry, all, { override: true }).keys()]
  }
  const remove = (name: unknown) => {
    waiting = waiting.filter((set) => set.name !== name)
    if (typeof name === 'string' && registry.hasEventSet(name)) registry.removeEventSet(name)
  }

  const { registered = [], removed = [] } = (getEnvironmentData(CHANNEL) ?? {}) as Partial<Difference>
  register(registered.map((name) => getEnvironmentData(keyOf(name))))
  removed.forEach(remove)

  const channel = new BroadcastChannel(CHANNEL)
  channel.unref()
  channel.onmessage = (event: unknown) => {
    const message = (event as { data?: { kind?: unknown; set?: unknown; name?: unknown } }).data
    if (message?.kind === 'registered') register([message.set])
    else if (message?.kind === 'removed') remove(message.name)
  }
  // What was registered between the start of this thread and now.
  channel.postMessage({ kind: 'asked' } satisfies Message)
  return () => channel.close()
}

/** Functions cannot travel to another thread, so a set that has some stays in its own. */
function hasFunctions({ mappings = [] }: EventSet): boolean {
  return mappings.some(({ transformations = {} }) =>
    Object.values(transformations).some((transformation) => typeof transformation === 'function'),
  )
}

function toPlainData(set: EventSet): EventSet {
  return JSON.parse(JSON.stringify(set)) as EventSet
}
