import { logStreamDriver } from '@eventsets/redis-streams'
import type { LogBatch, LogStreamReader, LogStreamReaderOptions, LogStreamWriter } from 'eventsets'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { newStream, openProxy, openServer, until } from './harness.ts'
import { hasRedisServer, type RedisServer, startRedis } from './redis-server.ts'

let server: RedisServer
beforeAll(async () => {
  if (hasRedisServer) server = await startRedis()
})
afterAll(() => server?.dispose())

interface Opened {
  readonly reader: LogStreamReader
  readonly errors: Error[]
  /** How often it was told that the server is back. */
  readonly returns: () => number
}

function openReader(url: string, options: Partial<LogStreamReaderOptions> = {}): Opened {
  const errors: Error[] = []
  let returns = 0
  const reader = logStreamDriver.openReader(url, {
    group: 'enrich',
    onError: (error) => errors.push(error),
    onBack: () => returns++,
    ...options,
  })
  onTestFinished(() => reader.close())
  return { reader, errors, returns: () => returns }
}

function openWriter(url: string, maxLen?: number): LogStreamWriter {
  const writer = logStreamDriver.openWriter(url, { maxLen })
  onTestFinished(() => writer.close())
  return writer
}

const bytesOf = (lines: readonly string[]) => lines.map((line) => Buffer.from(line))
const textsOf = (lines: readonly Uint8Array[]) => lines.map((line) => Buffer.from(line).toString())

async function readSome(reader: LogStreamReader): Promise<LogBatch> {
  const batch = await reader.read()
  if (!batch) throw new Error('It was stopped.')
  return batch
}

async function linesIn(own: RedisServer, key: string): Promise<string[]> {
  return (await own.admin.xrange(key, '-', '+')).map(([, fields]) => fields[1] as string)
}

async function pendingIn(own: RedisServer, key: string, group = 'enrich'): Promise<number> {
  return (await own.admin.xpending(key, group))[0] as number
}

async function consumersOf(own: RedisServer, key: string): Promise<string[]> {
  const rows = (await own.admin.xinfo('CONSUMERS', key, 'enrich')) as string[][]
  return rows.map(([, name]) => name as string).filter((name) => !name.startsWith('~'))
}

const here = () => {
  const key = newStream()
  return { key, url: `${server.url}/${key}` }
}

