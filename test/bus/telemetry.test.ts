import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import * as api from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { type DataPoint, type Histogram, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  type BusBackend,
  type BusEvent,
  EventBus,
  type EventBusOptions,
  HANDLER_FAILED,
  loadOpenTelemetry,
  memoryBackend,
  type OpenTelemetryMeter,
  type OpenTelemetryOptions,
  type OpenTelemetrySpan,
  type OpenTelemetryTracer,
  openTelemetry,
  type StoredEvent,
} from '../../src/bus/index.ts'
import { type EventsetsError, ValidationError } from '../../src/core/errors.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { makeFile, openBackend } from './sqlite-files.ts'

const dist = fileURLToPath(new URL('../../dist', import.meta.url))

beforeAll(() => {
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
})
afterAll(() => api.context.disable())

/** A tracer, and the spans that it has ended, in the order of their ends. */
function record(sampler?: Sampler) {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    ...(sampler ? { sampler } : {}),
  })
  const spans = () => exporter.getFinishedSpans()
  const named = (name: string) => {
    const found = spans().filter((span) => span.name === name)
    expect(found, name).toHaveLength(1)
    return found[0] as ReadableSpan
  }
  return { tracer: provider.getTracer('test'), spans, named }
}

function createBus({ sampler, ...options }: EventBusOptions & { readonly sampler?: Sampler } = {}) {
  const { tracer, spans, named } = record(sampler)
  const telemetry = openTelemetry({ api, tracer, meter: false })
  const bus = new EventBus({ source: 'shop', group: 'billing', telemetry, ...options })
  return { bus, tracer, spans, named, telemetry }
}

const traceparentOf = (span: ReadableSpan | api.Span) => {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return `00-${traceId}-${spanId}-0${traceFlags}`
}

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const SPAN_ID = 'b7ad6b7169203331'

describe('publishing', () => {
  it('is a span of the kind PRODUCER that says what is published', async () => {
    const { bus, named } = createBus()

    const event = await bus.publish('order.paid', { id: 17 })

    const span = named('publish order.paid')
    expect(span.kind).toBe(api.SpanKind.PRODUCER)
    expect(span.attributes).toEqual({
      'messaging.system': 'eventsets',
      'messaging.client.id': 'shop',
      'messaging.operation.name': 'publish',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'order.paid',
      'messaging.message.id': event.id,
      'messaging.message.conversation_id': event.correlationId,
    })
    expect(span.status.code).toBe(api.SpanStatusCode.UNSET)
  })

  it('puts its W3C trace context into the event', async () => {
    const { bus, named } = createBus()

    const event = await bus.publish('order.paid', 1)

    expect(event.traceparent).toBe(traceparentOf(named('publish order.paid')))
  })

  it('is a part of what is active around it', async () => {
    const { bus, tracer, named } = createBus()

    await tracer.startActiveSpan('GET /', async (request) => {
      await bus.publish('order.paid', 1)
      request.end()
    })

    expect(named('publish order.paid').parentSpanContext?.spanId).toBe(named('GET /').spanContext().spanId)
  })

  it('goes on with a trace context that the publisher gives', async () => {
    const { bus, tracer, named } = createBus()
    const traceparent = `00-${TRACE_ID}-${SPAN_ID}-01`

    const event = await tracer.startActiveSpan('other trace', async (span) => {
      const published = await bus.publish('order.paid', 1, { traceparent })
      span.end()
      return published
    })

    const span = named('publish order.paid')
    expect(span.spanContext().traceId).toBe(TRACE_ID)
    expect(span.parentSpanContext).toMatchObject({ spanId: SPAN_ID, isRemote: true })
    expect(event.traceparent).toBe(traceparentOf(span))
  })

  it.each([
    'nonsense',
    `00-${'0'.repeat(32)}-${SPAN_ID}-01`,
    `00-${TRACE_ID}-${'0'.repeat(16)}-01`,
    `ff-${TRACE_ID}-${SPAN_ID}-01`,
    `00-${TRACE_ID.toUpperCase()}-${SPAN_ID}-01`,
    `00-${TRACE_ID}-${SPAN_ID}-01junk`,
  ])('begins a trace of its own when the context it is given is none: %j', async (traceparent) => {
    const { bus, named } = createBus()

    const event = await bus.publish('order.paid', 1, { traceparent })

    expect(named('publish order.paid').parentSpanContext).toBeUndefined()
    expect(event.traceparent).toBe(traceparentOf(named('publish order.paid')))
  })

  it('of many events is one span that says how many', async () => {
    const { bus, named, spans } = createBus()

    const events = await bus.publishAll([
      { name: 'order.paid', data: 1 },
      { name: 'order.sent', data: 2 },
    ])

    const span = named('publish')
    expect(spans()).toHaveLength(1)
    expect(span.attributes).toMatchObject({ 'messaging.batch.message_count': 2 })
    expect(span.attributes).not.toHaveProperty('messaging.destination.name')
    expect(events.map(({ traceparent }) => traceparent)).toEqual(Array(2).fill(traceparentOf(span)))
  })

  it('that fails is told with its error', async () => {
    const refusing: BusBackend = {
      ...memoryBackend(),
      publish: () => Promise.reject(new Error('disk full')),
    }
    const { bus, named } = createBus({ backend: refusing })

    await expect(bus.publish('order.paid', 1)).rejects.toThrow('disk full')

    const span = named('publish order.paid')
    expect(span.status).toEqual({
      code: api.SpanStatusCode.ERROR,
      message: 'order.paid could not be published: disk full',
    })
    expect(span.attributes).toMatchObject({ 'error.type': 'EVENTSETS_PUBLISH' })
    expect(span.events.map(({ name }) => name)).toEqual(['exception'])
  })

  it('of wrong data is told too', async () => {
    const { bus, named } = createBus()

    await expect(bus.publish('order.paid', { amount: 1n })).rejects.toThrow()

    expect(named('publish order.paid').attributes).toMatchObject({ 'error.type': 'EVENTSETS_SERIALIZATION' })
  })
})

