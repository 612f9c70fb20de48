import type { Redis } from 'ioredis'
import type { RedisClient } from './connection.ts'
import type { Script } from './scripts/script.ts'

/**
 * Runs a script by its name, or by its text where the server does not know it.
 *
 * The second key never exists. A script uses more keys than it names, and while the slot of all of them is moved in a
 * cluster, key by key, it would find some and miss others. A server that is asked for a key that is there and one that
 * is not then answers TRYAGAIN, on either side: so all of it waits until the slot has moved as a whole.
 */
export async function evaluate(
  client: RedisClient,
  wakeKey: string,
  { sha, text }: Script,
  args: readonly (string | number)[],
): Promise<unknown> {
  const absentKey = wakeKey.replace(/wake$/, 'nothing')
  // The client flattens it. As arguments of a call there could not be as many.
  const list = args as unknown as string
  return await byName(
    () => client.evalsha(sha, 2, wakeKey, absentKey, list),
    () => client.eval(text, 2, wakeKey, absentKey, list),
  )
}

/** The same of a script that names all its keys, with bytes as arguments and as answer. */
export async function evaluateBytes(
  client: Redis,
  { sha, text }: Script,
  keys: readonly string[],
  args: readonly (string | number | Buffer)[],
): Promise<unknown> {
  return await byName(
    () => client.callBuffer('EVALSHA', sha, keys.length, ...keys, ...args),
    () => client.callBuffer('EVAL', text, keys.length, ...keys, ...args),
  )
}

async function byName(
  runByName: () => Promise<unknown>,
  runByText: () => Promise<unknown>,
): Promise<unknown> {
  try {
    return await runByName()
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
    return await runByText()
  }
}
