import type { EventSet } from '../core/event-set.ts'
import type { Problem } from '../core/problem.ts'
import { assertRegistry, type EventSetRegistry } from '../core/registry.ts'
import { object } from '../core/shape.ts'
import type { EventSetSource } from '../core/source.ts'
import type { Publisher } from './handler-context.ts'
import type { PluginData, PluginError, PluginEvents, PluginInitialized } from './lifecycle.ts'
import { assertOptions, maybeFunction } from './option-shape.ts'
import { warnAbout } from './warning.ts'

export interface RegistryEventsOptions {
  /** Told when an event could not be published. A warning of the process unless given. */
  readonly onError?: ((error: unknown) => void) | undefined
}

/**
 * Publishes what happens in a registry of event sets, until the returned function is called. That gives a promise that
 * resolves when what has happened so far has been published.
 *
 * | In the registry | On the bus |
 * |---|---|
 * | a set is registered | `plugin.registered`, and `plugin.initialized`, since it is in force at once |
 * | a set is replaced | `plugin.initialized` with `isReplacement` |
 * | a set is removed | `plugin.removed` |
 * | a problem | `plugin.error` |
 *
 * Sets that are there already are told of first, as if they were registered now.
 *
 * @throws ValidationError for what is no registry, and for wrong options.
 */
export function publishRegistryEvents(
  registry: EventSetRegistry,
  bus: Publisher,
  options: RegistryEventsOptions = {},
): (() => Promise<void>) & Disposable {
  assertRegistry(registry, 'publishRegistryEvents')
  assertOptions('The options of publishRegistryEvents are', SHAPE, options)
  const { onError = (error: unknown) => warnAbout('An event of a registry is lost', error) } = options
  /** One after another: no set is initialized before it is registered. */
  let published: Promise<unknown> = Promise.resolve()
  const publish = <Name extends keyof PluginEvents>(name: Name, data: PluginEvents[Name]) => {
    published = published
      .then(() => bus.publish(name, data))
      // Not to the registry: it would tell of a problem, and that would be published.
      .catch((error) => new Promise((resolve) => resolve(onError(error))).catch(() => {}))
  }
  const registered = ({ set, source }: Change) => {
    publish('plugin.registered', describe(set, source))
    publish('plugin.initialized', describeInitialized(set, source, false))
  }
  for (const set of registry.listEventSets()) registered({ set, source: registry.getSource(set.name) })
  const ends = [
    registry.on('registered', registered),
    registry.on('replaced', ({ set, source }) =>
      publish('plugin.initialized', describeInitialized(set, source, true)),
    ),
    registry.on('removed', ({ set, source }) => publish('plugin.removed', describe(set, source))),
    registry.on('problem', (problem) => publish('plugin.error', describeProblem(problem))),
  ]
  const end = async () => {
    for (const off of ends) off()
    await published
  }
  return Object.assign(end, { [Symbol.dispose]: () => void end() })
}

const SHAPE = object({ onError: maybeFunction })

interface Change {
  readonly set: EventSet
  readonly source: EventSetSource
}

function describe({ name }: EventSet, source: EventSetSource): PluginData {
  return {
    name,
    source: source.kind,
    package: source.kind === 'package' ? source.package : null,
    version: source.kind === 'package' ? (source.version ?? null) : null,
    file: 'file' in source ? source.file : null,
  }
}

function describeInitialized(
  set: EventSet,
  source: EventSetSource,
  isReplacement: boolean,
): PluginInitialized {
  const { priority = 0, fieldMappings = [] } = set
  return { ...describe(set, source), priority, fields: fieldMappings.length, isReplacement }
}

function describeProblem(problem: Problem): PluginError {
  const { code, step, message, hint = null, package: name = null, version = null, file = null } = problem
  return { code, step, error: message, hint, package: name, version, file }
}
