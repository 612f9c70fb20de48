import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Issue } from '../core/issue.ts'
import { anything, matching, object, optional, table } from '../core/shape.ts'
import type { GroupHealth } from './backend.ts'
import { assertMetrics } from './given-metrics.ts'
import { answer } from './http-answer.ts'
import type { BusMetrics, MetricsOptions } from './metrics.ts'
import { assertOptions, findBusIssues, maybeCount, maybeMilliseconds } from './option-shape.ts'
import { writeOut } from './quote.ts'

export interface PrometheusOptions {
  /** What all names of metrics begin with. `eventsets_bus` unless given. */
  readonly prefix?: string | undefined
  /** Labels that every sample gets, such as `{ service: 'orders' }`. */
  readonly labels?: { readonly [name: string]: string } | undefined
}

/**
 * The numbers of a bus in the text format of Prometheus, version 0.0.4.
 *
 * Times are in seconds there. The count of a duration is that of the calls that were timed, not of all calls; those
 * have a counter of their own.
 *
 * @throws ValidationError for a prefix or a label that Prometheus would not take, and for numbers of something else.
 */
export function prometheusText(metrics: BusMetrics, options: PrometheusOptions = {}): string {
  const { prefix, labels } = resolveOptions(options)
  assertMetrics(metrics, 'prometheusText')
  return familiesOf(metrics)
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, type, help, samples }) => {
      const fullName = `${prefix}_${name}`
      const lines = samples.map((sample) => {
        const all = wordLabels({ ...labels, ...sample.labels })
        return `${fullName}${sample.suffix ?? ''}${all} ${wordNumber(sample.value)}\n`
      })
      return `# HELP ${fullName} ${escapeHelp(help)}\n# TYPE ${fullName} ${type}\n${lines.join('')}`
    })
    .join('')
}

/** What gives its numbers: an `EventBus`. */
export interface MeasuredBus {
  metrics(options?: MetricsOptions): Promise<BusMetrics>
}

/**
 * Answers `GET /metrics` of node:http, express and their like. It does not look at the path.
 *
 * @throws ValidationError for wrong options, and without a bus.
 */
export function metricsHandler(
  bus: MeasuredBus,
  options: PrometheusOptions & MetricsOptions = {},
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  resolveOptions(options, findBusIssues(bus, 'metrics'))
  const { timeoutMs, maxNames, ...rest } = options
  return (request, response) =>
    answer(request, response, async () => ({
      status: 200,
      type: 'text/plain; version=0.0.4; charset=utf-8',
      body: prometheusText(await bus.metrics({ timeoutMs, maxNames }), rest),
    }))
}

interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly samples: readonly Sample[]
}

interface Sample {
  readonly suffix?: string
  readonly labels?: { readonly [name: string]: string }
  readonly value: number
}

/** Labels that samples have of their own. */
const OWN_LABELS = ['backend', 'group', 'event', 'outcome', 'handler', 'pattern', 'le']

function familiesOf(metrics: BusMetrics): Family[] {
  const { since, byEvent, byHandler, listening, inFlight, droppedByStreams } = metrics
  const one = (value: number): Sample[] => [{ value }]
  const perEvent = (value: (event: (typeof byEvent)[number]) => number): Sample[] =>
    byEvent.map((event) => ({ labels: { event: event.name }, value: value(event) }))
  const perHandler = (value: (handler: (typeof byHandler)[number]) => number): Sample[] =>
    byHandler.map((each) => ({ labels: labelsOf(each), value: value(each) }))
  return [
    family(
      'start_time_seconds',
      'gauge',
      'When the bus began to count, in seconds since 1970.',
      one(since / 1000),
    ),
    family(
      'events_published_total',
      'counter',
      'Events that the backend has taken from this bus, and events emitted in this process.',
      perEvent(({ published }) => published),
    ),
    family(
      'events_delivered_total',
      'counter',
      'Events that the backend has handed to this bus, each once.',
      perEvent(({ delivered }) => delivered),
    ),
    family(
      'events_handled_total',
      'counter',
      'Emitted and delivered events that have come to their end: "success" when all handlers have succeeded, "failure" when one has failed for good.',
      byEvent.flatMap(({ name, handled, failed }) => [
        { labels: { event: name, outcome: 'success' }, value: handled },
        { labels: { event: name, outcome: 'failure' }, value: failed },
      ]),
    ),
    family(
      'handler_calls_total',
      'counter',
      'Calls of handlers, retries included.',
      perHandler(({ calls }) => calls),
    ),
    family(
      'handler_failures_total',
      'counter',
      'Calls of handlers that have failed.',
      perHandler(({ failures }) => failures),
    ),
    family(
      'handler_retries_total',
      'counter',
      'Failed calls of handlers that are tried again.',
      perHandler(({ retries }) => retries),
    ),
    family(
      'handler_timeouts_total',
      'counter',
      'Calls of handlers that took longer than they may.',
      perHandler(({ timeouts }) => timeouts),
    ),
    family(
      'handler_duration_seconds',
      'histogram',
      'How long calls of handlers took. Of synchronous handlers without options not every call is timed.',
      byHandler.flatMap(histogramOf),
    ),
    family('handlers', 'gauge', 'Handlers that listen.', one(listening)),
    family('events_in_flight', 'gauge', 'Events that this bus is handling.', one(inFlight)),
    family(
      'stream_dropped_total',
      'counter',
      'Events that streams have left out since their readers were too slow.',
      one(droppedByStreams),
    ),
    ...backendFamilies(metrics),
  ]
}

