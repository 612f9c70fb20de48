import type { Issue } from '../core/issue.ts'
import { object, optional } from '../core/shape.ts'
import { EventError, reasonOf } from './errors.ts'
import type { BusEvent } from './event.ts'
import { assertOptions, expected } from './option-shape.ts'
import { writeOut } from './quote.ts'
import type { BusObserver, HandlerCall, ObservedBus, PublishOperation, Telemetry } from './telemetry.ts'
import { isThenable } from './thenable.ts'

/** What of `@opentelemetry/api`, version 1, is needed. Its types are not named here, since it need not be installed. */
export interface OpenTelemetryApi {
  readonly trace: {
    getTracer(name: string, version?: string): OpenTelemetryTracer
    setSpan(context: OpenTelemetryContext, span: OpenTelemetrySpan): OpenTelemetryContext
    setSpanContext(context: OpenTelemetryContext, spanContext: OpenTelemetrySpanContext): OpenTelemetryContext
    getSpanContext(context: OpenTelemetryContext): OpenTelemetrySpanContext | undefined
  }
  readonly metrics: { getMeter(name: string, version?: string): OpenTelemetryMeter }
  readonly context: {
    active(): OpenTelemetryContext
    with<T>(context: OpenTelemetryContext, run: () => T): T
  }
  readonly ROOT_CONTEXT: OpenTelemetryContext
  isSpanContextValid(spanContext: OpenTelemetrySpanContext): boolean
}

export interface OpenTelemetryContext {
  getValue(key: symbol): unknown
  setValue(key: symbol, value: unknown): OpenTelemetryContext
  deleteValue(key: symbol): OpenTelemetryContext
}

export interface OpenTelemetrySpanContext {
  readonly traceId: string
  readonly spanId: string
  readonly traceFlags: number
  readonly isRemote?: boolean
}

export interface OpenTelemetryTracer {
  startSpan(
    name: string,
    options: {
      readonly kind: number
      readonly attributes: OpenTelemetryAttributes
      readonly links: { readonly context: OpenTelemetrySpanContext }[]
    },
    context: OpenTelemetryContext,
  ): OpenTelemetrySpan
}

export interface OpenTelemetrySpan {
  spanContext(): OpenTelemetrySpanContext
  setAttributes(attributes: OpenTelemetryAttributes): unknown
  setStatus(status: { readonly code: number; readonly message?: string }): unknown
  recordException(exception: Error | string): void
  end(): void
}

export interface OpenTelemetryMeter {
  createHistogram(name: string, options: InstrumentOptions): { record: Measure }
  createCounter(name: string, options: InstrumentOptions): { add: Measure }
  createObservableCounter(name: string, options: InstrumentOptions): OpenTelemetryObservable
  createObservableGauge(name: string, options: InstrumentOptions): OpenTelemetryObservable
  addBatchObservableCallback(observe: Observe, instruments: OpenTelemetryObservable[]): void
  removeBatchObservableCallback(observe: Observe, instruments: OpenTelemetryObservable[]): void
}

type Measure = (value: number, attributes?: OpenTelemetryAttributes) => void

interface InstrumentOptions {
  readonly unit: string
  readonly description: string
  readonly advice?: { explicitBucketBoundaries: number[] }
}

export interface OpenTelemetryObservable {
  addCallback(callback: never): void
}

type Observe = (result: {
  observe(instrument: OpenTelemetryObservable, value: number, attributes?: OpenTelemetryAttributes): void
}) => Promise<void>

export interface OpenTelemetryAttributes {
  [name: string]: string | number | boolean | undefined
}

export interface OpenTelemetryOptions {
  /** `import * as api from '@opentelemetry/api'`. */
  readonly api: OpenTelemetryApi
  /** The one that the api gives for `eventsets`, unless given. `false` for no spans. */
  readonly tracer?: OpenTelemetryTracer | false | undefined
  /** The one that the api gives for `eventsets`, unless given. `false` for no measurements. */
  readonly meter?: OpenTelemetryMeter | false | undefined
}

