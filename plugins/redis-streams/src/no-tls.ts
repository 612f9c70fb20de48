import type { Redis } from 'ioredis'
import type { RedisClient } from './connection.ts'

/** What is answered is not TLS. */
export const NO_TLS = 'What the server says is no TLS.'
/** A server that does not speak TLS waits for more, or hangs up; so may one that is away. */
export const NO_ANSWER_IN_TLS = 'There was no answer in TLS.'

/**
 * One error for the many that come of asking a server in TLS that does not speak it: it takes the question for the
 * beginning of something else.
 *
 * @returns nothing where it is another error, or TLS was not asked for.
 */
export function noTlsError(client: RedisClient, error: Error): Error | undefined {
  if (client.isCluster || (client as Redis).options.tls === undefined) return undefined
  const { code, address } = error as NodeJS.ErrnoException & { readonly address?: unknown }
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER') return new Error(NO_TLS, { cause: error })
  const isSilent =
    // That of the client for the whole of connecting; the one of the system has an address.
    (code === 'ETIMEDOUT' && address === undefined) ||
    /before secure TLS connection|^There is no connection|^Connection is closed/.test(error.message)
  return isSilent ? new Error(NO_ANSWER_IN_TLS, { cause: error }) : undefined
}