describe.runIf(hasRedisServer)('a reader of a stream of log lines', () => {
  it('reads what the writer has written, byte for byte and in order', async () => {
    const { url } = here()
    const lines = [...bytesOf(['{"msg":"ä"}', '', 'no JSON', '{"a":1}\r']), Buffer.from([0xff, 0x00, 0x80])]
    await openWriter(url).write(lines)

    const { reader } = openReader(url)
    const batch = await readSome(reader)

    expect(batch.lines.map((line) => Buffer.from(line))).toEqual(lines)
    expect(batch).toMatchObject({ redeliveredCount: 0, isDeadly: false })
    expect(await batch.acknowledge()).toBe(lines.length)
  })

  it('acknowledges and forwards in one step, and has nothing in hand afterwards', async () => {
    const { key, url } = here()
    const target = newStream()
    await openWriter(url).write(bytesOf(['a', 'b']))
    const { reader } = openReader(url)
    const writer = openWriter(`${server.url}/${target}`)

    const batch = await readSome(reader)
    await batch.acknowledge({ writer, lines: bytesOf(['A', 'B', 'C']) })

    expect(await linesIn(server, target)).toEqual(['A', 'B', 'C'])
    expect(await pendingIn(server, key)).toBe(0)
  })

  it('forwards no more than the stream is to keep', async () => {
    const { url } = here()
    const target = newStream()
    const writer = openWriter(`${server.url}/${target}`, 10)
    const lines = bytesOf(Array.from({ length: 500 }, (_, n) => `${n}`))
    await openWriter(url).write(lines)
    const { reader } = openReader(url)

    const batch = await readSome(reader)
    await batch.acknowledge({ writer, lines: batch.lines })

    expect(await server.admin.xlen(target)).toBeLessThan(500)
  })

  it('waits for lines, and takes those of other tools for records of their fields', async () => {
    const { key, url } = here()
    const { reader } = openReader(url)
    const reading = readSome(reader)
    await until(async () => (await server.admin.exists(key)) === 1)
    await server.admin.xadd(key, '*', 'level', '30', 'msg', 'a "quoted"\nä', '__proto__', 'x')

    const { lines } = await reading

    expect(textsOf(lines)).toHaveLength(1)
    const record = JSON.parse(textsOf(lines)[0] as string)
    expect(Object.entries(record)).toEqual([
      ['level', '30'],
      ['msg', 'a "quoted"\nä'],
      ['__proto__', 'x'],
    ])
  })

  it('takes several lines in one field for several lines', async () => {
    const { key, url } = here()
    await server.admin.xadd(key, '*', 'line', 'one\ntwo\n', 'more', 'x')
    const { reader } = openReader(url)

    const batch = await readSome(reader)

    expect(textsOf(batch.lines)).toEqual(['one', 'two'])
    expect(await batch.acknowledge()).toBe(2)
    expect(await pendingIn(server, key)).toBe(0)
  })

  it('reads huge lines one by one, whether they are new or another has left them', async () => {
    const { key, url } = here()
    const huge = Buffer.alloc(3_000_000, 'x')
    for (let n = 0; n < 3; n++) await server.admin.xadd(key, '*', 'line', huge)
    await server.admin.xgroup('CREATE', key, 'enrich', '0')
    await server.admin.xreadgroup('GROUP', 'enrich', 'dead#0', 'COUNT', 2, 'STREAMS', key, '>')
    const age = `for _, row in ipairs(redis.call('XPENDING', KEYS[1], 'enrich', '-', '+', 10)) do
      redis.call('XCLAIM', KEYS[1], 'enrich', row[2], 0, row[1], 'IDLE', 3600000, 'JUSTID') end`
    await server.admin.eval(age, 1, key)
    const { reader } = openReader(url, { claimIdleMs: 60_000 })

    const batches = []
    for (let n = 0; n < 3; n++) {
      const { lines, redeliveredCount, acknowledge } = await readSome(reader)
      batches.push([lines.length, redeliveredCount])
      await acknowledge()
    }

    expect(batches.filter(([count]) => count !== 1)).toEqual([])
    expect(batches.filter(([, repeated]) => repeated === 1)).toHaveLength(2)
  })

  it('never has more in hand than some megabytes of large lines', async () => {
    const { url } = here()
    const writer = openWriter(url)
    const large = Buffer.alloc(300_000, 'x')
    for (let n = 0; n < 5; n++) await writer.write(Array.from({ length: 20 }, () => large))
    const { reader } = openReader(url, { batch: 1000 })
    let count = 0
    let most = 0

    while (count < 100) {
      const batch = await readSome(reader)
      most = Math.max(most, batch.lines.length)
      count += await batch.acknowledge()
    }

    expect(count).toBe(100)
    expect(most).toBeLessThanOrEqual(16)
  })

  it.each([
    ['beginning', ['before', 'after']],
    ['now', ['after']],
  ] as const)('begins a new group at: %s', async (newGroups, expected) => {
    const { key, url } = here()
    const writer = openWriter(url)
    await writer.write(bytesOf(['before']))
    const { reader } = openReader(url, { newGroups })
    const seen: string[] = []
    const reading = (async () => {
      while (seen.length < expected.length) {
        const batch = await readSome(reader)
        seen.push(...textsOf(batch.lines))
        await batch.acknowledge()
      }
    })()
    await until(async () => ((await server.admin.xinfo('GROUPS', key)) as unknown[]).length === 1)
    await writer.write(bytesOf(['after']))

    await reading

    expect(seen).toEqual(expected)
  })

  it('gives each group everything', async () => {
    const { url } = here()
    await openWriter(url).write(bytesOf(['a', 'b', 'c']))
    const groups = ['enrich', 'a group: {of} hostile\u00a0name'].map((group) => openReader(url, { group }))

    const batches = await Promise.all(groups.map(({ reader }) => readSome(reader)))

    for (const batch of batches) expect(textsOf(batch.lines)).toEqual(['a', 'b', 'c'])
  })

  it('leaves what it has in hand to others at its end, at once and as if nobody had had it', async () => {
    const { key, url } = here()
    await openWriter(url).write(bytesOf(['a', 'b']))
    const first = openReader(url, { claimIdleMs: 60_000 })
    await readSome(first.reader)

    await first.reader.close()

    expect(await consumersOf(server, key)).toEqual([])
    const second = openReader(url, { claimIdleMs: 60_000 })
    const batch = await readSome(second.reader)
    expect(textsOf(batch.lines)).toEqual(['a', 'b'])
    const [row] = (await server.admin.xpending(key, 'enrich', '-', '+', 1)) as unknown[][]
    expect(row?.[3]).toBe(1)
    expect(await batch.acknowledge()).toBe(2)
  })

  it('ends its waiting when it is stopped, and reads no more', async () => {
    const { url } = here()
    const { reader } = openReader(url)
    const reading = reader.read()

    reader.stop()

    expect(await reading).toBeUndefined()
    expect(await reader.read()).toBeUndefined()
  })

  it('gives the same lines again that were not acknowledged', async () => {
    const { url } = here()
    await openWriter(url).write(bytesOf(['a']))
    const { reader } = openReader(url)
    const first = await readSome(reader)

    const second = await readSome(reader)

    expect(textsOf(second.lines)).toEqual(['a'])
    expect(second.redeliveredCount).toBe(1)
    expect(await first.acknowledge()).toBe(0)
    expect(await second.acknowledge()).toBe(1)
  })

  it('says all that is wrong with its options', () => {
    const open = () =>
      logStreamDriver.openReader('redis://localhost/logs', {
        group: '',
        batch: 0,
        claimIdleMs: 1,
        onError: () => {},
      })

    expect(open).toThrow(
      expect.objectContaining({
        code: 'EVENTSETS_INVALID_OPTIONS',
        issues: ['group', 'batch', 'claimIdleMs'].map((path) => expect.objectContaining({ path })),
      }),
    )
  })
})

