import { describe, expect, it } from 'vitest'
import { EventBus, type Filter } from '../../src/bus/index.ts'
import type { EventsetsError } from '../../src/core/errors.ts'

async function passes(filter: Filter, data: unknown, options = {}): Promise<boolean> {
  await using bus = new EventBus({ source: 'shop' })
  let isPassed = false
  const note = () => {
    isPassed = true
  }
  bus.on('user.*', note, { filter })
  await bus.emit('user.created', data, options)
  return isPassed
}

const user = { plan: 'pro', age: 0, address: { city: 'Łódź', zip: null }, tags: ['a', 'b'] }

describe('a filter as data', () => {
  it.each([
    [{ path: 'data.plan', eq: 'pro' }, true],
    [{ path: 'data.plan', eq: 'free' }, false],
    [{ path: 'data.age', eq: 0 }, true],
    [{ path: 'data.age', eq: '0' }, false],
    [{ path: 'data.address.city', eq: 'Łódź' }, true],
    [{ path: 'data.address', eq: { zip: null, city: 'Łódź' } }, true],
    [{ path: 'data.address', eq: { city: 'Łódź' } }, false],
    [{ path: 'data.address.zip', eq: null }, true],
    [{ path: 'data.tags', eq: ['a', 'b'] }, true],
    [{ path: 'data.tags', eq: ['b', 'a'] }, false],
    [{ path: 'data.tags.0', eq: 'a' }, true],
    [{ path: 'data.plan', in: ['free', 'pro'] }, true],
    [{ path: 'data.plan', in: [] }, false],
    [{ path: 'data.address', exists: true }, true],
    [{ path: 'data.address.zip', exists: true }, true],
    [{ path: 'data.address.street', exists: true }, false],
    [{ path: 'data.address.street', exists: false }, true],
    [{ path: 'data.plan.length', exists: true }, false],
    [{ path: 'data.constructor', exists: true }, false],
    [{ path: 'data.__proto__.constructor', exists: true }, false],
    [{ path: 'name', eq: 'user.created' }, true],
    [{ path: 'source', eq: 'shop' }, true],
    [{ path: 'key', exists: true }, false],
    [{ path: 'traceparent', exists: true }, false],
    [{ path: 'depth', eq: 0 }, true],
    [
      {
        and: [
          { path: 'data.plan', eq: 'pro' },
          { path: 'data.age', eq: 0 },
        ],
      },
      true,
    ],
    [
      {
        and: [
          { path: 'data.plan', eq: 'pro' },
          { path: 'data.age', eq: 1 },
        ],
      },
      false,
    ],
    [{ and: [] }, true],
    [
      {
        or: [
          { path: 'data.plan', eq: 'free' },
          { path: 'data.age', eq: 0 },
        ],
      },
      true,
    ],
    [{ or: [] }, false],
    [{ not: { path: 'data.plan', eq: 'pro' } }, false],
    [
      {
        not: {
          or: [
            { path: 'data.plan', eq: 'free' },
            { path: 'data.age', eq: 1 },
          ],
        },
      },
      true,
    ],
  ] as [Filter, boolean][])('%j: %s', async (filter, isPassed) => {
    expect(await passes(filter, user)).toBe(isPassed)
  })

  it.each([null, undefined, 17, 'text', []])('finds nothing in the data %j', async (data) => {
    expect(await passes({ path: 'data.plan', eq: 'pro' }, data)).toBe(false)
    expect(await passes({ path: 'data.plan', exists: false }, data)).toBe(true)
  })

  it.each([
    [{}, /filter: has the keys none/],
    [{ path: 'data.plan' }, /filter: has the keys path/],
    [{ path: '', eq: 1 }, /filter\.path: expected a path/],
    [{ path: 'data.plan', equals: 'pro' }, /filter: has the keys equals,path/],
    [{ path: 'data.plan', eq: 'pro', in: ['pro'] }, /filter: has the keys eq,in,path/],
    [{ path: 'data.plan', in: 'pro' }, /filter\.in: expected a list/],
    [{ path: 'data.plan', exists: 'yes' }, /filter\.exists: expected true or false/],
    [{ and: { path: 'data.plan', eq: 'pro' } }, /filter\.and: expected a list/],
    [{ not: [{ path: 'data.plan', eq: 'pro' }] }, /filter\.not: expected an object/],
    [{ or: [{ path: 'data.plan', eq: 1 }, 'pro'] }, /filter\.or\[1\]: expected an object/],
    [{ path: 'plan', eq: 'pro' }, /filter\.path: an event has no "plan"; did you mean "data\.plan"\?/],
    [{ path: 'toJSON', exists: true }, /did you mean "data\.toJSON"\?/],
    [{ path: 'data..plan', eq: 'pro' }, /filter\.path: has an empty part: "data\.\.plan"/],
    [{ path: 'data.', exists: false }, /filter\.path: has an empty part/],
    [{ path: 'data.plan', eq: undefined }, /filter\.eq: is undefined.*exists: false/],
    [{ path: 'data.plan', in: ['pro', undefined] }, /filter\.in\[1\]: is undefined/],
    [{ path: 'plan', in: 1 }, /2 issues/],
    ['pro', /filter: expected an object/],
    [null, /filter: expected an object/],
  ])('cannot be %j', async (filter, problem) => {
    await using bus = new EventBus()

    expect(() => bus.on('user.*', () => {}, { filter: filter as never })).toThrow(problem)
    expect(bus.handlers()).toEqual([])
  })

  it('is told everything that is wrong with it', async () => {
    await using bus = new EventBus()
    const filter = { and: [{ path: 'data.a', exists: 1 }, { or: 1 }, {}] } as never

    expect(() => bus.on('user.*', () => {}, { filter })).toThrow(/3 issues/)
  })

  it('is refused when it is nested without end, or in a circle', async () => {
    await using bus = new EventBus()
    const circle: { not?: unknown } = {}
    circle.not = circle

    expect(() => bus.on('user.*', () => {}, { filter: circle as never })).toThrow(/nested more than 32 deep/)
  })
})

