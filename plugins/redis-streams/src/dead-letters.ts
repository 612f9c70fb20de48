import { compilePattern, type DeadLetter, type DeadLetterStore } from 'eventsets/bus'
import type { Connection, Entry } from './connection.ts'
import { connectionError } from './failures.ts'
import type { Settings } from './options.ts'
import { allQueues, queueOf } from './queues.ts'
import { dropScript, fileScript, findScript, replayScript } from './scripts/letters.ts'
import type { Script } from './scripts/script.ts'
import { readBody, unreadableEvent } from './stored-body.ts'

/** So many are read, or written, in one call. */
const PAGE = 100

/** The dead letters: a stream of their own, and where each of them is by its id. */
export function createDeadLetters(
  connection: Connection,
  { partitions, timeoutMs }: Settings,
  open: () => Promise<void>,
): DeadLetterStore {
  const call = async (script: Script, args: readonly string[]): Promise<unknown> => {
    await open()
    try {
      return await connection.insist(script, args, performance.now() + timeoutMs)
    } catch (error) {
      throw connectionError(error, timeoutMs)
    }
  }
  const find = async (id: string): Promise<DeadLetter | undefined> => {
    const entry = (await call(findScript, [id])) as Entry | null
    return entry ? fileOf(entry)?.letter : undefined
  }
  return {
    async list({ limit = Number.POSITIVE_INFINITY, pattern = '*' } = {}) {
      const matches = compilePattern(pattern)
      await open()
      const letters: DeadLetter[] = []
      for (let start = '-'; letters.length < limit; ) {
        const page = await connection
          .range('dead', start, '+', PAGE, performance.now() + timeoutMs)
          .catch((error) => {
            throw connectionError(error, timeoutMs)
          })
        for (const entry of page) {
          const letter = fileOf(entry)?.letter
          if (letter && matches(letter.event.name)) letters.push(letter)
        }
        if (page.length < PAGE) break
        start = `(${page.at(-1)?.[0]}`
      }
      return letters.slice(0, limit)
    },
    get: find,
    async add(letters) {
      for (let at = 0; at < letters.length; at += PAGE) {
        const args = letters.slice(at, at + PAGE).flatMap(({ event, ...letter }) => {
          return [letter.id, JSON.stringify(letter), JSON.stringify(event)]
        })
        await call(fileScript, args)
      }
    },
    async replay(ids) {
      const queues = JSON.stringify(allQueues(partitions))
      const wanted = [...new Set(ids)]
      let count = 0
      for (let at = 0; at < wanted.length; at += PAGE) {
        const args: string[] = []
        for (const id of wanted.slice(at, at + PAGE)) {
          const entry = (await call(findScript, [id])) as Entry | null
          const filed = entry && fileOf(entry)
          if (!filed) continue
          const { event, group } = filed.letter
          const handlers = filed.handlers === undefined ? '' : JSON.stringify(filed.handlers)
          args.push(id, queueOf(event, partitions), group ?? '', group === undefined ? '0' : '1', handlers)
        }
        if (args.length > 0) count += Number(await call(replayScript, [queues, ...args]))
      }
      return count
    },
    async drop(id) {
      return (await call(dropScript, [id])) === 1
    },
  }
}

interface FiledLetter {
  readonly letter: DeadLetter
  /** Those who are to get the event when it is replayed; all of them unless given. */
  readonly handlers: readonly string[] | undefined
}

/** Undefined for what is no letter. */
function fileOf([entryId, list]: Entry): FiledLetter | undefined {
  const fields = new Map<string, string>()
  for (let at = 0; at + 1 < list.length; at += 2) fields.set(list[at] as string, list[at + 1] as string)
  let letter: (Partial<DeadLetter> & { readonly handlers?: readonly string[] }) | null
  try {
    letter = JSON.parse(fields.get('l') ?? 'null')
  } catch {
    return undefined
  }
  if (typeof letter?.id !== 'string' || typeof letter.reason !== 'string') return undefined
  const { id, group, handler, reason, attempts = 1, time = 0 } = letter
  const body = fields.get('e')
  const event = readBody(body).event ?? unreadableEvent(body, id, Number(entryId.split('-')[0]))
  return {
    letter: { id, event, group, handler, reason, attempts, time },
    handlers: letter.handlers ?? (handler === undefined ? undefined : [handler]),
  }
}
