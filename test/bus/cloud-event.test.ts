import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { HTTP, ValidationError as StandardError, CloudEvent as StandardEvent } from 'cloudevents'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type BusEvent,
  EventBus,
  fromCloudEvent,
  fromHttpMessage,
  Priority,
  toCloudEvent,
  toHttpMessage,
} from '../../src/bus/index.ts'
import type { ValidationError } from '../../src/core/errors.ts'

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

async function orderPaid(): Promise<BusEvent> {
  const bus = new EventBus({ source: 'orders' })
  return await bus.publish(
    'order.paid',
    { id: 7, items: [{ name: 'Öl' }] },
    {
      time: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
      correlationId: 'c-1',
      causationId: 'c-0',
      key: 'order 7',
      priority: Priority.HIGH,
      traceparent: TRACEPARENT,
      depth: 2,
    },
  )
}

/** What the reference implementation makes of it, strictly. */
const asStandard = (input: object) => new StandardEvent(input as never, true)

function issuesOf(call: () => unknown): string[] {
  try {
    call()
  } catch (error) {
    expect(error).toMatchObject({ name: 'ValidationError', code: 'EVENTSETS_INVALID_EVENT' })
    return (error as ValidationError).issues.map(({ path, message }) => `${path}: ${message}`)
  }
  throw new Error('did not throw')
}

const sound = { specversion: '1.0', id: '1', source: '/orders', type: 'order.paid' }

describe('toCloudEvent', () => {
  it('makes what the cloudevents package takes for a CloudEvent, with what the bus knows as extensions', async () => {
    const event = await orderPaid()

    const standard = asStandard(toCloudEvent(event))

    expect(standard.validate()).toBe(true)
    expect(standard.toJSON()).toEqual({
      specversion: '1.0',
      id: event.id,
      source: 'orders',
      type: 'order.paid',
      time: '2026-01-02T03:04:05.678Z',
      datacontenttype: 'application/json',
      data: { id: 7, items: [{ name: 'Öl' }] },
      correlationid: 'c-1',
      causationid: 'c-0',
      partitionkey: 'order 7',
      priority: 75,
      depth: 2,
      traceparent: TRACEPARENT,
    })
  })

  it('leaves out what an event does not have', async () => {
    const event = await new EventBus().publish('order.paid', undefined)

    expect(Object.keys(toCloudEvent(event)).sort()).toEqual(
      ['correlationid', 'datacontenttype', 'id', 'priority', 'source', 'specversion', 'time', 'type'].sort(),
    )
    expect(asStandard(toCloudEvent(event)).validate()).toBe(true)
  })

  it('puts a prefix before the type, and further attributes beside the others', async () => {
    const event = await orderPaid()

    const cloudEvent = toCloudEvent(event, {
      typePrefix: 'com.example.',
      attributes: { subject: '7', dataschema: 'https://example.com/order', tenant: 3 },
    })

    expect(asStandard(cloudEvent).toJSON()).toMatchObject({
      type: 'com.example.order.paid',
      subject: '7',
      dataschema: 'https://example.com/order',
      tenant: 3,
    })
  })

  it('percent-encodes a source that is no URI reference, and leaves one that is as it is', async () => {
    const bus = new EventBus()
    const sourceOf = async (source: string) => toCloudEvent(await bus.publish('a', 1, { source })).source

    expect(await sourceOf('order service')).toBe('order%20service')
    expect(await sourceOf('50% ö')).toBe('50%25%20%C3%B6')
    expect(await sourceOf('half \ud800 a pair')).toBe('half%20%EF%BF%BD%20a%20pair')
    expect(await sourceOf('https://example.com/a%20b?c#d')).toBe('https://example.com/a%20b?c#d')
  })

  it('refuses attributes that no CloudEvent may have, all at once', async () => {
    const event = await orderPaid()

    const attributes = { 'Big-Name': 'x', share: 0.5, list: [] } as never
    expect(issuesOf(() => toCloudEvent(event, { attributes }))).toEqual([
      'Big-Name: attributes are made of small letters and digits',
      'share: expected a text, a whole number, true or false',
      'list: expected a text, a whole number, true or false',
    ])
  })

  it('refuses a time that cannot be written', async () => {
    const event = await new EventBus().publish('a', 1, { time: 1e15 })

    expect(issuesOf(() => toCloudEvent(event))).toEqual([
      'time: 1000000000000000 is no time between the years 0 and 9999',
    ])
  })
})

describe('an event with a time that is no date', () => {
  it.each([
    ['time', { time: 1e300 }],
    ['time', { time: 8.64e15 + 1 }],
    ['deliverAt', { deliverAt: 1e300 }],
    ['deliverAt', { deliverAt: new Date(Number.NaN) }],
  ])('is not published: %s of %j', async (path, options) => {
    const publishing = new EventBus().publish('a', 1, options)

    await expect(publishing).rejects.toMatchObject({
      code: 'EVENTSETS_INVALID_OPTIONS',
      issues: [{ path }],
    })
  })

  it('is published with the last one that is', async () => {
    const { time } = await new EventBus().publish('a', 1, { time: 8.64e15 })

    expect(new Date(time).getTime()).toBe(8.64e15)
  })
})