/**
 * Makes spans and measurements of what a bus does, by the semantic conventions for messaging: the option `telemetry` of
 * an `EventBus`.
 *
 * Publishing is a span, and its W3C trace context travels with the event; each try of a handler is a span in that
 * trace, in whatever process it runs.
 *
 * What OpenTelemetry throws while the bus is at work is told once, and changes nothing else.
 *
 * @throws ValidationError with everything that is wrong with the options.
 */
export function openTelemetry(options: OpenTelemetryOptions): Telemetry {
  checkOptions(options)
  const { api, tracer, meter } = options
  const spans = tracer === false ? undefined : (tracer ?? api.trace.getTracer(SCOPE))
  const instruments = meter === false ? undefined : createInstruments(meter ?? api.metrics.getMeter(SCOPE))
  return {
    connect(bus) {
      const guard = createGuard(bus)
      const tracing = createTracing(api, spans, bus, guard)
      const stopObserving = guard(() => instruments?.observe(bus))
      return {
        publish: async (operation, run) => {
          const span = tracing.publish(operation)
          const measured = guard(() => instruments?.publish(operation))
          const end = (failure?: Failure) => {
            span.end(failure)
            guard(() => measured?.(failure))
          }
          try {
            const result = await span.run(() => run(span))
            end()
            return result
          } catch (error) {
            end({ error })
            throw error
          }
        },
        handle(call, run) {
          const span = tracing.handle(call)
          const measured = guard(() => instruments?.handle(call, bus))
          const end = (failure?: Failure) => {
            span.end(failure)
            guard(() => measured?.(failure))
          }
          const fail = (error: unknown) => {
            end({ error })
            throw error
          }
          try {
            const result = span.run(run)
            const succeed = (value: unknown) => {
              end()
              return value
            }
            return isThenable(result) ? result.then(succeed, fail) : succeed(result)
          } catch (error) {
            return fail(error)
          }
        },
        end: () => guard(() => stopObserving?.()),
      } satisfies BusObserver
    },
  }
}

/**
 * The same with the `@opentelemetry/api` that is installed; undefined when it is not.
 *
 * `new EventBus({ telemetry: await loadOpenTelemetry() })`
 */
export async function loadOpenTelemetry(
  options: Omit<OpenTelemetryOptions, 'api'> = {},
): Promise<Telemetry | undefined> {
  try {
    const api: OpenTelemetryApi = await import('@opentelemetry/api')
    return openTelemetry({ ...options, api })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    return undefined
  }
}

function checkOptions(options: OpenTelemetryOptions): void {
  const { api, tracer, meter } = options ?? {}
  const demanded = [
    ...(tracer === undefined ? ['trace.getTracer'] : []),
    ...(meter === undefined ? ['metrics.getMeter'] : []),
    ...API_FUNCTIONS,
  ]
  const missing = isObject(api) ? demanded.filter((path) => typeof read(api, path) !== 'function') : []
  const issues = missing.map((path): Issue => {
    return { path: `api.${path}`, code: 'missing', message: 'is no function; expected version 1 of the api' }
  })
  assertOptions('The options of openTelemetry are', SHAPE, options, issues)
}

/** What of the api is needed in any case. */
const API_FUNCTIONS = [
  'trace.setSpan',
  'trace.setSpanContext',
  'trace.getSpanContext',
  'context.active',
  'context.with',
  'isSpanContextValid',
]

const SHAPE = object({
  api: expected("the module: import * as api from '@opentelemetry/api'", isObject),
  tracer: optional(expected('a tracer, or false', (input) => input === false || has(input, 'startSpan'))),
  meter: optional(expected('a meter, or false', (input) => input === false || has(input, 'createHistogram'))),
})

function isObject(input: unknown): input is object {
  return typeof input === 'object' && input !== null
}

function has(input: unknown, method: string): boolean {
  return typeof read(input, method) === 'function'
}