describe.runIf(hasRedisServer)('a reader that is taken for dead', () => {
  it('has its lines taken over; what it says of them later counts nothing and forwards nothing', async () => {
    const { key, url } = here()
    const target = newStream()
    await openWriter(url).write(bytesOf(['a', 'b']))
    const slow = openReader(url, { claimIdleMs: 60_000, consumer: 'slow' })
    const batch = await readSome(slow.reader)
    await server.admin.eval(
      // As if it had not been heard of for an hour.
      `for _, row in ipairs(redis.call('XPENDING', KEYS[1], 'enrich', '-', '+', 10)) do
         redis.call('XCLAIM', KEYS[1], 'enrich', row[2], 0, row[1], 'IDLE', 3600000, 'JUSTID') end`,
      1,
      key,
    )
    const heir = openReader(url, { claimIdleMs: 60_000 })
    const taken = await readSome(heir.reader)
    const writer = openWriter(`${server.url}/${target}`)

    expect(await batch.acknowledge({ writer, lines: bytesOf(['late']) })).toBe(0)

    expect(textsOf(taken.lines)).toEqual(['a', 'b'])
    expect(taken.redeliveredCount).toBe(2)
    expect(await pendingIn(server, key)).toBe(2)
    expect(await taken.acknowledge({ writer, lines: taken.lines })).toBe(2)
    expect(await linesIn(server, target)).toEqual(['a', 'b'])
  })

  it('does what is left of a batch once more when only a part was taken over', async () => {
    const { key, url } = here()
    const target = newStream()
    await openWriter(url).write(bytesOf(['a', 'b', 'c']))
    const { reader } = openReader(url)
    const batch = await readSome(reader)
    const [, middle] = (await server.admin.xrange(key, '-', '+')).map(([id]) => id)
    await server.admin.xclaim(key, 'enrich', 'somebody', 0, middle as string)
    const writer = openWriter(`${server.url}/${target}`)

    expect(await batch.acknowledge({ writer, lines: bytesOf(['A', 'B', 'C']) })).toBe(0)
    const rest = await readSome(reader)

    expect(await linesIn(server, target)).toEqual([])
    expect(textsOf(rest.lines)).toEqual(['a', 'c'])
    expect(await rest.acknowledge({ writer, lines: rest.lines })).toBe(2)
    expect(await linesIn(server, target)).toEqual(['a', 'c'])
  })

  it('is not, as long as it only takes long', async () => {
    const { url } = here()
    await openWriter(url).write(bytesOf(['a']))
    const claimIdleMs = 300
    const slow = openReader(url, { claimIdleMs })
    const batch = await readSome(slow.reader)
    const other = openReader(url, { claimIdleMs })
    let hasOther = false
    const reading = other.reader.read().then((read) => {
      hasOther = read !== undefined
    })
    const begunMs = performance.now()

    await until(() => performance.now() - begunMs > claimIdleMs * 3)

    expect(hasOther).toBe(false)
    expect(await batch.acknowledge()).toBe(1)
    other.reader.stop()
    await reading
  })

  it('is not, as long as it only has nothing to do', async () => {
    const { key, url } = here()
    const claimIdleMs = 200
    const readers = [1, 2].map(() => openReader(url, { claimIdleMs }).reader)
    const reading = readers.map((reader) => reader.read())
    await until(async () => (await server.admin.exists(key)) === 1)
    await until(async () => (await consumersOf(server, key)).length === 2)
    const names = await consumersOf(server, key)
    const begunMs = performance.now()

    await until(() => performance.now() - begunMs > claimIdleMs * 3)

    expect(await consumersOf(server, key)).toEqual(names)
    for (const reader of readers) reader.stop()
    await Promise.all(reading)
  })

  it('disappears from the group when it has nothing and was not heard of', async () => {
    const { key, url } = here()
    await openWriter(url).write(bytesOf(['a']))
    const { reader } = openReader(url, { claimIdleMs: 200 })
    await (await readSome(reader)).acknowledge()
    await server.admin.xgroup('CREATECONSUMER', key, 'enrich', 'killed#0123abcd')
    await server.admin.xgroup('CREATECONSUMER', key, 'enrich', 'of other tools')
    const reading = reader.read()

    await until(async () => !(await consumersOf(server, key)).includes('killed#0123abcd'))

    expect(await consumersOf(server, key)).toHaveLength(2)
    reader.stop()
    await reading
  })
})

