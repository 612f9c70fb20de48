// A registry with as many sets as asked for: the built-in ones, and synthetic ones on log keys of their own.
import { readFileSync } from 'node:fs'
import { EventSetRegistry, parseEventSet } from 'eventsets'

export function registerManySets(count) {
  const builtIn = builtInSets()
  const registry = new EventSetRegistry()
  for (const set of [...builtIn, ...syntheticSets(count - builtIn.length)]) registry.registerEventSet(set)
  return registry
}

function builtInSets() {
  return ['http', 'database', 'system'].map((name) => {
    const url = new URL(`../../sets/${name}.json`, import.meta.url)
    const { set, issues } = parseEventSet(JSON.parse(readFileSync(url, 'utf8')))
    if (!set) throw new Error(`${url} is not an event set: ${JSON.stringify(issues)}`)
    return set
  })
}

/** Sets as a plugin would bring them, on log keys of their own: flat and nested ones, aliases, ranges, globs. */
function syntheticSets(count) {
  return Array.from({ length: count }, (_, index) => {
    const name = `plugin_${String(index).padStart(3, '0')}`
    const mappings = [
      {
        name: 'state',
        visualMarkers: { started: '🚀', finished: '✅', failed: '❌', default: '❓' },
        metadataFields: { failed: { [`${name}.failed`]: true } },
      },
      {
        name: 'latency',
        ranges: { slow: [1000, 4999], very_slow: [5000, null] },
        visualMarkers: { slow: '🐢', very_slow: '🐌' },
      },
      { name: 'kind', visualMarkers: { batch: '📦', stream: '🌊' } },
    ]
    const fieldMappings = [
      { logKey: `${name}.state`, aliases: [`${name}_state`, `${name}.status`], mapping: 'state' },
      { logKey: `${name}.latency_ms`, mapping: 'latency', valueType: 'number' },
      { logKey: `${name}.job.kind`, aliases: [`${name}.kind`], mapping: 'kind' },
      { logKey: `${name}.job.state`, mapping: 'state', when: { msg: `${name}_*` } },
      { logKey: `${name}.step`, mapping: 'state', defaultValue: 'started' },
    ]
    return { name, description: `Synthetic set ${index}`, priority: index % 100, mappings, fieldMappings }
  })
}
