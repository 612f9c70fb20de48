import { createServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import {
  EventBus,
  fromCloudEvent,
  isRetryable,
  type Lookup,
  type NotificationError,
  verifyWebhook,
  type WebhookOptions,
  webhook,
} from '../../src/bus/index.ts'
import { isPrivateAddress } from '../../src/bus/notify/private-address.ts'
import type { ValidationError } from '../../src/core/errors.ts'
import { closedPort, type Received, receive } from './http-receiver.ts'

const unhandled: unknown[] = []
const onUnhandled = (reason: unknown) => void unhandled.push(reason)
beforeEach(() => void process.on('unhandledRejection', onUnhandled))
afterEach(async () => {
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', onUnhandled)
  expect(unhandled.splice(0)).toEqual([])
})

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const allow = { privateAddresses: 'allow' } as const

/** An event as a handler gets it. */
async function anEvent(id = 'e-1') {
  return await new EventBus({ source: 'orders' }).publish('order.paid', { id: 7 }, { id, time: 0 })
}

async function send(options: WebhookOptions, signal?: AbortSignal): Promise<unknown> {
  return await webhook(options)(await anEvent(), signal && { signal })
}

/** A server that says so to whatever is sent, and then nothing more. */
async function receiveRaw(answer: string): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.write(answer))
    onTestFinished(() => void socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** What a sending fails with. */
async function failureOf(options: WebhookOptions, signal?: AbortSignal): Promise<NotificationError> {
  return await send(options, signal).then(
    () => {
      throw new Error('was sent')
    },
    (error) => error,
  )
}

describe('webhook', () => {
  it('posts an event as a CloudEvent', async () => {
    const { url, received } = await receive()
    const event = await anEvent()

    expect(await send({ url, ...allow })).toEqual({ status: 200 })

    const [request] = received
    expect(request).toMatchObject({
      method: 'POST',
      path: '/hook',
      headers: {
        'content-type': 'application/cloudevents+json; charset=utf-8',
        'webhook-id': 'e-1',
        'webhook-timestamp': expect.stringMatching(/^\d+$/),
      },
    })
    expect(request?.headers).not.toHaveProperty('webhook-signature')
    expect(fromCloudEvent(request?.body).toJSON()).toEqual(event.toJSON())
  })

  it('posts the event itself, or what a function makes of it', async () => {
    const { url, received } = await receive()
    const event = await anEvent()

    await send({ url, ...allow, format: 'event' })
    await send({ url, ...allow, format: ({ name, data }) => ({ name, data }) })
    await send({ url, ...allow, format: () => undefined })

    expect(received.map(({ headers }) => headers['content-type'])).toEqual(Array(3).fill('application/json'))
    expect(received.map(({ body }) => JSON.parse(body))).toEqual([
      event.toJSON(),
      { name: 'order.paid', data: { id: 7 } },
      null,
    ])
  })

  it('has signed what it posts, also while one secret is being changed for another', async () => {
    const { url, received } = await receive()
    const old = 'an old secret of many characters'

    await send({ url, ...allow, secret: [SECRET, old] })

    const [{ headers, body }] = received as [Received]
    for (const secret of [SECRET, old]) {
      const { id, time, payload } = verifyWebhook({ headers, body, secret })
      expect({ id, isNow: Math.abs(Date.now() - time) < 60_000 }).toEqual({ id: 'e-1', isNow: true })
      expect(fromCloudEvent(payload).name).toBe('order.paid')
    }
  })

  it('sends further headers, and no others than it may', async () => {
    const { url, received } = await receive()

    await send({ url, ...allow, headers: { Authorization: 'Bearer x', 'User-Agent': 'shop/1' } })

    expect(received[0]?.headers).toMatchObject({ authorization: 'Bearer x', 'user-agent': 'shop/1' })
  })

  it('keeps an odd id from moving the borders of what is signed, or ending the header', async () => {
    const { url, received } = await receive()

    await webhook({ url, ...allow, secret: SECRET })(await anEvent('a.b\r\nx: 1 ö\ud800'))

    const [{ headers, body }] = received as [Received]
    expect(headers['webhook-id']).toBe('a%2Eb%0D%0Ax%3A%201%20%C3%B6%EF%BF%BD')
    expect(headers).not.toHaveProperty('x')
    expect(verifyWebhook({ headers, body, secret: SECRET }).id).toBe(headers['webhook-id'])
  })

  it.each([200, 201, 202, 204, 299])('takes %i for taken', async (status) => {
    const { url } = await receive((response) => response.writeHead(status).end())

    expect(await send({ url, ...allow })).toEqual({ status })
  })

  it.each([
    [400, false],
    [401, false],
    [404, false],
    [408, true],
    [409, false],
    [410, false],
    [422, false],
    [425, true],
    [429, true],
    [500, true],
    [502, true],
    [503, true],
    [301, false],
    [302, false],
    [304, false],
  ])('takes %i for refused; whether another try is worth it: %s', async (status, isWorthIt) => {
    const { url } = await receive((response) =>
      response.writeHead(status, { location: '/' }).end('because\n\x1b[31m'),
    )

    const error = await failureOf({ url, ...allow })

    expect(error).toMatchObject({ name: 'NotificationError', code: 'EVENTSETS_NOTIFICATION', status })
    expect(isRetryable(error)).toBe(isWorthIt)
    if (status !== 304) expect(error.message).toMatch(new RegExp(`has answered ${status}: because \\[31m$`))
  })

  it('keeps the path of its URL, which may be a secret, out of what it says', async () => {
    const { url } = await receive((response) => response.writeHead(500).end())

    const errors = [
      await failureOf({ url: `${url}/T0KEN`, ...allow }),
      await failureOf({ url: `${url}/T0KEN` }),
      await failureOf({ url: `http://127.0.0.1:${await closedPort()}/T0KEN`, ...allow }),
    ]

    for (const { message, hint } of errors) expect(`${message} ${hint}`).not.toContain('T0KEN')
    expect(webhook({ url: `${url}/T0KEN` }).name).toBe(`webhook ${new URL(url).host}`)
  })

  it.each([
    ['seconds', '7', 7000],
    ['a date', () => new Date(Date.now() + 60_000).toUTCString(), 60_000],
    ['a year', String(365 * 86_400), 3_600_000],
    ['the past', new Date(0).toUTCString(), undefined],
    ['nonsense', 'soon', undefined],
  ])('reads Retry-After: %s', async (_, value, ms) => {
    const { url } = await receive((response) =>
      response.writeHead(429, { 'retry-after': typeof value === 'string' ? value : value() }).end(),
    )

    const { retryAfterMs } = await failureOf({ url, ...allow })

    if (ms === undefined) expect(retryAfterMs).toBeUndefined()
    else {
      expect(retryAfterMs).toBeLessThanOrEqual(ms)
      expect(retryAfterMs).toBeGreaterThan(ms - 5000)
    }
  })

  it('fails, worth another try, when nobody listens, and when the connection breaks', async () => {
    const { url } = await receive((response) => response.destroy())

    const errors = [
      await failureOf({ url, ...allow }),
      await failureOf({ url: `http://127.0.0.1:${await closedPort()}/`, ...allow }),
      await failureOf({ url: 'http://nobody.invalid/', ...allow }),
    ]

    for (const error of errors) {
      expect(error).toMatchObject({ name: 'NotificationError', status: undefined, isRetryable: true })
      expect(error.message).toMatch(/^The webhook at http:\/\/\S+ cannot be reached: .+/)
    }
  })

  it('fails when there is no answer in time', async () => {
    const { url } = await receive(() => {})

    expect(await failureOf({ url, ...allow, timeoutMs: 20 })).toMatchObject({
      message: `The webhook at ${new URL(url).origin} has not answered within 20 ms.`,
      isRetryable: true,
    })
  })

  it('ends with the signal of its context, at any moment', async () => {
    const abort = new AbortController()
    const { url } = await receive(() => abort.abort(new Error('closing')))

    expect(await failureOf({ url, ...allow }, abort.signal)).toMatchObject({ message: 'closing' })
    expect(await failureOf({ url, ...allow }, abort.signal)).toMatchObject({ message: 'closing' })
  })

  it.each([200, 500])('reads no more of an answer of status %i than it may', async (status) => {
    let isCut = false
    const { url } = await receive((response) => {
      response.writeHead(status)
      response.on('close', () => {
        isCut = true
      })
      const write = () => {
        while (!response.destroyed && response.write('x'.repeat(1024)));
      }
      response.on('drain', write)
      write()
    })

    const outcome = await send({ url, ...allow, maxAnswerBytes: 5000 }).catch(
      (error: Error) => error.message.length,
    )

    if (status === 200) expect(outcome).toEqual({ status: 200 })
    else expect(outcome).toBeLessThan(300)
    await expect.poll(() => isCut).toBe(true)
  })

  it('takes for taken what was answered with 200, whatever becomes of the rest of the answer', async () => {
    const { url } = await receive((response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('half', () => response.destroy())
    })

    expect(await send({ url, ...allow })).toEqual({ status: 200 })
  })

  it.each([
    [404, false],
    [503, true],
  ])('heeds the status %i of an answer whose body breaks off', async (status, isWorthIt) => {
    const { url } = await receive((response) => {
      response.writeHead(status, { 'content-length': '100' })
      response.write('half', () => response.destroy())
    })

    const failure = await failureOf({ url, ...allow })

    expect(failure).toMatchObject({ status, isRetryable: isWorthIt })
    expect(failure.message).toContain(`has answered ${status}: half`)
  })

  it('heeds the status of an answer whose body does not end in time', async () => {
    const { url } = await receive((response) => void response.writeHead(410).write('gone'))

    expect(await failureOf({ url, ...allow, timeoutMs: 50 })).toMatchObject({
      status: 410,
      isRetryable: false,
    })
  })

  it.each([
    [
      'switches protocols',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
      101,
    ],
    ['only says that it goes on', 'HTTP/1.1 103 Early Hints\r\n\r\n', undefined],
    ['begins an answer that has no end', 'HTTP/1.1 500 No\r\nx-a: ', undefined],
  ])('ends, with an error, when the other side %s', async (_, answer, status) => {
    const url = await receiveRaw(answer)

    const failure = await failureOf({ url, ...allow, timeoutMs: 50 })

    expect(failure).toMatchObject({ name: 'NotificationError', status, isRetryable: status === undefined })
  })

  it.each<[string, Lookup]>([
    [
      'throws',
      () => {
        throw new Error('no resolver')
      },
    ],
    ['gives no list', (_, __, callback) => callback(null, 'nonsense' as never)],
    ['gives a list of nothing', (_, __, callback) => callback(null, [null, undefined, {}] as never)],
  ])('fails, worth another try, when its lookup %s', async (_, lookup) => {
    for (const privateAddresses of ['refuse', 'allow'] as const)
      expect(await failureOf({ url: 'http://shop.test/', lookup, privateAddresses })).toMatchObject({
        name: 'NotificationError',
        isRetryable: true,
      })
  })

  it('tells everything that is wrong with its options at once', () => {
    const options = {
      url: 'ftp://example.org',
      secret: 'short',
      format: 'xml',
      headers: { 'a b': 'x', Host: 'y', 'x-a': 'a\r\nb', 'x-b': 1 },
      timeoutMs: 0,
      maxRedirects: -1,
      privateAddresses: true,
      retires: 3,
    }
    let issues: string[] = []
    try {
      webhook(options as never)
    } catch (error) {
      issues = (error as ValidationError).issues.map(({ path, message }) => `${path}: ${message}`)
    }

    expect(issues).toEqual([
      'url: expected a URL that begins with https: or http:',
      'secret: expected a text of at least 16 bytes, "whsec_" and Base64 of as many, or a list of those',
      'format: expected "cloudevent", "event" or a function, got "xml"',
      'timeoutMs: expected milliseconds, more than 0, got 0',
      'maxRedirects: expected a whole number, 0 or more, got -1',
      'privateAddresses: expected "refuse", "url-only" or "allow", got true',
      'retires: is not a known key; known are url, secret, format, headers, timeoutMs, maxRedirects, maxAnswerBytes, privateAddresses, lookup',
      'headers.a b: is not the name of a header',
      'headers.Host: is set by the webhook itself',
      'headers.x-a: expected a text that a header can hold',
      'headers.x-b: expected a text that a header can hold',
    ])
    expect(() => webhook({ url: 'https://user:password@example.org' })).toThrow(/has a user or a password/)
    expect(() => webhook(undefined as never)).toThrow(/expected an object/)
  })
})

describe('webhook on a bus', () => {
  it('is tried again until it is taken, with one id, and no sooner than Retry-After says', async () => {
    const { url, received } = await receive((response, count) => {
      if (count === 1) response.writeHead(503, { 'retry-after': '0.01' }).end()
      else if (count === 2) response.destroy()
      else response.end()
    })
    await using bus = new EventBus()
    bus.on('order.*', webhook({ url, ...allow, secret: SECRET }), {
      retry: { maxAttempts: 5, baseDelayMs: 1 },
    })

    const { id } = await bus.publish('order.paid', { id: 7 })
    await bus.idle()

    expect(received.map(({ headers }) => headers['webhook-id'])).toEqual([id, id, id])
    expect(await bus.deadLetters.list()).toEqual([])
  })

  it('is not tried again after an answer that is final, and can be replayed when that is mended', async () => {
    let status = 410
    const { url, received } = await receive((response) => response.writeHead(status).end('gone'))
    await using bus = new EventBus()
    bus.on('order.*', webhook({ url, ...allow }), { retry: { maxAttempts: 5, baseDelayMs: 1 } })

    await bus.publish('order.paid', { id: 7 })
    await bus.idle()
    const [letter] = await bus.deadLetters.list()
    status = 200
    await bus.deadLetters.replay(letter?.id as string)
    await bus.idle()

    expect(letter).toMatchObject({ attempts: 1, handler: `webhook ${new URL(url).host}` })
    expect(letter?.reason).toMatch(/has answered 410: gone$/)
    expect(received).toHaveLength(2)
    expect(await bus.deadLetters.list()).toEqual([])
  })
})

describe('a webhook and private addresses', () => {
  const REFUSED = {
    code: 'EVENTSETS_PRIVATE_ADDRESS',
    isRetryable: false,
    hint: expect.stringContaining('privateAddresses'),
  }

  it.each([
    'http://127.0.0.1:PORT/',
    'http://localhost:PORT/',
    'http://[::1]:PORT/',
    'http://[::ffff:127.0.0.1]:PORT/',
    'http://2130706433:PORT/',
    'http://0x7f.1:PORT/',
    'http://0:PORT/',
    'http://169.254.169.254/latest/meta-data/',
  ])('refuses %s, and connects to nobody', async (place) => {
    const { port, received } = await receive()

    expect(await failureOf({ url: place.replace('PORT', String(port)) })).toMatchObject(REFUSED)
    expect(received).toEqual([])
  })

  it('refuses a name as soon as one of its addresses is private', async () => {
    const lookup: Lookup = (_hostname, _options, callback) =>
      callback(null, [
        { address: '93.184.215.14', family: 4 },
        { address: '10.0.0.7', family: 4 },
      ])

    expect(await failureOf({ url: 'http://hooks.example.test/', lookup })).toMatchObject({
      ...REFUSED,
      message: expect.stringContaining('10.0.0.7'),
    })
  })

  it('connects to the address that was checked: the name is looked up once', async () => {
    const { port, received } = await receive()
    const asked: string[] = []
    const lookup: Lookup = (hostname, _options, callback) => {
      asked.push(hostname)
      callback(null, [{ address: '127.0.0.1', family: 4 }])
    }

    await send({ url: `http://hooks.example.test:${port}/`, lookup, privateAddresses: 'url-only' })

    expect(asked).toEqual(['hooks.example.test'])
    expect(received[0]?.headers.host).toBe(`hooks.example.test:${port}`)
  })

  it('looks a name up anew for each event, so that an address that was right once is not kept', async () => {
    const { port, received } = await receive()
    const addresses = ['127.0.0.1', '127.0.0.1']
    const lookup: Lookup = (_hostname, _options, callback) =>
      callback(null, [{ address: addresses.pop() ?? '10.0.0.1', family: 4 }])
    const handler = webhook({ url: `http://hooks.example.test:${port}/`, lookup, ...allow })

    await handler(await anEvent())
    await handler(await anEvent())

    expect(received).toHaveLength(2)
    expect(addresses).toEqual([])
  })

  it.each([307, 308])(
    'follows %i with the same body, but not to a private address unless all are allowed',
    async (status) => {
      const { url: inner, received } = await receive()
      const { url } = await receive((response) => response.writeHead(status, { location: inner }).end())

      expect(await failureOf({ url, privateAddresses: 'url-only' })).toMatchObject(REFUSED)
      expect(received).toEqual([])
      await send({ url, ...allow, secret: SECRET })

      const [{ headers, body }] = received as [Received]
      expect(verifyWebhook({ headers, body, secret: SECRET }).id).toBe('e-1')
    },
  )

  it('refuses where a name leads on to, whatever address that has', async () => {
    const { url: inner, received } = await receive()
    const { url } = await receive((response) =>
      response.writeHead(307, { location: inner.replace('127.0.0.1', 'localhost') }).end(),
    )

    expect(await failureOf({ url, privateAddresses: 'url-only' })).toMatchObject(REFUSED)
    expect(received).toEqual([])
  })

  it('sends headers of its own no further than to its own origin', async () => {
    const { url: other, received } = await receive()
    const { url, received: own } = await receive((response, count) =>
      response
        .writeHead(307, { location: count === 1 ? '/again' : other.replace('//', '//user:password@') })
        .end(),
    )

    await send({ url, ...allow, headers: { authorization: 'Bearer x' } })

    expect(own.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      ['/hook', 'Bearer x'],
      ['/again', 'Bearer x'],
    ])
    expect(received).toMatchObject([
      { path: '/hook', headers: expect.not.objectContaining({ authorization: expect.anything() }) },
    ])
  })

  it.each([
    ['too often', '/hook', 'leads on more than 2 times'],
    ['to another protocol', 'ftp://example.org/', 'leads on (307) to the protocol ftp:'],
    ['nowhere', 'http://', 'leads on (307) nowhere'],
    ['without a place', undefined, 'leads on (307) nowhere'],
  ])('gives up where it is led on %s', async (_, location, message) => {
    const { url, received } = await receive((response) =>
      response.writeHead(307, location === undefined ? {} : { location }).end(),
    )

    expect(await failureOf({ url, ...allow, maxRedirects: 2 })).toMatchObject({
      message: expect.stringContaining(message),
      isRetryable: false,
    })
    expect(received).toHaveLength(location === '/hook' ? 3 : 1)
  })

  describe('over TLS', () => {
    beforeEach(() => {
      // The certificate of this test is signed by nobody. Node reads the variable with each connection.
      process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    })
    afterEach(() => {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    })

    /** A server with a name that only the lookup knows. */
    async function receiveTls(location: string | undefined) {
      const bodies: string[] = []
      const server = createServer({ key: KEY, cert: CERTIFICATE }, (request, response) => {
        request.setEncoding('utf8')
        request.on('data', (chunk) => bodies.push(chunk))
        request.on('end', () => response.writeHead(location ? 307 : 200, location ? { location } : {}).end())
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      onTestFinished(() => void server.close())
      const lookup: Lookup = (_hostname, _options, callback) =>
        callback(null, [{ address: '127.0.0.1', family: 4 }])
      const { port } = server.address() as AddressInfo
      return { url: `https://hooks.example.test:${port}/`, lookup, bodies }
    }

    it('is sent to the address that was checked, too', async () => {
      const { url, lookup, bodies } = await receiveTls(undefined)

      await send({ url, lookup, ...allow, format: 'event' })

      expect(JSON.parse(bodies.join(''))).toMatchObject({ id: 'e-1' })
    })

    it('is not led on to where it would be readable', async () => {
      const { url: plain, received } = await receive()
      const { url, lookup } = await receiveTls(plain)

      expect(await failureOf({ url, lookup, ...allow })).toMatchObject({
        message: expect.stringContaining('which is not encrypted'),
        isRetryable: false,
      })
      expect(received).toEqual([])
    })
  })
})

describe('isPrivateAddress', () => {
  it.each([
    ...[
      '0.0.0.0',
      '10.255.255.255',
      '100.64.0.1',
      '100.127.255.255',
      '127.0.0.1',
      '127.255.0.9',
      '169.254.169.254',
    ],
    ...['172.16.0.1', '172.31.255.255', '192.0.0.8', '192.0.2.1', '192.88.99.1', '192.168.1.1', '198.18.0.1'],
    ...['198.19.255.255', '198.51.100.1', '203.0.113.1', '224.0.0.1', '240.0.0.1', '255.255.255.255'],
    ...[
      '::',
      '::1',
      '0:0:0:0:0:0:0:1',
      '::127.0.0.1',
      '::ffff:10.0.0.1',
      '::ffff:7f00:1',
      '::FFFF:192.168.0.1',
    ],
    ...[
      '64:ff9b::10.0.0.1',
      '64:ff9b:1::1',
      '100::1',
      '2001::1',
      '2001:1ff::1',
      '2001:db8::1',
      '2002:7f00:1::1',
    ],
    ...[
      '2002:c0a8:101::',
      '3fff::1',
      'fc00::1',
      'fd12:3456::1',
      'fe80::1',
      'fe80::1%eth0',
      'fec0::1',
      'ff02::1',
      '5f00::1',
    ],
    ...[
      '',
      'localhost',
      '1.2.3',
      '1.2.3.256',
      '1:2:3',
      ':::',
      '1::2::3',
      '12345::',
      '::1.2.3.400',
      '8.8.8.8 ',
    ],
  ])('holds for %s', (address) => {
    expect(isPrivateAddress(address)).toBe(true)
  })

  it.each([
    ...[
      '1.1.1.1',
      '8.8.8.8',
      '9.255.255.255',
      '11.0.0.0',
      '100.63.255.255',
      '100.128.0.0',
      '126.255.255.255',
    ],
    ...[
      '128.0.0.0',
      '169.253.0.1',
      '172.15.255.255',
      '172.32.0.0',
      '192.167.255.255',
      '198.20.0.0',
      '223.255.255.255',
    ],
    ...[
      '2606:4700:4700::1111',
      '2001:4860:4860::8888',
      '2001:200::1',
      '2a00::1',
      '3ffe::1',
      '::ffff:8.8.8.8',
    ],
    ...['64:ff9b::8.8.8.8', '2002:808:808::1'],
  ])('does not hold for %s', (address) => {
    expect(isPrivateAddress(address)).toBe(false)
  })

  it('says of an address of IPv4 the same in all the clothes of IPv6', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
        const hex = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
        const dressed = [
          `::ffff:${address}`,
          `::ffff:${hex}`,
          `0:0:0:0:0:FFFF:${hex}`,
          `64:ff9b::${hex}`,
          `2002:${hex}::1`,
        ]

        expect(dressed.map(isPrivateAddress)).toEqual(Array(5).fill(isPrivateAddress(address)))
      }),
    )
  })

  it('reads whatever a URL calls an address of IPv6', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const written = new URL(`http://[${address}]/`).hostname.slice(1, -1)

        expect(isPrivateAddress(written)).toBe(isPrivateAddress(address))
      }),
    )
  })
})