describe('a handler', () => {
  it('of a published event is a span of the kind CONSUMER in the trace of the publisher', async () => {
    const { bus, named } = createBus()
    bus.on('order.*', function charge() {})

    const event = await bus.publish('order.paid', 1)
    await bus.idle()

    const published = named('publish order.paid')
    const span = named('process order.paid')
    expect(span.kind).toBe(api.SpanKind.CONSUMER)
    expect(span.spanContext().traceId).toBe(published.spanContext().traceId)
    expect(span.parentSpanContext?.spanId).toBe(published.spanContext().spanId)
    expect(span.attributes).toEqual({
      'messaging.system': 'eventsets',
      'messaging.client.id': 'shop',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'order.paid',
      'messaging.message.id': event.id,
      'messaging.message.conversation_id': event.correlationId,
      'messaging.consumer.group.name': 'billing',
      'eventsets.handler.name': 'charge',
      'eventsets.handler.pattern': 'order.*',
      'eventsets.handler.attempt': 1,
    })
  })

  it('of an emitted event is a part of the emit, which ends after it', async () => {
    const { bus, named, spans } = createBus()
    bus.on('order.paid', async () => {
      await null
    })

    await bus.emit('order.paid', 1)

    const emitted = named('emit order.paid')
    expect(emitted.kind).toBe(api.SpanKind.PRODUCER)
    expect(named('process order.paid').parentSpanContext?.spanId).toBe(emitted.spanContext().spanId)
    expect(spans().map(({ name }) => name)).toEqual(['process order.paid', 'emit order.paid'])
  })

  it('runs with its span as the active one, however far it awaits', async () => {
    const { bus, named } = createBus()
    const active: (string | undefined)[] = []
    const note = () => active.push(api.trace.getActiveSpan()?.spanContext().spanId)
    bus.on('order.paid', async () => {
      note()
      await new Promise((resolve) => setImmediate(resolve))
      note()
    })

    await bus.publish('order.paid', 1)
    await bus.idle()

    const { spanId } = named('process order.paid').spanContext()
    expect(active).toEqual([spanId, spanId])
  })

  it.each(['its context', 'the bus'])('publishes through %s what is a part of it', async (through) => {
    const { bus, named } = createBus()
    bus.on('order.paid', async (_, context) => {
      if (through === 'the bus') await bus.publish('order.sent', 2)
      else await context.publish('order.sent', 2)
    })
    bus.on('order.sent', () => {})

    await bus.publish('order.paid', 1)
    await bus.idle()

    const chain = ['publish order.paid', 'process order.paid', 'publish order.sent', 'process order.sent']
    const spans = chain.map(named)
    for (const [at, span] of spans.entries())
      expect(span.parentSpanContext?.spanId).toBe(spans[at - 1]?.spanContext().spanId)
  })

  it('belongs to its own event when several are handled at once', async () => {
    const { bus, tracer, spans } = createBus()
    bus.on('order.*', () => new Promise((resolve) => setImmediate(resolve)))

    await tracer.startActiveSpan('first', (span) => bus.publish('order.paid', 1).finally(() => span.end()))
    await tracer.startActiveSpan('second', (span) => bus.publish('order.sent', 2).finally(() => span.end()))
    await bus.idle()

    const traceOf = (name: string) =>
      spans()
        .find((span) => span.name === name)
        ?.spanContext().traceId
    expect(traceOf('process order.paid')).toBe(traceOf('first'))
    expect(traceOf('process order.sent')).toBe(traceOf('second'))
    expect(traceOf('first')).not.toBe(traceOf('second'))
  })

  it('begins a trace of its own for an event without one', async () => {
    const backend = memoryBackend()
    const { bus, tracer, named } = createBus({ backend })
    bus.on('order.paid', () => {})
    await bus.start()

    await tracer.startActiveSpan('somebody else', async (span) => {
      await new EventBus({ backend }).publish('order.paid', 1)
      span.end()
    })
    await bus.idle()

    expect(named('process order.paid').parentSpanContext).toBeUndefined()
  })

  it('that fails is told with its error, each try a span', async () => {
    const clock = fakeClock()
    const { bus, spans } = createBus({ clock, onError: () => {} })
    let calls = 0
    bus.on(
      'order.paid',
      async () => {
        if (++calls < 3) throw Object.assign(new TypeError('no'), { code: `E${calls}` })
      },
      { retry: { maxAttempts: 3, baseDelayMs: 10, jitter: 'none' } },
    )

    await bus.publish('order.paid', 1)
    await clock.advance(1000)

    const tries = spans().filter(({ name }) => name === 'process order.paid')
    expect(
      tries.map(({ attributes, status }) => ({
        attempt: attributes['eventsets.handler.attempt'],
        error: attributes['error.type'],
        status,
      })),
    ).toEqual([
      { attempt: 1, error: 'E1', status: { code: api.SpanStatusCode.ERROR, message: 'no' } },
      { attempt: 2, error: 'E2', status: { code: api.SpanStatusCode.ERROR, message: 'no' } },
      { attempt: 3, error: undefined, status: { code: api.SpanStatusCode.UNSET } },
    ])
    expect(new Set(tries.map((span) => span.parentSpanContext?.spanId)).size).toBe(1)
  })

  it.each([
    [
      'throws',
      () => {
        throw new RangeError('no')
      },
      'RangeError',
    ],
    ['rejects with what is no error', () => Promise.reject('no'), '_OTHER'],
    ['rejects with nothing', () => Promise.reject(), '_OTHER'],
  ])('that %s fails as it does without telemetry', async (_, handler, type) => {
    const { bus, named } = createBus({ onError: () => {} })
    bus.on('order.paid', handler)

    const { failures } = await bus.emit('order.paid', 1)

    expect(failures).toHaveLength(1)
    expect(named('process order.paid').attributes).toMatchObject({ 'error.type': type })
  })

  it('that takes too long ends its span when its time is over', async () => {
    const clock = fakeClock()
    const { bus, named } = createBus({ clock, onError: () => {} })
    bus.on('order.paid', () => new Promise(() => {}), { timeoutMs: 100 })

    const done = bus.emit('order.paid', 1)
    await clock.advance(100)
    await done

    expect(named('process order.paid').attributes).toMatchObject({
      'error.type': 'EVENTSETS_HANDLER_TIMEOUT',
    })
  })

  it('that is left out by its filter has no span', async () => {
    const { bus, spans } = createBus()
    bus.on('order.paid', () => {}, { filter: () => false })

    await bus.emit('order.paid', 1)

    expect(spans().map(({ name }) => name)).toEqual(['emit order.paid'])
  })

  it('of a failure is in the trace of what has failed', async () => {
    const { bus, named } = createBus({ onError: () => {} })
    bus.on('order.paid', () => {
      throw new Error('no')
    })
    bus.on(HANDLER_FAILED, () => {})

    await bus.publish('order.paid', 1)
    await bus.idle()

    const { traceId } = named('publish order.paid').spanContext()
    expect(named(`process ${HANDLER_FAILED}`).spanContext().traceId).toBe(traceId)
  })

  it('gets the baggage of an emit, and none from a stranger with a published event', async () => {
    const { bus } = createBus()
    const seen: (string | undefined)[] = []
    const tenant = () => api.propagation.getActiveBaggage()?.getEntry('tenant')?.value
    bus.on('*', () => void seen.push(tenant()))
    const baggage = api.propagation.createBaggage({ tenant: { value: 'acme' } })

    await api.context.with(api.propagation.setBaggage(api.context.active(), baggage), async () => {
      await bus.emit('emitted', 1)
      await bus.publish('published', 1)
    })
    await bus.idle()

    expect(seen).toEqual(['acme', undefined])
  })
})

