import { once } from 'node:events'
import { type ClientRequest, createServer, type IncomingHttpHeaders, request } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import fc from 'fast-check'
import { EventSource } from 'undici'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type BusBackend,
  type BusEvent,
  type Clock,
  EventBus,
  type EventBusOptions,
  memoryBackend,
  Priority,
  SSE_END,
  SSE_GAP,
  type SseEnd,
  type SseOptions,
} from '../../src/bus/index.ts'
import { ValidationError } from '../../src/core/errors.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { makeFile, openBackend } from './sqlite-files.ts'

interface Message {
  readonly id: string | undefined
  readonly event: string
  readonly data: string
}

/** Reads a stream as the HTML standard says that a browser has to; comments and times to wait are kept beside. */
function createParser() {
  const messages: Message[] = []
  const comments: string[] = []
  const retries: number[] = []
  let rest = ''
  let lastEventId: string | undefined
  let event = ''
  let data: string[] = []
  let id: string | undefined
  const onLine = (line: string) => {
    if (line === '') {
      lastEventId = id ?? lastEventId
      if (data.length > 0) messages.push({ id, event: event || 'message', data: data.join('\n') })
      event = ''
      data = []
      id = undefined
      return
    }
    if (line.startsWith(':')) return void comments.push(line.slice(1))
    const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
    if (field === 'event') event = value
    else if (field === 'data') data.push(value)
    else if (field === 'id' && !value.includes('\0')) id = value
    else if (field === 'retry' && /^\d+$/.test(value)) retries.push(Number(value))
  }
  return {
    messages,
    comments,
    retries,
    get lastEventId() {
      return lastEventId
    },
    write(text: string) {
      const lines = (rest + text).split(/\r\n|\r|\n/)
      rest = lines.pop() ?? ''
      for (const line of lines) onLine(line)
    },
  }
}

