import type { GroupHealth } from 'eventsets/bus'
import type { Connection } from './connection.ts'
import { stateScript } from './scripts/state.ts'

export interface State {
  /** Whether there has ever been a group. */
  readonly hasBegun: boolean
  /** How many events there are, those that have been handled included. */
  readonly total: number
  /** How many were ever added. */
  readonly added: number
  readonly deadLetters: number
  readonly groups: (GroupHealth & { readonly consumers: number })[]
}

type GroupRow = readonly [
  name: string,
  unread: number,
  pending: number,
  since: number,
  hands: readonly string[],
  consumers: number,
]
type Reply = readonly [
  now: number,
  hasBegun: number,
  total: number,
  added: number,
  letters: number,
  groups: readonly GroupRow[],
]

/**
 * How it is, all at one moment. Other processes say now and then how much they have in hand; the consumers of this one
 * are asked.
 *
 * @param locals How much each consumer of this process has in hand, by its name on the server.
 */
export async function readState(
  connection: Connection,
  queues: readonly string[],
  locals: () => ReadonlyMap<string, number>,
  deadlineMs: number,
): Promise<State> {
  const reply = await connection.insist(stateScript, [JSON.stringify(queues)], deadlineMs)
  const own = locals()
  const [now, hasBegun, total, added, deadLetters, rows] = reply as Reply
  const groups = rows.map(([name, unread, pending, since, hands, consumers]) => {
    const inFlight = Math.min(pending, countHands(hands, own))
    const queueDepth = unread + pending - inFlight
    return { name, queueDepth, inFlight, lagMs: since < 0 ? 0 : Math.max(0, now - since), consumers }
  })
  return { hasBegun: hasBegun === 1, total, added, deadLetters, groups }
}

/** What there is in several streams. Each process that consumes has a consumer in each of them. */
export function addStates(states: readonly State[]): Omit<State, 'total' | 'hasBegun'> {
  const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0)
  const rows = states.flatMap(({ groups }) => groups)
  const names = [...new Set(rows.map(({ name }) => name))].sort()
  return {
    added: sumOf(states.map(({ added }) => added)),
    deadLetters: sumOf(states.map(({ deadLetters }) => deadLetters)),
    groups: names.map((name) => {
      const own = rows.filter((row) => row.name === name)
      return {
        name,
        queueDepth: sumOf(own.map(({ queueDepth }) => queueDepth)),
        inFlight: sumOf(own.map(({ inFlight }) => inFlight)),
        lagMs: Math.max(...own.map(({ lagMs }) => lagMs)),
        consumers: Math.max(...own.map(({ consumers }) => consumers)),
      }
    }),
  }
}

function countHands(hands: readonly string[], own: ReadonlyMap<string, number>): number {
  let count = 0
  for (let at = 0; at + 1 < hands.length; at += 2)
    count += own.get(hands[at] as string) ?? Number(hands[at + 1])
  return count
}