describe('a transaction', () => {
  it('is a span for each event that is made, and one that sends them all and links to them', async () => {
    const { bus, tracer, named } = createBus()
    bus.on('order.**', () => {})

    await tracer.startActiveSpan('checkout', async (span) => {
      await bus.transaction(async (tx) => {
        await tx.publish('order.paid', 1)
        await bus.publish('order.sent', 2)
      })
      span.end()
    })
    await bus.idle()

    const created = [named('create order.paid'), named('create order.sent')]
    const send = named('send')
    for (const span of created)
      expect(span).toMatchObject({
        kind: api.SpanKind.PRODUCER,
        attributes: { 'messaging.operation.type': 'create' },
        parentSpanContext: { spanId: named('checkout').spanContext().spanId },
      })
    expect(send).toMatchObject({
      kind: api.SpanKind.CLIENT,
      attributes: { 'messaging.operation.type': 'send', 'messaging.batch.message_count': 2 },
    })
    expect(send.links.map(({ context }) => context.spanId)).toEqual(
      created.map((span) => span.spanContext().spanId),
    )
    expect(named('process order.sent').parentSpanContext?.spanId).toBe(created[1]?.spanContext().spanId)
  })

  it('that is given up sends nothing', async () => {
    const { bus, spans } = createBus()

    const giveUp = bus.transaction(async (tx) => {
      await tx.publish('order.paid', 1)
      throw new Error('no')
    })

    await expect(giveUp).rejects.toThrow('no')
    expect(spans().map(({ name }) => name)).toEqual(['create order.paid'])
  })
})

