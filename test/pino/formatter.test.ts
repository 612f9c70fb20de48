import { once } from 'node:events'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import pino from 'pino'
import { expect, test } from 'vitest'
import { createEnricher } from '../../src/core/enricher.ts'
import { createRegistry } from '../../src/discovery/process-registry.ts'
import { eventsetsFormatter } from '../../src/pino/formatter.ts'
import { ordersRegistry } from '../fixtures/orders.ts'

test('it adds markers and metadata to the object of a log call', () => {
  const log = eventsetsFormatter(ordersRegistry())

  expect(log({ state: 'paid', id: 1 })).toEqual({ state: 'paid', id: 1, 'order.ok': true, markers: ['💰'] })
})

test('it returns the very object when there is nothing to add', () => {
  const log = eventsetsFormatter(ordersRegistry())
  for (const object of [{}, { a: 1 }, { state: 'paid', markers: [] }, { state: null }]) {
    expect(log(object)).toBe(object)
  }
})

test('it never changes the object it is given', () => {
  const object = Object.freeze({ state: 'paid', inner: Object.freeze({ a: 1 }) })

  expect(eventsetsFormatter(ordersRegistry())(object)).not.toBe(object)
  expect(object).toEqual({ state: 'paid', inner: { a: 1 } })
})

test('it knows text forms, another field, and how to leave metadata out', () => {
  const log = eventsetsFormatter(ordersRegistry(), { ascii: true, markersField: 'm', metadata: false })

  expect(log({ state: 'paid' })).toEqual({ state: 'paid', m: ['paid'] })
})

test('it reads a request, a response and an error as they are before serializers', async () => {
  const log = eventsetsFormatter(createRegistry(), { metadata: false })
  const seen: unknown[] = []
  const server = createServer((req, res) => {
    seen.push(log({ req, res }).markers)
    res.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const [response] = await once(
    get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' }),
    'response',
  )
  response.resume()
  server.close()
  await once(server, 'close')
  seen.push(log({ err: Object.assign(new Error('no such file'), { code: 'ENOENT' }) }).markers)

  expect(seen[0]).toEqual(['📥', '✅'])
  expect(seen[1]).toHaveLength(1)
})

test('it works as formatters.log, beside serializers and redact', () => {
  let text = ''
  const logger = pino(
    {
      base: null,
      timestamp: false,
      redact: ['secret'],
      serializers: { state: () => 'serialized' },
      formatters: { log: eventsetsFormatter(ordersRegistry()) },
    },
    {
      write(line: string) {
        text += line
      },
    },
  )
  logger.info({ state: 'paid', secret: 1 }, 'order')
  logger.info('plain')

  expect(text).toBe(
    '{"level":30,"state":"serialized","secret":"[Redacted]","order.ok":true,"markers":["💰"],"msg":"order"}\n{"level":30,"msg":"plain"}\n',
  )
})

test('it survives an object whose getters throw', () => {
  const object = {
    get state(): string {
      throw new Error('no')
    },
  }

  expect(eventsetsFormatter(ordersRegistry())(object)).toBe(object)
})

test('it uses a set that is registered later', () => {
  const registry = ordersRegistry()
  const log = eventsetsFormatter(registry)
  registry.removeEventSet('orders')

  expect(log({ state: 'paid' })).toEqual({ state: 'paid' })
})

test.each([
  ['eventsetsFormatter', () => eventsetsFormatter({ metadata: false } as never)],
  ['createEnricher', () => createEnricher([] as never)],
])('%s says at once that it wants a registry', (name, call) => {
  expect(call).toThrowError(new RegExp(`${name}[^]*expected an EventSetRegistry`))
})
