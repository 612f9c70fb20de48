import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { EventBus, type StandardSchema } from '../../src/bus/index.ts'
import { recordingBackend } from '../../src/testing/index.ts'

const schemas = {
  'user.created': z.object({ id: z.number(), email: z.email(), plan: z.string().default('free') }),
  'user.deleted': v.object({ id: v.number(), address: v.object({ city: v.string() }) }),
}

function openBus() {
  const backend = recordingBackend()
  return { backend, bus: new EventBus({ backend, schemas }) }
}

describe('an event with a schema', () => {
  it('is published with what the schema makes of its data', async () => {
    const { backend, bus } = openBus()
    await using _ = bus
    const seen: unknown[] = []
    bus.on('user.created', ({ data }) => void seen.push(data))

    await bus.publish('user.created', { id: 1, email: 'ada@example.org', extra: 1 } as never)
    await bus.emit('user.created', { id: 2, email: 'bob@example.org' })
    await bus.idle()

    const [ada, bob] = [
      { id: 1, email: 'ada@example.org', plan: 'free' },
      { id: 2, email: 'bob@example.org', plan: 'free' },
    ]
    expect(backend.publishedEvents.map(({ data }) => data)).toEqual([ada])
    expect(seen).toHaveLength(2)
    expect(seen).toEqual(expect.arrayContaining([ada, bob]))
  })

  it.each([
    ['user.created', { id: '1', email: 'nobody' }, ['data.id: ', 'data.email: ']],
    ['user.deleted', { id: 1, address: {} }, ['data.address.city: ']],
    ['user.deleted', 'text', ['data: ']],
    ['user.created', undefined, ['data: ']],
  ] as const)('%s with the data %j is refused with every issue', async (name, data, issues) => {
    const { backend, bus } = openBus()
    await using _ = bus
    bus.on('**', () => expect.fail('was called'))

    for (const refused of [
      bus.publish(name, data as never),
      bus.emit(name, data as never),
      bus.publishAll([{ name, data: data as never }]),
      bus.transaction((tx) => tx.publish(name, data as never)),
    ]) {
      const error = await refused.then(
        () => expect.fail('was taken'),
        (thrown) => thrown,
      )
      expect(error).toMatchObject({ name: 'ValidationError', code: 'EVENTSETS_INVALID_EVENT' })
      expect(error.message).toContain(`The data of the event "${name}" is not valid`)
      for (const issue of issues) expect(error.message).toContain(`\n  ${issue}`)
      expect(error.issues).toHaveLength(issues.length)
    }
    await bus.idle()
    expect(backend.publishedEvents).toEqual([])
  })

  it('is checked once, and kept as its schema has made it, however often it is handed out', async () => {
    const checked: string[] = []
    const schema = z.string().transform((text) => {
      checked.push(text)
      return Number(text)
    })
    const schemas = { 'order.paid': schema, 'order.seen': z.number() }
    await using bus = new EventBus({ schemas, onError: () => {} })
    const seen: unknown[] = []
    bus.on(
      'order.paid',
      async function pay({ data }, { publish }) {
        seen.push(data)
        if (seen.length < 3) throw new Error('not yet')
        await publish('order.seen', data)
      },
      { retry: { maxAttempts: 2, baseDelayMs: 1 } },
    )

    await bus.transaction(({ publish }) => publish('order.paid', '17'))
    await bus.idle()
    await bus.deadLetters.replayAll()
    await bus.idle()
    const history: unknown[] = []
    for await (const { data } of bus.replay()) history.push(data)

    expect(seen).toEqual([17, 17, 17])
    expect(history).toEqual([17, 17])
    expect(checked).toEqual(['17'])
  })

  it('is JSON once its schema has made it, whatever was given', async () => {
    const backend = recordingBackend()
    const schemas = {
      'tags.set': z.map(z.string(), z.number()).transform((tags) => Object.fromEntries(tags)),
      'year.set': z.string().transform((text) => BigInt(text)),
    }
    await using bus = new EventBus({ backend, schemas })

    await bus.publish('tags.set', new Map([['a', 1]]))
    const refused = bus.publish('year.set', '1815')

    await expect(refused).rejects.toMatchObject({ code: 'EVENTSETS_SERIALIZATION', path: 'data' })
    expect(backend.publishedEvents.map(({ data }) => data)).toEqual([{ a: 1 }])
  })

  it('may have one that has to wait', async () => {
    const known = new Set([17])
    const schema = z.object({ id: z.number().refine(async (id) => known.has(id), 'is not known') })
    await using bus = new EventBus({ schemas: { 'order.paid': schema } })
    const seen: unknown[] = []
    bus.on('order.paid', ({ data }) => void seen.push(data))

    await bus.emit('order.paid', { id: 17 })
    await expect(bus.emit('order.paid', { id: 18 })).rejects.toThrow('data.id: is not known')
    await expect(bus.publish('order.paid', { id: 18 })).rejects.toThrow('data.id: is not known')

    expect(seen).toEqual([{ id: 17 }])
  })

  it.each([
    [
      'at once',
      () => {
        throw new Error('broken schema')
      },
    ],
    ['later', async () => Promise.reject(new Error('broken schema'))],
  ])('is refused when its schema fails itself %s', async (_, validate) => {
    const schema = { '~standard': { version: 1, vendor: 'test', validate } } as unknown as StandardSchema
    await using bus = new EventBus({ schemas: { 'order.paid': schema } })
    const refusal = {
      name: 'EventError',
      code: 'EVENTSETS_INVALID_EVENT',
      cause: { message: 'broken schema' },
    }

    await expect(bus.publish('order.paid', 1)).rejects.toMatchObject(refusal)
    await expect(bus.emit('order.paid', 1)).rejects.toMatchObject(refusal)
  })

  it('may have any schema that is a Standard Schema, paths of all kinds included', async () => {
    const schema: StandardSchema = {
      '~standard': {
        version: 1,
        vendor: 'hand-made',
        validate: () => ({
          issues: [
            { message: 'is wrong' },
            { message: 'is odd', path: ['list', 0, { key: 'a b' }, Symbol('s')] },
          ],
        }),
      },
    }
    await using bus = new EventBus({ schemas: { 'order.paid': schema } })

    const { issues } = await bus.emit('order.paid', 1).catch((error) => error)

    expect(issues.map(({ path }: { path: string }) => path)).toEqual([
      'data',
      'data.list[0]["a b"]["Symbol(s)"]',
    ])
  })
})