describe('a trace', () => {
  it('goes on in another process', async () => {
    const script = `
      import * as api from '@opentelemetry/api'
      import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
      import { EventBus, memoryBackend, openTelemetry } from ${JSON.stringify(pathToFileURL(join(dist, 'bus/index.js')).href)}
      const backend = { ...memoryBackend(), publish: async (events) => console.log(JSON.stringify(events)) }
      const tracer = new BasicTracerProvider().getTracer('child')
      const bus = new EventBus({ backend, source: 'web', telemetry: openTelemetry({ api, tracer }) })
      await bus.publish('order.paid', { id: 17 })`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: dist })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    await once(child, 'close')
    const events: StoredEvent[] = JSON.parse(output)

    const backend = memoryBackend()
    const { bus, named } = createBus({ backend })
    bus.on('order.paid', () => {})
    await bus.start()
    await backend.publish(events)
    await bus.idle()

    const { traceId, spanId, isRemote } = named('process order.paid').parentSpanContext ?? {}
    expect(`00-${traceId}-${spanId}-01`).toBe(events[0]?.traceparent)
    expect(isRemote).toBe(true)
  })

  it('goes on after a restart, from a file', async () => {
    const file = makeFile()
    const publisher = createBus({ backend: openBackend(file) })
    await publisher.bus.publish('order.paid', 1)
    await publisher.bus.close()

    const { bus, named } = createBus({ backend: openBackend(file) })
    const handled = bus.once('order.paid')
    await bus.start()
    await handled
    await bus.close()

    const published = publisher.named('publish order.paid').spanContext()
    expect(named('process order.paid').parentSpanContext).toMatchObject({
      traceId: published.traceId,
      spanId: published.spanId,
    })
  })

  it('that is not recorded is not recorded by handlers either', async () => {
    const { bus, spans } = createBus({ sampler: new AlwaysOffSampler() })
    let seen: BusEvent | undefined
    bus.on('order.paid', (event) => {
      seen = event
    })

    await bus.publish('order.paid', 1)
    await bus.idle()

    expect(seen?.traceparent).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-00$/)
    expect(spans()).toEqual([])
  })

  it('passes through a bus that records none', async () => {
    const bus = new EventBus()
    const traceparent = `00-${TRACE_ID}-${SPAN_ID}-01`
    const seen: (string | undefined)[] = []
    bus.on('order.paid', (_, context) => context.publish('order.sent', 2))
    bus.on('order.sent', (event) => void seen.push(event.traceparent))

    await bus.publish('order.paid', 1, { traceparent })
    await bus.idle()

    expect(seen).toEqual([traceparent])
  })
})

