import { randomUUID } from 'node:crypto'
import { failureOf, isGone } from './failures.ts'
import type { Link, Server } from './link.ts'
import type { Entry, Progress } from './publisher.ts'
import { readEvent } from './stored-body.ts'

/** Events that are published together. */
export interface Batches {
  /** Resolves when all of them are sure to be handed over; rejects when none will be, as far as the server has said. */
  publish(entries: readonly Entry[], deadlineMs: number): Promise<void>
  /** Goes on with what was there the last time as well: whoever has published it has not come to its end. */
  recover(): Promise<void>
}

/** Beside the events there are headers and subjects. */
const MARGIN = 4096
/** So many bytes are kept in one message at most, even where the server takes more. */
const MAX_PART = 1_000_000

/**
 * JetStream takes one message at a time, and some events of several would be neither all nor none. So they are stored as
 * one message first, in a stream of their own; with that they are published. Then each of them goes to the log, and the
 * message is deleted. Should its publisher not come to that, any process with this backend does it: an event that is in
 * the log already is known there by its id.
 *
 * What is too much for one message is stored in several, and the last one names them: without it, they are nothing.
 */
export function createBatches(
  link: Link,
  publishAll: (entries: readonly Entry[], deadlineMs: number) => Promise<Progress>,
): Batches {
  const { batches } = link.names
  let left = new Set<number>()
  let isRecovering = false

  const store = async (entries: readonly Entry[], deadlineMs: number): Promise<number[]> => {
    const id = randomUUID()
    const { maxPayload } = await link.insist(async (server) => server, deadlineMs)
    const parts = split(entries, Math.min(MAX_PART, maxPayload - MARGIN))
    const places: number[] = []
    for (const [index, part] of parts.entries()) {
      const isLast = index === parts.length - 1
      const subject = isLast ? `${batches}.whole.${id}` : `${batches}.part.${id}.${index}`
      const body = isLast ? `${JSON.stringify(places)}\n${part}` : part
      const { seq } = await link.insist(
        ({ client }) => client.publish(subject, body, { msgID: `${id}.${index}` }),
        deadlineMs,
      )
      places.push(seq)
    }
    return places
  }
  /** The last first: what it names must not be missing as long as it is there. */
  const remove = async (places: readonly number[]) => {
    for (const place of [...places].reverse())
      await link.insist(async ({ manager }) => {
        await manager.streams.deleteMessage(batches, place, false).catch((error) => {
          // Another process has gone on with it, too.
          if (!isGone(error)) throw error
        })
      })
  }
  const findWhole = async ({ manager }: Server) => {
    const { state } = await manager.streams.info(batches)
    const places: number[] = []
    for (let seq = state.first_seq; state.messages > 0 && seq <= state.last_seq; ) {
      // The next one of that subject at or after a place: the server takes both, and the client has no type for it.
      const query = { seq, next_by_subj: `${batches}.whole.>` } as { seq: number }
      const found = await manager.streams.getMessage(batches, query)
      if (!found) break
      places.push(found.seq)
      seq = found.seq + 1
    }
    return places
  }
  const finish = async (place: number) => {
    const whole = await read(place)
    if (!whole) return
    const end = whole.indexOf(10)
    const named = readPlaces(whole.subarray(0, end))
    const parts: Uint8Array[] = []
    for (const each of named) {
      const part = await read(each)
      if (part) parts.push(part)
    }
    parts.push(whole.subarray(end + 1))
    const entries = parts.flatMap(readEntries)
    const { failure } = await publishAll(entries, Number.POSITIVE_INFINITY)
    if (failure) throw failure.error
    await remove([...named, place])
  }
  const read = (seq: number) =>
    link.insist(async ({ manager }) => {
      try {
        return (await manager.streams.getMessage(batches, { seq }))?.data
      } catch (error) {
        if (isGone(error)) return undefined
        throw error
      }
    })

  return {
    async publish(entries, deadlineMs) {
      const places = await store(entries, deadlineMs)
      const { stored, failure } = await publishAll(entries, deadlineMs)
      if (!failure) remove(places).catch(() => {})
      else if (stored === 0 && isRefused(failure.error)) {
        // None of them is in the log, and none will be.
        await remove(places)
        throw failure.error
      }
      // Otherwise they are published nevertheless: whoever looks next goes on with them.
    },
    async recover() {
      if (isRecovering) return
      isRecovering = true
      try {
        const found = await link.insist(findWhole)
        const before = left
        left = new Set(found)
        // One that cannot be gone on with must not keep the others.
        await Promise.allSettled(found.filter((each) => before.has(each)).map(finish))
      } finally {
        isRecovering = false
      }
    },
  }
}

/** The server has said no, and not merely nothing. */
function isRefused(error: unknown): boolean {
  const { kind } = failureOf(error)
  return kind === 'full' || kind === 'wrong'
}

/** Lines of JSON, as many in one text as there is room for. */
function split(entries: readonly Entry[], maxBytes: number): string[] {
  const parts: string[] = []
  let lines: string[] = []
  let size = 0
  for (const { body } of entries) {
    const bytes = Buffer.byteLength(body) + 1
    if (size + bytes > maxBytes && lines.length > 0) {
      parts.push(lines.join('\n'))
      lines = []
      size = 0
    }
    lines.push(body)
    size += bytes
  }
  return [...parts, lines.join('\n')]
}

function readEntries(part: Uint8Array): Entry[] {
  const lines = new TextDecoder().decode(part).split('\n')
  return lines.flatMap((body) => {
    const { value: event } = readEvent(Buffer.from(body))
    return event ? [{ event, body }] : []
  })
}

function readPlaces(line: Uint8Array): number[] {
  try {
    const places: unknown = JSON.parse(new TextDecoder().decode(line))
    return Array.isArray(places) ? places.filter(Number.isInteger) : []
  } catch {
    return []
  }
}