describe('verifyWebhook', () => {
  // The example of the specification of Standard Webhooks.
  const body = '{"test": 2432232314}'
  const headers = {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  }
  const now = 1_614_265_330_000
  const sound = { headers, body, secret: SECRET, now }
  const refusal = (options: object): string => {
    try {
      verifyWebhook({ ...sound, ...options })
    } catch (error) {
      expect(error).toMatchObject({ code: 'EVENTSETS_WEBHOOK_SIGNATURE' })
      return (error as Error).message
    }
    throw new Error('was accepted')
  }

  it('accepts what Standard Webhooks signs', () => {
    expect(verifyWebhook(sound)).toEqual({
      id: headers['webhook-id'],
      time: now,
      payload: { test: 2432232314 },
    })
    expect(verifyWebhook({ ...sound, body: Buffer.from(body), headers: new Headers(headers) }).time).toBe(now)
    expect(
      verifyWebhook({ ...sound, headers: { 'Webhook-Id': headers['webhook-id'], ...headers } }).time,
    ).toBe(now)
  })

  it('accepts one right signature among others, and one right secret among others', () => {
    const several = { ...headers, 'webhook-signature': `v1a,x v1,AAAA ${headers['webhook-signature']}` }

    expect(
      verifyWebhook({ ...sound, headers: several, secret: ['another secret, long enough', SECRET] }).time,
    ).toBe(now)
  })

  it.each([
    ['another body', { body: `${body} ` }],
    ['another id', { headers: { ...headers, 'webhook-id': 'other' } }],
    ['another time', { headers: { ...headers, 'webhook-timestamp': '1614265331' } }],
    ['another secret', { secret: 'another secret, long enough' }],
    [
      'another version',
      { headers: { ...headers, 'webhook-signature': headers['webhook-signature'].replace('v1', 'v2') } },
    ],
    [
      'a part of the signature',
      { headers: { ...headers, 'webhook-signature': headers['webhook-signature'].slice(0, -1) } },
    ],
    ['bytes that are no ASCII', { headers: { ...headers, 'webhook-signature': 'v1,ö' } }],
  ])('refuses %s', (_, change) => {
    expect(refusal(change)).toBe('The signature of the webhook is not that of its body.')
  })

  it('refuses what is too old or too new', () => {
    expect(refusal({ now: now + 300_001 })).toBe('The webhook was sent 300 s ago, which is more than 300 s.')
    expect(refusal({ now: now - 400_000 })).toBe(
      'The webhook was sent 400 s from now, which is more than 300 s.',
    )
    expect(refusal({ now: now + 2000, toleranceMs: 1000 })).toContain('more than 1 s')
    expect(verifyWebhook({ ...sound, now: now + 300_000 }).time).toBe(now)
  })

  it.each(Object.keys(headers))('refuses a request without %s', (name) => {
    expect(refusal({ headers: { ...headers, [name]: undefined } })).toBe(`The webhook has no header ${name}.`)
  })

  it.each([
    ['headers', { headers: null }],
    ['headers', { headers: undefined }],
    ['body', { body: { test: 2432232314 } }],
    ['body', { body: null }],
    ['now', { now: Number.NaN }],
  ])('refuses %s of another kind, as options that are wrong', (path, wrong) => {
    expect(() => verifyWebhook({ ...sound, ...wrong } as never)).toThrow(
      expect.objectContaining({
        code: 'EVENTSETS_INVALID_OPTIONS',
        issues: [expect.objectContaining({ path })],
      }),
    )
  })

  it('refuses a time that is none, and a body that is no JSON', () => {
    expect(refusal({ headers: { ...headers, 'webhook-timestamp': '1e9' } })).toMatch(/no time in seconds/)
    const signed = { 'webhook-id': 'x', 'webhook-timestamp': '1614265330', 'webhook-signature': 'v1,?' }
    expect(refusal({ headers: signed, body: '{' })).toMatch(/signature/)
  })

  it.each(['', 'short', [], ['', SECRET], undefined, null, 'whsec_', 'whsec_*'])(
    'takes no secret that anybody could guess: %j',
    (secret) => {
      expect(() => verifyWebhook({ ...sound, secret: secret as never })).toThrow(/secret: expected/)
    },
  )
})

