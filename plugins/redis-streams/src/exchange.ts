import type { Consumer } from 'eventsets/bus'
import type { Partition } from './partitions.ts'
import { isLevel, partsOf } from './queues.ts'
import type { Settlements } from './settlements.ts'
import type { Found } from './work.ts'

/** A call that may have been made: it is sent again, and does nothing the second time. */
export interface Call {
  readonly args: readonly string[]
  readonly settlements: Settlements
}

/** What a consumer wants of the server. */
export interface Wish {
  /** Whether it wants more at all; if not, it only tells. */
  readonly mayRead: boolean
  /** How many more events without a key it can begin. */
  readonly free: number
  /** The most that it is given at once. */
  readonly batch: number
  /** Characters of an event, about. */
  readonly averageSize: number
  /** The partitions that it reads. */
  readonly reading: readonly Partition[]
  /** The partitions of which it takes over what is left. */
  readonly loading: readonly Partition[]
  readonly mayTakeSuspect: boolean
  readonly patterns: readonly string[] | undefined
}

/** What it is given. */
export interface Given {
  /** By the clock of the server, in milliseconds since 1970. */
  readonly now: number
  readonly newsId: string
  readonly epoch: string
  /** In how many milliseconds something is due; negative when nothing waits. */
  readonly nextDueMs: number
  /** What comes once more, or has no key, in the order in which it is to be begun. */
  readonly found: readonly Found[]
  /** What has a key, in the order in which it was published. */
  readonly keyed: readonly Found[]
  /** What was left of partitions that are being taken over. */
  readonly loaded: readonly Found[]
  readonly loads: readonly Load[]
  /** How far each stream has been read now. */
  readonly positions: readonly (readonly [queue: string, id: string])[]
  readonly hasMore: boolean
}

/** How far a partition has been taken over. */
export interface Load {
  readonly queue: string
  readonly cursor: string
  readonly isLast: boolean
}

/** Ids and what stands there in turn: names and values, or the body alone. */
type Fresh = readonly [queue: string, entries: readonly (string | readonly string[])[]]

export type ExchangeReply =
  | readonly ['FENCED' | 'REPEATED']
  | readonly [
      'OK',
      now: number,
      newsId: string,
      epoch: string,
      nextDueMs: number,
      again: readonly Found[],
      fresh: readonly Fresh[],
      loads: readonly (readonly [queue: string, cursor: string, isLast: number, entries: readonly Found[]])[],
      hasMore: number,
    ]

/** A part of what is read at once may come from each partition. */
const PARTS_A_READ = 4
/** Characters that one answer should have at most, by the size of the events before. */
const MAX_ANSWER_SIZE = 8_000_000
/** So much is taken over from a partition in one call. */
const LOAD_PAGE = 200
/** Every so many calls, those go first that otherwise come last. */
const TURNS = 8
/** With more patterns, or more complicated ones, everything is handed over, and the bus looks who wants it. */
const MAX_PATTERNS = 50
const MAX_DOUBLE_STARS = 2

/** What is told and asked in one call, as the script wants it. */
export function writeExchange(settlements: Settlements, wish: Wish, number: number): string {
  const { acks, letters, forget, tries, backs, loaded } = settlements
  const { mayRead, free, batch, reading, loading, mayTakeSuspect, patterns } = wish
  const most = Math.min(batch, Math.ceil(MAX_ANSWER_SIZE / wish.averageSize))
  return JSON.stringify({
    acks,
    letters,
    forget,
    tries,
    backs,
    loaded,
    free: mayRead ? Math.min(free, most) : 0,
    room: Math.ceil(Math.min(batch / PARTS_A_READ, most / Math.max(1, reading.length))),
    mayTakeSuspect,
    isReversed: number % TURNS === TURNS - 1,
    reads: reading.map(({ queue }) => queue),
    loads: loading.map(({ queue, cursor }) => [queue, cursor]),
    page: Math.ceil(Math.min(LOAD_PAGE, most / Math.max(1, loading.length))),
    patterns,
  })
}

/** What somebody listens to, where that is worth telling; undefined where it is everything. */
export function patternsOf(consumer: Consumer): readonly string[] | undefined {
  const patterns = consumer.patterns()
  const isSimple = (pattern: string) => pattern.split('**').length <= MAX_DOUBLE_STARS + 1
  if (patterns.length > MAX_PATTERNS || !patterns.every(isSimple)) return undefined
  return patterns.some((pattern) => pattern === '*' || pattern === '**') ? undefined : patterns
}

export function readExchange(reply: Extract<ExchangeReply, readonly ['OK', ...unknown[]]>): Given {
  const [, now, newsId, epoch, nextDueMs, again, fresh, loads, hasMore] = reply
  // The most urgent first, as they have been read.
  const urgent = fresh.filter(([queue]) => isLevel(queue)).flatMap(read)
  const keyed = inOrder(fresh.filter(([queue]) => !isLevel(queue)).map(read))
  return {
    now,
    newsId,
    epoch,
    nextDueMs,
    found: [...again, ...urgent],
    keyed,
    loaded: inOrder(loads.map(([, , , entries]) => entries)),
    loads: loads.map(([queue, cursor, isLast]) => ({ queue, cursor, isLast: isLast === 1 })),
    positions: fresh.map(([queue, entries]) => [queue, entries.at(-2) as string]),
    hasMore: hasMore === 1 || again.length > 0 || fresh.length > 0,
  }
}

function read([queue, entries]: Fresh): Found[] {
  const found: Found[] = []
  for (let at = 0; at + 1 < entries.length; at += 2)
    found.push([queue, entries[at] as string, '', entries[at + 1] ?? null])
  return found
}

/** Nobody is promised an order between keys, but what was published first may as well come first. */
function inOrder(lists: readonly (readonly Found[])[]): readonly Found[] {
  const [only = []] = lists
  if (lists.length < 2) return only
  // Each id is read once, and not once for each comparison.
  const dated = lists.flat().map((entry) => ({ entry, id: partsOf(entry[1]) }))
  dated.sort(({ id: [aMs, aSeq] }, { id: [bMs, bSeq] }) => aMs - bMs || aSeq - bSeq)
  return dated.map(({ entry }) => entry)
}
