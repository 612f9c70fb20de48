// The examples of the document that event sets were conceived in, in TypeScript.
import { beforeEach, describe, expect, it, vi } from 'vitest'
import {
  AlreadyExistsError,
  createEnricher,
  discoverEventSets,
  type EventSet,
  EventSetRegistry,
  getRegistry,
  NotFoundError,
  prefixMessage,
} from '../../src/index.ts'

const apiEventSet: EventSet = {
  name: 'api',
  description: 'API operations',
  mappings: [{ name: 'status', visualMarkers: { success: '✅', error: '❌' } }],
  fieldMappings: [{ logKey: 'api.status', eventSetName: 'status' }],
}

const paymentEventSet: EventSet = {
  name: 'payment',
  description: 'Payment processing events',
  mappings: [{ name: 'payment_status', visualMarkers: { completed: '💰', failed: '💸', pending: '⏳' } }],
  fieldMappings: [{ logKey: 'payment.status', eventSetName: 'payment_status' }],
}

/** The message as a logger with these sets shows it. */
function shown(registry: EventSetRegistry, record: Record<string, unknown>): string | undefined {
  const { markers } = createEnricher(registry).enrich(record)
  return prefixMessage(
    record['msg'],
    markers.map(({ marker }) => marker),
  )
}

let registry: EventSetRegistry

beforeEach(() => {
  registry = new EventSetRegistry()
})

describe('Core registry access', () => {
  it('gives the registry of the process, in which a set can be registered and listed', () => {
    getRegistry().registerEventSet(apiEventSet)
    const names = getRegistry()
      .listEventSets()
      .map(({ name }) => name)
    getRegistry().removeEventSet('api')

    expect(names).toContain('api')
    expect(names).toEqual(expect.arrayContaining(['http', 'database', 'system']))
  })

  it('registers, gets, lists and has', () => {
    registry.registerEventSet(apiEventSet)

    expect(registry.getEventSet('api')).toEqual(apiEventSet)
    expect(registry.listEventSets()).toEqual([apiEventSet])
    expect(registry.hasEventSet('api')).toBe(true)
    expect(registry.hasEventSet('payment')).toBe(false)
  })
})

describe('Manual registration', () => {
  it('puts a set in force whose eventSetName names the mapping', () => {
    registry.registerEventSet(apiEventSet)

    expect(shown(registry, { msg: 'called', 'api.status': 'success' })).toBe('[✅] called')
    expect(shown(registry, { msg: 'called', api: { status: 'error' } })).toBe('[❌] called')
    expect(shown(registry, { msg: 'called', 'api.status': 'unknown' })).toBe('called')
  })
})

describe('Conditional registration', () => {
  const custom: EventSet = { ...apiEventSet, name: 'custom_api' }

  it('registers only what is not there', () => {
    for (let times = 0; times < 2; times++) {
      if (!registry.hasEventSet('custom_api')) registry.registerEventSet(custom)
    }

    expect(registry.listEventSets()).toHaveLength(1)
  })

  it('meets a conflict, and can replace', () => {
    const updated: EventSet = { ...custom, description: 'updated' }
    registry.registerEventSet(custom)
    try {
      registry.registerEventSet(updated)
    } catch (error) {
      expect(error).toBeInstanceOf(AlreadyExistsError)
      registry.registerEventSet(updated, { override: true })
    }

    expect(registry.getEventSet('custom_api').description).toBe('updated')
  })
})

describe('Registration conflicts', () => {
  it('can be logged, with the name of the set', () => {
    const warn = vi.fn()
    registry.registerEventSet(apiEventSet)
    try {
      registry.registerEventSet(apiEventSet)
    } catch (error) {
      if (!(error instanceof AlreadyExistsError)) throw error
      warn({ name: error.existing }, 'Event set already registered')
    }

    expect(warn).toHaveBeenCalledWith({ name: 'api' }, 'Event set already registered')
  })
})

describe('Missing event sets', () => {
  it('are a NotFoundError', () => {
    expect(() => registry.getEventSet('nonexistent')).toThrow(NotFoundError)
    expect(() => registry.getEventSet('nonexistent')).toThrow('"nonexistent"')
  })
})

describe('Event set discovery', () => {
  it('finds the built-in sets http, database and system', async () => {
    await discoverEventSets({ registry })

    for (const name of ['http', 'database', 'system']) expect(registry.hasEventSet(name)).toBe(true)
  })

  it('leaves dynamically registered sets in force', async () => {
    registry.registerEventSet(apiEventSet)
    await discoverEventSets({ registry })

    expect(registry.hasEventSet('api')).toBe(true)
  })
})

describe('Runtime registration', () => {
  it('can happen at any time during the life of an application', () => {
    const enricher = createEnricher(registry)
    const record = { msg: 'called', 'api.status': 'success' }
    const before = enricher.enrich(record).markers.length
    registry.registerEventSet(apiEventSet)

    expect([before, enricher.enrich(record).markers.length]).toEqual([0, 1])
  })
})

describe('Integration example', () => {
  it('shows the 💰 marker', async () => {
    await discoverEventSets({ registry })
    registry.registerEventSet(paymentEventSet)

    // `status` is a log key of the built-in system set too; in a record about payments it means payment.status.
    expect(
      shown(registry, {
        msg: 'payment_processed',
        payment_id: 'pay_123',
        amount: 99.99,
        status: 'completed',
      }),
    ).toBe('[💰] payment_processed')
  })

  it.each([
    ['completed', '💰'],
    ['failed', '💸'],
    ['pending', '⏳'],
  ])('shows %s as %s under the full name as well', async (status, marker) => {
    await discoverEventSets({ registry })
    registry.registerEventSet(paymentEventSet)

    expect(shown(registry, { msg: 'Payment done', payment: { status } })).toBe(`[${marker}] Payment done`)
  })
})