function read(input: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce((found, key) => (found as { readonly [key: string]: unknown } | null | undefined)?.[key], input)
}

/** Calls OpenTelemetry, and gives undefined when that throws. */
type Guard = <T>(call: () => T) => T | undefined

/** Whoever watches decides nothing: what it throws is told, once for a bus, since it may be the same with each event. */
function createGuard(bus: ObservedBus): Guard {
  let isTold = false
  const tell = (cause: unknown) => {
    if (isTold) return
    isTold = true
    const error = new EventError(`OpenTelemetry has failed: ${writeOut(reasonOf(cause))}`, {
      code: 'EVENTSETS_TELEMETRY',
      hint: 'Events are handled all the same, but spans and measurements may be missing. It is told once.',
      cause,
    })
    bus.report(error)
  }
  return (call) => {
    try {
      const result = call()
      if (isThenable(result)) result.then(undefined, tell)
      return result
    } catch (error) {
      tell(error)
      return undefined
    }
  }
}

/** What the instruments are said to belong to. */
const SCOPE = 'eventsets'

const SYSTEM = { 'messaging.system': 'eventsets' }

/** As numbers, since the api's own are not there when it is not. */
const KIND = { CLIENT: 2, PRODUCER: 3, CONSUMER: 4 }
const STATUS_ERROR = 2

interface Failure {
  readonly error: unknown
}

interface OpenSpan {
  readonly traceparent: string | undefined
  made(event: BusEvent): void
  /** Runs a function with the span as the active one. */
  run<T>(run: () => T): T
  end(failure?: Failure): void
}

const NO_SPAN: OpenSpan = {
  traceparent: undefined,
  made() {},
  run: (run) => run(),
  end() {},
}

function createTracing(
  api: OpenTelemetryApi,
  tracer: OpenTelemetryTracer | undefined,
  bus: ObservedBus,
  guard: Guard,
) {
  const { trace, context } = api
  const client = { 'messaging.client.id': bus.source }

  const start = (
    name: string,
    kind: number,
    attributes: OpenTelemetryAttributes,
    parent: OpenTelemetryContext,
    links: readonly OpenTelemetrySpanContext[] = [],
  ): OpenSpan => {
    if (!tracer) return NO_SPAN
    const options = { kind, attributes, links: links.map((link) => ({ context: link })) }
    const span = tracer.startSpan(name, options, parent)
    return {
      traceparent: guard(() => {
        const spanContext = span.spanContext()
        return api.isSpanContextValid(spanContext) ? formatTraceparent(spanContext) : undefined
      }),
      made: (event) => void guard(() => span.setAttributes(messageAttributes(event))),
      run: (run) => runWithin(run, (call) => guard(() => context.with(trace.setSpan(parent, span), call))),
      end(failure) {
        if (failure) {
          const { error } = failure
          const message = reasonOf(error)
          guard(() => span.recordException(error instanceof Error ? error : message))
          guard(() => span.setStatus({ code: STATUS_ERROR, message }))
          guard(() => span.setAttributes({ 'error.type': errorType(error) }))
        }
        guard(() => span.end())
      },
    }
  }
  /** Where a trace goes on that is given: in the active span if that is a part of it already. */
  const follow = (base: OpenTelemetryContext, traceparent: string | undefined): OpenTelemetryContext => {
    const given = parseTraceparent(traceparent)
    if (!given || trace.getSpanContext(base)?.traceId === given.traceId) return base
    return trace.setSpanContext(base, given)
  }

  return {
    publish({ kind, names, count, traceparents }: PublishOperation): OpenSpan {
      const [name] = names.length === 1 ? names : []
      const attributes = {
        ...SYSTEM,
        ...client,
        'messaging.operation.name': kind,
        'messaging.operation.type': kind === 'create' ? 'create' : 'send',
        ...(name === undefined ? {} : { 'messaging.destination.name': name }),
        ...(count === 1 ? {} : { 'messaging.batch.message_count': count }),
      }
      const title = name === undefined ? kind : `${kind} ${name}`
      // Events that have been made have contexts of their own, and each may belong to another trace.
      if (kind === 'send') {
        const links = traceparents.flatMap((traceparent) => parseTraceparent(traceparent) ?? [])
        return guard(() => start(title, KIND.CLIENT, attributes, context.active(), links)) ?? NO_SPAN
      }
      const begin = () => start(title, KIND.PRODUCER, attributes, follow(context.active(), traceparents[0]))
      return guard(begin) ?? NO_SPAN
    },
    handle({ event, handler, pattern, attempt, isPublished }: HandlerCall): OpenSpan {
      const attributes = {
        ...SYSTEM,
        ...client,
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        'messaging.destination.name': event.name,
        ...messageAttributes(event),
        ...(isPublished ? { 'messaging.consumer.group.name': bus.group } : {}),
        'eventsets.handler.name': handler,
        'eventsets.handler.pattern': pattern,
        'eventsets.handler.attempt': attempt,
      }
      const begin = () => {
        // What a backend hands over has nothing to do with whatever is active by chance.
        const parent = follow(isPublished ? api.ROOT_CONTEXT : context.active(), event.traceparent)
        return start(`process ${event.name}`, KIND.CONSUMER, attributes, parent)
      }
      return guard(begin) ?? NO_SPAN
    },
  }
}

