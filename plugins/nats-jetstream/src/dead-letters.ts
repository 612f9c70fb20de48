import { compilePattern, type DeadLetter, type DeadLetterStore } from 'eventsets/bus'
import { connectionError, isGone } from './failures.ts'
import { readStream } from './history.ts'
import type { Link } from './link.ts'
import { againSubject, durableOf, isDurable, letterSubject, token } from './names.ts'
import { type Again, isEvent, readJson } from './stored-body.ts'

/** The dead letters: a stream of their own, with a subject for each of them. */
export function createDeadLetters(link: Link, timeoutMs: number): DeadLetterStore {
  const { names } = link
  const insist: Link['insist'] = async (action, deadlineMs) => {
    try {
      return await link.insist(action, deadlineMs)
    } catch (error) {
      throw connectionError(error, timeoutMs)
    }
  }
  const find = (id: string) =>
    insist(async ({ manager }) => {
      const found = await manager.streams.getMessage(names.dead, { last_by_subj: letterSubject(names, id) })
      const letter = found && readLetter(found.data)
      return letter?.id === id ? { letter, seq: found?.seq as number } : undefined
    })
  const remove = (seq: number) =>
    insist(async ({ manager }) => {
      try {
        return await manager.streams.deleteMessage(names.dead, seq)
      } catch (error) {
        // Somebody else has been faster.
        if (isGone(error)) return false
        throw error
      }
    })
  const replayOne = async (id: string): Promise<boolean> => {
    const found = await find(id)
    if (!found) return false
    const { event, group, handler } = found.letter
    const durables = await insist(async ({ manager }) => {
      const all: string[] = []
      for await (const { name } of manager.consumers.list(names.log)) if (isDurable(name)) all.push(name)
      return all
    })
    // What nobody could get stays where it is.
    if (group === undefined ? durables.length === 0 : !durables.includes(durableOf(group))) return false
    const again: Again = { group, handlers: handler === undefined ? undefined : [handler], event }
    // Should the process end before the letter is removed: within the window, what is published again is nothing new.
    await insist(({ client }) =>
      client.publish(againSubject(names), JSON.stringify(again), { msgID: `again:${token(id)}` }),
    )
    return await remove(found.seq)
  }

  return {
    async list({ limit = Number.POSITIVE_INFINITY, pattern = '*' } = {}) {
      const matches = compilePattern(pattern)
      const letters: DeadLetter[] = []
      if (limit <= 0) return letters
      for await (const { data } of readStream(link, names.dead, { timeoutMs })) {
        const letter = readLetter(data)
        if (!letter || !matches(letter.event.name)) continue
        letters.push(letter)
        if (letters.length >= limit) break
      }
      return letters
    },
    async get(id) {
      return (await find(id))?.letter
    },
    async add(letters) {
      try {
        await putLetters(link, letters)
      } catch (error) {
        throw connectionError(error, timeoutMs)
      }
    },
    async replay(ids) {
      let count = 0
      for (const id of new Set(ids)) if (await replayOne(id)) count++
      return count
    },
    async drop(id) {
      const found = await find(id)
      return found !== undefined && (await remove(found.seq))
    },
  }
}

/** One after another, in their order. The same letter again takes its own place. */
export async function putLetters(link: Link, letters: readonly DeadLetter[]): Promise<void> {
  for (const letter of letters) {
    const { id } = letter
    await link.insist(({ client, maxPayload }) =>
      client.publish(letterSubject(link.names, id), writeLetter(letter, maxPayload), {
        msgID: `letter:${token(id)}`,
      }),
    )
  }
}

/** For the names and numbers that go with a message. */
const MARGIN = 1024

function writeLetter(letter: DeadLetter, maxPayload: number): string {
  const text = JSON.stringify(letter)
  if (Buffer.byteLength(text) <= maxPayload - MARGIN) return text
  // Only where the server has taken larger messages once: an event is never taken that leaves no room for its letter.
  const { event, reason, ...rest } = letter
  const cut = `${reason.slice(0, 500)} (The data are too large to be kept with it.)`
  return JSON.stringify({ ...rest, reason: cut, event: { ...event, data: null } })
}

/** Undefined for what is no letter. */
function readLetter(data: Uint8Array): DeadLetter | undefined {
  const letter = readJson(data).value as Partial<DeadLetter> | null | undefined
  if (typeof letter?.id !== 'string' || typeof letter.reason !== 'string' || !isEvent(letter.event))
    return undefined
  const { id, event, group, handler, reason, attempts = 1, time = 0 } = letter
  return { id, event, group, handler, reason, attempts, time }
}
