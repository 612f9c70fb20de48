import type { Issue } from '../../core/issue.ts'
import { isPlainObject, object, optional } from '../../core/shape.ts'
import { toCloudEvent } from '../cloud-event.ts'
import type { BusEvent } from '../event.ts'
import type { HandlerContext } from '../handler-context.ts'
import {
  assertOptions,
  expected,
  expectedPrivate,
  isText,
  maybeCount,
  maybeFunction,
  maybeMilliseconds,
} from '../option-shape.ts'
import { NotificationError } from './notification-error.ts'
import { type Answer, describePlace, isSuccess, type Lookup, type PrivateAddresses, post } from './post.ts'
import { ID_HEADER, SIGNATURE_HEADER, secretShape, secretsOf, sign, TIMESTAMP_HEADER } from './signature.ts'

export interface WebhookOptions<Event extends BusEvent = BusEvent> {
  /** `https:` or `http:`. Its path stays out of all messages: it may be a secret. */
  readonly url: string | URL
  /** Signs each message, so that `verifyWebhook` or any library for Standard Webhooks can check it. At least 16 characters, or `whsec_` and Base64. Several sign with each, while one is being changed for another. */
  readonly secret?: string | readonly string[] | undefined
  /** What is sent: a CloudEvent, the event as backends keep it, or what the function makes of it, as JSON. `cloudevent` unless given. */
  readonly format?: 'cloudevent' | 'event' | ((event: Event) => unknown) | undefined
  /** Further headers, such as `authorization`. They are not sent on when the URL leads to another origin. */
  readonly headers?: { readonly [name: string]: string } | undefined
  /** For the whole of it, in milliseconds. 10 seconds unless given. */
  readonly timeoutMs?: number | undefined
  /** How often the URL may lead on (307, 308). 3 unless given. */
  readonly maxRedirects?: number | undefined
  /** More of an answer is not read. 64 KiB unless given. */
  readonly maxAnswerBytes?: number | undefined
  /** Whether it may be sent to this machine and its networks. `refuse` unless given: a URL may be anybody's. */
  readonly privateAddresses?: PrivateAddresses | undefined
  /** Finds the addresses of a host, as `dns.lookup` does. */
  readonly lookup?: Lookup | undefined
}

/** What becomes of a message that was taken. */
export interface WebhookResult {
  readonly status: number
}

/** A handler that sends each event somewhere. */
export type NotifyHandler<Event extends BusEvent = BusEvent, Result = unknown> = (
  event: Event,
  context?: Pick<HandlerContext, 'signal'>,
) => Promise<Result>

/**
 * A handler that posts each event as JSON to a URL. With `retry` in the options of `bus.on` it is tried again where
 * that is worth it: when nobody has answered, and after 408, 425, 429 and 5xx, no sooner than `Retry-After` says.
 *
 * Several tries of one event have one `webhook-id`.
 *
 * @throws ValidationError with everything that is wrong with the options. The handler rejects with NotificationError.
 */
export function webhook<Event extends BusEvent = BusEvent>(
  options: WebhookOptions<Event>,
): NotifyHandler<Event, WebhookResult> {
  const url = checkOptions(options as unknown as WebhookOptions)
  const { secret = [], format = 'cloudevent', headers = {}, lookup } = options
  const {
    timeoutMs = 10_000,
    maxRedirects = 3,
    maxAnswerBytes = 65_536,
    privateAddresses = 'refuse',
  } = options
  const secrets = secretsOf(secret)
  const contentType =
    format === 'cloudevent' ? 'application/cloudevents+json; charset=utf-8' : 'application/json'
  const handler: NotifyHandler<Event, WebhookResult> = async (event, context) => {
    const body = writeBody(event, format as WebhookOptions['format'])
    const answer = await post(url, {
      body,
      headers: {
        'content-type': contentType,
        'user-agent': 'eventsets',
        accept: '*/*',
        ...sign(toHeaderId(event.id), body, secrets, Date.now()),
      },
      ownHeaders: headers,
      privateAddresses,
      maxRedirects,
      timeoutMs,
      maxAnswerBytes,
      lookup,
      signal: context?.signal,
    })
    if (!isSuccess(answer.status)) throw refusal(url, answer)
    return { status: answer.status }
  }
  // A durable backend finds a handler by its name after a restart, and two webhooks are two handlers.
  return Object.defineProperty(handler, 'name', { value: `webhook ${url.host}` })
}

