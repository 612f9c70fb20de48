import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  EventBus,
  type LifecycleEvents,
  type PluginEvents,
  publishRegistryEvents,
} from '../../src/bus/index.ts'
import { EventSetRegistry } from '../../src/core/registry.ts'
import { discoverEventSets } from '../../src/discovery/index.ts'

const colours = {
  name: 'colours',
  priority: 5,
  mappings: [{ name: 'colour', visualMarkers: { red: '🔴' } }],
  fieldMappings: [{ logKey: 'colour', mapping: 'colour' }],
}

/** A bus, and what has been published on it about plugins. */
function open() {
  const bus = new EventBus<LifecycleEvents>()
  const seen: [string, unknown][] = []
  bus.on('plugin.*', ({ name, data }) => void seen.push([name, data]))
  return { bus, seen, registry: new EventSetRegistry() }
}

const inCode = { source: 'code', package: null, version: null, file: null }

describe('publishRegistryEvents', () => {
  it('publishes what happens to sets, in order', async () => {
    const { bus, seen, registry } = open()
    publishRegistryEvents(registry, bus)

    registry.registerEventSet(colours)
    registry.registerEventSet({ ...colours, fieldMappings: [] }, { override: true })
    registry.removeEventSet('colours')
    await bus.idle()

    expect(seen).toEqual([
      ['plugin.registered', { name: 'colours', ...inCode }],
      ['plugin.initialized', { name: 'colours', ...inCode, priority: 5, fields: 1, isReplacement: false }],
      ['plugin.initialized', { name: 'colours', ...inCode, priority: 5, fields: 0, isReplacement: true }],
      ['plugin.removed', { name: 'colours', ...inCode }],
    ])
  })

  it('tells of the sets that are there already', async () => {
    const { bus, seen, registry } = open()
    registry.registerEventSet(colours)

    publishRegistryEvents(registry, bus)
    await bus.idle()

    expect(seen.map(([name]) => name)).toEqual(['plugin.registered', 'plugin.initialized'])
  })

  it('tells of plugins that are found on the disk, and of those that are broken', async () => {
    const { bus, seen, registry } = open()
    const cwd = mkdtempSync(join(tmpdir(), 'eventsets-registry-events-'))
    onTestFinished(() => rmSync(cwd, { recursive: true, force: true }))
    const write = (path: string, value: unknown) => {
      mkdirSync(join(cwd, path, '..'), { recursive: true })
      writeFileSync(join(cwd, path), typeof value === 'string' ? value : JSON.stringify(value))
    }
    write('package.json', {
      name: 'shop',
      dependencies: { 'eventsets-plugin-colours': '*', 'eventsets-plugin-broken': '*' },
    })
    for (const [name, set] of [
      ['colours', colours],
      ['broken', '{'],
    ] as const) {
      const folder = `node_modules/eventsets-plugin-${name}`
      write(`${folder}/package.json`, {
        name: `eventsets-plugin-${name}`,
        version: '1.2.3',
        keywords: ['eventsets-plugin'],
        eventsets: { sets: ['./set.json'] },
      })
      write(`${folder}/set.json`, set)
    }
    publishRegistryEvents(registry, bus)

    await discoverEventSets({ registry, cwd })
    await bus.idle()

    const about = (name: keyof PluginEvents) =>
      seen.filter(([event]) => event === name).map(([, data]) => data)
    expect(about('plugin.initialized')).toContainEqual({
      name: 'colours',
      source: 'package',
      package: 'eventsets-plugin-colours',
      version: '1.2.3',
      file: expect.stringMatching(/set\.json$/),
      priority: 5,
      fields: 1,
      isReplacement: false,
    })
    expect(about('plugin.error')).toEqual([
      expect.objectContaining({
        code: 'EVENTSETS_PLUGIN_READ',
        package: 'eventsets-plugin-broken',
        error: expect.stringContaining('eventsets-plugin-broken'),
        hint: expect.any(String),
      }),
    ])
  })

  it('ends with the returned function, when what has happened is published', async () => {
    const { bus, seen, registry } = open()
    const end = publishRegistryEvents(registry, bus)
    registry.registerEventSet(colours)

    await end()
    registry.removeEventSet('colours')
    await bus.idle()

    expect(seen.map(([name]) => name)).toEqual(['plugin.registered', 'plugin.initialized'])
  })

  it('tells onError of what cannot be published, and harms neither the registry nor later events', async () => {
    const { registry } = open()
    const names: string[] = []
    const told: string[] = []
    let isDown = true
    const bus = {
      async publish(name: string) {
        if (isDown) throw new Error('down')
        names.push(name)
      },
      async emit() {},
    }
    const onError = (error: unknown) => {
      told.push((error as Error).message)
      isDown = false
      throw new Error('of onError')
    }
    const problems: unknown[] = []
    registry.on('problem', (problem) => problems.push(problem))
    const end = publishRegistryEvents(registry, bus, { onError })

    registry.registerEventSet(colours)
    await end()

    expect({ told, names, problems }).toEqual({ told: ['down'], names: ['plugin.initialized'], problems: [] })
  })

  it('refuses what is no registry, and options that are wrong', () => {
    const { bus, registry } = open()

    expect(() => publishRegistryEvents({} as never, bus)).toThrow(/EventSetRegistry/)
    expect(() => publishRegistryEvents(registry, bus, { onEror: 1 } as never)).toThrow(/onError/)
  })
})