/** Serves a bus. `ends` has the reason of each answer that has ended, and what it was rejected with. */
async function serve(bus: EventBus, pattern = '**', options: SseOptions = {}) {
  const ends: (SseEnd | Error)[] = []
  const waiting: { readonly count: number; readonly resolve: () => void }[] = []
  const settle = (end: SseEnd | Error) => {
    ends.push(end)
    for (const { count, resolve } of waiting) if (ends.length >= count) resolve()
  }
  const server = createServer((incoming, response) => {
    bus.sse(incoming, response, pattern, options).then(settle, settle)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/events`,
    port,
    server,
    ends,
    /** Waits until so many answers have ended. */
    ended: (count = 1) =>
      new Promise<void>((resolve) => {
        if (ends.length >= count) resolve()
        else waiting.push({ count, resolve })
      }),
  }
}

interface Client {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly parser: ReturnType<typeof createParser>
  /** Waits until something holds, and no longer than the stream lasts. */
  until(holds: () => boolean): Promise<void>
  readonly messages: readonly Message[]
  /** The body, when it has ended. */
  readonly body: Promise<string>
  readonly request: ClientRequest
  close(): void
}

async function open(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Client> {
  const outgoing = request(url, { headers, method, agent: false })
  outgoing.end()
  const [response] = await once(outgoing, 'response')
  const parser = createParser()
  const checks = new Set<() => void>()
  let text = ''
  let isOver = false
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    text += chunk
    parser.write(chunk)
    for (const check of checks) check()
  })
  response.on('error', () => {})
  outgoing.on('error', () => {})
  const body = new Promise<string>((resolve) => {
    response.on('close', () => {
      isOver = true
      for (const check of checks) check()
      resolve(text)
    })
  })
  onTestFinished(() => void outgoing.destroy())
  return {
    status: response.statusCode,
    headers: response.headers,
    parser,
    messages: parser.messages,
    body,
    request: outgoing,
    until: (holds) =>
      new Promise((resolve, reject) => {
        const check = () => {
          if (holds()) resolve()
          else if (isOver) reject(new Error(`the stream has ended: ${text}`))
          else return
          checks.delete(check)
        }
        checks.add(check)
        check()
      }),
    close: () => void outgoing.destroy(),
  }
}

const names = (client: Client) => client.messages.map(({ event }) => event)
const data = (client: Client) => client.messages.map((message) => JSON.parse(message.data))

describe('a client', () => {
  it('gets headers at once that keep proxies and compressors from waiting', async () => {
    const { url } = await serve(new EventBus())

    const { status, headers } = await open(url)

    expect(status).toBe(200)
    expect(headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    expect(headers).not.toHaveProperty('content-length')
    expect(headers).not.toHaveProperty('content-encoding')
  })

  it('gets id, name and data of each event of the pattern', async () => {
    const bus = new EventBus()
    const { url } = await serve(bus, 'order.*')
    const client = await open(url)

    const paid = await bus.publish('order.paid', { id: 17 })
    await bus.publish('user.created', { id: 18 })
    const sent = await bus.publish('order.sent', { id: 19 })
    await client.until(() => client.messages.length === 2)

    expect(client.messages).toEqual([
      { id: paid.id, event: 'order.paid', data: '{"id":17}' },
      { id: sent.id, event: 'order.sent', data: '{"id":19}' },
    ])
  })

  it('gets what is emitted too, without an id: it could not come back to it', async () => {
    const bus = new EventBus()
    const { url } = await serve(bus)
    const client = await open(url)

    const published = await bus.publish('order.paid', 1)
    await client.until(() => client.messages.length === 1)
    await bus.emit('progress', 50)
    await client.until(() => client.messages.length === 2)

    expect(client.messages[1]).toEqual({ id: undefined, event: 'progress', data: '50' })
    expect(client.parser.lastEventId).toBe(published.id)
  })

  it('gets only what the filter lets through', async () => {
    const bus = new EventBus()
    const { url } = await serve(bus, 'order.*', { filter: { path: 'data.plan', eq: 'pro' } })
    const client = await open(url)

    await bus.publish('order.paid', { plan: 'free' })
    await bus.publish('order.paid', { plan: 'pro' })
    await client.until(() => client.messages.length === 1)

    expect(data(client)).toEqual([{ plan: 'pro' }])
  })

  it('gets what is chosen for it, and no names when it wants all at one place', async () => {
    const bus = new EventBus()
    const { url } = await serve(bus, '**', {
      isNamed: false,
      select: ({ name, data }) => ({ name, total: (data as { total: number }).total }),
    })
    const client = await open(url)

    await bus.publish('order.paid', { total: 5, card: '4111' })
    await client.until(() => client.messages.length === 1)

    expect(names(client)).toEqual(['message'])
    expect(data(client)).toEqual([{ name: 'order.paid', total: 5 }])
  })

  it('is told how long to wait before it comes back', async () => {
    const { url } = await serve(new EventBus(), '**', { retryMs: 1500 })
    const client = await open(url)

    await client.until(() => client.parser.retries.length > 0)

    expect(client.parser.retries).toEqual([1500])
  })

  it('gets a comment now and then, and nothing else by it', async () => {
    const clock = fakeClock()
    const { url } = await serve(new EventBus({ clock }), '**', { heartbeatMs: 1000 })
    const client = await open(url)

    await clock.advance(3000)
    await client.until(() => client.parser.comments.length === 3)

    expect(client.messages).toEqual([])
  })

  it('can be undici’s EventSource, which comes back by itself for what it has missed', async () => {
    const bus = new EventBus()
    const { url, server } = await serve(bus, 'order.*', { retryMs: 1 })
    const source = new EventSource(url)
    onTestFinished(() => source.close())
    const got: unknown[] = []
    let resolve = () => {}
    const listen = (count: number) =>
      new Promise<void>((done) => {
        resolve = () => got.length === count && done()
        resolve()
      })
    source.addEventListener('order.paid', (event) => {
      got.push(JSON.parse((event as MessageEvent).data))
      resolve()
    })
    await once(source as unknown as EventTarget, 'open')

    await bus.publish('order.paid', 1)
    await listen(1)
    const isBack = once(source as unknown as EventTarget, 'open')
    server.closeAllConnections()
    await bus.publish('order.paid', 2)
    await isBack
    await bus.publish('order.paid', 3)
    await listen(3)

    expect(got).toEqual([1, 2, 3])
  })

  it('can be fetch, however the bytes are cut', async () => {
    const bus = new EventBus()
    const { url } = await serve(bus)
    const controller = new AbortController()
    const response = await fetch(url, { signal: controller.signal })
    const parser = createParser()
    const decoder = new TextDecoder()

    await bus.publish('order.paid', { city: 'Zürich', note: '🚚' })
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    while (parser.messages.length === 0) {
      const { value = new Uint8Array() } = await reader.read()
      for (const byte of value) parser.write(decoder.decode(new Uint8Array([byte]), { stream: true }))
    }
    controller.abort()

    expect(JSON.parse(parser.messages[0]?.data ?? '')).toEqual({ city: 'Zürich', note: '🚚' })
  })
})

describe('any event', () => {
  it('arrives as it was: data, name and id', async () => {
    const bus = new EventBus()
    const { url } = await serve(bus)
    const client = await open(url)
    const ids = new Set<string>()

    await fc.assert(
      fc.asyncProperty(
        fc.jsonValue(),
        fc.constantFrom('order.paid', 'bestellung.bezahlt.früh', 'a:b', '🚚', 'data'),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 50 }).filter((id) => !ids.has(id)),
        async (json, name, id) => {
          ids.add(id)
          const before = client.messages.length

          await bus.publish(name, json, { id })
          await client.until(() => client.messages.length > before)

          const message = client.messages.at(-1) as Message
          expect(message.event).toBe(name)
          expect(JSON.parse(message.data)).toEqual(JSON.parse(JSON.stringify(json)))
          expect(decodeURIComponent(message.id as string)).toBe(id)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('without data arrives with null, since a browser shows no event without data', async () => {
    const bus = new EventBus()
    const { url } = await serve(bus)
    const client = await open(url)

    await bus.publish('tick', undefined)
    await client.until(() => client.messages.length === 1)

    expect(data(client)).toEqual([null])
  })

  it('cannot begin another one, whatever its name from a foreign history', async () => {
    const forged = `a\ndata: "forged"\r\n\r\nevent: b`
    const event = { id: '2', name: forged, data: 1, source: 's', time: 1, correlationId: '2', priority: 50 }
    const backend: BusBackend = {
      ...memoryBackend(),
      async *replay() {
        yield event
      },
    }
    const { url } = await serve(new EventBus({ backend }))

    const client = await open(url, { 'last-event-id': '1' })
    await client.until(() => client.messages.length === 1)

    expect(client.messages).toEqual([{ id: '2', event: 'a data: "forged"    event: b', data: '1' }])
  })

  it('that cannot be shown is told to onError, and keeps nobody from the next one', async () => {
    const errors: string[] = []
    const bus = new EventBus({ onError: ({ message }) => errors.push(message) })
    const { url } = await serve(bus, '**', {
      select: ({ data }) => {
        if (data === 1) throw new Error('not shown')
        return data
      },
    })
    const client = await open(url)

    await bus.publish('tick', 1)
    await bus.publish('tick', 2)
    await client.until(() => client.messages.length === 1)

    expect(data(client)).toEqual([2])
    expect(errors).toEqual(['The event "tick" could not be sent to a client: not shown'])
    expect(await bus.deadLetters.list()).toEqual([])
  })

  const circular: { self?: unknown } = {}
  circular.self = circular

  it.each([
    ['a promise', async () => 1, 'EVENTSETS_INVALID_OPTIONS'],
    ['a promise that rejects', () => Promise.reject(new Error('later')), 'EVENTSETS_INVALID_OPTIONS'],
    ['a Map', () => new Map([[1, 2]]), 'EVENTSETS_SERIALIZATION'],
    ['a BigInt', () => ({ total: 1n }), 'EVENTSETS_SERIALIZATION'],
    ['what leads back to itself', () => circular, 'EVENTSETS_SERIALIZATION'],
    [
      'nothing but an error',
      () => {
        throw new TypeError('no')
      },
      'EVENTSETS_HANDLER',
    ],
  ])('of which "select" gives %s is not sent, and told by its code', async (_, choose, code) => {
    const codes: string[] = []
    const bus = new EventBus({ onError: (error) => codes.push(error.code) })
    const { url } = await serve(bus, '**', {
      select: ({ data }) => (data === 'shown' ? data : choose()),
    })
    const client = await open(url)

    await bus.publish('tick', 'odd')
    await bus.publish('tick', 'shown')
    await client.until(() => client.messages.length === 1)

    expect(data(client)).toEqual(['shown'])
    expect(codes).toEqual([code])
  })

  it('that was emitted with what JSON cannot hold is not sent as something else', async () => {
    const codes: string[] = []
    const bus = new EventBus({ onError: (error) => codes.push(error.code) })
    const { url } = await serve(bus)
    const client = await open(url)

    await bus.emit('tick', new Map([['a', 1]]))
    await bus.emit('tick', circular)
    await bus.emit('tick', 3)
    await client.until(() => client.messages.length === 1)

    expect(data(client)).toEqual([3])
    expect(codes).toEqual(['EVENTSETS_SERIALIZATION', 'EVENTSETS_SERIALIZATION'])
  })
})

describe('a client that comes back', () => {
  it('gets what was published for later when its time has come, and not before', async () => {
    const clock = fakeClock()
    const bus = new EventBus({ clock })
    bus.on('order.*', () => {})
    const { url } = await serve(bus, 'order.*')
    const { id } = await bus.publish('order.placed', 1)
    await bus.publish('order.late', 2, { deliverAt: clock.now() + 60_000 })
    await bus.publish('order.paid', 3)

    const client = await open(url, { 'last-event-id': id })
    await client.until(() => client.messages.length === 1)
    await clock.advance(60_000)
    await client.until(() => client.messages.length === 2)

    expect(data(client)).toEqual([3, 2])
  })

  it('gets what it has missed, then what comes, each once and in order', async () => {
    const bus = new EventBus()
    const { url, ended } = await serve(bus, 'order.*')
    const first = await open(url)
    await bus.publish('order.n1', 1)
    await bus.publish('order.n2', 2)
    await first.until(() => first.messages.length === 2)
    first.close()
    await ended()
    await bus.publish('order.n3', 3)
    await bus.publish('user.created', 0)
    await bus.publish('order.n4', 4)

    const second = await open(url, { 'last-event-id': first.parser.lastEventId as string })
    await second.until(() => second.messages.length === 2)
    await bus.publish('order.n5', 5)
    await second.until(() => second.messages.length === 3)

    expect(data(second)).toEqual([3, 4, 5])
  })

  it('finds its place by an id of any form', async () => {
    const bus = new EventBus()
    const { url } = await serve(bus)
    const odd = 'order/17 100 % ü 🚚\n\0'
    const first = await open(url)
    await bus.publish('tick', 1, { id: odd })
    await first.until(() => first.messages.length === 1)
    await bus.publish('tick', 2)

    const second = await open(url, { 'last-event-id': first.parser.lastEventId as string })
    await second.until(() => second.messages.length === 1)

    expect(data(second)).toEqual([2])
  })

  it('gets what it has missed from a bus that has begun anew, out of its file', async () => {
    const file = makeFile()
    const before = new EventBus({ backend: openBackend(file) })
    const { url: oldUrl } = await serve(before, 'order.*')
    await before.start()
    const first = await open(oldUrl)
    await before.publish('order.n1', 1)
    await first.until(() => first.messages.length === 1)
    await before.close()

    const after = new EventBus({ backend: openBackend(file) })
    await after.start()
    await after.publish('order.n2', 2)
    const { url } = await serve(after, 'order.*')
    const second = await open(url, { 'last-event-id': first.parser.lastEventId as string })
    await second.until(() => second.messages.length === 1)
    await after.publish('order.n3', 3)
    await second.until(() => second.messages.length === 2)
    const stranger = await open(url, { 'last-event-id': 'unknown' })
    await stranger.until(() => stranger.messages.length === 1)

    expect(data(second)).toEqual([2, 3])
    expect(names(stranger)).toEqual([SSE_GAP])
    await after.close()
  })

  it('gets only what the filter lets through of what it has missed', async () => {
    const bus = new EventBus()
    const { url } = await serve(bus, '**', { filter: { path: 'data.plan', eq: 'pro' } })
    const { id } = await bus.publish('tick', {})
    await bus.publish('tick', { plan: 'free' })
    await bus.publish('tick', { plan: 'pro' })

    const client = await open(url, { 'last-event-id': id })
    await client.until(() => client.messages.length === 1)

    expect(data(client)).toEqual([{ plan: 'pro' }])
  })

  it.each([
    ['gives nothing', () => undefined, 0],
    ['gives a promise', () => Promise.resolve(true), 1],
    [
      'throws',
      () => {
        throw new Error('no route')
      },
      1,
    ],
  ])(
    'gets as little of what it has missed as of what happens with a filter that %s',
    async (_, filter, told) => {
      const errors: Error[] = []
      const bus = new EventBus({ onError: (error) => errors.push(error) })
      const wanted = (event: BusEvent) => event.data === 'wanted' || (filter() as never)
      const { url } = await serve(bus, 'tick', { filter: wanted })
      const { id } = await bus.publish('tick', 0)
      for (const n of [1, 'wanted', 2]) await bus.publish('tick', n)

      const client = await open(url, { 'last-event-id': id })
      await client.until(() => client.messages.length === 1)
      for (const n of [3, 'wanted']) await bus.publish('tick', n)
      await client.until(() => client.messages.length === 2)

      expect(data(client)).toEqual(['wanted', 'wanted'])
      // It may be the same with each event.
      expect(errors).toHaveLength(told)
    },
  )

  it('can be told where to begin by the application, unless it says so itself', async () => {
    const bus = new EventBus()
    const { id: first } = await bus.publish('tick', 1)
    const { id: second } = await bus.publish('tick', 2)
    await bus.publish('tick', 3)
    const { url } = await serve(bus, '**', { lastEventId: first })

    const fresh = await open(url)
    await fresh.until(() => fresh.messages.length === 2)
    const back = await open(url, { 'last-event-id': second })
    await back.until(() => back.messages.length === 1)

    expect([data(fresh), data(back)]).toEqual([[2, 3], [3]])
  })

  it('misses nothing and gets nothing twice that happens while it catches up', async () => {
    const inner = memoryBackend()
    let resume = () => {}
    let onSecond = () => {}
    const isAtSecond = new Promise<void>((resolve) => {
      onSecond = resolve
    })
    const backend: BusBackend = {
      ...inner,
      async *replay(query) {
        let count = 0
        for await (const event of inner.replay?.(query) ?? []) {
          if (++count === 2) {
            onSecond()
            await new Promise<void>((resolve) => {
              resume = resolve
            })
            // What was published meanwhile is in a history that is read as it grows.
            yield* inner.replay?.({ ...query, afterId: firstMissed }) ?? []
            return
          }
          yield event
        }
      },
    }
    const bus = new EventBus({ backend })
    const { url } = await serve(bus)
    const { id } = await bus.publish('tick', 0)
    const { id: firstMissed } = await bus.publish('tick', 1)
    await bus.publish('tick', 2)

    const client = await open(url, { 'last-event-id': id })
    await isAtSecond
    await bus.publish('tick', 3)
    await bus.emit('progress', 'live only')
    await bus.idle()
    resume()
    await client.until(() => client.messages.length === 4)
    await bus.publish('tick', 4)
    await client.until(() => client.messages.length === 5)

    expect(data(client)).toEqual([1, 2, 3, 'live only', 4])
  })

  it('gets an event once that it has from the history before the bus hands it out', async () => {
    const bus = new EventBus({ concurrency: 1 })
    const { id } = await bus.publish('tick', 0)
    let release = () => {}
    const isReleased = new Promise<void>((resolve) => {
      release = resolve
    })
    bus.on('tick', ({ data }) => (data === 1 ? isReleased : undefined))
    const { url } = await serve(bus)
    const keepsUp = await open(url)
    await bus.publish('tick', 1)
    await bus.publish('tick', 2)

    const client = await open(url, { 'last-event-id': id })
    await client.until(() => client.messages.length === 2)
    release()
    await bus.publish('tick', 3)
    await keepsUp.until(() => data(keepsUp).includes(3))
    await client.until(() => data(client).includes(3))

    expect(data(client)).toEqual([1, 2, 3])
    expect(data(keepsUp)).toEqual([1, 2, 3])
  })

  it('gets each event once and in order when more than its buffer holds is still to be handed out', async () => {
    const bus = new EventBus()
    bus.on('tick', () => {})
    const { url } = await serve(bus, '**', { bufferSize: 5 })
    await bus.publish('tick', 0, { id: 'e0' })
    await bus.idle()
    await bus.pause()
    for (let at = 1; at <= 20; at++) await bus.publish('tick', at)
    const client = await open(url, { 'last-event-id': 'e0' })
    await client.until(() => client.messages.length === 20)

    await bus.resume()
    await bus.idle()
    for (let at = 21; at <= 25; at++) await bus.publish('tick', at)
    await client.until(() => data(client).includes(25))

    expect(data(client)).toEqual(Array.from({ length: 25 }, (_, at) => at + 1))
  })

  it.each([
    ['memory', () => memoryBackend()],
    ['SQLite', () => openBackend(makeFile())],
  ])(
    'gets each event once and in order from %s, whatever is handed out and published when',
    async (_, create) => {
      await fc.assert(
        fc.asyncProperty(
          fc.record({
            bufferSize: fc.integer({ min: 1, max: 8 }),
            handled: fc.integer({ min: 0, max: 12 }),
            held: fc.integer({ min: 0, max: 20 }),
            concurrency: fc.integer({ min: 1, max: 4 }),
            later: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 6 }),
            isResumedFirst: fc.boolean(),
          }),
          async ({ bufferSize, handled, held, concurrency, later, isResumedFirst }) => {
            const bus = new EventBus({ backend: create(), concurrency })
            bus.on('tick', () => {})
            await bus.start()
            const { url } = await serve(bus, '**', { bufferSize })
            let count = 0
            const publish = () => bus.publish('tick', ++count)
            await bus.publish('tick', 0, { id: 'e0' })
            for (let at = 0; at < handled; at++) await publish()
            await bus.idle()
            await bus.pause()
            for (let at = 0; at < held; at++) await publish()

            const client = await open(url, { 'last-event-id': 'e0' })
            if (!isResumedFirst) await client.until(() => client.messages.length === count)
            await bus.resume()
            for (const several of later) {
              await Promise.all(Array.from({ length: several }, publish))
              await new Promise((resolve) => setImmediate(resolve))
            }
            await bus.idle()
            await bus.publish('tick', 'last')
            await client.until(() => data(client).includes('last'))

            const all = Array.from({ length: count }, (_, at) => at + 1)
            expect(data(client)).toEqual([...all, 'last'])
            client.close()
            await bus.close()
          },
        ),
        { numRuns: 60 },
      )
    },
  )

  it('gets what comes while the history is read, even if it is more than its buffer holds', async () => {
    const inner = memoryBackend()
    let resume = () => {}
    let onFirst = () => {}
    const isAtFirst = new Promise<void>((resolve) => {
      onFirst = resolve
    })
    let reads = 0
    const backend: BusBackend = {
      ...inner,
      async *replay(query) {
        for await (const event of inner.replay?.(query) ?? []) {
          yield event
          if (++reads > 1) continue
          onFirst()
          await new Promise<void>((resolve) => {
            resume = resolve
          })
        }
      },
    }
    const bus = new EventBus({ backend })
    const { url } = await serve(bus, '**', { bufferSize: 2 })
    const { id } = await bus.publish('tick', 0)
    await bus.publish('tick', 1)

    const client = await open(url, { 'last-event-id': id })
    await isAtFirst
    for (let at = 2; at <= 9; at++) await bus.publish('tick', at)
    await bus.idle()
    resume()
    await client.until(() => data(client).includes(9))
    await bus.publish('tick', 10)
    await client.until(() => data(client).includes(10))

    expect(data(client)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  it('is not told of a gap when its place leaves the history, and nothing is missing', async () => {
    const bus = new EventBus({ backend: memoryBackend({ historySize: 20 }) })
    bus.on('**', () => {})
    const { url } = await serve(bus, 'rare', { bufferSize: 2 })
    await bus.publish('rare', 0, { id: 'e0' })
    for (let at = 1; at <= 5; at++) await bus.publish('rare', at)
    await bus.idle()
    const client = await open(url, { 'last-event-id': 'e0' })
    await client.until(() => client.messages.length === 5)

    for (let at = 0; at < 30; at++) await bus.publish('often', at)
    await bus.publish('rare', 6)
    await client.until(() => client.messages.length === 6)

    expect(data(client)).toEqual([1, 2, 3, 4, 5, 6])
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('no')
      },
      'EVENTSETS_HANDLER',
    ],
    ['gives a promise', async () => Promise.reject(new Error('no')), 'EVENTSETS_INVALID_OPTIONS'],
  ])(
    'gets nothing of what its filter %s at, which is told once and no failure of the event',
    async (_, judge, code) => {
      const codes: string[] = []
      const bus = new EventBus({ onError: (error) => codes.push(error.code) })
      const { url } = await serve(bus, '**', {
        filter: ({ data }) => (data === 'shown' ? true : (judge() as never)),
      })
      const client = await open(url)

      await bus.publish('tick', 1)
      await bus.publish('tick', 2)
      await bus.publish('tick', 'shown')
      await client.until(() => client.messages.length === 1)
      await bus.idle()

      expect(data(client)).toEqual(['shown'])
      expect(codes).toEqual([code])
      expect(await bus.deadLetters.list()).toEqual([])
    },
  )

  it('gets what its filter lets through, of which onError hears by its code that it has failed', async () => {
    const codes: string[] = []
    const bus = new EventBus({ onError: (error) => codes.push(error.code) })
    const { id } = await bus.publish('tick', 0)
    await bus.publish('tick', 1)
    await bus.publish('tick', 2)
    const { url } = await serve(bus, '**', {
      filter: ({ data }) => {
        if (data === 1) throw new Error('no')
        return true
      },
    })

    const client = await open(url, { 'last-event-id': id })
    await client.until(() => client.messages.length === 1)

    expect(data(client)).toEqual([2])
    expect(codes).toEqual(['EVENTSETS_HANDLER'])
  })

  it.each([
    ['is not known', '018f0000-0000-7000-8000-000000000000'],
    ['is nonsense', '%E0%A4%A'],
  ])('is told that something is missing when its id %s', async (_, id) => {
    const bus = new EventBus()
    await bus.publish('tick', 0)
    const { url } = await serve(bus)

    const client = await open(url, { 'last-event-id': id })
    await client.until(() => client.messages.length === 1)
    await bus.publish('tick', 1)
    await client.until(() => client.messages.length === 2)

    expect(names(client)).toEqual([SSE_GAP, 'tick'])
    expect(data(client)).toEqual([
      { reason: 'The event is not known here, or not any more.', lastEventId: id },
      1,
    ])
  })

  it('is told so when the history has become too short', async () => {
    const bus = new EventBus({ backend: memoryBackend({ historySize: 2 }) })
    const { id } = await bus.publish('tick', 0)
    for (let at = 1; at < 10; at++) await bus.publish('tick', at)
    const { url } = await serve(bus)

    const client = await open(url, { 'last-event-id': id })
    await client.until(() => client.messages.length === 1)

    expect(names(client)).toEqual([SSE_GAP])
  })

  it('is told so when the backend keeps no history', async () => {
    const { replay: _, ...inner } = memoryBackend()
    const backend: BusBackend = { ...inner, features: { ...inner.features, replay: false } }
    const { url } = await serve(new EventBus({ backend }))

    const client = await open(url, { 'last-event-id': 'some' })
    await client.until(() => client.messages.length === 1)

    expect(data(client)).toEqual([
      { reason: 'The server keeps no events to send again.', lastEventId: 'some' },
    ])
  })

  it('is told so when the history cannot be read, of which onError hears why', async () => {
    const errors: string[] = []
    const backend: BusBackend = {
      ...memoryBackend(),
      // biome-ignore lint/correctness/useYield: it fails before.
      async *replay() {
        throw new Error('password of the database is wrong')
      },
    }
    const bus = new EventBus({ backend, onError: ({ message }) => errors.push(message) })
    const { url } = await serve(bus)

    const client = await open(url, { 'last-event-id': 'some' })
    await client.until(() => client.messages.length === 1)
    await bus.publish('tick', 1)
    await client.until(() => client.messages.length === 2)

    expect(data(client)).toEqual([
      { reason: 'The events since then could not be read.', lastEventId: 'some' },
      1,
    ])
    expect(errors).toEqual(['password of the database is wrong'])
  })
})

describe('the end', () => {
  it('comes when the client goes, and leaves nothing behind', async () => {
    const timers = new Set<symbol>()
    const fake = fakeClock()
    const clock: Clock = {
      now: fake.now,
      delay(ms, callback) {
        const timer = Symbol('timer')
        timers.add(timer)
        const cancel = fake.delay(ms, callback)
        return () => {
          timers.delete(timer)
          cancel()
        }
      },
    }
    const bus = new EventBus({ clock })
    const { url, ends, ended } = await serve(bus)
    const client = await open(url)
    expect(bus.handlers()).toMatchObject([{ name: 'sse' }])

    client.close()
    await ended()

    expect(ends).toEqual(['client'])
    expect(bus.handlers()).toEqual([])
    expect(timers.size).toBe(0)
    await bus.publish('tick', 1)
  })

  it('comes for a client that has gone before its turn', async () => {
    const bus = new EventBus()
    let end: SseEnd | undefined
    const server = createServer((incoming, response) => {
      response.once('close', () => {
        void bus.sse(incoming, response, '**').then((reason) => {
          end = reason
          server.emit('told')
        })
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const told = once(server, 'told')
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    await once(server, 'request')

    socket.destroy()
    await told

    expect(end).toBe('client')
    expect(bus.handlers()).toEqual([])
  })

  it('comes with the end of the bus, after the last event', async () => {
    const bus = new EventBus()
    const { url, ends, ended } = await serve(bus)
    const client = await open(url)
    const bodyOf = client.body
    await bus.publish('tick', 1)

    await bus.close()
    await ended()
    await bodyOf

    expect(client.messages).toMatchObject([
      { event: 'tick', data: '1' },
      { event: SSE_END, data: '{"reason":"closed"}' },
    ])
    expect(ends).toEqual(['closed'])
  })

  it('lets the server close', async () => {
    const bus = new EventBus()
    const { url, server } = await serve(bus)
    await open(url)

    const closed = once(server, 'close')
    server.close()
    await bus.close()

    await closed
  })

  it('comes by a signal', async () => {
    const controller = new AbortController()
    const { url, ends, ended } = await serve(new EventBus(), '**', { signal: controller.signal })
    const client = await open(url)

    controller.abort()
    await ended()
    await client.body

    expect(data(client)).toEqual([{ reason: 'aborted' }])
    expect(ends).toEqual(['aborted'])
  })

  it('comes at once by a signal that was aborted before', async () => {
    const bus = new EventBus()
    const { url, ends, ended } = await serve(bus, '**', { signal: AbortSignal.abort() })

    const client = await open(url)
    await client.body
    await ended()

    expect(ends).toEqual(['aborted'])
    expect(bus.handlers()).toEqual([])
  })

  it('comes while it catches up, and does not wait for the history', async () => {
    let signal: AbortSignal | undefined
    const bus = new EventBus({
      backend: {
        ...memoryBackend(),
        async *replay(query) {
          signal = query.signal
          await new Promise(() => {})
        },
      },
    })
    const { url, ends, ended } = await serve(bus)
    const client = await open(url, { 'last-event-id': 'some' })

    client.close()
    await ended()

    expect(ends).toEqual(['client'])
    expect(signal?.aborted).toBe(true)
  })
})

describe('a client that is too slow', () => {
  /** One that reads nothing. */
  async function openDeaf(port: number, bus: EventBus, headers = ''): Promise<Socket> {
    const socket = connect({ port, host: '127.0.0.1' })
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => {})
    socket.pause()
    const before = bus.handlers().length
    socket.write(`GET /events HTTP/1.1\r\nhost: x\r\n${headers}\r\n`)
    while (bus.handlers().length === before) await new Promise((resolve) => setImmediate(resolve))
    return socket
  }

  const big = 'x'.repeat(256 * 1024)

  /** Emits until something has happened; a connection takes a few megabytes before it is full. */
  async function emitUntil(
    bus: EventBus,
    hasHappened: () => boolean,
    pace: () => Promise<void> = async () => {},
  ) {
    for (let at = 0; at < 400 && !hasHappened(); at++) {
      await bus.emit('big', { at, big })
      await pace()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(hasHappened()).toBe(true)
  }

  it('is ended when too much waits for it, and keeps nobody else waiting', async () => {
    const clock = fakeClock()
    const bus = new EventBus({ clock })
    const { url, port, ends, ended } = await serve(bus, 'big', { bufferSize: 3 })
    await openDeaf(port, bus)
    const other = await open(url)
    let emitted = 0
    const readAlong = async () => {
      emitted++
      await other.until(() => other.messages.length === emitted)
    }

    await emitUntil(bus, () => bus.handlers().length === 1, readAlong)
    // It was told to go, and did not even take that.
    expect(ends).toEqual([])
    await clock.advance(5000)
    await ended()

    expect(ends).toEqual(['slow'])
    expect(data(other).map(({ at }) => at)).toEqual(Array.from({ length: emitted }, (_, at) => at))
  })

  it('is told why, should it read on after all', async () => {
    const bus = new EventBus()
    const { port, ends, ended } = await serve(bus, 'big', { bufferSize: 3 })
    const deaf = await openDeaf(port, bus)
    await emitUntil(bus, () => bus.handlers().length === 0)

    let text = ''
    const isOver = once(deaf, 'close')
    deaf.on('data', (chunk) => (text = (text + chunk).slice(-200)))
    deaf.resume()
    await ended()
    deaf.end()
    await isOver

    expect(text).toContain(`event: ${SSE_END}\ndata: {"reason":"slow"}\n\n`)
    expect(ends).toEqual(['slow'])
  })

  it('gets everything when it becomes fast in time', async () => {
    const bus = new EventBus()
    const { port } = await serve(bus, 'big', { bufferSize: 100 })
    const socket = await openDeaf(port, bus)
    for (let at = 0; at < 80; at++) await bus.emit('big', { at, big })
    await bus.emit('big', 'the last')

    const chunks: Buffer[] = []
    await new Promise<void>((resolve) => {
      socket.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        if (chunk.includes('"the last"')) resolve()
      })
      socket.resume()
    })

    const order = [
      ...Buffer.concat(chunks)
        .toString('latin1')
        .matchAll(/"at":(\d+)/g),
    ]
    expect(order.map(([, at]) => Number(at))).toEqual(Array.from({ length: 80 }, (_, at) => at))
  })

  it('gets what still waits for it when the bus closes', async () => {
    const bus = new EventBus()
    const { port, ends, ended } = await serve(bus, 'big', { bufferSize: 100 })
    const socket = await openDeaf(port, bus)
    for (let at = 0; at < 80; at++) await bus.emit('big', { at, big })

    await bus.close()
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.resume()
    await ended()
    const isOver = once(socket, 'close')
    socket.end()
    await isOver

    const text = Buffer.concat(chunks).toString('latin1')
    const order = [...text.matchAll(/"at":(\d+)/g)]
    expect(order.map(([, at]) => Number(at))).toEqual(Array.from({ length: 80 }, (_, at) => at))
    expect(text).toContain('data: {"reason":"closed"}')
    expect(ends).toEqual(['closed'])
  })

  it('does not have the whole history read for it at once', async () => {
    const inner = memoryBackend()
    let read = 0
    const backend: BusBackend = {
      ...inner,
      async *replay(query) {
        for await (const event of inner.replay?.(query) ?? []) {
          read++
          yield event
        }
      },
    }
    const bus = new EventBus({ backend })
    const { id } = await bus.publish('big', 0)
    for (let at = 0; at < 80; at++) await bus.publish('big', { at, big })
    const { port } = await serve(bus, 'big')

    const socket = await openDeaf(port, bus, `last-event-id: ${id}\r\n`)
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(read).toBeGreaterThan(0)
    expect(read).toBeLessThan(80)

    const isLast = new Promise<void>((resolve) => {
      socket.on('data', () => read === 80 && resolve())
    })
    socket.resume()
    await isLast
  })

  it('that takes nothing at all from one heartbeat to the next is taken for gone', async () => {
    const clock = fakeClock()
    const bus = new EventBus({ clock })
    const { port, ends, ended } = await serve(bus, 'big', { heartbeatMs: 1000 })
    await openDeaf(port, bus)
    for (let at = 0; at < 100; at++) await bus.emit('big', big)

    await clock.advance(2000)
    await clock.advance(5000)
    await ended()

    expect(ends).toEqual(['slow'])
    expect(bus.handlers()).toEqual([])
  })

  it('catches up at its own pace', async () => {
    const bus = new EventBus()
    const { id } = await bus.publish('big', 0)
    for (let at = 1; at <= 30; at++) await bus.publish('big', { at, big })
    const { url } = await serve(bus, 'big', { bufferSize: 1 })

    const client = await open(url, { 'last-event-id': id })
    await client.until(() => client.messages.length === 30)

    expect(data(client).map(({ at }) => at)).toEqual(Array.from({ length: 30 }, (_, at) => at + 1))
  })
})

describe('a request', () => {
  it.each(['POST', 'HEAD', 'DELETE'])('of another method than GET is refused: %s', async (method) => {
    const bus = new EventBus()
    const { url, ends, ended } = await serve(bus)

    const { status, headers } = await open(url, {}, method)
    await ended()

    expect([status, headers.allow]).toEqual([405, 'GET'])
    expect(ends).toEqual(['refused'])
    expect(bus.handlers()).toEqual([])
  })

  it('with a pattern that is none is told so, since it may come from the request', async () => {
    const { url, ends, ended } = await serve(new EventBus(), 'order..*')

    const client = await open(url)
    const body = JSON.parse(await client.body)
    await ended()

    expect(client.status).toBe(400)
    expect(body.error).toMatchObject({ code: 'EVENTSETS_PATTERN', hint: expect.any(String) })
    expect(ends).toEqual(['refused'])
  })

  it('to a bus that is closed is told to try elsewhere', async () => {
    const bus = new EventBus()
    await bus.close()
    const { url } = await serve(bus)

    const client = await open(url)

    expect(client.status).toBe(503)
    expect(JSON.parse(await client.body).error.code).toBe('EVENTSETS_BUS_CLOSED')
  })

  it('with wrong options is rejected, with all that is wrong', async () => {
    const options = { heartbeatMs: 0, retryMs: 1.5, bufferSize: 0, select: 1, isNamed: 'no', bufer: 1 }
    const { url, ends, ended } = await serve(new EventBus(), '**', options as never)

    const outgoing = request(url)
    outgoing.on('error', () => {})
    outgoing.end()
    await ended()
    outgoing.destroy()

    const [error] = ends as [ValidationError]
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.issues.map(({ path }) => path)).toEqual([
      'heartbeatMs',
      'retryMs',
      'bufferSize',
      'select',
      'isNamed',
      'bufer',
    ])
  })

  it('that was answered already is rejected, and leaves nothing behind', async () => {
    const bus = new EventBus()
    let failure: unknown
    const server = createServer((incoming, response) => {
      response.writeHead(200).flushHeaders()
      bus.sse(incoming, response, '**').catch((error) => {
        failure = error
        response.end('done')
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())

    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)

    expect(await response.text()).toBe('done')
    expect(failure).toMatchObject({ name: 'EventError', code: 'EVENTSETS_INVALID_OPTIONS' })
    expect(bus.handlers()).toEqual([])
  })

  it('with a filter that is none is rejected', async () => {
    const { url, ends, ended } = await serve(new EventBus(), '**', { filter: { path: 'data' } } as never)

    const outgoing = request(url)
    outgoing.on('error', () => {})
    outgoing.end()
    await ended()
    outgoing.destroy()

    expect(ends[0]).toBeInstanceOf(ValidationError)
  })
})

it('a client above handlers does not wait for their retries, one among them does', async () => {
  const clock = fakeClock()
  const bus = new EventBus({ clock, onError: () => {} })
  bus.on('tick', () => Promise.reject(new Error('no route')), { retry: { maxAttempts: 2, baseDelayMs: 1e9 } })
  const above = await serve(bus, '**', { priority: Priority.HIGH })
  const below = await serve(bus, '**', { priority: Priority.LOW })
  const clients = await Promise.all([open(above.url), open(below.url)])

  await bus.publish('tick', 1)
  await clients[0]?.until(() => clients[0]?.messages.length === 1)

  expect(clients.map(({ messages }) => messages.length)).toEqual([1, 0])
})

it('many clients get every event, and no warning comes of it', async () => {
  const warnings: Error[] = []
  const onWarning = (warning: Error) => warnings.push(warning)
  process.on('warning', onWarning)
  onTestFinished(() => void process.off('warning', onWarning))
  const controller = new AbortController()
  const bus = new EventBus()
  const { url, ended } = await serve(bus, '**', { signal: controller.signal })
  const clients = await Promise.all(Array.from({ length: 50 }, () => open(url)))

  for (let at = 0; at < 20; at++) await bus.publish('tick', at)
  await Promise.all(clients.map((client) => client.until(() => client.messages.length === 20)))
  await bus.close()
  await ended(50)

  for (const client of clients)
    expect(data(client).slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, at) => at))
  await new Promise((resolve) => setImmediate(resolve))
  expect(warnings).toEqual([])
})

it('a bus with a history of another kind of options serves too', async () => {
  const options: EventBusOptions = { timeoutMs: 1000, retry: { maxAttempts: 2 } }
  const bus = new EventBus(options)
  const { url } = await serve(bus)
  const client = await open(url)

  await bus.publish('tick', 1)
  await client.until(() => client.messages.length === 1)

  expect(data(client)).toEqual([1])
})