/** Of a server that is nobody's, for these tests alone. */
const KEY = `-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIByfLeKnLlX8HJ9FT2PoIffy5pezEFqBqiITFzrTzxweoAoGCCqGSM49
AwEHoUQDQgAEdqYVsq/ku6HJ4PscKrirWKXv78VYLuEpA7w/Lpmf83yJIxPuMPq+
sLg5hCeeXR0zUN73s11sjgIUmRtSYVhaYg==
-----END EC PRIVATE KEY-----`
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBsDCCAVagAwIBAgIUeiJGcoZ42RoEG2iSRYDC8lV/x58wCgYIKoZIzj0EAwIw
HTEbMBkGA1UEAwwSaG9va3MuZXhhbXBsZS50ZXN0MCAXDTI2MTEyMTE5NTMwOVoY
DzIxMjYxMDI4MTk1MzA5WjAdMRswGQYDVQQDDBJob29rcy5leGFtcGxlLnRlc3Qw
WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAR2phWyr+S7ocng+xwquKtYpe/vxVgu
4SkDvD8umZ/zfIkjE+4w+r6wuDmEJ55dHTNQ3vezXWyOAhSZG1JhWFpio3IwcDAd
BgNVHQ4EFgQUpBO2k6+nNHLBv1/YXGNEKGMH+iUwHwYDVR0jBBgwFoAUpBO2k6+n
NHLBv1/YXGNEKGMH+iUwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHREEFjAUghJob29r
cy5leGFtcGxlLnRlc3QwCgYIKoZIzj0EAwIDSAAwRQIhAPKv2NPSaFo//DiWjUQo
BYzEwHVuB6XlTSdWZZGWGoqGAiBeiKJCr+EmmZ7lgHjn2bOkbLwgeS65xRwCbRbM
DZqhhw==
-----END CERTIFICATE-----`

describe('isRetryable', () => {
  it('says no of what cannot be asked', () => {
    const hostile = new Proxy(
      {},
      {
        get() {
          throw new Error('trap')
        },
      },
    )

    expect(isRetryable(hostile)).toBe(false)
  })
})
