import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type BusMetrics,
  DURATION_BOUNDS_MS,
  EventBus,
  formatMetricsReport,
  memoryBackend,
  metricsHandler,
  prometheusText,
} from '../../src/bus/index.ts'
import { writeOut } from '../../src/bus/quote.ts'
import { ValidationError } from '../../src/core/errors.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'

interface Sample {
  readonly name: string
  readonly labels: { readonly [name: string]: string }
  readonly value: number
}

interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: readonly Sample[]
}

/** Reads the text format as strictly as its description is written; throws at whatever is not in it. */
function parse(text: string): Family[] {
  if (!text.endsWith('\n')) throw new Error('does not end with a line break')
  const families: { name: string; type: string; help: string; samples: Sample[] }[] = []
  const lines = text.slice(0, -1).split('\n')
  for (const line of lines) {
    const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/.exec(line)
    if (help) {
      families.push({ name: help[1] as string, type: '', help: help[2] as string, samples: [] })
      continue
    }
    const family = families.at(-1)
    if (!family) throw new Error(`no HELP before ${line}`)
    const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line)
    if (type) {
      if (type[1] !== family.name || family.samples.length > 0) throw new Error(`out of place: ${line}`)
      family.type = type[2] as string
      continue
    }
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/s.exec(line)
    if (!sample) throw new Error(`is no sample: ${line}`)
    const [, name = '', labels = '', value = ''] = sample
    const own = family.type === 'histogram' ? name.replace(/_(?:bucket|sum|count)$/, '') : name
    if (own !== family.name) throw new Error(`stands in ${family.name}: ${line}`)
    family.samples.push({ name, labels: parseLabels(labels), value: parseNumber(value) })
  }
  const names = families.map(({ name }) => name)
  if (new Set(names).size < names.length) throw new Error('a family comes twice')
  for (const { samples } of families) {
    const series = samples.map(({ name, labels }) => JSON.stringify([name, Object.entries(labels).sort()]))
    if (new Set(series).size < series.length) throw new Error('a series comes twice')
  }
  return families
}

function parseLabels(text: string): { [name: string]: string } {
  const labels: { [name: string]: string } = {}
  let rest = text
  while (rest !== '') {
    const pair = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/.exec(rest)
    if (!pair) throw new Error(`are no labels: ${rest}`)
    const [whole, name = '', value = ''] = pair
    if (Object.hasOwn(labels, name)) throw new Error(`a label comes twice: ${name}`)
    labels[name] = value.replace(/\\(.)/g, (_, escaped) => (escaped === 'n' ? '\n' : escaped))
    rest = rest.slice(whole.length)
  }
  return labels
}

function parseNumber(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY
  if (!/^-?\d+(?:\.\d+)?(?:e[-+]?\d+)?$/.test(text)) throw new Error(`is no number: ${text}`)
  return Number(text)
}

/** The value of the only sample of that name with these labels. */
function sampleOf(families: readonly Family[], name: string, labels: { [name: string]: string } = {}) {
  const matching = families
    .flatMap(({ samples }) => samples)
    .filter((sample) => sample.name === `eventsets_bus_${name}`)
    .filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
  expect(matching).toHaveLength(1)
  return matching[0]?.value
}

async function createBusyBus() {
  const clock = fakeClock()
  const bus = new EventBus({ clock, onError: () => {} })
  bus.on('order.*', function ship() {}, { name: 'ship' })
  bus.on('order.paid', function charge(event) {
    if (event.data === 'bad') throw new Error('no')
  })
  await bus.emit('order.paid', 'good')
  await bus.publish('order.paid', 'bad')
  await bus.idle()
  await bus.pause()
  await bus.publish('order.sent', 1)
  await clock.advance(2500)
  return bus
}

