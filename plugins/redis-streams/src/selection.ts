import type { Redis } from 'ioredis'
import type { RedisClient } from './connection.ts'
import { toSafeText } from './safe-text.ts'

/**
 * Ends a connection on which the server has refused the database that was asked for: ioredis tells of it, and would go
 * on in database 0. Nothing was sent by then, and a connection that is destroyed sends nothing; a new one is tried.
 *
 * @returns what there is to say of it; nothing for any other error.
 */
export function refuseDatabase(client: RedisClient, error: Error): SelectionError | undefined {
  const { command } = error as { readonly command?: { readonly name: string; readonly args: unknown[] } }
  if (client.isCluster || command?.name !== 'select') return undefined
  const { stream } = client as Redis
  stream.destroy()
  // Who is not let in is told so for every command, and that has nothing to do with the database.
  if (/^(NOAUTH|WRONGPASS)/.test(error.message)) return undefined
  return new SelectionError(String(command.args[0]), error)
}

/** The server has no such database, or does not let us into it. */
export class SelectionError extends Error {
  constructor(database: string, cause: Error) {
    const answer = cause.message.replace(/^ERR /, '')
    super(toSafeText(`Database ${database} cannot be used: ${answer}`), { cause })
  }
}