function backendFamilies({ backend }: BusMetrics): Family[] {
  const up = (value: number) =>
    family('backend_up', 'gauge', 'Whether the backend has answered: 1 if so, otherwise 0.', [{ value }])
  if (!backend) return [up(0)]
  const labels = { backend: backend.name }
  // What waits before there is any group waits for the first one.
  const groups = backend.groups.length > 0 ? backend.groups : [{ ...backend, name: '' }]
  const perGroup = (name: string, help: string, value: (group: GroupHealth) => number) =>
    family(
      name,
      'gauge',
      help,
      groups.map((group) => ({ labels: { ...labels, group: group.name }, value: value(group) })),
    )
  return [
    up(1),
    perGroup(
      'queue_depth',
      'Events that wait to be delivered, retries included.',
      ({ queueDepth }) => queueDepth,
    ),
    perGroup(
      'queue_in_flight',
      'Events in the hands of consumers, of this bus and of others.',
      ({ inFlight }) => inFlight,
    ),
    perGroup(
      'queue_lag_seconds',
      'How long the oldest waiting event has waited.',
      ({ lagMs }) => lagMs / 1000,
    ),
    family('dead_letters', 'gauge', 'Events that were given up and are kept.', [
      { labels, value: backend.deadLetters },
    ]),
  ]
}

function family(name: string, type: Family['type'], help: string, samples: readonly Sample[]): Family {
  return { name, type, help, samples }
}

function labelsOf({ name, pattern }: { readonly name: string; readonly pattern: string }) {
  return { handler: name, pattern }
}

function histogramOf(handler: BusMetrics['byHandler'][number]): Sample[] {
  const labels = labelsOf(handler)
  const { buckets, count, sumMs } = handler.duration
  return [
    ...buckets.map((bucket) => ({
      suffix: '_bucket',
      labels: { ...labels, le: wordNumber(bucket.upToMs / 1000) },
      value: bucket.count,
    })),
    { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count },
    { suffix: '_sum', labels, value: sumMs / 1000 },
    { suffix: '_count', labels, value: count },
  ]
}

function wordLabels(labels: { readonly [name: string]: string }): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function wordNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}

/** What acts on a terminal is written out; the format itself has escapes for three characters only. */
function escapeHelp(text: string): string {
  return writeOut(text).replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"')
}

function resolveOptions(options: PrometheusOptions & MetricsOptions, more: readonly Issue[] = []) {
  const { prefix = 'eventsets_bus', labels = {} } = options ?? {}
  const issues = Object.entries(labels ?? {}).flatMap(([name, value]): Issue[] => {
    const message = findLabelFault(name, value)
    return message === undefined ? [] : [{ path: `labels.${name}`, code: 'format', message }]
  })
  assertOptions('The options for Prometheus are', optionsShape, options, [...issues, ...more])
  return { prefix, labels }
}

function findLabelFault(name: string, value: unknown): string | undefined {
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) || name.startsWith('__'))
    return 'expected a name of letters, digits and "_", with no digit and no "__" first'
  if (OWN_LABELS.includes(name)) return 'is a label that samples have of their own'
  return typeof value === 'string' ? undefined : 'expected a text'
}

const optionsShape = object({
  prefix: optional(
    matching(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/, 'expected letters, digits, "_" and ":", with no digit first'),
  ),
  labels: optional(table(anything())),
  timeoutMs: maybeMilliseconds,
  maxNames: maybeCount,
})