describe('prometheusText', () => {
  it('tells events by name and outcome', async () => {
    const families = parse(prometheusText(await (await createBusyBus()).metrics()))

    expect(sampleOf(families, 'events_published_total', { event: 'order.paid' })).toBe(2)
    expect(sampleOf(families, 'events_delivered_total', { event: 'order.paid' })).toBe(1)
    expect(sampleOf(families, 'events_handled_total', { event: 'order.paid', outcome: 'success' })).toBe(1)
    expect(sampleOf(families, 'events_handled_total', { event: 'order.paid', outcome: 'failure' })).toBe(1)
    expect(sampleOf(families, 'events_handled_total', { event: 'order.sent', outcome: 'success' })).toBe(0)
  })

  it('tells handlers by name and pattern', async () => {
    const families = parse(prometheusText(await (await createBusyBus()).metrics()))

    expect(sampleOf(families, 'handler_calls_total', { handler: 'ship', pattern: 'order.*' })).toBe(2)
    expect(sampleOf(families, 'handler_failures_total', { handler: 'charge', pattern: 'order.paid' })).toBe(1)
    expect(sampleOf(families, 'handler_retries_total', { handler: 'charge' })).toBe(0)
    expect(sampleOf(families, 'handler_timeouts_total', { handler: 'charge' })).toBe(0)
    expect(sampleOf(families, 'handlers')).toBe(2)
  })

  it('tells what waits, in seconds where it is time', async () => {
    const bus = await createBusyBus()

    const families = parse(prometheusText(await bus.metrics()))

    expect(sampleOf(families, 'queue_depth', { backend: 'memory', group: bus.group })).toBe(1)
    expect(sampleOf(families, 'queue_lag_seconds')).toBe(2.5)
    expect(sampleOf(families, 'dead_letters')).toBe(1)
    expect(sampleOf(families, 'backend_up')).toBe(1)
    expect(sampleOf(families, 'start_time_seconds')).toBe((bus.clock.now() - 2500) / 1000)
  })

  it('tells what waits by group, and before there is any, for the first one', async () => {
    const backend = memoryBackend()
    await using shop = new EventBus({ source: 'shop', backend })
    const before = parse(prometheusText(await shop.metrics()))
    await using mails = new EventBus({ source: 'mails', backend })
    shop.on('order.paid', () => {})
    mails.on('order.paid', () => {})
    await mails.pause()
    await shop.publish('order.paid', 1)
    await shop.idle()

    const families = parse(prometheusText(await shop.metrics()))

    expect(sampleOf(before, 'queue_depth', { backend: 'memory', group: '' })).toBe(0)
    expect(sampleOf(families, 'queue_depth', { backend: 'memory', group: 'shop' })).toBe(0)
    expect(sampleOf(families, 'queue_depth', { backend: 'memory', group: 'mails' })).toBe(1)
  })

  it('says that the backend is away, and nothing about what waits there', async () => {
    const { backend: _, ...metrics } = await new EventBus().metrics()

    const families = parse(prometheusText(metrics))

    expect(sampleOf(families, 'backend_up')).toBe(0)
    expect(families.map(({ name }) => name)).not.toContain('eventsets_bus_queue_depth')
  })

  it('has a histogram of durations with buckets that add up', async () => {
    const families = parse(prometheusText(await (await createBusyBus()).metrics()))

    const { type, samples } = families.find(({ name }) => name.endsWith('handler_duration_seconds')) as Family
    const ofShip = samples.filter(({ labels }) => labels['handler'] === 'ship')
    const buckets = ofShip.filter(({ name }) => name.endsWith('_bucket'))
    const counts = buckets.map(({ value }) => value)
    const bounds = buckets.map(({ labels }) => parseNumber(labels['le'] as string))
    expect(type).toBe('histogram')
    expect(bounds).toEqual([...bounds].sort((a, b) => a - b))
    expect(bounds).toEqual([...DURATION_BOUNDS_MS.map((ms) => ms / 1000), Number.POSITIVE_INFINITY])
    expect(counts).toEqual([...counts].sort((a, b) => a - b))
    expect(counts.at(-1)).toBe(2)
    expect(ofShip.find(({ name }) => name.endsWith('_count'))?.value).toBe(2)
    expect(ofShip.find(({ name }) => name.endsWith('_sum'))?.value).toBeGreaterThan(0)
  })

  it('gives counters names that end with _total, and only them', async () => {
    const families = parse(prometheusText(await (await createBusyBus()).metrics()))

    for (const { name, type, help } of families) {
      expect(name.endsWith('_total')).toBe(type === 'counter')
      expect(help).not.toBe('')
    }
  })

  it('begins names as it is told, and puts labels on every sample', async () => {
    const metrics = await (await createBusyBus()).metrics()

    const families = parse(
      prometheusText(metrics, { prefix: 'shop_bus', labels: { service: 'or"ders\\\n' } }),
    )

    expect(families.every(({ name }) => name.startsWith('shop_bus_'))).toBe(true)
    const services = families.flatMap(({ samples }) => samples.map(({ labels }) => labels['service']))
    expect(new Set(services)).toEqual(new Set(['or"ders\\\n']))
  })

  it('can be read back with any names', async () => {
    const metrics = await (await createBusyBus()).metrics()
    const text = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(fc.uniqueArray(text, { maxLength: 5 }), text, (names, service) => {
        const [event] = metrics.byEvent
        const [handler] = metrics.byHandler
        const hostile = {
          ...metrics,
          byEvent: names.map((name) => ({ ...event, name })),
          byHandler: names.map((name) => ({ ...handler, name })),
        } as BusMetrics

        const families = parse(prometheusText(hostile, { labels: { service } }))

        const published = families.find(({ name }) => name === 'eventsets_bus_events_published_total')
        expect((published?.samples ?? []).map(({ labels }) => labels)).toEqual(
          names.map((event) => ({ service: writeOut(service), event: writeOut(event) })),
        )
      }),
    )
  })

  it('has nothing in it that acts on a terminal', async () => {
    const bus = await createBusyBus()
    bus.on('order.paid', () => {}, { name: 'red \u001b[31m\u009b\u202e\r' })
    await bus.emit('order.paid', {})

    const text = prometheusText(await bus.metrics(), { labels: { service: 'a\u0007\tb' } })

    expect(text).toContain('handler="red \\\\u{1b}[31m\\\\u{9b}\\\\u{202e}\\\\u{d}"')
    expect(text).toContain('service="a\\\\u{7}\tb"')
    expect(text).not.toMatch(/(?![\t\n])\p{C}/u)
  })

  it.each([null, undefined, {}, { byEvent: [] }])('refuses %j for the numbers of a bus', (metrics) => {
    for (const show of [prometheusText, formatMetricsReport])
      expect(() => show(metrics as never)).toThrow(
        expect.objectContaining({ code: 'EVENTSETS_INVALID_OPTIONS' }),
      )
  })

  it('refuses options that are none', async () => {
    const metrics = await new EventBus().metrics()

    expect(() => prometheusText(metrics, null as never)).toThrow(ValidationError)
  })

  it('tells all that is wrong with its options at once', async () => {
    const metrics = await new EventBus().metrics()
    const options = {
      prefix: '1st',
      labels: { 'a-b': 'x', __own: 'x', le: 'x', fine: 'x', notText: 5 },
      lables: {},
    }

    const use = () => prometheusText(metrics, options as never)

    expect(use).toThrow(ValidationError)
    for (const place of ['prefix', 'labels.a-b', 'labels.__own', 'labels.le', 'labels.notText'])
      expect(use).toThrow(`${place}: `)
    expect(use).toThrow('lables: is not a known key; did you mean "labels"?')
  })
})

