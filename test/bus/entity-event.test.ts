import fc from 'fast-check'
import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  type BusEvent,
  changedFields,
  type EntityData,
  type EntityEvents,
  EventBus,
  entityEvent,
  SYSTEM_USER_ID,
} from '../../src/bus/index.ts'
import type { ValidationError } from '../../src/core/errors.ts'

describe('entityEvent', () => {
  it('names the event after entity and change, and says who has changed what', () => {
    const event = entityEvent({
      entityType: 'user',
      entityId: 42,
      change: 'updated',
      changedFields: ['email'],
      userId: 7,
      organizationId: 'acme',
      data: { email: 'ada@example.org' },
    })

    expect(event).toEqual({
      name: 'user.updated',
      data: {
        entityType: 'user',
        entityId: 42,
        changedFields: ['email'],
        userId: 7,
        organizationId: 'acme',
        email: 'ada@example.org',
      },
      options: { key: 'user:42' },
    })
    expectTypeOf(event.name).toEqualTypeOf<'user.updated'>()
    expectTypeOf(event.data).toEqualTypeOf<EntityData<'user'> & { email: string }>()
  })

  it.each([undefined, null])('never leaves open who has done it: %s is the system', (userId) => {
    const input = { entityType: 'user', entityId: '1', change: 'deleted', userId }

    expect(entityEvent(input).data.userId).toBe(SYSTEM_USER_ID)
    expect(entityEvent({ ...input, systemUserId: 0 }).data.userId).toBe(0)
  })

  it('keeps the changes of one entity in order, unless a key is given', () => {
    const input = { entityType: 'order', entityId: 'a', change: 'created' }

    expect(entityEvent(input).options).toEqual({ key: 'order:a' })
    expect(entityEvent({ ...input, options: { key: 'shop 1', source: 'import' } }).options).toEqual({
      key: 'shop 1',
      source: 'import',
    })
  })

  it('is published on a typed bus', async () => {
    type Events = EntityEvents<'user'> & EntityEvents<'order', 'paid', { readonly cents: number }>
    await using bus = new EventBus<Events>()
    const seen: string[] = []
    bus.on('user.*', (event) => {
      expectTypeOf(event.data).toExtend<EntityData<'user'>>()
      seen.push(`${event.name} by ${event.data.userId}`)
    })
    bus.on('order.paid', (event) => void seen.push(`${event.data.cents} cents`))

    await bus.publishAll([
      entityEvent({ entityType: 'user', entityId: 1, change: 'created', userId: 2 }),
      entityEvent({ entityType: 'order', entityId: 1, change: 'paid', data: { cents: 5 } }),
    ])
    await bus.idle()

    expect(seen.sort()).toEqual(['5 cents', 'user.created by 2'])
    const notPaid = entityEvent({ entityType: 'user', entityId: 1, change: 'paid' })
    // @ts-expect-error a user is not paid.
    const wrong: Parameters<typeof bus.publishAll>[0] = [notPaid]
    expect(wrong).toHaveLength(1)
  })

  it('tells everything that is wrong at once', () => {
    const input = {
      entityType: 'big user',
      entityId: '',
      change: 'updated',
      changedFields: 'email',
      userId: {},
      organizationId: false,
      data: { userId: 1 },
    }
    let issues: string[] = []
    try {
      entityEvent(input as never)
    } catch (error) {
      issues = (error as ValidationError).issues.map(({ path }) => path)
    }

    expect(issues).toEqual([
      'entityType',
      'entityId',
      'userId',
      'organizationId',
      'changedFields',
      'data.userId',
    ])
  })
})

describe('changedFields', () => {
  it('finds what differs as JSON, in alphabetical order', () => {
    const before = { name: 'Ada', plan: { id: 1, since: new Date(0) }, tags: ['a'], old: 1, same: undefined }
    const after = { name: 'Eve', plan: { since: new Date(0), id: 1 }, tags: ['a', 'b'], age: 3 }

    expect(changedFields(before, after)).toEqual(['age', 'name', 'old', 'tags'])
  })

  it('finds nothing between equal states, and the same in both directions', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.dictionary(fc.string(), fc.jsonValue()),
        (one, other) => {
          expect(changedFields(one, structuredClone(one))).toEqual([])
          expect(changedFields(one, other)).toEqual(changedFields(other, one))
        },
      ),
    )
  })
})

it('is an event like any other', async () => {
  const bus = new EventBus()
  const { name, data, options } = entityEvent({ entityType: 'user', entityId: 1, change: 'created' })

  const event: BusEvent = await bus.publish(name, data, options)

  expect(event).toMatchObject({ name: 'user.created', key: 'user:1' })
})