/** How often each line in hand was handed out, as the server counts. */
async function deliveriesIn(own: RedisServer, key: string): Promise<number[]> {
  const rows = (await own.admin.xpending(key, 'enrich', '-', '+', 1000)) as unknown[][]
  return rows.map((row) => row[3] as number)
}

describe.runIf(hasRedisServer)('a line that nobody has died of', () => {
  it('is not counted once more when the answer was lost on its way', async () => {
    const own = await openServer()
    const proxy = await openProxy(own)
    await openWriter(`${own.url}/logs`).write(bytesOf(['a', 'b']))
    const { reader } = openReader(`${proxy.url}/logs`)
    await readSome(reader)

    for (let n = 0; n < 6; n++) {
      proxy.cutNextAnswers(1)
      const { lines, redeliveredCount } = await readSome(reader)
      expect([textsOf(lines), redeliveredCount]).toEqual([['a', 'b'], 2])
    }

    expect(proxy.cuts).toBeGreaterThan(5)
    expect(await deliveriesIn(own, 'logs')).toEqual([1, 1])
  })

  it('was handed out once when somebody had waited for it', async () => {
    const { key, url } = here()
    const { reader } = openReader(url)
    const reading = readSome(reader)
    await until(async () => (await server.admin.info('clients')).includes('blocked_clients:1'))
    await server.admin.xadd(key, '*', 'line', 'a')

    const batch = await reading

    expect(batch.redeliveredCount).toBe(0)
    expect(await deliveriesIn(server, key)).toEqual([1])
    expect(await batch.acknowledge()).toBe(1)
  })
})

