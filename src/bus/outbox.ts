import type { Bytes } from './bytes.ts'
import type { Outbox } from './transaction.ts'

/** An outbox whose events a relay publishes. */
export interface RelayedOutbox<Handle = unknown> extends Outbox<Handle> {
  /** For people: the name of its table. */
  readonly name: string
  /**
   * Gives a relay the right to publish from here for so many milliseconds, or prolongs it. Gives false while another
   * one has it: two at once would publish everything twice, and in no order.
   */
  claim(relay: string, leaseMs: number): Promise<boolean>
  /** Gives the right back, if it has it. */
  release(relay: string): Promise<void>
  /** What has been committed, the oldest first. */
  read(limit: number): Promise<readonly OutboxEntry[]>
  remove(entries: readonly OutboxEntry[]): Promise<void>
}

/** An event in an outbox. */
export interface OutboxEntry {
  /** Its number in the table. */
  readonly seq: string
  readonly name: string
  /** The event as JSON. */
  readonly body: string | Bytes | null
}
