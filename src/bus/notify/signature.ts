import { createHmac, timingSafeEqual } from 'node:crypto'
import { types } from 'node:util'
import { EventsetsError } from '../../core/errors.ts'
import { isPlainObject, object, optional } from '../../core/shape.ts'
import { assertOptions, expected, expectedPrivate, maybeCount } from '../option-shape.ts'

/** The headers of a signed webhook, as Standard Webhooks 1.0 names them: https://www.standardwebhooks.com */
export const ID_HEADER = 'webhook-id'
export const TIMESTAMP_HEADER = 'webhook-timestamp'
export const SIGNATURE_HEADER = 'webhook-signature'

export interface VerifyWebhookOptions {
  /** As `node:http` has them, or as `fetch` does. */
  readonly headers: Headers | { readonly [name: string]: string | readonly string[] | undefined }
  /** As it came, not parsed: the signature is over its bytes. */
  readonly body: string | Uint8Array
  /** What the sender signs with, or all that it may sign with while it is being changed. */
  readonly secret: string | readonly string[]
  /** How far the clocks of sender and receiver may be apart. 5 minutes unless given. */
  readonly toleranceMs?: number | undefined
  /** Milliseconds since 1970. Now unless given. */
  readonly now?: number | undefined
}

export interface VerifiedWebhook {
  /** That of the event: one that came before is a repetition. */
  readonly id: string
  /** When it was sent: milliseconds since 1970. */
  readonly time: number
  /** The body, parsed: a CloudEvent for `fromCloudEvent`, say. */
  readonly payload: unknown
}

/**
 * Checks that a webhook was sent by somebody who has the secret, not long ago, and is as it was sent.
 *
 * That it came before is for the receiver to see, by its `id`.
 *
 * @throws EventsetsError that says what is wrong, with the code `EVENTSETS_WEBHOOK_SIGNATURE`; ValidationError for
 * options that are wrong, such as a secret that is empty.
 */
export function verifyWebhook(options: VerifyWebhookOptions): VerifiedWebhook {
  assertOptions('The options of verifyWebhook are', VERIFY_SHAPE, options)
  const { headers, body, secret, toleranceMs = 300_000, now = Date.now() } = options
  const id = read(headers, ID_HEADER)
  const timestamp = read(headers, TIMESTAMP_HEADER)
  const signatures = read(headers, SIGNATURE_HEADER).split(' ')
  if (!/^\d{1,12}$/.test(timestamp)) throw refused(`The header ${TIMESTAMP_HEADER} is no time in seconds.`)
  const time = Number(timestamp) * 1000
  if (Math.abs(now - time) > toleranceMs) {
    throw refused(
      `The webhook was sent ${Math.round(Math.abs(now - time) / 1000)} s ${time < now ? 'ago' : 'from now'}, which is more than ${toleranceMs / 1000} s.`,
      'Somebody may be sending an old one again. If not, set the clocks.',
    )
  }
  const isSigned = secretsOf(secret).some((key) => {
    const expected = computeSignature(id, timestamp, body, key)
    // All of them: how many there are is no secret, and which one is right need not be told by the time it takes.
    return signatures.filter((signature) => isEqual(signature, expected)).length > 0
  })
  if (!isSigned) {
    throw refused(
      'The signature of the webhook is not that of its body.',
      'Check that both sides have the same secret, and that the body is what came over the wire, not parsed and written anew.',
    )
  }
  return { id, time, payload: parse(body) }
}

/** As many bytes as nobody guesses. */
const MIN_SECRET_BYTES = 16

function isSecret(input: unknown): boolean {
  if (typeof input !== 'string') return false
  if (!input.startsWith('whsec_')) return Buffer.byteLength(input) >= MIN_SECRET_BYTES
  return (
    /^whsec_[A-Za-z0-9+/]+={0,2}$/.test(input) &&
    Buffer.from(input.slice(6), 'base64').length >= MIN_SECRET_BYTES
  )
}

/** A secret, or several. One that is empty, since a variable is not set, would let anybody sign. */
export const secretShape = expectedPrivate(
  'a text of at least 16 bytes, "whsec_" and Base64 of as many, or a list of those',
  (input) => [input].flat().length > 0 && [input].flat().every(isSecret),
)

const VERIFY_SHAPE = object({
  headers: expectedPrivate('the headers of the request', isPlainObject),
  body: expectedPrivate(
    'a text or bytes, as they came and not parsed',
    (input) => typeof input === 'string' || types.isUint8Array(input),
  ),
  secret: secretShape,
  toleranceMs: maybeCount,
  // With a time that is none, no webhook would be too old.
  now: optional(expected('milliseconds since 1970', Number.isFinite)),
})

/** The headers that sign a body: HMAC-SHA256 over `id.timestamp.body`, as Base64 behind `v1,`. */
export function sign(
  id: string,
  body: string,
  secrets: readonly Uint8Array[],
  now: number,
): { [name: string]: string } {
  const timestamp = String(Math.floor(now / 1000))
  return {
    [ID_HEADER]: id,
    [TIMESTAMP_HEADER]: timestamp,
    ...(secrets.length === 0
      ? {}
      : { [SIGNATURE_HEADER]: secrets.map((key) => computeSignature(id, timestamp, body, key)).join(' ') }),
  }
}

/** The keys: what stands behind `whsec_` is Base64, anything else is taken as it is. */
export function secretsOf(secret: string | readonly string[]): Uint8Array[] {
  return [secret].flat().map((text) => {
    return text.startsWith('whsec_') ? Buffer.from(text.slice(6), 'base64') : Buffer.from(text)
  })
}

function computeSignature(id: string, timestamp: string, body: string | Uint8Array, key: Uint8Array): string {
  const digest = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')
  return `v1,${digest}`
}

/** Takes the same time wherever they differ. */
function isEqual(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

function read(headers: VerifyWebhookOptions['headers'], name: string): string {
  const found = headers instanceof Headers ? headers.get(name) : findHeader(headers, name)
  if (typeof found !== 'string' || found === '') throw refused(`The webhook has no header ${name}.`)
  return found
}

function findHeader(headers: { readonly [name: string]: unknown }, name: string): unknown {
  return Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1]
}

function parse(body: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof body === 'string' ? body : new TextDecoder().decode(body))
  } catch (error) {
    throw refused(`The body of the webhook is not JSON: ${(error as Error).message}`)
  }
}

function refused(message: string, hint?: string): EventsetsError {
  return new EventsetsError(message, { code: 'EVENTSETS_WEBHOOK_SIGNATURE', hint })
}
