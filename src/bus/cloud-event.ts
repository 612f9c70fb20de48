import { ValidationError } from '../core/errors.ts'
import type { Issue } from '../core/issue.ts'
import { isPlainObject } from '../core/shape.ts'
import { type BusEvent, Priority, reviveEvent, type StoredEvent } from './event.ts'
import { assertEventName } from './event-name.ts'
import { quote } from './quote.ts'

/** An event as CloudEvents 1.0 writes it: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md */
export interface CloudEvent<Data = unknown> {
  readonly specversion: '1.0'
  readonly id: string
  /** A URI reference. */
  readonly source: string
  /** The name of the event, behind the prefix. */
  readonly type: string
  /** As RFC 3339 writes it. */
  readonly time?: string | undefined
  readonly subject?: string | undefined
  readonly datacontenttype?: string | undefined
  readonly dataschema?: string | undefined
  readonly data?: Data | undefined
  /** What the bus knows beside what the standard does. */
  readonly correlationid?: string | undefined
  readonly causationid?: string | undefined
  /** The key of the event: the extension "partitioning". */
  readonly partitionkey?: string | undefined
  readonly priority?: number | undefined
  readonly depth?: number | undefined
  /** The extension "distributed tracing". */
  readonly traceparent?: string | undefined
  readonly [attribute: string]: unknown
}

export interface CloudEventOptions {
  /** Stands before the name in `type`: `com.example.` makes `com.example.order.paid` of `order.paid`. Nothing unless given. */
  readonly typePrefix?: string | undefined
  /** Further attributes, such as `subject`, `dataschema` or extensions of your own. */
  readonly attributes?: { readonly [attribute: string]: string | number | boolean } | undefined
}

/**
 * An event of the bus as a CloudEvent, to be written as JSON. A source that is no URI reference is percent-encoded.
 *
 * @throws ValidationError for attributes that CloudEvents does not allow, and for a time that cannot be written.
 */