describe('metricsHandler', () => {
  it.each([undefined, null, {}])('needs a bus: %j is none', (bus) => {
    expect(() => metricsHandler(bus as never)).toThrow(/bus: expected an event bus, got /)
  })

  const serve = async (bus: Parameters<typeof metricsHandler>[0]) => {
    const handler = metricsHandler(bus)
    const server = createServer((request, response) => void handler(request, response))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`
  }

  it('answers GET with the text and its type', async () => {
    const response = await fetch(await serve(await createBusyBus()))

    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('no-store')
    const families = parse(await response.text())
    expect(sampleOf(families, 'events_published_total', { event: 'order.paid' })).toBe(2)
  })

  it('answers HEAD without a body', async () => {
    const response = await fetch(await serve(await createBusyBus()), { method: 'HEAD' })

    expect(response.status).toBe(200)
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(100)
    expect(await response.text()).toBe('')
  })

  it('answers other methods with 405 and says which there are', async () => {
    const response = await fetch(await serve(await createBusyBus()), { method: 'POST', body: 'x' })

    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('GET, HEAD')
  })

  it('answers with 500 when there are no numbers, and goes on', async () => {
    const bus = await createBusyBus()
    let isBroken = true
    const url = await serve({
      metrics: () => (isBroken ? Promise.reject(new Error('no numbers')) : bus.metrics()),
    })

    const broken = await fetch(url)
    isBroken = false

    expect(broken.status).toBe(500)
    expect((await fetch(url)).status).toBe(200)
  })

  it('refuses wrong options before anybody asks', () => {
    expect(() => metricsHandler(new EventBus(), { prefix: 'a b', maxName: 5 } as never)).toThrow(
      /prefix: .*\n.*maxName: .*did you mean "maxNames"/,
    )
  })
})