describe('a filter as a function', () => {
  it('is asked about each event of the pattern, and not about others', async () => {
    await using bus = new EventBus()
    const asked: unknown[] = []
    const seen: unknown[] = []
    bus.on('user.*', ({ data }) => void seen.push(data), {
      filter: ({ data }) => {
        asked.push(data)
        return (data as number) > 1
      },
    })

    for (const n of [1, 2, 3]) await bus.emit('user.created', n)
    await bus.emit('order.created', 4)

    expect(asked).toEqual([1, 2, 3])
    expect(seen).toEqual([2, 3])
  })

  it('counts in the report only what it lets through', async () => {
    await using bus = new EventBus()
    bus.on('user.*', () => {}, { filter: () => false })
    bus.on('user.*', () => {})

    expect((await bus.emit('user.created', 1)).handlers).toBe(1)
  })
})

describe('what a filter gives that is a function', () => {
  it.each([false, undefined, null, 0, '', Number.NaN])(
    'leaves the event out when it is %s',
    async (verdict) => {
      expect(await passes((() => verdict) as Filter, 1)).toBe(false)
    },
  )

  it.each([true, 1, 'yes', {}])('lets the event through when it is %j', async (verdict) => {
    expect(await passes((() => verdict) as never, 1)).toBe(true)
  })

  it.each([
    ['a promise of true', () => Promise.resolve(true)],
    ['a promise of false', () => Promise.resolve(false)],
    ['a promise that is rejected', () => Promise.reject(new Error('no route'))],
  ])('is a failure when it is %s, which is no verdict', async (_, filter) => {
    const errors: EventsetsError[] = []
    await using bus = new EventBus({ onError: (error) => void errors.push(error) })
    bus.on('user.*', () => expect.fail('was called'), { filter: filter as unknown as Filter, name: 'mail' })

    const { failures } = await bus.emit('user.created', 1)
    await bus.publish('user.created', 2)
    await bus.idle()

    expect(failures.map(({ handler, attempts }) => [handler, attempts])).toEqual([['mail', 1]])
    expect(failures[0]?.error.cause).toMatchObject({
      code: 'EVENTSETS_INVALID_OPTIONS',
      hint: expect.stringContaining('at once'),
    })
    expect(errors).toHaveLength(2)
    expect((await bus.deadLetters.list()).map(({ reason }) => reason)).toEqual([
      'The filter has given a promise.',
    ])
  })
})