export function toCloudEvent<Name extends string, Data>(
  event: BusEvent<Name, Data>,
  { typePrefix = '', attributes = {} }: CloudEventOptions = {},
): CloudEvent<Data> {
  const { id, name, data, source, time, correlationId, causationId, key, priority, traceparent, depth } =
    event
  const issues = Object.entries(attributes).flatMap(([attribute, value]) => findExtraIssues(attribute, value))
  const isTime = Math.abs(time) <= LATEST_TIME && time >= EARLIEST_TIME
  if (!isTime)
    issues.push({ path: 'time', code: 'format', message: `${time} is no time between the years 0 and 9999` })
  if (issues.length > 0) throw invalidCloudEvent(issues)
  return {
    specversion: '1.0',
    id,
    source: toUriReference(source),
    type: `${typePrefix}${name}`,
    time: new Date(time).toISOString(),
    datacontenttype: 'application/json',
    ...attributes,
    correlationid: correlationId,
    ...(causationId === undefined ? {} : { causationid: causationId }),
    ...(key === undefined ? {} : { partitionkey: key }),
    priority,
    ...(depth === 0 ? {} : { depth }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(data === undefined ? {} : { data }),
  }
}

/**
 * A CloudEvent as an event of the bus. What the bus has no place for, such as `subject`, is left out.
 *
 * To publish it: `const { name, data, ...options } = fromCloudEvent(input).toJSON()`.
 *
 * @param input The parsed JSON, or its text.
 * @throws ValidationError with everything that is wrong with it.
 */
export function fromCloudEvent(
  input: unknown,
  { typePrefix = '' }: Pick<CloudEventOptions, 'typePrefix'> = {},
): BusEvent {
  const parsed = typeof input === 'string' || input instanceof Uint8Array ? parse(input) : input
  if (!isPlainObject(parsed)) throw notAnEvent('expected an object')
  const { data, data_base64: encoded, ...attributes } = parsed
  const issues: Issue[] = []
  const stored = readAttributes(attributes, typePrefix, issues)
  const content =
    encoded === undefined ? data : readEncoded(encoded, data, attributes['datacontenttype'], issues)
  return finish(stored, content, issues)
}

/** A message over HTTP, of the request of a client or for it. */
export interface HttpMessage {
  readonly headers: { readonly [name: string]: string }
  readonly body: string
}

/**
 * A CloudEvent as an HTTP message. `structured`: all in the body; `binary`: the data in the body, the rest in headers.
 *
 * @throws as toCloudEvent
 */
export function toHttpMessage(
  event: BusEvent,
  {
    mode = 'structured',
    ...options
  }: CloudEventOptions & { readonly mode?: 'structured' | 'binary' | undefined } = {},
): HttpMessage {
  const cloudEvent = toCloudEvent(event, options)
  if (mode === 'structured') {
    return { headers: { 'content-type': STRUCTURED }, body: JSON.stringify(cloudEvent) }
  }
  const { data, datacontenttype = JSON_TYPE, ...attributes } = cloudEvent
  const headers = Object.entries(attributes).map(([name, value]) => [
    `ce-${name}`,
    encodeHeader(String(value)),
  ])
  return {
    headers: { 'content-type': datacontenttype, ...Object.fromEntries(headers) },
    body: data === undefined ? '' : JSON.stringify(data),
  }
}

/**
 * The event of an HTTP message in either mode.
 *
 * @param message Headers as `node:http` has them, or as `fetch` does; the body as it came.
 * @throws ValidationError with everything that is wrong with it.
 */
export function fromHttpMessage(
  message: {
    readonly headers: Headers | { readonly [name: string]: string | readonly string[] | undefined }
    readonly body: string | Uint8Array
  },
  { typePrefix = '' }: Pick<CloudEventOptions, 'typePrefix'> = {},
): BusEvent {
  const headers = lowerCased(message.headers)
  const type = headers.get('content-type')
  if (mediaTypeOf(type) === mediaTypeOf(STRUCTURED))
    return fromCloudEvent(parse(message.body), { typePrefix })
  if (!headers.has('ce-specversion')) {
    throw notAnEvent(`has neither the content type ${mediaTypeOf(STRUCTURED)} nor the header ce-specversion`)
  }
  const attributes: Record<string, unknown> = { ...(type === undefined ? {} : { datacontenttype: type }) }
  for (const [name, value] of headers)
    if (name.startsWith('ce-')) attributes[name.slice(3)] = decodeHeader(value)
  const issues: Issue[] = []
  const stored = readAttributes(attributes, typePrefix, issues)
  return finish(stored, readContent(message.body, type, issues), issues)
}

const JSON_TYPE = 'application/json'
const STRUCTURED = 'application/cloudevents+json; charset=utf-8'
/** What four digits of a year can tell. */
const EARLIEST_TIME = Date.parse('0000-01-01T00:00:00.000Z')
const LATEST_TIME = Date.parse('9999-12-31T23:59:59.999Z')

type Attributes = { readonly [name: string]: unknown }

const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:\s*;.*)?$/
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i
const URI_REFERENCE = /^(?:[\w\-.~:/?#[\]@!$&'()*+,;=]|%[0-9a-f]{2})+$/i
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}/

interface AttributeRule {
  readonly what: string
  readonly holds: (value: unknown) => boolean
  readonly isRequired?: true
}

const text = { what: 'a text that is not empty', holds: isText }
const count = { what: 'a whole number', holds: (value: unknown) => Number.isInteger(toNumber(value)) }

/** How the attributes are to look that the standard or the bus knows. */
const RULES: { readonly [attribute: string]: AttributeRule } = {
  specversion: { what: '"1.0"', holds: (value) => value === '1.0', isRequired: true },
  id: { ...text, isRequired: true },
  source: {
    what: 'a URI reference',
    holds: (value) => isText(value) && URI_REFERENCE.test(value),
    isRequired: true,
  },
  type: { ...text, isRequired: true },
  time: {
    what: 'a time such as 2026-01-01T00:00:00Z',
    holds: (value) => isText(value) && RFC_3339.test(value) && !Number.isNaN(Date.parse(value)),
  },
  subject: text,
  dataschema: text,
  datacontenttype: {
    what: 'a media type such as application/json',
    holds: (value) => isText(value) && MEDIA_TYPE.test(value),
  },
  correlationid: text,
  causationid: text,
  partitionkey: text,
  priority: count,
  depth: { what: 'a whole number, 0 or more', holds: (value) => count.holds(value) && toNumber(value) >= 0 },
  traceparent: {
    what: 'a W3C trace context',
    holds: (value) => isText(value) && TRACEPARENT.test(value),
  },
}

/** What the attributes say about the event. What is wrong with them goes to the issues. */
function readAttributes(
  attributes: Attributes,
  typePrefix: string,
  issues: Issue[],
): Omit<StoredEvent, 'data'> {
  const sound: Record<string, unknown> = {}
  for (const [name, { what, holds, isRequired }] of Object.entries(RULES)) {
    const value = attributes[name]
    // JSON may say null for what is not there.
    if (value === undefined || value === null) {
      if (isRequired) issues.push({ path: name, code: 'missing', message: 'is required, but missing' })
    } else if (holds(value)) sound[name] = value
    else issues.push({ path: name, code: 'format', message: `expected ${what}` })
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (!Object.hasOwn(RULES, name)) issues.push(...findExtraIssues(name, value))
  }
  const textOf = (name: string) => sound[name] as string | undefined
  const { id = '', type, source = '', time } = sound as { [name: string]: string | undefined }
  return {
    id,
    name: type === undefined ? '' : readName(type, typePrefix, issues),
    source,
    time: time === undefined ? Date.now() : Date.parse(time),
    correlationId: textOf('correlationid') ?? id,
    causationId: textOf('causationid'),
    key: textOf('partitionkey'),
    priority: sound['priority'] === undefined ? Priority.NORMAL : toNumber(sound['priority']),
    traceparent: textOf('traceparent'),
    depth: sound['depth'] === undefined ? undefined : toNumber(sound['depth']),
  }
}

function readName(type: string, prefix: string, issues: Issue[]): string {
  if (!type.startsWith(prefix)) {
    issues.push({
      path: 'type',
      code: 'format',
      message: `expected a type that begins with ${quote(prefix)}`,
    })
    return ''
  }
  const name = type.slice(prefix.length)
  try {
    assertEventName(name)
  } catch (error) {
    issues.push({ path: 'type', code: 'format', message: (error as Error).message })
  }
  return name
}

/** What is wrong with an attribute that neither the standard nor the bus knows. */
function findExtraIssues(name: string, value: unknown): Issue[] {
  const issues: Issue[] = []
  if (!/^[a-z0-9]+$/.test(name))
    issues.push({
      path: name,
      code: 'unknown_key',
      message: 'attributes are made of small letters and digits',
    })
  const isValue = typeof value === 'string' || typeof value === 'boolean' || Number.isInteger(value)
  if (!isValue && value !== null && value !== undefined)
    issues.push({ path: name, code: 'type', message: 'expected a text, a whole number, true or false' })
  return issues
}

/** Data that does not go into JSON as it is. */
function readEncoded(encoded: unknown, data: unknown, type: unknown, issues: Issue[]): unknown {
  const path = 'data_base64'
  if (data !== undefined) issues.push({ path, code: 'duplicate_key', message: 'stands beside "data"' })
  if (typeof encoded !== 'string' || !BASE64.test(encoded)) {
    issues.push({ path, code: 'format', message: 'expected Base64' })
    return undefined
  }
  return readContent(Buffer.from(encoded, 'base64'), isText(type) ? type : undefined, issues, path)
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Data by its media type: JSON or text. An event has no place for anything else. */
function readContent(
  content: string | Uint8Array,
  type: string | undefined,
  issues: Issue[],
  path = 'data',
): unknown {
  if (content.length === 0) return undefined
  const media = mediaTypeOf(type) ?? JSON_TYPE
  try {
    if (media === JSON_TYPE || media.endsWith('+json')) return JSON.parse(decodeText(content))
    if (media.startsWith('text/')) return decodeText(content)
    issues.push({ path, code: 'format', message: `is of the type ${media}; an event takes JSON and text` })
  } catch (error) {
    issues.push({ path, code: 'format', message: `is not ${media}: ${(error as Error).message}` })
  }
  return undefined
}

function finish(stored: Omit<StoredEvent, 'data'>, data: unknown, issues: readonly Issue[]): BusEvent {
  if (issues.length > 0) throw invalidCloudEvent(issues)
  return reviveEvent({ ...stored, data })
}

function parse(input: string | Uint8Array): unknown {
  try {
    return JSON.parse(decodeText(input))
  } catch (error) {
    throw notAnEvent(`is not JSON: ${(error as Error).message}`)
  }
}

function notAnEvent(message: string): ValidationError {
  return invalidCloudEvent([{ path: '', code: 'type', message }])
}

function invalidCloudEvent(issues: readonly Issue[]): ValidationError {
  return new ValidationError('The CloudEvent is', issues, { code: 'EVENTSETS_INVALID_EVENT' })
}

/** @throws TypeError for what is no UTF-8. */
function decodeText(input: string | Uint8Array): string {
  return typeof input === 'string' ? input : new TextDecoder('utf-8', { fatal: true }).decode(input)
}

function toUriReference(source: string): string {
  if (URI_REFERENCE.test(source)) return source
  // A percent sign that begins no escape is a character like the others.
  return source.replace(/%(?![0-9a-f]{2})|[^\w\-.~:/?#[\]@!$&'()*+,;=%]/giu, percentEncode)
}

/** What a header cannot hold is percent-encoded, as the HTTP binding of CloudEvents wants it. */
function encodeHeader(value: string): string {
  return value.replace(/[^\x21-\x7e]|["%]/gu, percentEncode)
}

/** Half of a surrogate pair is no character, and has no encoding. */
function percentEncode(character: string): string {
  return encodeURIComponent(/^[\ud800-\udfff]$/u.test(character) ? '\ufffd' : character)
}

function decodeHeader(value: string): string {
  const bare = /^"(.*)"$/.exec(value)?.[1]?.replace(/\\(.)/g, '$1') ?? value
  try {
    return decodeURIComponent(bare)
  } catch {
    return bare
  }
}

function lowerCased(
  headers: Headers | { readonly [name: string]: string | readonly string[] | undefined },
): Map<string, string> {
  const entries: Iterable<[string, string | readonly string[] | undefined]> =
    headers instanceof Headers ? headers : Object.entries(headers)
  const found = new Map<string, string>()
  for (const [name, value] of entries) if (value !== undefined) found.set(name.toLowerCase(), String(value))
  return found
}

function mediaTypeOf(type: string | undefined): string | undefined {
  return type?.split(';')[0]?.trim().toLowerCase()
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** Headers have texts only. */
function toNumber(value: unknown): number {
  return typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : (value as number)
}