describe.runIf(hasRedisServer)('lines that kill whoever has them in hand', () => {
  /** Dies of the next batch, as far as the server knows. */
  const die = async (key: string, url: string): Promise<LogBatch> => {
    const { reader } = openReader(url, { claimIdleMs: 100_000 })
    await readSome(reader)
    // What it was told of them is not forgotten when they are read once more.
    const batch = await readSome(reader)
    const ids = (await server.admin.xrange(key, '-', '+')).map(([id]) => id)
    const age = `for _, id in ipairs(ARGV) do for _, row in ipairs(redis.call('XPENDING', KEYS[1], 'enrich', id, id, 1)) do
      redis.call('XCLAIM', KEYS[1], 'enrich', 'dead', 0, id, 'IDLE', 3600000, 'RETRYCOUNT', row[4], 'JUSTID') end end`
    await server.admin.eval(age, 1, key, ...ids)
    return batch
  }

  it('come alone after two deaths, then are not to be looked into, and at last are moved away', async () => {
    const { key, url } = here()
    await openWriter(url).write(bytesOf(['a', 'deadly', 'c']))

    const batches = [await die(key, url), await die(key, url)]
    expect(batches.map(({ lines }) => textsOf(lines))).toEqual([
      ['a', 'deadly', 'c'],
      ['a', 'deadly', 'c'],
    ])
    const { reader } = openReader(url, { claimIdleMs: 50_000 })
    const alone = await readSome(reader)
    expect(textsOf(alone.lines)).toEqual(['a'])
    expect(await alone.acknowledge()).toBe(1)
    await reader.close()

    const third = await die(key, url)
    expect(textsOf(third.lines)).toEqual(['deadly'])
    expect(third.isDeadly).toBe(false)
    const innocent = await die(key, url)
    expect(textsOf(innocent.lines)).toEqual(['deadly'])
    expect(innocent.isDeadly).toBe(true)
    await die(key, url)
    const last = openReader(url, { claimIdleMs: 50_000 })
    const rest = await readSome(last.reader)

    expect(textsOf(rest.lines)).toEqual(['c'])
    expect(rest.isDeadly).toBe(false)
    expect(await rest.acknowledge()).toBe(1)
    expect(await linesIn(server, `{${key}}:dead`)).toEqual(['deadly'])
    expect(last.errors[0]?.message).toContain(':dead')
    expect(await pendingIn(server, key)).toBe(0)
  })
})