const SHAPE = object({
  url: expectedPrivate('a URL that begins with https: or http:', (input) => parseUrl(input) !== undefined),
  secret: optional(secretShape),
  format: optional(
    expected(
      '"cloudevent", "event" or a function',
      (input) => input === 'cloudevent' || input === 'event' || typeof input === 'function',
    ),
  ),
  headers: optional(expectedPrivate('an object of texts', isPlainObject)),
  timeoutMs: maybeMilliseconds,
  maxRedirects: maybeCount,
  maxAnswerBytes: maybeCount,
  privateAddresses: optional(
    expected('"refuse", "url-only" or "allow"', (input) =>
      ['refuse', 'url-only', 'allow'].includes(input as string),
    ),
  ),
  lookup: maybeFunction,
})

function checkOptions(options: WebhookOptions): URL {
  const issues: Issue[] = []
  const url = parseUrl(options?.url)
  if (url?.username || url?.password) {
    const message = 'has a user or a password; put them into the header "authorization"'
    issues.push({ path: 'url', code: 'format', message })
  }
  if (isPlainObject(options?.headers)) issues.push(...findHeaderIssues(options.headers))
  assertOptions('The options of webhook are', SHAPE, options, issues)
  return url as URL
}

function parseUrl(input: unknown): URL | undefined {
  const text = input instanceof URL ? input.href : input
  if (!isText(text) || !URL.canParse(text)) return undefined
  const url = new URL(text)
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : undefined
}

/** They say how the message is sent, which is not for the options to say. */
const RESERVED: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  ID_HEADER,
  SIGNATURE_HEADER,
  TIMESTAMP_HEADER,
])

function findHeaderIssues(headers: { readonly [name: string]: unknown }): Issue[] {
  return Object.entries(headers).flatMap(([name, value]): Issue[] => {
    const path = `headers.${name}`
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name))
      return [{ path, code: 'format', message: 'is not the name of a header' }]
    if (RESERVED.has(name.toLowerCase()))
      return [{ path, code: 'format', message: 'is set by the webhook itself' }]
    const isValue = typeof value === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
    return isValue ? [] : [{ path, code: 'format', message: 'expected a text that a header can hold' }]
  })
}

function writeBody(event: BusEvent, format: WebhookOptions['format']): string {
  const message =
    typeof format === 'function' ? format(event) : format === 'event' ? event.toJSON() : toCloudEvent(event)
  return JSON.stringify(message) ?? 'null'
}

/** The signature is over `id.timestamp.body`: a dot in the id would move the borders. */
function toHeaderId(id: string): string {
  return /^[\w-]+$/.test(id)
    ? id
    : encodeURIComponent(id.replace(/[\ud800-\udfff]/gu, '\ufffd')).replaceAll('.', '%2E')
}

/** Retry-After is heeded up to an hour: nobody should be able to keep an event for ever. */
const MAX_RETRY_AFTER_MS = 3_600_000

function refusal(url: URL, { status, headers, text }: Answer): NotificationError {
  const isRetryable = status >= 500 || status === 408 || status === 425 || status === 429
  const excerpt = text
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, 200)
  const isMoved = status >= 300 && status < 400
  return new NotificationError(
    `${describePlace(url)} has answered ${status}${excerpt === '' ? '' : `: ${excerpt}`}`,
    {
      status,
      isRetryable,
      retryAfterMs: isRetryable ? parseRetryAfter(headers['retry-after']) : undefined,
      hint: isMoved ? 'It has moved. Set "url" to its new place; only 307 and 308 are followed.' : undefined,
    },
  )
}

/** Seconds, or a date. */
function parseRetryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const ms = /^\s*\d+(?:\.\d+)?\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : undefined
}
