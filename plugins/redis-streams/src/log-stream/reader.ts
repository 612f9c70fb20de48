import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import {
  type Issue,
  type LogBatch,
  type LogStreamReader,
  type LogStreamReaderOptions,
  type LogStreamWriter,
  ValidationError,
} from 'eventsets'
import { ConnectionError, EventError } from 'eventsets/bus'
import { pause } from '../connection.ts'
import { evaluateBytes } from '../evaluate.ts'
import { closedError, connectionError, failureOf } from '../failures.ts'
import { oneOf, PLAIN_TEXT, type Rule, wholeFrom } from '../options.ts'
import { quote } from '../safe-text.ts'
import type { Script } from '../scripts/script.ts'
import { atMost } from '../timeout.ts'
import { isFinal, type Link, openLink } from './link.ts'
import { exchangeScript, forwardScript, holdScript, leaveScript, openGroupScript } from './read-scripts.ts'
import { readStreamUrl, type StreamPlace } from './stream-url.ts'
import { placeOf, type WriterPlace } from './writer.ts'

/**
 * Reads a stream as one of a group.
 *
 * @throws EventsetsError for a wrong URL, ValidationError for wrong options.
 */
export function openLogStreamReader(url: string, options: LogStreamReaderOptions): LogStreamReader {
  return new StreamReader(readStreamUrl(url), resolveOptions(options))
}

type Settings = {
  readonly [Name in 'group' | 'consumer' | 'batch' | 'claimIdleMs' | 'newGroups']-?: NonNullable<
    LogStreamReaderOptions[Name]
  >
} & Pick<LogStreamReaderOptions, 'endAfterIdleMs' | 'onError' | 'onBack'>

/** So many bytes are read at once, about. */
const MAX_BYTES = 2 * 1024 * 1024
/** How often it is looked for what dead processes have left. */
const MAX_SWEEP_MS = 500
const FIRST_PAUSE_MS = 20
const MAX_PAUSE_MS = 1000
/** What is in hand is laid down for the others, if the server answers within that. */
const LEAVE_MS = 900

/** Lines as they were read. */
interface Taken {
  /** Each with a blank. */
  readonly ids: string
  readonly count: number
  readonly lines: readonly Uint8Array[]
  readonly kind: Kind
  /** How many of them were handed out before. */
  readonly repeatedCount: number
  /** Of the group at that time. */
  readonly home: string
}

/** `again`: in hand before. `suspect`: alone, since processes have died that had it in hand. `deadly`: and once more. */
type Kind = 'new' | 'again' | 'suspect' | 'deadly'

type Reply =
  | readonly ['OTHER']
  | readonly [
      'OK',
      acknowledged: number,
      ids: string,
      lines: Buffer,
      count: number,
      kind: Kind,
      repeated: number,
      last: string,
      cursor: string,
      isSwept: number,
      buried: number,
      home: string,
    ]

class StreamReader implements LogStreamReader {
  readonly #place: StreamPlace
  readonly #settings: Settings
  readonly #name: string
  readonly #commands: Link
  readonly #waiting: Link
  readonly #sweepMs: number
  readonly #holdTimer: NodeJS.Timeout
  #home: string | undefined
  /** Up to where this process has read. */
  #position = ''
  #cursor = '0-0'
  #nextSweepMs = 0
  /** Read together with an acknowledgement. */
  #next: Taken | undefined
  #inHand: Taken | undefined
  /** The ids of what was handed out last. */
  #givenIds = ''
  /** When the server last counted what is in hand as this process's own, on the clock of `performance`. */
  #seenMs = 0
  /** Since when there is nothing to read, on the same clock. */
  #idleSinceMs: number | undefined
  #isAway = false
  #isStopped = false
  #isClosed = false
  readonly #stopped: Promise<void>
  #tellStopped = () => {}

