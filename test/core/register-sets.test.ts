import { describe, expect, it } from 'vitest'
import { registerEventSets } from '../../src/core/register-sets.ts'
import { AlreadyExistsError, type EventSet, EventSetRegistry, ValidationError } from '../../src/index.ts'

const owner: EventSet = { name: 'owner', mappings: [{ name: 'size', visualMarkers: { big: '🐘' } }] }
const user: EventSet = {
  name: 'user',
  fieldMappings: [{ logKey: 'a', mapping: 'size', eventSetName: 'owner' }],
}
const nowhere: EventSet = {
  name: 'lost',
  fieldMappings: [{ logKey: 'a', mapping: 'size', eventSetName: 'nobody' }],
}

describe('registerEventSets', () => {
  it('registers sets that link to later ones', () => {
    const registry = new EventSetRegistry()

    const failures = registerEventSets(registry, [user, owner])

    expect(failures.size).toBe(0)
    expect(registry.listEventSets().map(({ name }) => name)).toEqual(['owner', 'user'])
  })

  it('gives what could not be registered, and registers the others', () => {
    const registry = new EventSetRegistry()

    const failures = registerEventSets(registry, [nowhere, user, owner, { ...owner }])

    expect([...failures].map(([{ name }, error]) => [name, error.constructor])).toEqual([
      ['lost', ValidationError],
      ['owner', AlreadyExistsError],
    ])
    expect(registry.hasEventSet('user')).toBe(true)
  })
})