describe('an event without a schema', () => {
  it('may have any data', async () => {
    const { bus } = openBus()
    await using _ = bus

    await bus.publish('order.paid' as never, 'anything' as never)
  })
})

describe('a strict bus', () => {
  it('refuses events that have no schema, and patterns that match none that has one', async () => {
    await using bus = new EventBus({ schemas, isStrict: true })
    const loose = bus as unknown as EventBus
    const unknown = {
      code: 'EVENTSETS_EVENT_NAME',
      hint: expect.stringContaining('Did you mean "user.created"?'),
    }

    await expect(loose.publish('user.craeted', 1)).rejects.toMatchObject(unknown)
    await expect(loose.emit('user.craeted', 1)).rejects.toMatchObject(unknown)
    await expect(loose.validate('user.craeted', 1)).rejects.toMatchObject(unknown)
    await expect(loose.publishAll([{ name: 'user.craeted', data: 1 }])).rejects.toMatchObject(unknown)
    expect(() => loose.on('user.craeted', () => {})).toThrow(/"user.craeted" matches no event of this bus/)
    expect(() => loose.on('order.*', () => {})).toThrow(/"order\.\*" matches no event of this bus/)
    expect(bus.handlers()).toEqual([])
  })

  it('takes the others, patterns that match one of them, and handler.failed', async () => {
    await using bus = new EventBus({ schemas, isStrict: true, onError: () => {} })
    const seen: string[] = []
    const note = ({ name }: { readonly name: string }) => void seen.push(name)
    for (const pattern of ['user.created', 'user.*', '**', '*', 'handler.failed'])
      (bus as unknown as EventBus).on(pattern, note)
    bus.on('user.deleted', () => Promise.reject(new Error('no route')))

    await bus.emit('user.deleted', { id: 1, address: { city: 'Ulm' } })
    await bus.idle()

    expect(seen.filter((name) => name === 'user.deleted')).toHaveLength(3)
    expect(seen).toContain('handler.failed')
  })

  it('is one where that is said', () => {
    expect(() => new EventBus({ isStrict: 'yes' as never })).toThrow(/isStrict: expected true or false/)
  })
})

describe('schemas', () => {
  it.each([[{ 'user.created': {} }], [{ 'user.created': () => true }], [{ 'user.created': null }]])(
    'cannot be something else: %j',
    (wrong) => {
      expect(() => new EventBus({ schemas: wrong as never })).toThrow(
        /schemas\.user\.created: expected a Standard Schema/,
      )
    },
  )

  it('must have names of events', () => {
    expect(() => new EventBus({ schemas: { 'user created': z.string() } })).toThrow(
      /schemas\.user created: .*has a character/,
    )
  })
})

describe('validate', () => {
  it('gives what publish would take, and publishes nothing', async () => {
    const { backend, bus } = openBus()
    await using _ = bus
    bus.on('**', () => expect.fail('was called'))

    const data = await bus.validate('user.created', { id: 1, email: 'ada@example.org' } as never)
    const other = await new EventBus().validate('anything', { any: 'data' })

    expect(data).toEqual({ id: 1, email: 'ada@example.org', plan: 'free' })
    expect(other).toEqual({ any: 'data' })
    expect(backend.publishedEvents).toEqual([])
  })

  it.each([
    ['user.created', { id: 'x', email: 'nobody' }, 'EVENTSETS_INVALID_EVENT'],
    ['anything', () => {}, 'EVENTSETS_SERIALIZATION'],
    ['anything', 'x'.repeat(2 ** 20), 'EVENTSETS_DATA_TOO_LARGE'],
    ['any thing', {}, 'EVENTSETS_EVENT_NAME'],
  ])('refuses what publish refuses: the event %s', async (name, data, code) => {
    const { bus } = openBus()
    await using _ = bus

    await expect(bus.validate(name as never, data as never)).rejects.toMatchObject({ code })
    await expect(bus.publish(name as never, data as never)).rejects.toMatchObject({ code })
  })
})
