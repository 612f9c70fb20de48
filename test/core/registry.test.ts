import { describe, expect, it, vi } from 'vitest'
import {
  AlreadyExistsError,
  type EventSet,
  EventSetRegistry,
  NotFoundError,
  ValidationError,
} from '../../src/index.ts'
import { registryOf } from './marks.ts'

const set = (name: string, priority?: number): EventSet =>
  priority === undefined ? { name } : { name, priority }

function thrownBy(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

describe('registerEventSet', () => {
  it('puts a set in force', () => {
    const registry = registryOf(set('http'))

    expect(registry.hasEventSet('http')).toBe(true)
    expect(registry.getEventSet('http')).toEqual({ name: 'http' })
  })

  it('keeps a frozen copy, which later changes of the original do not reach', () => {
    const original = { name: 'http', mappings: [{ name: 'm', visualMarkers: { ok: '✅' } }] }
    const registry = registryOf(original)
    original.mappings.length = 0

    expect(registry.getEventSet('http').mappings).toHaveLength(1)
    expect(Object.isFrozen(registry.getEventSet('http'))).toBe(true)
  })

  it('throws an AlreadyExistsError for a name that is taken, and keeps the first', () => {
    const registry = registryOf(set('http', 1))
    const error = thrownBy(() => registry.registerEventSet(set('http', 2)))

    expect(error).toBeInstanceOf(AlreadyExistsError)
    expect(error).toMatchObject({
      code: 'EVENTSETS_ALREADY_EXISTS',
      existing: 'http',
      message: 'Event set "http" is already registered.',
      hint: expect.stringContaining('{ override: true }'),
    })
    expect(registry.listEventSets()).toEqual([set('http', 1)])
  })

  it('throws it for the very same set too', () => {
    const registry = registryOf(set('http'))

    expect(() => registry.registerEventSet(registry.getEventSet('http'))).toThrow(AlreadyExistsError)
  })

  it('tells names that differ in case apart', () => {
    const registry = registryOf(set('http'), set('HTTP'))

    expect(registry.listEventSets()).toHaveLength(2)
  })

  it('throws a ValidationError with every issue of the set, dangling links to other sets included', () => {
    const registry = registryOf({ name: 'http', mappings: [{ name: 'status' }] })
    const error = thrownBy(() =>
      registry.registerEventSet({
        name: 'mine',
        fieldMappings: [
          { logKey: 'a', mapping: 'status', eventSetName: 'htpt' },
          { logKey: 'b', mapping: 'stauts', eventSetName: 'http' },
        ],
      }),
    )

    expect(error).toBeInstanceOf(ValidationError)
    expect((error as ValidationError).issues).toEqual([
      {
        path: 'fieldMappings[0].eventSetName',
        code: 'dangling_link',
        message: 'no event set "htpt" is known; did you mean "http"?',
      },
      {
        path: 'fieldMappings[1].mapping',
        code: 'dangling_link',
        message: 'no mapping "stauts" in set "http"; did you mean "status"?',
      },
    ])
  })

  it('changes nothing when it throws', () => {
    const registry = registryOf(set('http'))
    const listener = vi.fn()
    registry.on('registered', listener)
    registry.on('replaced', listener)
    const { version } = registry

    expect(() => registry.registerEventSet({ name: '1' })).toThrow(ValidationError)
    expect(() => registry.registerEventSet(set('http'))).toThrow(AlreadyExistsError)
    expect(() =>
      registry.registerEventSet({ name: 'http', fieldMappings: [{ logKey: 'a' }] }, { override: true }),
    ).toThrow(ValidationError)
    expect(registry.listEventSets()).toEqual([{ name: 'http' }])
    expect(registry.version).toBe(version)
    expect(listener).not.toHaveBeenCalled()
  })

  it.each(['constructor', 'toString', 'hasOwnProperty'])('takes %s for a name like any other', (name) => {
    const registry = new EventSetRegistry()

    expect(registry.hasEventSet(name)).toBe(false)
    registry.registerEventSet({ name })
    expect(registry.getEventSet(name)).toEqual({ name })
  })
})

describe('registerEventSet with override', () => {
  it('replaces a set, which keeps its place among sets of equal priority', () => {
    const registry = registryOf(set('a'), set('b'), set('c'))
    registry.registerEventSet({ name: 'b', description: 'new' }, { override: true })

    expect(registry.listEventSets()).toEqual([
      { name: 'a' },
      { name: 'b', description: 'new' },
      { name: 'c' },
    ])
  })

  it('moves a set whose priority is another', () => {
    const registry = registryOf(set('a'), set('b'))
    registry.registerEventSet(set('b', 1), { override: true })

    expect(registry.listEventSets().map(({ name }) => name)).toEqual(['b', 'a'])
  })

  it('registers a name that is free', () => {
    const registry = new EventSetRegistry()
    registry.registerEventSet(set('a'), { override: true })

    expect(registry.hasEventSet('a')).toBe(true)
  })

  it('is not in force with override: false', () => {
    expect(() => registryOf(set('a')).registerEventSet(set('a'), { override: false })).toThrow(
      AlreadyExistsError,
    )
  })
})

describe('listEventSets', () => {
  it('is by priority, highest first, ties in order of registration, a missing priority being 0', () => {
    const registry = registryOf(set('d', -1), set('b'), set('a', 5), set('c', 0), set('e', 5))

    expect(registry.listEventSets().map(({ name }) => name)).toEqual(['a', 'e', 'b', 'c', 'd'])
  })

  it('is a list of its own every time', () => {
    const registry = registryOf(set('a'))
    registry.listEventSets().length = 0

    expect(registry.listEventSets()).toHaveLength(1)
  })

  it('is empty in a new registry', () => {
    expect(new EventSetRegistry().listEventSets()).toEqual([])
  })
})

describe.each([
  ['getEventSet', (registry: EventSetRegistry, name: string) => registry.getEventSet(name)],
  ['removeEventSet', (registry: EventSetRegistry, name: string) => registry.removeEventSet(name)],
])('%s of an unknown name', (_, ask) => {
  it('throws a NotFoundError with the nearest names, best first', () => {
    const error = thrownBy(() => ask(registryOf(set('https'), set('database'), set('http')), 'htp'))

    expect(error).toBeInstanceOf(NotFoundError)
    expect(error).toMatchObject({
      code: 'EVENTSETS_NOT_FOUND',
      missing: 'htp',
      nearest: ['http', 'https'],
      message: 'No event set is named "htp". Did you mean "http" or "https"?',
      hint: 'Did you mean "http" or "https"?',
    })
  })

  it('lists what is registered when nothing is near', () => {
    expect(() => ask(registryOf(set('http'), set('database')), 'kubernetes')).toThrow(
      'No event set is named "kubernetes". Registered are database, http.',
    )
  })

  it('says so when nothing is registered', () => {
    expect(() => ask(new EventSetRegistry(), 'http')).toThrow(
      'No event set is named "http". No event set is registered.',
    )
  })

  it.each(['__proto__', 'constructor', ''])('throws it for %o', (name) => {
    expect(() => ask(registryOf(set('http')), name)).toThrow(NotFoundError)
  })
})

describe('removeEventSet', () => {
  it('takes a set out of force, and its name is free again', () => {
    const registry = registryOf(set('a'), set('b'))
    registry.removeEventSet('a')
    registry.registerEventSet(set('a'))

    expect(registry.listEventSets().map(({ name }) => name)).toEqual(['b', 'a'])
  })
})

describe('version', () => {
  it('grows with every change and with nothing else', () => {
    const registry = new EventSetRegistry()
    const versions = [registry.version]
    const note = (change: () => unknown) => {
      change()
      versions.push(registry.version)
    }
    note(() => registry.registerEventSet(set('a')))
    note(() => registry.registerEventSet(set('a'), { override: true }))
    note(() => registry.removeEventSet('a'))

    expect(new Set(versions).size).toBe(4)
    expect(versions).toEqual(versions.toSorted((a, b) => a - b))
    registry.listEventSets()
    registry.hasEventSet('a')
    expect(registry.version).toBe(versions.at(-1))
  })
})

describe('on', () => {
  it('tells what was registered, replaced and removed, after the fact, with the source', () => {
    const registry = new EventSetRegistry()
    const file = { kind: 'file', file: '/app/sets/a.json' } as const
    const told: unknown[] = []
    for (const name of ['registered', 'replaced', 'removed'] as const)
      registry.on(name, (detail) => told.push([name, detail, registry.hasEventSet('a')]))
    registry.registerEventSet(set('a'), { source: file })
    registry.registerEventSet(set('a', 1), { override: true })
    registry.removeEventSet('a')

    const code = { kind: 'code' }
    const [before, after] = [{ name: 'a' }, { name: 'a', priority: 1 }]
    expect(told).toEqual([
      ['registered', { set: before, source: file }, true],
      ['replaced', { set: after, source: code, previous: before, previousSource: file }, true],
      ['removed', { set: after, source: code }, false],
    ])
  })

  it('ends when the returned function is called, for that listener only', () => {
    const registry = new EventSetRegistry()
    const [ended, kept] = [vi.fn(), vi.fn()]
    const end = registry.on('registered', ended)
    registry.on('registered', kept)
    end()
    end()
    registry.registerEventSet(set('a'))

    expect(ended).not.toHaveBeenCalled()
    expect(kept).toHaveBeenCalledOnce()
  })

  it('may end itself while it is told', () => {
    const registry = new EventSetRegistry()
    const once = vi.fn(() => end())
    const after = vi.fn()
    const end = registry.on('registered', once)
    registry.on('registered', after)
    registry.registerEventSet(set('a'))
    registry.registerEventSet(set('b'))

    expect(once).toHaveBeenCalledOnce()
    expect(after).toHaveBeenCalledTimes(2)
  })

  it('does not tell one registry of another', () => {
    const listener = vi.fn()
    new EventSetRegistry().on('registered', listener)
    new EventSetRegistry().registerEventSet(set('a'))

    expect(listener).not.toHaveBeenCalled()
  })

  it('registers all the same when a listener throws, tells the others, and tells of it as a problem', () => {
    const registry = new EventSetRegistry()
    const [after, onProblem] = [vi.fn(), vi.fn()]
    registry.on('registered', () => {
      throw new Error('no')
    })
    registry.on('registered', after)
    registry.on('problem', () => {
      throw new Error('never')
    })
    registry.on('problem', onProblem)
    registry.registerEventSet(set('a'))

    expect(registry.hasEventSet('a')).toBe(true)
    expect(after).toHaveBeenCalledOnce()
    expect(onProblem.mock.calls).toMatchObject([[{ code: 'EVENTSETS_LISTENER' }]])
  })
})

describe('getSource', () => {
  it('tells where a set comes from: code, unless it was said otherwise', () => {
    const registry = registryOf(set('mine'))
    const source = { kind: 'package', package: '@acme/billing', version: '1.2.0', file: '/b.json' } as const
    registry.registerEventSet(set('billing'), { source })

    expect(registry.getSource('mine')).toEqual({ kind: 'code' })
    expect(registry.getSource('billing')).toEqual(source)
    expect(() => registry.getSource('biling')).toThrow(/Did you mean "billing"/)
  })

  it('is named when the name is taken', () => {
    const registry = new EventSetRegistry()
    const source = { kind: 'package', package: '@acme/billing', version: '1.2.0', file: '/b.json' } as const
    registry.registerEventSet(set('billing'), { source })

    expect(() => registry.registerEventSet(set('billing'))).toThrow(
      'Event set "billing" is already registered, by @acme/billing 1.2.0.',
    )
  })
})
