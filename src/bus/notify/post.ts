import type { LookupAddress } from 'node:dns'
import type { IncomingMessage } from 'node:http'
import type { LookupFunction } from 'node:net'
import { onAbort } from '../abort.ts'
import { NotificationError } from './notification-error.ts'
import { isPrivateAddress } from './private-address.ts'

/** `refuse`: none may be private. `url-only`: the given URL may, what it leads on to may not. `allow`: all may. */
export type PrivateAddresses = 'refuse' | 'url-only' | 'allow'

/** Shaped as `dns.lookup` with `{ all: true }`. */
export type Lookup = (
  hostname: string,
  options: { readonly all: true },
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void

export interface PostOptions {
  readonly body: string
  readonly headers: { readonly [name: string]: string }
  /** Headers that are for the given URL only, and not for what it leads on to. */
  readonly ownHeaders: { readonly [name: string]: string }
  readonly privateAddresses: PrivateAddresses
  readonly maxRedirects: number
  /** For the whole of it. */
  readonly timeoutMs: number
  /** More of an answer is not read. */
  readonly maxAnswerBytes: number
  readonly lookup: Lookup | undefined
  readonly signal: AbortSignal | undefined
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** As much of it as may be read. */
  readonly text: string
}

/**
 * Posts a body, and follows 307 and 308, which ask for the same at another place.
 *
 * `node:http` and not `fetch`, since a `fetch` looks up the host by itself: the address that was checked need not be
 * the one it connects to.
 *
 * @throws NotificationError when there is no answer, or at a place that is not allowed; the signal's reason.
 */
export async function post(url: URL, options: PostOptions): Promise<Answer> {
  const { timeoutMs, signal: outer, maxRedirects } = options
  outer?.throwIfAborted()
  const controller = new AbortController()
  const stop = outer && onAbort(outer, () => controller.abort(outer.reason))
  const timer = setTimeout(() => {
    const message = `${describePlace(url)} has not answered within ${timeoutMs} ms.`
    controller.abort(new NotificationError(message))
  }, timeoutMs)
  try {
    let place = url
    for (let redirects = 0; ; redirects++) {
      const isFirst = redirects === 0
      const isPrivateAllowed =
        options.privateAddresses === 'allow' || (isFirst && options.privateAddresses === 'url-only')
      const headers =
        place.origin === url.origin ? { ...options.headers, ...options.ownHeaders } : options.headers
      const answer = await postOnce(place, headers, options, isPrivateAllowed, controller.signal)
      if (answer.status !== 307 && answer.status !== 308) return answer
      place = findNextPlace(place, answer)
      if (redirects === maxRedirects)
        throw final(`${describePlace(url)} leads on more than ${maxRedirects} times.`)
    }
  } finally {
    clearTimeout(timer)
    stop?.()
  }
}

/** Where it is, for people: a path may be the secret of a chat. */
export function describePlace({ origin }: URL): string {
  return `The webhook at ${origin}`
}

function final(message: string, hint?: string): NotificationError {
  return new NotificationError(message, { isRetryable: false, hint })
}

function findNextPlace(place: URL, { headers, status }: Answer): URL {
  const { location } = headers
  const next =
    location === undefined || !URL.canParse(location, place.href) ? undefined : new URL(location, place)
  const fault =
    next === undefined
      ? 'nowhere'
      : next.protocol !== 'http:' && next.protocol !== 'https:'
        ? `to the protocol ${next.protocol}`
        : place.protocol === 'https:' && next.protocol === 'http:'
          ? `to ${next.origin}, which is not encrypted`
          : undefined
  if (next === undefined || fault) throw final(`${describePlace(place)} leads on (${status}) ${fault}.`)
  // They would be sent to whoever was named.
  next.username = ''
  next.password = ''
  return next
}

async function postOnce(
  url: URL,
  headers: { readonly [name: string]: string },
  { body, maxAnswerBytes, lookup }: PostOptions,
  isPrivateAllowed: boolean,
  signal: AbortSignal,
): Promise<Answer> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  // Loaded when they are needed: most who import the bus send nothing.
  const [{ request }, dns, { isIP }] = await Promise.all([
    url.protocol === 'https:' ? import('node:https') : import('node:http'),
    import('node:dns'),
    import('node:net'),
  ])
  // An address is not looked up, so that nobody would check it.
  if (isIP(host) !== 0 && !isPrivateAllowed && isPrivateAddress(host)) throw privateError(url, host)
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(signal.aborted ? signal.reason : toNotificationError(url, error))
    let isAnswered = false
    const sent = request(
      url,
      {
        method: 'POST',
        headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
        signal,
        // A connection of its own: one that is kept may be to an address that only somebody else was allowed.
        agent: false,
        lookup: checkedLookup(url, lookup ?? (dns.lookup as Lookup), isPrivateAllowed),
      },
      (response) => {
        isAnswered = true
        void readAnswer(response, maxAnswerBytes).then(resolve)
      },
    )
    // Without a listener the connection ends, and nobody is told why.
    sent.on('upgrade', (response, socket) => {
      isAnswered = true
      socket.destroy()
      resolve(answerOf(response, ''))
    })
    // What breaks later is told by the answer.
    sent.on('error', (error) => isAnswered || fail(error))
    sent.on('close', () => isAnswered || fail(new Error('the connection has ended without an answer')))
    sent.end(body)
  })
}

/** Looks a host up, and lets the connection have none but addresses that are allowed. */
function checkedLookup(url: URL, lookup: Lookup, isPrivateAllowed: boolean): LookupFunction {
  return (hostname, options, callback) => {
    const take = (error: Error | null, found: unknown) => {
      const addresses = Array.isArray(found) ? found.filter(isLookupAddress) : []
      const refused = isPrivateAllowed
        ? undefined
        : addresses.find(({ address }) => isPrivateAddress(address))
      const [first] = addresses
      if (error) callback(error, '')
      else if (refused) callback(privateError(url, refused.address), '')
      else if (!first) callback(new Error(`${hostname} has no address`), '')
      else if (options.all) callback(null, addresses)
      else callback(null, first.address, first.family)
    }
    try {
      lookup(hostname, { ...options, all: true }, take)
    } catch (error) {
      take(error instanceof Error ? error : new Error(String(error)), [])
    }
  }
}

/** A lookup of somebody else's may give anything. */
function isLookupAddress(input: unknown): input is LookupAddress {
  return typeof (input as LookupAddress | null)?.address === 'string'
}

function privateError(url: URL, address: string): NotificationError {
  return new NotificationError(`${describePlace(url)} is at the private address ${address}.`, {
    code: 'EVENTSETS_PRIVATE_ADDRESS',
    isRetryable: false,
    hint: 'If it may be there, set "privateAddresses" to "url-only" or "allow".',
  })
}

function toNotificationError(url: URL, error: unknown): NotificationError {
  if (error instanceof NotificationError) return error
  const { message, code } = error as NodeJS.ErrnoException
  return new NotificationError(`${describePlace(url)} cannot be reached: ${message || code}.`, {
    cause: error,
  })
}

/** Never rejects: the status has said whether it is taken, whatever becomes of the rest of the answer. */
async function readAnswer(response: IncomingMessage, maxBytes: number): Promise<Answer> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.length
      // Leaving the loop ends the connection.
      if (bytes >= maxBytes) break
    }
  } catch {}
  return answerOf(response, Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8'))
}

function answerOf({ statusCode = 0, headers }: IncomingMessage, text: string): Answer {
  return { status: statusCode, headers, text }
}

export function isSuccess(status: number | undefined): boolean {
  return status !== undefined && status >= 200 && status < 300
}
