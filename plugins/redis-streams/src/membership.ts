import { randomUUID } from 'node:crypto'
import type { Connection } from './connection.ts'
import { connectionError } from './failures.ts'
import type { Settings } from './options.ts'
import { allQueues } from './queues.ts'
import { enterScript, leaveScript, tickScript } from './scripts/consume.ts'
import type { Work } from './work.ts'

/** What a consumer tells with a sign of life. */
export interface SignOfLife {
  /** How many events it has in hand. */
  readonly inHand: number
  /** The partitions that it gives back. */
  readonly release: readonly string[]
  /** Whether it wants partitions. */
  readonly isTaking: boolean
}

/** What it is told then. */
export interface Standing {
  /** Counts the changes of the group. */
  readonly epoch: string
  /** How many partitions it is to have. */
  readonly share: number
  /** Those that it has, and whether whoever had them before has died. */
  readonly partitions: readonly { readonly queue: string; readonly hasCrashed: boolean }[]
  /** How many events were taken over from consumers that had died. */
  readonly claims: number
}

type TickReply =
  | readonly ['FENCED']
  | readonly [
      'OK',
      epoch: string,
      share: number,
      mine: readonly string[],
      crashed: readonly number[],
      claims: number,
    ]

/**
 * A consumer as a member of its group. Whoever has not been heard of for a lease is none any more, and the server takes
 * nothing from it: it begins anew under another name.
 */
export class Membership {
  readonly #connection: Connection
  readonly #settings: Settings
  readonly #group: string
  readonly #queues: readonly string[]
  #session = ''
  /** One that was taken for dead, or has lost its way. */
  #oldSession: string | undefined
  #hasEntered = false
  /** When it was last asked for what the server has counted as a sign of life, on the clock of `performance`. */
  #beatMs = 0

  constructor(connection: Connection, settings: Settings, group: string) {
    this.#connection = connection
    this.#settings = settings
    this.#group = group
    this.#queues = allQueues(settings.partitions)
  }

  /** What it is called on the server. */
  get session(): string {
    return this.#session
  }

  get hasEntered(): boolean {
    return this.#hasEntered
  }

  /** Whether the others may have taken it for dead by now. */
  get isOverdue(): boolean {
    return performance.now() - this.#beatMs > this.#settings.leaseMs
  }

  /**
   * @param positions How far the group has come in each stream, should it have to be made again.
   * @throws ConnectionError when there is a deadline, and the server does not answer by then.
   */
  async enter(positions: Readonly<Record<string, string>>, deadlineMs?: number): Promise<void> {
    const { consumer, newGroups, timeoutMs } = this.#settings
    this.#session ||= `${consumer}#${randomUUID().slice(0, 13)}`
    const set = {
      queues: this.#queues,
      positions: Object.keys(positions).length > 0 ? positions : undefined,
      newGroups,
      old: this.#oldSession,
    }
    const args = [this.#group, this.#session, JSON.stringify(set)]
    const beatMs = performance.now()
    if (deadlineMs === undefined) await this.#connection.run(enterScript, args)
    else {
      await this.#connection.insist(enterScript, args, deadlineMs).catch((error) => {
        throw connectionError(error, timeoutMs)
      })
    }
    this.#oldSession = undefined
    this.#beatMs = beatMs
    this.#hasEntered = true
  }

  /** Gives undefined when it is no member any more. */
  async beat({ inHand, release, isTaking }: SignOfLife): Promise<Standing | undefined> {
    const { leaseMs, partitions } = this.#settings
    const set = { leaseMs, partitions, hands: inHand, release, isTaking }
    const beatMs = performance.now()
    const args = [this.#group, this.#session, JSON.stringify(set)]
    const reply = (await this.#connection.run(tickScript, args)) as TickReply
    this.#beatMs = beatMs
    if (reply[0] === 'FENCED') return undefined
    const [, epoch, share, mine, crashed, claims] = reply
    const owned = mine.map((queue, at) => ({ queue, hasCrashed: crashed[at] === 1 }))
    return { epoch, share, partitions: owned, claims }
  }

  /** It begins anew, under another name. */
  lose(): void {
    this.#oldSession = this.#session
    this.#session = ''
    this.#hasEntered = false
  }

  /** It ends for good, and gives back what it has in hand. */
  async leave(inHand: readonly Work[], deadlineMs?: number): Promise<void> {
    if (!this.#hasEntered) return
    const keyed = inHand
      .filter(({ partition }) => partition !== undefined)
      .map(({ queue, id, attempt, crashes, handlers }) => [
        queue,
        id,
        attempt,
        crashes,
        handlers === undefined ? '' : JSON.stringify(handlers),
      ])
    const args = [this.#group, this.#session, JSON.stringify({ inHand: keyed })]
    try {
      await this.#connection.run(leaveScript, args, deadlineMs)
    } catch {
      // Others will find that it does not live any more.
    }
  }
}