  constructor(place: StreamPlace, settings: Settings) {
    this.#place = place
    this.#settings = settings
    this.#name = `${settings.consumer}#${randomUUID().slice(0, 8)}`
    this.#sweepMs = Math.min(MAX_SWEEP_MS, settings.claimIdleMs / 4)
    this.#commands = openLink(place.serverUrl, {
      onLost: (error) => this.#lose(error),
      onBack: () => this.#find(),
    })
    this.#waiting = openLink(place.serverUrl)
    this.#stopped = new Promise((resolve) => {
      this.#tellStopped = resolve
    })
    this.#holdTimer = setInterval(() => void this.#hold(), settings.claimIdleMs / 3)
    this.#holdTimer.unref()
  }

  async read(): Promise<LogBatch | undefined> {
    // What was not acknowledged comes again.
    this.#inHand = undefined
    while (!this.#isStopped) {
      const taken = this.#next
      if (taken) {
        this.#next = undefined
        this.#inHand = taken
        this.#givenIds = taken.ids
        return this.#toBatch(taken)
      }
      const reading = this.#insist(() => this.#readOnce())
      // Whoever has stopped does not want to know what becomes of it.
      reading.catch(() => {})
      await Promise.race([reading, this.#stopped])
    }
    return undefined
  }

  stop(): void {
    this.#isStopped = true
    this.#tellStopped()
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.stop()
    this.#isClosed = true
    clearInterval(this.#holdTimer)
    await this.#waiting.end()
    if (this.#home !== undefined && this.#commands.isReady) {
      const leaving = this.#run(leaveScript, [this.#settings.group, this.#name, this.#home])
      // Otherwise others will find that it does not live any more.
      await atMost(
        LEAVE_MS,
        leaving.then(
          () => {},
          () => {},
        ),
      )
    }
    await this.#commands.end()
  }

  #toBatch(taken: Taken): LogBatch {
    return {
      lines: taken.lines,
      redeliveredCount: toLineCount(taken, taken.repeatedCount),
      isDeadly: taken.kind === 'deadly',
      acknowledge: async (forward) => toLineCount(taken, await this.#acknowledge(taken, forward)),
    }
  }

  async #readOnce(): Promise<void> {
    await this.#exchange()
    if (this.#next || this.#isStopped || this.#cursor !== '0-0') return
    const { endAfterIdleMs = Number.POSITIVE_INFINITY } = this.#settings
    const now = performance.now()
    this.#idleSinceMs ??= now
    const idleMs = this.#idleSinceMs + endAfterIdleMs - now
    if (idleMs <= 0) this.stop()
    else await this.#waitForOne(Math.min(idleMs, this.#nextSweepMs - now))
  }

  async #acknowledge(taken: Taken, forward: Forward | undefined): Promise<number> {
    // It has been handed out anew.
    if (taken !== this.#inHand) return 0
    const target = forward && this.#ownPlace(forward.writer)
    if (forward && !target) {
      const isOverdue = performance.now() - this.#seenMs > this.#settings.claimIdleMs
      if (isOverdue && (await this.#insist(() => this.#countOwn(taken))) < taken.count) return this.#giveUp()
      await this.#insist(() => forward.writer.write(forward.lines))
    }
    const order = target && { target, lines: forward.lines }
    let isUncertain = false
    const count = await this.#insist(async () => {
      try {
        return await this.#exchange({ taken, order })
      } catch (error) {
        isUncertain = true
        throw error
      }
    })
    this.#inHand = undefined
    // The answer to the first try may have been lost, and then it was this process that has done it.
    if (count === 0 && isUncertain) return taken.count
    if (count !== undefined) return count
    // The group was deleted, and nobody has these lines in hand any more: they are in no other's.
    if (forward && order) await this.#insist(() => forward.writer.write(forward.lines))
    return taken.count
  }

  #giveUp(): number {
    this.#inHand = undefined
    return 0
  }

  /** Where a writer writes, if that is on the same server. */
  #ownPlace(writer: LogStreamWriter): WriterPlace | undefined {
    const target = placeOf(writer)
    return target?.server === this.#place.server ? target : undefined
  }

  /** Gives how many were acknowledged; undefined when the group is another one than the lines were read from. */
  async #exchange(done?: Done): Promise<number | undefined> {
    const { group, batch, newGroups, claimIdleMs } = this.#settings
    if (this.#home === undefined) {
      const args = [group, randomUUID().slice(0, 8), newGroups, this.#position]
      const [home] = (await this.#run(openGroupScript, args)) as [Buffer]
      this.#home = home.toString()
    }
    if (done && done.taken.home !== this.#home) return undefined
    const isDue = this.#cursor !== '0-0' || performance.now() >= this.#nextSweepMs
    const order = done?.order
    const want = {
      group,
      me: this.#name,
      home: this.#home,
      batch: this.#isStopped ? 0 : batch,
      maxBytes: MAX_BYTES,
      claimIdleMs,
      cursor: isDue ? this.#cursor : '',
      isForwarding: order !== undefined,
      maxLen: order?.target.maxLen ?? 0,
    }
    const args = [JSON.stringify(want), done?.taken.ids ?? '', order ? joinLines(order.lines) : '']
    const askedMs = performance.now()
    const script = order ? forwardScript : exchangeScript
    const reply = toReply(await this.#run(script, args, order?.target.key))
    if (reply[0] === 'OTHER') {
      this.#home = undefined
      return await this.#exchange(done)
    }
    const [, acknowledged, ids, lines, count, kind, repeated, last, cursor, isSwept, buried, home] = reply
    this.#home = home
    this.#seenMs = askedMs
    if (last !== '') this.#position = last
    if (isDue) this.#cursor = cursor
    if (isSwept === 1) this.#nextSweepMs = askedMs + this.#sweepMs
    if (count > 0) {
      // What this process has had and not acknowledged, the server does not count.
      const repeatedCount = kind === 'new' ? 0 : Math.max(repeated, countShared(ids, this.#givenIds))
      this.#next = { ids, count, lines: splitLines(lines), kind, repeatedCount, home }
      this.#idleSinceMs = undefined
    }
    if (buried > 0) this.#settings.onError(buriedError(buried, deadKeyOf(this.#place)))
    this.#find()
    return acknowledged
  }

  /** Waits until there is something new. It is this process's own then, and read with whatever else there is. */
  async #waitForOne(atMostMs: number): Promise<void> {
    const { group } = this.#settings
    const blockMs = Math.max(1, Math.ceil(atMostMs))
    const { key } = this.#place
    await this.#waiting.call((client) =>
      client.callBuffer(
        'XREADGROUP',
        ...['GROUP', group, this.#name, 'COUNT', 1, 'BLOCK', blockMs, 'STREAMS', key, '>'],
      ),
    )
  }

  /** Tells that what is in hand is still worked on. */
  async #hold(): Promise<void> {
    const taken = this.#inHand ?? this.#next
    if (!taken || !this.#commands.isReady) return
    // Whoever cannot be told will see for themselves.
    await this.#countOwn(taken).catch(() => 0)
  }

  async #countOwn({ ids, count, home }: Taken): Promise<number> {
    if (home !== this.#home) return 0
    const first = ids.slice(0, ids.indexOf(' '))
    const final = ids.slice(ids.lastIndexOf(' ', ids.length - 2) + 1, -1)
    const askedMs = performance.now()
    const args = [this.#settings.group, this.#name, first, final, count]
    const own = Number(await this.#run(holdScript, args))
    if (own === count) this.#seenMs = askedMs
    return own
  }

  async #run(script: Script, args: readonly (string | number | Buffer)[], target?: string): Promise<unknown> {
    const { key } = this.#place
    const keys = [key, target ?? key, deadKeyOf(this.#place)]
    return await this.#commands.call((client) => evaluateBytes(client, script, keys, args))
  }

  /** Once more, until it is done: whatever was done in vain before is not done twice. */
  async #insist<T>(attempt: () => Promise<T>): Promise<T> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)) {
      try {
        return await attempt()
      } catch (error) {
        if (this.#isClosed) throw closedError()
        // What writers of ours throw tells the reason as its cause.
        const reason = error instanceof EventError ? error.cause : error
        if (reason === undefined) throw error
        if (isFinal(reason)) throw wrongError(reason)
        const { kind } = failureOf(reason)
        if (kind === 'no-group') this.#home = undefined
        else if (kind === 'refused' || reason !== error) this.#lose(reason)
        await Promise.race([pause(pauseMs), this.#stopped])
        if (this.#isStopped) await pause(pauseMs)
      }
    }
  }

  #lose(error: unknown): void {
    this.#idleSinceMs = undefined
    // What does not pass is thrown by whoever has asked.
    if (this.#isAway || this.#isClosed || isFinal(error)) return
    this.#isAway = true
    this.#settings.onError(connectionError(error))
  }

  #find(): void {
    if (!this.#isAway || this.#isClosed) return
    this.#isAway = false
    this.#settings.onBack?.()
  }
}

interface Forward {
  readonly writer: LogStreamWriter
  readonly lines: readonly Uint8Array[]
}

interface Done {
  readonly taken: Taken
  readonly order: { readonly target: WriterPlace; readonly lines: readonly Uint8Array[] } | undefined
}

function toReply(raw: unknown): Reply {
  const [state, acknowledged, ids, lines, count, kind, repeated, last, cursor, isSwept, buried, home] =
    raw as readonly Buffer[]
  if (String(state) === 'OTHER') return ['OTHER']
  return [
    'OK',
    Number(acknowledged),
    String(ids),
    lines as Buffer,
    Number(count),
    String(kind) as Kind,
    Number(repeated),
    String(last),
    String(cursor),
    Number(isSwept),
    Number(buried),
    String(home),
  ]
}

function wrongError(error: unknown): EventError {
  const [, wrongType] = /^WRONGTYPE (The key .*)$/s.exec(failureOf(error).message) ?? []
  if (wrongType === undefined) return connectionError(error)
  return new ConnectionError(`${wrongType}.`, {
    code: 'EVENTSETS_CONNECTION',
    hint: 'It belongs to somebody else. Name another stream.',
    cause: error,
  })
}

/** Where lines are moved that nobody survives, in the same slot of a cluster. */
function deadKeyOf({ key, tag }: StreamPlace): string {
  return tag === key ? `{${key}}:dead` : `${key}:dead`
}

const NEWLINE = 10

/** How many lines so many entries are: other tools may have written several into one. Of a part, each is taken for one. */
function toLineCount({ count, lines }: Taken, entryCount: number): number {
  return entryCount === count ? lines.length : entryCount
}

function countShared(ids: string, others: string): number {
  const known = new Set(others.split(' ').slice(0, -1))
  return ids.split(' ').filter((id) => known.has(id)).length
}

function splitLines(bytes: Buffer): Uint8Array[] {
  const lines: Uint8Array[] = []
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(NEWLINE, start)
    lines.push(bytes.subarray(start, end))
    start = end + 1
  }
  return lines
}

function joinLines(lines: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.allocUnsafe(lines.reduce((sum, line) => sum + line.length + 1, 0))
  let at = 0
  for (const line of lines) {
    bytes.set(line, at)
    at += line.length
    bytes[at++] = NEWLINE
  }
  return bytes
}

function buriedError(count: number, deadKey: string): EventError {
  const what = count === 1 ? '1 line was' : `${count} lines were`
  return new EventError(
    `${what} in hand whenever a process died, and moved to the stream ${quote(deadKey)}.`,
    { code: 'EVENTSETS_CRASHED', hint: 'See how large they are, and how much memory the processes have.' },
  )
}

const RULES: Readonly<Record<string, Rule>> = {
  group: PLAIN_TEXT,
  consumer: PLAIN_TEXT,
  batch: wholeFrom(1, 5000),
  claimIdleMs: wholeFrom(100, 86_400_000),
  newGroups: oneOf('now', 'beginning'),
}

function resolveOptions(options: LogStreamReaderOptions): Settings {
  const {
    group,
    consumer = `${hostname()}-${process.pid}`,
    batch = 500,
    claimIdleMs = 15_000,
    newGroups = 'beginning',
    endAfterIdleMs,
    onError,
    onBack,
  } = options
  const settings = { group, consumer, batch, claimIdleMs, newGroups }
  const issues: Issue[] = []
  for (const [path, value] of Object.entries(settings)) {
    const [what, isRight] = RULES[path] as Rule
    if (!isRight(value)) issues.push({ path, code: 'format', message: `expected ${what}` })
  }
  if (issues.length > 0)
    throw new ValidationError('The options for reading a stream of log lines are', issues, {
      code: 'EVENTSETS_INVALID_OPTIONS',
    })
  return { ...settings, endAfterIdleMs, onError, onBack }
}
