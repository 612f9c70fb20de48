import { describe, expect, it } from 'vitest'
import {
  builtInSets,
  createEnricher,
  createRegistry,
  discoverEventSets,
  type EventSet,
  EventSetRegistry,
  getRegistry,
  parseEventSet,
} from '../../src/index.ts'

const namesOf = (registry: EventSetRegistry) =>
  registry
    .listEventSets()
    .map(({ name }) => name)
    .toSorted()

const http: EventSet = { name: 'http', description: 'mine' }

describe('builtInSets', () => {
  it('are http, database and system', () => {
    expect(builtInSets.map(({ name }) => name).toSorted()).toEqual(['database', 'http', 'system'])
  })

  it.each(builtInSets.map((set) => [set.name, set] as const))('are valid, frozen data: %s', (_, set) => {
    expect(parseEventSet(set).issues).toBeUndefined()
    expect(JSON.parse(JSON.stringify(set))).toEqual(set)
    expect(Object.isFrozen(set)).toBe(true)
    expect(Object.isFrozen(set.mappings?.[0]?.visualMarkers)).toBe(true)
  })

  it('cannot be added to', () => {
    expect(() => (builtInSets as EventSet[]).push(http)).toThrow(TypeError)
  })
})

describe('createRegistry', () => {
  it('gives a registry with the built-in sets', () => {
    expect(namesOf(createRegistry())).toEqual(['database', 'http', 'system'])
  })

  it('gives another one every time', () => {
    const registry = createRegistry()
    registry.removeEventSet('http')

    expect(createRegistry().hasEventSet('http')).toBe(true)
    expect(getRegistry().hasEventSet('http')).toBe(true)
  })
})

describe('getRegistry', () => {
  it('gives the same registry every time, with the built-in sets', () => {
    expect(getRegistry()).toBe(getRegistry())
    expect(namesOf(getRegistry())).toEqual(['database', 'http', 'system'])
  })
})

describe('discoverEventSets', () => {
  it('fills a registry and tells what it found', async () => {
    const registry = new EventSetRegistry()
    const { sets, problems } = await discoverEventSets({ registry })

    expect(namesOf(registry)).toEqual(['database', 'http', 'system'])
    expect(sets.map(({ set, source }) => [set.name, source.kind]).toSorted()).toEqual([
      ['database', 'built-in'],
      ['http', 'built-in'],
      ['system', 'built-in'],
    ])
    expect(problems).toEqual([])
  })

  it('may be asked again: nothing changes, and the answer is the same', async () => {
    const registry = new EventSetRegistry()
    const first = await discoverEventSets({ registry })
    const { version } = registry

    expect(await discoverEventSets({ registry })).toEqual(first)
    expect(registry.version).toBe(version)
  })

  it('may be asked twice at once', async () => {
    const registry = new EventSetRegistry()
    const [first, second] = await Promise.all([
      discoverEventSets({ registry }),
      discoverEventSets({ registry }),
    ])

    expect(second).toEqual(first)
    expect(first.problems).toEqual([])
  })

  it('leaves a set of the application alone that has the name of a built-in one, and does not count it as found', async () => {
    const registry = new EventSetRegistry()
    registry.registerEventSet(http)
    const { sets } = await discoverEventSets({ registry })

    expect(registry.getEventSet('http').description).toBe('mine')
    expect(sets.map(({ set }) => set.name).toSorted()).toEqual(['database', 'system'])
  })

  it('brings back a built-in set that was removed', async () => {
    const registry = createRegistry()
    registry.removeEventSet('http')
    await discoverEventSets({ registry })

    expect(registry.hasEventSet('http')).toBe(true)
  })

  it('fills the registry of the process unless it is given one', async () => {
    getRegistry().removeEventSet('system')
    const { sets } = await discoverEventSets()

    expect(getRegistry().hasEventSet('system')).toBe(true)
    expect(sets).toHaveLength(3)
  })

  it('finds sets that mark a finished request', async () => {
    const registry = new EventSetRegistry()
    await discoverEventSets({ registry })
    const { markers } = createEnricher(registry).enrich({
      req: { method: 'GET' },
      res: { statusCode: 200 },
      msg: 'request completed',
    })

    expect(markers.map(({ marker }) => marker)).toEqual(['📥', '✅'])
  })
})
