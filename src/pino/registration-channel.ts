import { BroadcastChannel } from 'node:worker_threads'
import type { EventSet } from '../core/event-set.ts'
import { parseEventSet } from '../core/event-set.ts'
import type { EventSetRegistry, RegistryChange } from '../core/registry.ts'

/**
 * Sets that are registered on the process's registry reach the transports in its workers over this channel.
 * The name carries the version of the messages, since several versions of the package may live in one process.
 */
const CHANNEL = 'eventsets.registrations.1'

type Message =
  | { readonly kind: 'registered'; readonly set: EventSet }
  | { readonly kind: 'removed'; readonly name: string }
  /** A transport has started and wants to know what was registered before. */
  | { readonly kind: 'asked' }

/**
 * Tells the workers of this process what is registered on a registry from now on, and on request what differs from
 * `known`, the sets they start with. Opens the channel at the first change: who registers nothing pays nothing.
 */
export function announceRegistrations(registry: EventSetRegistry, known: readonly EventSet[]): void {
  let channel: BroadcastChannel | undefined
  const post = (message: Message) => channel?.postMessage(message)
  const open = () => {
    channel = new BroadcastChannel(CHANNEL)
    // An open channel must not keep the process alive.
    channel.unref()
    channel.onmessage = (event: unknown) => {
      if ((event as { data?: { kind?: unknown } }).data?.kind !== 'asked') return
      const now = registry.listEventSets()
      for (const set of now) if (!known.includes(set)) announce(set)
      for (const { name } of known) if (!registry.hasEventSet(name)) post({ kind: 'removed', name })
    }
  }
  const announce = (set: EventSet) => {
    if (!hasFunctions(set)) post({ kind: 'registered', set: withoutPrototypes(set) })
  }
  registry.onChange((change: RegistryChange) => {
    if (!channel) open()
    if (change.kind === 'registered') announce(change.set)
    else post(change)
  })
}

/** Keeps a transport's registry in step with the process's. Returns a function that ends it. */
export function followRegistrations(registry: EventSetRegistry): () => void {
  const channel = new BroadcastChannel(CHANNEL)
  channel.unref()
  /** Sets with a link to a set that is not here: those that were there before we asked come by priority. */
  const waiting = new Map<string, EventSet>()
  const register = (set: EventSet): boolean => {
    try {
      registry.registerEventSet(set, { override: true })
      return true
    } catch {
      return false
    }
  }
  channel.onmessage = (event: unknown) => {
    const message = (event as { data?: Partial<Message> }).data
    if (message?.kind === 'removed' && 'name' in message && typeof message.name === 'string') {
      waiting.delete(message.name)
      if (registry.hasEventSet(message.name)) registry.removeEventSet(message.name)
    } else if (message?.kind === 'registered' && 'set' in message) {
      const parsed = parseEventSet(message.set)
      // The sender's registry has accepted the set; whatever is wrong with it here must not cost a log line.
      if (!parsed.success) return
      waiting.set(parsed.set.name, parsed.set)
      // Each set that gets in may be the one that another has been waiting for.
      while ([...waiting.values()].some((set) => register(set) && waiting.delete(set.name))) {}
    }
  }
  channel.postMessage({ kind: 'asked' } satisfies Message)
  return () => channel.close()
}

/** Functions cannot travel to another thread, so a set that has some stays in its own. */
function hasFunctions({ mappings = [] }: EventSet): boolean {
  return mappings.some(({ transformations = {} }) =>
    Object.values(transformations).some((transformation) => typeof transformation === 'function'),
  )
}

function withoutPrototypes(set: EventSet): EventSet {
  return JSON.parse(JSON.stringify(set)) as EventSet
}