/** Calls a function once, by what is to call it or else directly, and gives and throws what the function does. */
function runWithin<T>(run: () => T, callBy: (call: () => void) => void): T {
  let outcome: { readonly value: T } | { readonly error: unknown } | undefined
  const call = () => {
    if (outcome) return
    try {
      outcome = { value: run() }
    } catch (error) {
      outcome = { error }
    }
  }
  callBy(call)
  call()
  const ended = outcome as unknown as { readonly value: T } | { readonly error: unknown }
  if ('error' in ended) throw ended.error
  return ended.value
}

function messageAttributes({ id, correlationId }: BusEvent): OpenTelemetryAttributes {
  return { 'messaging.message.id': id, 'messaging.message.conversation_id': correlationId }
}

/** What the conventions recommend, in seconds; handlers in a process are often faster, so that there are two more. */
const DURATION_BOUNDS = [
  0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]

/** So many names are told each. Events may have names from outside, without end. */
const MAX_NAMES = 1000

function createInstruments(meter: OpenTelemetryMeter) {
  const duration = (name: string, description: string) =>
    meter.createHistogram(name, {
      unit: 's',
      description,
      advice: { explicitBucketBoundaries: DURATION_BOUNDS },
    })
  const operationDuration = duration('messaging.client.operation.duration', 'How long publishing takes.')
  const processDuration = duration('messaging.process.duration', 'How long a try of a handler takes.')
  const sent = meter.createCounter('messaging.client.sent.messages', {
    unit: '{message}',
    description: 'Events that were to be published or emitted.',
  })
  const observed = createObserved(meter)
  const names = new Set<string>()
  const bounded = (name: string): string => {
    if (names.size < MAX_NAMES) names.add(name)
    return names.has(name) ? name : '_OTHER'
  }
  const since = (start: number) => (performance.now() - start) / 1000

  return {
    publish({ kind, names: published, count }: PublishOperation): (failure?: Failure) => void {
      const start = performance.now()
      const [name] = published.length === 1 ? published : []
      const common = {
        ...SYSTEM,
        'messaging.operation.name': kind,
        'messaging.operation.type': kind === 'create' ? 'create' : 'send',
        ...(name === undefined ? {} : { 'messaging.destination.name': bounded(name) }),
      }
      return (failure) => {
        const attributes = { ...common, ...errorAttributes(failure) }
        operationDuration.record(since(start), attributes)
        // What is only made is sent later, or not at all.
        if (kind !== 'create') sent.add(count, attributes)
      }
    },
    handle({ event, handler, isPublished }: HandlerCall, bus: ObservedBus): (failure?: Failure) => void {
      const start = performance.now()
      const common = {
        ...SYSTEM,
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        'messaging.destination.name': bounded(event.name),
        ...(isPublished ? { 'messaging.consumer.group.name': bus.group } : {}),
        'eventsets.handler.name': handler,
      }
      return (failure) => processDuration.record(since(start), { ...common, ...errorAttributes(failure) })
    },
    /** Has the numbers of a bus collected with all others. The returned function ends that. */
    observe(bus: ObservedBus): () => void {
      const all = Object.values(observed)
      const observe: Observe = async (result) => {
        const { byEvent, byHandler, inFlight, droppedByStreams, backend } = await bus.metrics()
        const common = { ...SYSTEM, 'messaging.client.id': bus.source }
        const tell = (
          instrument: OpenTelemetryObservable,
          value: number,
          attributes: OpenTelemetryAttributes = {},
        ) => result.observe(instrument, value, { ...common, ...attributes })
        for (const { name, delivered } of byEvent.filter((event) => event.delivered > 0))
          tell(observed.consumed, delivered, {
            'messaging.operation.name': 'process',
            'messaging.destination.name': name,
            'messaging.consumer.group.name': bus.group,
          })
        for (const { name, pattern, retries, timeouts } of byHandler) {
          const attributes = { 'eventsets.handler.name': name, 'eventsets.handler.pattern': pattern }
          tell(observed.retries, retries, attributes)
          tell(observed.timeouts, timeouts, attributes)
        }
        tell(observed.inFlight, inFlight)
        tell(observed.dropped, droppedByStreams)
        if (!backend) return
        for (const { name, queueDepth, lagMs } of backend.groups) {
          const attributes = { 'messaging.consumer.group.name': name }
          tell(observed.queueDepth, queueDepth, attributes)
          tell(observed.lag, lagMs / 1000, attributes)
        }
        tell(observed.deadLetters, backend.deadLetters)
      }
      meter.addBatchObservableCallback(observe, all)
      return () => meter.removeBatchObservableCallback(observe, all)
    },
  }
}