describe('fromCloudEvent', () => {
  it('gives back the event that it was made of', async () => {
    const event = await orderPaid()

    expect(fromCloudEvent(toCloudEvent(event)).toJSON()).toEqual(event.toJSON())
    expect(fromCloudEvent(JSON.stringify(toCloudEvent(event))).toJSON()).toEqual(event.toJSON())
  })

  it('gives back any event, whatever its data and options', async () => {
    const bus = new EventBus({ source: 'x' })
    const text = fc.string({ minLength: 1, maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(
        fc.jsonValue(),
        fc.record(
          {
            id: text,
            correlationId: text,
            causationId: text,
            key: text,
            priority: fc.integer(),
            time: fc.integer({ min: 0, max: Date.UTC(9999, 0) }),
            depth: fc.integer({ min: 0, max: 60 }),
            source: fc.webUrl(),
          },
          { requiredKeys: [] },
        ),
        async (data, options) => {
          const event = await bus.publish('order.paid', data, options)
          const text = JSON.stringify(toCloudEvent(event, { typePrefix: 'org.example.' }))

          const read = fromCloudEvent(text, { typePrefix: 'org.example.' })

          expect(JSON.stringify(read)).toBe(JSON.stringify(event))
        },
      ),
    )
  })

  it('takes what the cloudevents package writes, without the attributes of the bus', () => {
    const standard = new StandardEvent({
      source: '/shop',
      type: 'order.paid',
      data: { id: 7 },
      subject: '7',
      other: true,
    })

    const event = fromCloudEvent(HTTP.structured(standard).body)

    expect(event).toMatchObject({
      id: standard.id,
      name: 'order.paid',
      source: '/shop',
      data: { id: 7 },
      time: Date.parse(standard.time as string),
      correlationId: standard.id,
      causationId: undefined,
      priority: Priority.NORMAL,
      depth: 0,
    })
  })

  it('can be published on', async () => {
    await using bus = new EventBus()
    const seen: BusEvent[] = []
    bus.on('order.*', (event) => void seen.push(event))

    const { name, data, ...options } = fromCloudEvent({ ...sound, data: 1, partitionkey: 'k' }).toJSON()
    await bus.publish(name, data, options)
    await bus.idle()

    expect(seen).toMatchObject([{ id: '1', name: 'order.paid', source: '/orders', data: 1, key: 'k' }])
  })

  it.each([
    ['application/json', '{"id":7}', { id: 7 }],
    ['application/vnd.order+json; charset=utf-8', '[1]', [1]],
    ['text/plain', 'Öl', 'Öl'],
  ])('reads data that is Base64 of %s', (datacontenttype, text, data) => {
    const data_base64 = Buffer.from(text).toString('base64')

    expect(fromCloudEvent({ ...sound, datacontenttype, data_base64 }).data).toEqual(data)
  })

  it('lists everything that is wrong with an input, which the cloudevents package refuses too', () => {
    const input = {
      specversion: '0.3',
      source: 'a b',
      type: '',
      time: 'yesterday',
      subject: '',
      datacontenttype: 'json',
      priority: 'high',
      depth: -1,
      traceparent: '00-1',
      Tenant: 'x',
      nested: {},
    }

    expect(issuesOf(() => fromCloudEvent(input))).toEqual([
      'specversion: expected "1.0"',
      'id: is required, but missing',
      'source: expected a URI reference',
      'type: expected a text that is not empty',
      'time: expected a time such as 2026-01-01T00:00:00Z',
      'subject: expected a text that is not empty',
      'datacontenttype: expected a media type such as application/json',
      'priority: expected a whole number',
      'depth: expected a whole number, 0 or more',
      'traceparent: expected a W3C trace context',
      'Tenant: attributes are made of small letters and digits',
      'nested: expected a text, a whole number, true or false',
    ])
    expect(() => asStandard({ ...input, id: '1' })).toThrow(StandardError)
  })

  it.each([
    ['a list', [], ': expected an object'],
    ['null', null, ': expected an object'],
    ['text that is no JSON', '{', ': is not JSON: '],
    ['bytes that are no UTF-8', new Uint8Array([0xff]), ': is not JSON: '],
    [
      'a type that is no name',
      { ...sound, type: 'order paid' },
      'type: "order paid" is not the name of an event',
    ],
    ['data twice', { ...sound, data: 1, data_base64: 'MQ==' }, 'data_base64: stands beside "data"'],
    ['what is no Base64', { ...sound, data_base64: '1' }, 'data_base64: expected Base64'],
    [
      'bytes of a picture',
      { ...sound, datacontenttype: 'image/png', data_base64: 'MQ==' },
      'data_base64: is of the type image/png; an event takes JSON and text',
    ],
  ])('refuses %s', (_, input, issue) => {
    expect(issuesOf(() => fromCloudEvent(input))).toEqual([expect.stringContaining(issue)])
  })

  it('refuses a type that lacks the prefix', () => {
    expect(issuesOf(() => fromCloudEvent(sound, { typePrefix: 'com.' }))).toEqual([
      'type: expected a type that begins with "com."',
    ])
  })

  it('never throws anything but a list of issues', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          fc.string(),
          fc.dictionary(
            fc.constantFrom(...Object.keys(sound), 'data', 'data_base64', 'time', '__proto__', 'x'),
            fc.anything(),
          ),
        ),
        (input) => {
          try {
            fromCloudEvent(input)
          } catch (error) {
            expect(error).toMatchObject({ name: 'ValidationError', code: 'EVENTSETS_INVALID_EVENT' })
          }
        },
      ),
    )
  })
})

