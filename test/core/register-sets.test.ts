import { describe, expect, it } from 'vitest'
import { registerEventSets } from '../../src/core/register-sets.ts'
import { AlreadyExistsError, type EventSet, EventSetRegistry, ValidationError } from '../../src/index.ts'

const owner: EventSet = { name: 'owner', mappings: [{ name: 'm' }] }
const linked: EventSet = {
  name: 'linked',
  fieldMappings: [{ logKey: 'a', mapping: 'm', eventSetName: 'owner' }],
}
const dangling: EventSet = {
  name: 'dangling',
  fieldMappings: [{ logKey: 'a', mapping: 'm', eventSetName: 'gone' }],
}

describe('registerEventSets', () => {
  it.each([[[owner, linked]], [[linked, owner]]])(
    'registers sets that link to each other, in any order',
    (sets) => {
      const registry = new EventSetRegistry()

      expect(registerEventSets(registry, sets).size).toBe(0)
      expect(registry.hasEventSet('owner') && registry.hasEventSet('linked')).toBe(true)
    },
  )

  it('gives those that could not be registered with the reason; the others are in force', () => {
    const registry = new EventSetRegistry()
    const failures = registerEventSets(registry, [dangling, linked, owner, { name: 'owner' }, { name: '1' }])

    expect([...failures].map(([{ name }, error]) => [name, error.constructor])).toEqual([
      ['dangling', ValidationError],
      ['owner', AlreadyExistsError],
      ['1', ValidationError],
    ])
    expect(registry.listEventSets().map(({ name }) => name)).toEqual(['owner', 'linked'])
  })

  it('passes the options on', () => {
    const registry = new EventSetRegistry()
    registry.registerEventSet({ name: 'owner' })

    expect(registerEventSets(registry, [linked, owner], { override: true }).size).toBe(0)
    expect(registry.getEventSet('owner').mappings).toHaveLength(1)
  })
})