describe('measurements', () => {
  class Reader extends MetricReader {
    protected override async onForceFlush() {}
    protected override async onShutdown() {}
  }

  function measure() {
    const reader = new Reader()
    const meter = new MeterProvider({ readers: [reader] }).getMeter('test')
    const collect = async () => {
      const { resourceMetrics, errors } = await reader.collect()
      expect(errors).toEqual([])
      const all = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
      return (name: string) =>
        (all.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? []) as DataPoint<number>[]
    }
    return { telemetry: openTelemetry({ api, tracer: false, meter }), collect, meter }
  }

  it('count what is sent and time it, by name and outcome', async () => {
    const { telemetry, collect } = measure()
    const bus = new EventBus({ telemetry })

    await bus.publish('order.paid', 1)
    await bus.publishAll([
      { name: 'order.sent', data: 1 },
      { name: 'order.sent', data: 2 },
    ])
    await bus.publish('order.paid', { amount: 1n }).catch(() => {})
    const points = await collect()

    const common = {
      'messaging.system': 'eventsets',
      'messaging.operation.name': 'publish',
      'messaging.operation.type': 'send',
    }
    const paid = { ...common, 'messaging.destination.name': 'order.paid' }
    expect(
      points('messaging.client.sent.messages').map(({ attributes, value }) => [attributes, value]),
    ).toEqual([
      [paid, 1],
      [{ ...common, 'messaging.destination.name': 'order.sent' }, 2],
      [{ ...paid, 'error.type': 'EVENTSETS_SERIALIZATION' }, 1],
    ])
    expect(points('messaging.client.operation.duration')).toHaveLength(3)
  })

  it('count an event of a transaction once, when it is sent', async () => {
    const { telemetry, collect } = measure()
    const bus = new EventBus({ telemetry })

    await bus.transaction(async (tx) => {
      await tx.publish('order.paid', 1)
      await bus.publish('order.paid', 2)
    })

    expect((await collect())('messaging.client.sent.messages')).toMatchObject([
      { value: 2, attributes: { 'messaging.operation.name': 'send' } },
    ])
  })

  it('time handlers in seconds, by name and outcome', async () => {
    const { telemetry, collect } = measure()
    const bus = new EventBus({ telemetry, group: 'billing', onError: () => {} })
    let calls = 0
    bus.on('order.paid', function charge() {
      if (++calls === 2) throw new RangeError('no')
    })

    await bus.publish('order.paid', 1)
    await bus.publish('order.paid', 2)
    await bus.idle()
    const points = await collect()

    const durations = points('messaging.process.duration') as unknown as DataPoint<Histogram>[]
    expect(durations.map(({ attributes }) => attributes['error.type'])).toEqual([undefined, 'RangeError'])
    expect(durations[0]?.attributes).toEqual({
      'messaging.system': 'eventsets',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'order.paid',
      'messaging.consumer.group.name': 'billing',
      'eventsets.handler.name': 'charge',
    })
    expect(durations[0]?.value.count).toBe(1)
    expect(durations[0]?.value.buckets.boundaries).toContain(0.0005)
  })

  it('tell what the bus knows: deliveries, retries, what waits and what was given up', async () => {
    const clock = fakeClock()
    const { telemetry, collect } = measure()
    const bus = new EventBus({ clock, telemetry, source: 'shop', onError: () => {} })
    bus.on(
      'order.paid',
      () => {
        throw new Error('no')
      },
      { name: 'charge', retry: { maxAttempts: 2, baseDelayMs: 1, jitter: 'none' } },
    )
    await bus.publish('order.paid', 1)
    await clock.advance(10)
    await bus.pause()
    await bus.publish('order.paid', 2)
    await clock.advance(2000)

    const points = await collect()

    const bySource = { 'messaging.system': 'eventsets', 'messaging.client.id': 'shop' }
    expect(points('messaging.client.consumed.messages')).toMatchObject([
      { value: 1, attributes: { ...bySource, 'messaging.destination.name': 'order.paid' } },
    ])
    expect(points('eventsets.bus.handler.retries')).toMatchObject([
      { value: 1, attributes: { ...bySource, 'eventsets.handler.name': 'charge' } },
    ])
    expect(points('eventsets.bus.queue.depth')).toMatchObject([{ value: 1, attributes: bySource }])
    expect(points('eventsets.bus.queue.lag')).toMatchObject([{ value: 2 }])
    expect(points('eventsets.bus.dead_letters')).toMatchObject([{ value: 1 }])
    expect(points('eventsets.bus.in_flight')).toMatchObject([{ value: 0 }])
  })

  it('end when the bus closes', async () => {
    const { telemetry, collect } = measure()
    let asked = 0
    const backend = memoryBackend()
    const health = () => {
      asked++
      return backend.health()
    }
    const bus = new EventBus({ telemetry, backend: { ...backend, health } })
    await collect()
    expect(asked).toBe(1)

    await bus.close()
    asked = 0
    await collect()

    expect(asked).toBe(0)
  })

  it('have a limited number of names', async () => {
    const { telemetry, collect } = measure()
    const bus = new EventBus({ telemetry })

    for (let at = 0; at < 1010; at++) await bus.emit(`visitor.n${at}`, at)

    const sent = (await collect())('messaging.client.sent.messages')
    expect(sent).toHaveLength(1001)
    expect(sent.at(-1)).toMatchObject({ value: 10, attributes: { 'messaging.destination.name': '_OTHER' } })
  })

  it('and spans come together from one', async () => {
    const { meter, collect } = measure()
    const { tracer, spans } = record()
    const bus = new EventBus({ telemetry: openTelemetry({ api, tracer, meter }) })

    await bus.publish('order.paid', 1)

    expect(spans()).toHaveLength(1)
    expect((await collect())('messaging.client.sent.messages')).toHaveLength(1)
  })
})

