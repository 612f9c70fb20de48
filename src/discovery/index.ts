export { builtInSets } from './built-in-sets.ts'
export {
  type DiscoveredSet,
  type DiscoverOptions,
  type Discovery,
  type DiscoveryProblem,
  discoverEventSets,
} from './discover.ts'
export { createRegistry, getRegistry } from './process-registry.ts'
