import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recordFigure } from '../../../../test/bus-backends/figures.ts'
import { gate, newStream, openBus } from '../harness.ts'
import { hasRedisServer, type RedisServer, startRedis } from '../redis-server.ts'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.dispose())

const MiB = 2 ** 20
const LARGE_BYTES = 50_000_000

describe.runIf(hasRedisServer)('the data of an event', () => {
  it('arrives as it was to the byte, whatever it is, up to the limit, and of 50 MB where the bus takes that', async () => {
    const limited = openBus({ url: server.url, stream: newStream() })
    const open = openBus({ url: server.url, stream: newStream() }, { maxDataBytes: 2 * LARGE_BYTES })
    const edges = Array.from({ length: 0x800 }, (_, n) => String.fromCodePoint(n * 0x20)).join('')
    const given: unknown[] = [
      // As JSON: one byte, the limit less one, the limit.
      0,
      'x'.repeat(MiB - 3),
      'x'.repeat(MiB - 2),
      'ä'.repeat(MiB / 2 - 1),
      JSON.parse('{"__proto__":{"isAdmin":true},"constructor":{"prototype":1}}'),
      edges,
      [
        '\u0000',
        '\u007f\u0080',
        '\u07ff\u0800',
        '\uffff',
        '\u{10000}',
        '\u{10ffff}',
        '\ud800',
        '\udc00\ud800',
      ],
      { '': null, 'a"b\\c\r\n\t': [[], {}, -0, 1e308, 5e-324, 0.1 + 0.2, Number.MAX_SAFE_INTEGER] },
      { body: '$3\r\nfoo\r\n*1\r\n', lua: ']] redis.call("FLUSHALL")', nested: nest(199) },
    ]

    const seen = await roundTrip(limited.bus, given)
    const [large] = await roundTrip(open.bus, ['x'.repeat(LARGE_BYTES)])

    // Not by "toEqual", for which a lone surrogate or a key "__proto__" may be like another one.
    expect(seen.map((data) => sha(data))).toEqual(given.map((data) => sha(data)))
    expect((large as string).length).toBe(LARGE_BYTES)
    expect(Object.hasOwn(seen[4] as object, '__proto__')).toBe(true)
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
    recordFigure({
      backend: 'redis-streams',
      fault: 'F14',
      what: 'data of 1 byte, of the limit, of 50 MB, and with every edge of UTF-8',
      did: `${given.length + 1} kinds of data published`,
      acknowledged: given.length + 1,
      lost: given.length - seen.length,
      repeated: 0,
    })
  })

  it('is refused by name before anything is stored where it is too large, or would not come back as it is', async () => {
    const stream = newStream()
    const { bus } = openBus({ url: server.url, stream })
    const cycle: { self?: unknown } = {}
    cycle.self = { deeper: [cycle] }
    const refused: readonly (readonly [data: unknown, code: string])[] = [
      ['x'.repeat(MiB - 1), 'EVENTSETS_DATA_TOO_LARGE'],
      ['x'.repeat(LARGE_BYTES), 'EVENTSETS_DATA_TOO_LARGE'],
      [{ price: Number.NaN }, 'EVENTSETS_SERIALIZATION'],
      [[Number.POSITIVE_INFINITY], 'EVENTSETS_SERIALIZATION'],
      [{ id: 10n }, 'EVENTSETS_SERIALIZATION'],
      [{ call() {} }, 'EVENTSETS_SERIALIZATION'],
      [new Map([[1, 2]]), 'EVENTSETS_SERIALIZATION'],
      [cycle, 'EVENTSETS_SERIALIZATION'],
      [nest(100_000), 'EVENTSETS_SERIALIZATION'],
    ]

    for (const [data, code] of refused)
      await expect(bus.publish('order.placed', data)).rejects.toMatchObject({
        name: 'SerializationError',
        code,
        path: expect.stringMatching(/^data/),
      })
    // One of many: none of them.
    await expect(
      bus.transaction(async (tx) => {
        await tx.publish('order.placed', { n: 1 })
        await tx.publish('order.placed', { n: 1n })
      }),
    ).rejects.toMatchObject({ code: 'EVENTSETS_SERIALIZATION' })

    expect(await server.admin.exists(`{${stream}}:log:normal`)).toBe(0)
  })

  it('that is undefined is nothing, also in an object', async () => {
    const { bus } = openBus({ url: server.url, stream: newStream() })

    const seen = await roundTrip(bus, [undefined, { a: undefined, b: 1 }])

    expect(seen.map((data) => JSON.stringify(data))).toEqual([undefined, '{"b":1}'])
  })
})

type Bus = ReturnType<typeof openBus>['bus']

/** What arrives of it, in the order of publishing. */
async function roundTrip(bus: Bus, given: readonly unknown[]): Promise<unknown[]> {
  const seen: unknown[] = []
  const all = gate()
  bus.on('order.placed', ({ data }) => {
    seen.push(data)
    if (seen.length === given.length) all.open()
  })
  await bus.start()
  for (const data of given) await bus.publish('order.placed', data, { key: 'all' })
  await all.opened
  return seen
}

function sha(data: unknown): string {
  return createHash('sha256').update(JSON.stringify(data)).digest('hex')
}

function nest(levels: number): unknown {
  let data: unknown = 'core'
  for (let level = 0; level < levels; level++) data = [data]
  return data
}
