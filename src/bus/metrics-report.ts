import { object } from '../core/shape.ts'
import { assertMetrics } from './given-metrics.ts'
import type { BusMetrics, EventMetrics, HandlerMetrics } from './metrics.ts'
import { assertOptions, maybeCount } from './option-shape.ts'
import { quote } from './quote.ts'

export interface MetricsReportOptions {
  /** So many events and handlers are listed, the busiest. 50 unless given. */
  readonly maxRows?: number | undefined
}

/**
 * The numbers of a bus as text for people.
 *
 * @throws ValidationError for wrong options, and for numbers of something else.
 */
export function formatMetricsReport(metrics: BusMetrics, options: MetricsReportOptions = {}): string {
  assertOptions('The options of the report are', optionsShape, options)
  assertMetrics(metrics, 'formatMetricsReport')
  const { maxRows = 50 } = options
  const events = busiest(metrics.byEvent, maxRows, ({ published, delivered }) => published + delivered)
  const handlers = busiest(metrics.byHandler, maxRows, ({ calls }) => calls)
  const sections = [
    summarise(metrics),
    table(EVENT_COLUMNS, events, metrics.byEvent.length),
    table(HANDLER_COLUMNS, handlers, metrics.byHandler.length),
  ]
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`
}

const optionsShape = object({ maxRows: maybeCount })

function summarise({ source, since, uptimeMs, events, backend, ...rest }: BusMetrics): string {
  const { published, delivered, handled, failed, successRate } = events
  const { listening, inFlight, droppedByStreams } = rest
  const waiting = backend
    ? `${wordCount(backend.queueDepth)} waiting, the oldest for ${wordDuration(backend.lagMs)}; dead letters: ${wordCount(backend.deadLetters)}`
    : 'the backend has not answered'
  return [
    `The bus ${quote(source)}, ${wordDuration(uptimeMs)} since ${new Date(since).toISOString()}`,
    `Events    ${wordCount(published)} published, ${wordCount(delivered)} delivered, ${wordCount(handled)} handled, ${wordCount(failed)} failed; success ${wordShare(successRate)}`,
    `Queue     ${waiting}`,
    `Handlers  ${wordCount(listening)} listening; events in hand: ${wordCount(inFlight)}, dropped by streams: ${wordCount(droppedByStreams)}`,
  ]
    .map(clean)
    .join('\n')
}

interface Column<Row> {
  readonly title: string
  readonly value: (row: Row) => string
  readonly isText?: boolean
}

const EVENT_COLUMNS: readonly Column<EventMetrics>[] = [
  { title: 'event', value: ({ name }) => clean(name), isText: true },
  { title: 'published', value: ({ published }) => wordCount(published) },
  { title: 'delivered', value: ({ delivered }) => wordCount(delivered) },
  { title: 'handled', value: ({ handled }) => wordCount(handled) },
  { title: 'failed', value: ({ failed }) => wordCount(failed) },
  { title: 'success', value: ({ successRate }) => wordShare(successRate) },
]

const HANDLER_COLUMNS: readonly Column<HandlerMetrics>[] = [
  { title: 'handler', value: ({ name }) => clean(name), isText: true },
  { title: 'pattern', value: ({ pattern }) => clean(pattern), isText: true },
  { title: 'calls', value: ({ calls }) => wordCount(calls) },
  { title: 'failures', value: ({ failures }) => wordCount(failures) },
  { title: 'retries', value: ({ retries }) => wordCount(retries) },
  { title: 'timeouts', value: ({ timeouts }) => wordCount(timeouts) },
  { title: 'success', value: ({ successRate }) => wordShare(successRate) },
  { title: 'timed', value: ({ duration }) => wordCount(duration.count) },
  { title: 'mean', value: ({ duration }) => wordTimed(duration.count, duration.meanMs) },
  { title: 'p50', value: ({ duration }) => wordTimed(duration.count, duration.p50Ms) },
  { title: 'p95', value: ({ duration }) => wordTimed(duration.count, duration.p95Ms) },
  { title: 'p99', value: ({ duration }) => wordTimed(duration.count, duration.p99Ms) },
  { title: 'max', value: ({ duration }) => wordTimed(duration.count, duration.maxMs) },
]

function busiest<Row>(rows: readonly Row[], max: number, work: (row: Row) => number): readonly Row[] {
  return [...rows].sort((a, b) => work(b) - work(a)).slice(0, max)
}

/** Empty without rows. `total` is how many there would be. */
function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], total: number): string {
  if (rows.length === 0) return ''
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ value }) => value(row))),
  ]
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => (line[at] as string).length)))
  const lines = cells.map((line) =>
    line
      .map((cell, at) => {
        const width = widths[at] as number
        return columns[at]?.isText ? cell.padEnd(width) : cell.padStart(width)
      })
      .join('  ')
      .trimEnd(),
  )
  if (total > rows.length) lines.push(`… and ${total - rows.length} more`)
  return lines.join('\n')
}

/** Names may come from anywhere, and the report is for a terminal. */
function clean(text: string): string {
  return text.replace(/\p{C}/gu, '�')
}

function wordCount(count: number): string {
  return count.toLocaleString('en-GB')
}

function wordShare(share: number | undefined): string {
  // Rounded down: what is not all good must not read as if it were.
  return share === undefined ? '-' : `${(Math.floor(share * 1000) / 10).toFixed(1)} %`
}

function wordTimed(count: number, ms: number): string {
  return count === 0 ? '-' : wordDuration(ms)
}

const UNITS: readonly (readonly [ms: number, name: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
]

/** Three digits at most: `0.42 ms`, `1.5 s`, `12 min`. */
function wordDuration(ms: number): string {
  const [size, name] = UNITS.find(([unit]) => ms >= unit) ?? [1, 'ms']
  return `${Number((ms / size).toPrecision(3))} ${name}`
}