describe.runIf(hasRedisServer)('a reader whose server', () => {
  it('is away waits for it, and tells when it is gone and when it is back', async () => {
    const own = await openServer({ appendFsync: 'always' })
    const url = `${own.url}/logs`
    const { reader, errors, returns } = openReader(url)
    await openWriter(url).write(bytesOf(['a']))
    const first = await readSome(reader)
    await own.kill()
    const acknowledging = first.acknowledge()
    await until(() => errors.length === 1)

    await own.start()
    expect(await acknowledging).toBe(1)
    await openWriter(url).write(bytesOf(['b']))
    const second = await readSome(reader)

    expect(textsOf(second.lines)).toEqual(['b'])
    expect(errors).toEqual([expect.objectContaining({ code: 'EVENTSETS_CONNECTION' })])
    expect(returns()).toBe(1)
  })

  it.each([
    ['lost everything', ['FLUSHALL']],
    ['lost the stream', ['DEL', 'logs']],
    ['lost the group', ['XGROUP', 'DESTROY', 'logs', 'enrich']],
    ['lost the scripts', ['SCRIPT', 'FLUSH']],
  ])('has %s goes on with what is written from then on, and forwards what is in hand', async (_, command) => {
    const own = await openServer()
    const url = `${own.url}/logs`
    const source = openWriter(url)
    const writer = openWriter(`${own.url}/new`)
    await source.write(bytesOf(['a', 'b']))
    const { reader, errors } = openReader(url)
    const inHand = await readSome(reader)
    const [name = '', ...args] = command
    await own.admin.call(name, ...args)

    expect(await inHand.acknowledge({ writer, lines: inHand.lines })).toBe(2)
    await source.write(bytesOf(['c']))
    const next = await readSome(reader)
    await next.acknowledge({ writer, lines: next.lines })

    expect(textsOf(next.lines)).toEqual(['c'])
    expect(await linesIn(own, 'new')).toEqual(['a', 'b', 'c'])
    expect(errors).toEqual([])
  })

  it('answers into nothing neither loses nor doubles a line', async () => {
    const own = await openServer()
    const proxy = await openProxy(own)
    const count = 3000
    await openWriter(`${own.url}/logs`).write(bytesOf(Array.from({ length: count }, (_, n) => `${n}`)))
    const { reader } = openReader(`${proxy.url}/logs`, { batch: 100 })
    const writer = openWriter(`${proxy.url}/new`)
    let batches = 0

    while ((await own.admin.xlen('new')) < count) {
      const batch = await readSome(reader)
      if (batches++ % 3 === 0) proxy.cutNextAnswers(1)
      await batch.acknowledge({ writer, lines: batch.lines })
    }

    expect(proxy.cuts).toBeGreaterThan(5)
    expect(await linesIn(own, 'new')).toEqual(Array.from({ length: count }, (_, n) => `${n}`))
    expect(await pendingIn(own, 'logs')).toBe(0)
  })

  it('has something else under the name says so', async () => {
    const { key, url } = here()
    await server.admin.set(key, 'mine')
    const { reader } = openReader(url)

    await expect(reader.read()).rejects.toMatchObject({
      code: 'EVENTSETS_CONNECTION',
      message: `The key ${key} holds a string and no stream.`,
    })
    expect(await server.admin.get(key)).toBe('mine')
  })

  it('lets nobody in without a password says so, and names none', async () => {
    const own = await openServer()
    await own.admin.config('SET', 'requirepass', 'secret-one')
    const wrong = openReader(`redis://:secret-two@127.0.0.1:${own.port}/logs`)
    const none = openReader(`${own.url}/logs`)

    for (const { reader } of [wrong, none]) {
      const error = await reader.read().then(
        () => undefined,
        (reason: Error) => reason,
      )
      expect(error).toMatchObject({ code: 'EVENTSETS_CONNECTION' })
      expect(`${error?.message}${(error as { hint?: string }).hint}`).not.toMatch(/secret/)
    }
  })

  it('has no memory left keeps the lines until it has', async () => {
    const own = await openServer()
    const writer = openWriter(`${own.url}/new`)
    await openWriter(`${own.url}/logs`).write(bytesOf(['a']))
    const { reader, errors } = openReader(`${own.url}/logs`)
    const batch = await readSome(reader)
    await own.admin.config('SET', 'maxmemory', '1')
    const acknowledging = batch.acknowledge({ writer, lines: batch.lines })
    await until(() => errors.length > 0)
    expect(await own.admin.exists('new')).toBe(0)

    await own.admin.config('SET', 'maxmemory', '0')
    await acknowledging

    expect(await linesIn(own, 'new')).toEqual(['a'])
  })
})
