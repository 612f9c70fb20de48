import type { Msg } from '@nats-io/transport-node'

/** A message of the log in the hands of a consumer. */
export interface HandedOut {
  readonly subject: string
  readonly body: Uint8Array
  /** Its place in the log. */
  readonly seq: number
  /** How often it has been handed out, this time included. */
  readonly deliveries: number
  /** When the server has stored it, in milliseconds since 1970. */
  readonly storedMs: number
  /** Where it is told what has become of it. */
  readonly reply: string
}

/** What a consumer says about a message, in the words of the protocol. */
export const Answer = {
  ACK: '+ACK',
  WORKING: '+WPI',
  again: (delayMs: number): string =>
    delayMs > 0 ? `-NAK {"delay":${Math.ceil(delayMs * 1_000_000)}}` : '-NAK',
} as const

/**
 * The server tells all about a message in the address for its answer:
 * `$JS.ACK.<domain>.<account>.<stream>.<consumer>.<deliveries>.<seq>.<count>.<stored>.<pending>`, and older ones without
 * domain and account. Undefined for what is no message of a stream.
 */
export function readHandedOut({ subject, data, reply }: Msg): HandedOut | undefined {
  if (!reply?.startsWith('$JS.ACK.')) return undefined
  const parts = reply.split('.')
  const at = parts.length === 9 ? 4 : 6
  const [deliveries, seq, , storedNanos] = parts.slice(at).map(Number)
  if (!Number.isInteger(deliveries) || !Number.isInteger(seq)) return undefined
  return {
    subject,
    body: data,
    seq: seq as number,
    deliveries: deliveries as number,
    storedMs: Math.floor((storedNanos ?? 0) / 1_000_000),
    reply,
  }
}