describe('telemetry that fails', () => {
  const fail = () => {
    throw new Error('exporter queue')
  }
  const failLater = () => Promise.reject(new Error('exporter queue'))
  const span = (): OpenTelemetrySpan => ({
    spanContext: () => ({ traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: 1 }),
    setAttributes() {},
    setStatus() {},
    recordException() {},
    end() {},
  })
  const tracer = (broken: Partial<OpenTelemetrySpan> = {}): OpenTelemetryTracer => ({
    startSpan: () => ({ ...span(), ...broken }),
  })
  const meter = (broken: object = {}): OpenTelemetryMeter => ({
    createHistogram: () => ({ record() {}, ...broken }),
    createCounter: () => ({ add() {}, ...broken }),
    createObservableCounter: () => ({ addCallback() {} }),
    createObservableGauge: () => ({ addCallback() {} }),
    addBatchObservableCallback() {},
    removeBatchObservableCallback() {},
    ...broken,
  })
  const { setSpan, setSpanContext, getSpanContext, getTracer } = api.trace
  const trace = { setSpan, setSpanContext, getSpanContext, getTracer: getTracer.bind(api.trace) }

  const cases: [string, Partial<OpenTelemetryOptions>][] = [
    ['startSpan', { tracer: { startSpan: fail } }],
    ['spanContext', { tracer: tracer({ spanContext: fail }) }],
    ['setAttributes', { tracer: tracer({ setAttributes: fail }) }],
    ['setStatus', { tracer: tracer({ setStatus: fail }) }],
    ['recordException', { tracer: tracer({ recordException: fail }) }],
    ['end', { tracer: tracer({ end: fail }) }],
    ['an end that rejects', { tracer: tracer({ end: failLater as never }) }],
    ['record', { meter: meter({ record: fail }) }],
    ['add', { meter: meter({ add: fail }) }],
    ['addBatchObservableCallback', { meter: meter({ addBatchObservableCallback: fail }) }],
    ['setSpan', { api: { ...api, trace: { ...trace, setSpan: fail } } }],
    ['setSpanContext', { api: { ...api, trace: { ...trace, setSpanContext: fail } } }],
    ['getSpanContext', { api: { ...api, trace: { ...trace, getSpanContext: fail } } }],
    ['isSpanContextValid', { api: { ...api, isSpanContextValid: fail } }],
    ['context.active', { api: { ...api, context: { active: fail, with: (_, run) => run() } } }],
    ['context.with', { api: { ...api, context: { active: () => api.ROOT_CONTEXT, with: fail } } }],
    [
      'context.with, after the call',
      {
        api: {
          ...api,
          context: {
            active: () => api.ROOT_CONTEXT,
            with: (_, run) => {
              run()
              return fail()
            },
          },
        },
      },
    ],
  ]

  it.each(cases)('decides nothing, and is told once: %s', async (_, broken) => {
    const told: EventsetsError[] = []
    const telemetry = openTelemetry({ api, tracer: tracer(), meter: meter(), ...broken })
    const bus = new EventBus({ telemetry, onError: (error) => told.push(error) })
    const calls: string[] = []
    bus.on('order.paid', function charge({ data }) {
      calls.push(`charge ${data}`)
      if (data === 'bad') throw new Error('no money')
    })
    bus.on('order.paid', async function ship({ data }) {
      await null
      calls.push(`ship ${data}`)
    })
    const given = { traceparent: `00-${TRACE_ID}-${SPAN_ID}-01` }

    await bus.publish('order.paid', 'good', given)
    await bus.publishAll([{ name: 'order.paid', data: 'also good' }])
    await bus.idle()
    await bus.transaction(async (tx) => {
      await tx.publish('order.paid', 'kept')
    })
    await bus.idle()
    const report = await bus.emit('order.paid', 'bad')
    const refused = bus.publish('order.paid', 1n)
    await expect(refused).rejects.toMatchObject({ code: 'EVENTSETS_SERIALIZATION' })
    await bus.close()

    expect(calls.sort()).toEqual(
      ['also good', 'bad', 'good', 'kept']
        .flatMap((data) => `charge ${data}`)
        .concat(['also good', 'bad', 'good', 'kept'].map((data) => `ship ${data}`)),
    )
    expect(report.failures.map(({ error }) => error.cause)).toMatchObject([{ message: 'no money' }])
    expect(told.filter(({ code }) => code !== 'EVENTSETS_HANDLER')).toMatchObject([
      { code: 'EVENTSETS_TELEMETRY', message: 'OpenTelemetry has failed: exporter queue' },
    ])
  })

  it('does not keep what else works from being recorded', async () => {
    const { tracer, named } = record()
    const telemetry = openTelemetry({ api, tracer, meter: meter({ record: fail, add: fail }) })
    const bus = new EventBus({ telemetry, onError() {} })

    await bus.publish('order.paid', {})

    expect(named('publish order.paid').ended).toBe(true)
  })
})