function createObserved(meter: OpenTelemetryMeter) {
  const counter = (name: string, unit: string, description: string) =>
    meter.createObservableCounter(name, { unit, description })
  const gauge = (name: string, unit: string, description: string) =>
    meter.createObservableGauge(name, { unit, description })
  return {
    consumed: counter(
      'messaging.client.consumed.messages',
      '{message}',
      'Events that the backend has handed over, each once.',
    ),
    retries: counter(
      'eventsets.bus.handler.retries',
      '{call}',
      'Failed calls of handlers that are tried again.',
    ),
    timeouts: counter('eventsets.bus.handler.timeouts', '{call}', 'Calls of handlers that took too long.'),
    dropped: counter('eventsets.bus.stream.dropped', '{event}', 'Events that streams have left out.'),
    inFlight: gauge('eventsets.bus.in_flight', '{event}', 'Events that the bus is handling.'),
    queueDepth: gauge('eventsets.bus.queue.depth', '{event}', 'Events that wait to be delivered.'),
    lag: gauge('eventsets.bus.queue.lag', 's', 'How long the oldest waiting event has waited.'),
    deadLetters: gauge('eventsets.bus.dead_letters', '{event}', 'Events that were given up and are kept.'),
  }
}

function errorAttributes(failure: Failure | undefined): OpenTelemetryAttributes {
  return failure ? { 'error.type': errorType(failure.error) } : {}
}

/** A code if there is one, otherwise the class: what there are few of. */
function errorType(error: unknown): string {
  if (!(error instanceof Error)) return '_OTHER'
  const { code } = error as NodeJS.ErrnoException
  return typeof code === 'string' && code !== '' ? code : error.name
}

/** https://www.w3.org/TR/trace-context/, version 00. Of a later version the same part is read. */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?:$|-)/

function parseTraceparent(text: string | undefined): OpenTelemetrySpanContext | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text ?? '') ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
}

function formatTraceparent({ traceId, spanId, traceFlags }: OpenTelemetrySpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`
}