describe('CloudEvents over HTTP', () => {
  it.each(['structured', 'binary'] as const)(
    'are written in %s mode as the cloudevents package reads them',
    async (mode) => {
      const event = await orderPaid()

      const read = HTTP.toEvent(toHttpMessage(event, { mode })) as StandardEvent

      const { partitionkey, priority, depth, ...rest } = read.toJSON()
      const { partitionkey: _, priority: __, depth: ___, ...expected } = toCloudEvent(event)
      expect(rest).toEqual(expected)
      // In headers everything is a text, and this package leaves them encoded.
      expect([partitionkey, String(priority), String(depth)]).toEqual([
        mode === 'binary' ? 'order%207' : 'order 7',
        '75',
        '2',
      ])
    },
  )

  it.each(['structured', 'binary'] as const)(
    'are read in %s mode as the cloudevents package writes them',
    (mode) => {
      const standard = new StandardEvent({
        source: '/shop',
        type: 'order.paid',
        data: { id: 7 },
        correlationid: 'c',
        priority: 25,
      })

      const { headers, body } = HTTP[mode](standard)

      expect(fromHttpMessage({ headers: headers as never, body: body as string })).toMatchObject({
        id: standard.id,
        name: 'order.paid',
        source: '/shop',
        data: { id: 7 },
        correlationId: 'c',
        priority: 25,
      })
    },
  )

  it.each(['structured', 'binary'] as const)(
    'come back from a real server in %s mode as they were',
    async (mode) => {
      const event = await orderPaid()
      const server = createServer((request, response) => {
        const chunks: Buffer[] = []
        request.on('data', (chunk) => chunks.push(chunk))
        request.on('end', () => {
          const read = fromHttpMessage({ headers: request.headers, body: Buffer.concat(chunks) })
          const { headers, body } = toHttpMessage(read, { mode })
          response.writeHead(200, headers).end(body)
        })
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

      const answer = await fetch(url, { method: 'POST', ...toHttpMessage(event, { mode }) })
      const read = fromHttpMessage({ headers: answer.headers, body: await answer.text() })
      server.close()

      expect(read.toJSON()).toEqual(event.toJSON())
    },
  )

  it('keep what headers cannot hold', async () => {
    const bus = new EventBus()
    const key = 'a "b"\r\nce-id: forged 100% ö 😀 \ud800'
    const event = await bus.publish('a', null, { key })

    const { headers, body } = toHttpMessage(event, { mode: 'binary' })

    for (const value of Object.values(headers)) expect(value).toMatch(/^[\x20-\x7e]*$/)
    expect(fromHttpMessage({ headers, body })).toMatchObject({
      key: key.replace('\ud800', '\ufffd'),
      data: null,
    })
  })

  it('have no data where the body is empty, and text where it is text', () => {
    const headers = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/a', 'ce-type': 'a.b' }

    expect(fromHttpMessage({ headers, body: '' }).data).toBeUndefined()
    expect(fromHttpMessage({ headers: { ...headers, 'Content-Type': 'text/plain' }, body: 'hi' }).data).toBe(
      'hi',
    )
  })

  it('are refused with everything that is wrong', () => {
    const headers = {
      'ce-specversion': '1.0',
      'ce-id': '1',
      'ce-priority': 'x',
      'content-type': 'application/json',
    }

    expect(issuesOf(() => fromHttpMessage({ headers, body: '{' }))).toEqual([
      'source: is required, but missing',
      'type: is required, but missing',
      'priority: expected a whole number',
      expect.stringContaining('data: is not application/json: '),
    ])
    expect(issuesOf(() => fromHttpMessage({ headers: {}, body: '{}' }))).toEqual([
      ': has neither the content type application/cloudevents+json nor the header ce-specversion',
    ])
  })
})