describe('the options of openTelemetry', () => {
  const issuesOf = (options: unknown) => {
    try {
      openTelemetry(options as never)
    } catch (error) {
      expect(error).toBeInstanceOf(ValidationError)
      return (error as ValidationError).issues.map(({ path }) => path)
    }
    return []
  }

  it('are refused with everything that is wrong', () => {
    expect(issuesOf(null)).toEqual([''])
    expect(issuesOf({})).toEqual(['api'])
    expect(issuesOf({ api: null, tracer: 5, trace: 1 })).toEqual(['api', 'tracer', 'trace'])
    expect(issuesOf({ api: {} })).toEqual([
      'api.trace.getTracer',
      'api.metrics.getMeter',
      'api.trace.setSpan',
      'api.trace.setSpanContext',
      'api.trace.getSpanContext',
      'api.context.active',
      'api.context.with',
      'api.isSpanContextValid',
    ])
    expect(issuesOf({ api, tracer: {}, meter: 'x' })).toEqual(['tracer', 'meter'])
    expect(issuesOf({ api, tracer: false, meter: false })).toEqual([])
  })
})

describe('loadOpenTelemetry', () => {
  it('uses the providers that the process has registered', async () => {
    const { tracer, named } = record()
    api.trace.setGlobalTracerProvider({ getTracer: () => tracer })
    onTestFinished(() => api.trace.disable())
    const bus = new EventBus({ telemetry: await loadOpenTelemetry() })

    await bus.publish('order.paid', 1)

    expect(named('publish order.paid').kind).toBe(api.SpanKind.PRODUCER)
  })

  it('makes no spans, and no trouble, where no provider is registered', async () => {
    const bus = new EventBus({ telemetry: await loadOpenTelemetry() })
    const seen: unknown[] = []
    bus.on('order.paid', (event) => void seen.push(event.traceparent))

    await bus.publish('order.paid', 1)
    await bus.emit('order.paid', 1)
    await bus.idle()

    expect(seen).toEqual([undefined, undefined])
  })

  it('gives nothing where the package is not installed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'eventsets-telemetry-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    cpSync(dist, folder, { recursive: true })

    const output = await run(`
      import { EventBus, loadOpenTelemetry } from ${JSON.stringify(pathToFileURL(join(folder, 'bus/index.js')).href)}
      const telemetry = await loadOpenTelemetry()
      await new EventBus({ telemetry }).emit('order.paid', 1)
      console.log(telemetry)`)

    expect(output).toBe('undefined\n')
  })
})

it('nothing of OpenTelemetry is loaded unless it is asked for', async () => {
  const output = await run(`
    import { createRequire } from 'node:module'
    import { EventBus, loadOpenTelemetry } from ${JSON.stringify(pathToFileURL(join(dist, 'bus/index.js')).href)}
    const isLoaded = () => Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes('opentelemetry'))
    await new EventBus().emit('order.paid', 1)
    console.log(isLoaded())
    await loadOpenTelemetry()
    console.log(isLoaded())`)

  expect(output).toBe('false\ntrue\n')
})

it('telemetry that is none is refused', () => {
  expect(() => new EventBus({ telemetry: {} as never })).toThrow(
    'telemetry: expected what openTelemetry() gives',
  )
})

async function run(script: string): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: dist })
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (output += chunk))
  await once(child, 'close')
  return output
}
