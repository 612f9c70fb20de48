import { createHash } from 'node:crypto'
import type { Script } from '../scripts/script.ts'

/** A script for log lines. What those of the bus know is no use to it. */
export function defineLogScript(
  name: string,
  lua: string,
  { mayExceedMemory = false }: { readonly mayExceedMemory?: boolean } = {},
): Script {
  const text = `#!lua${mayExceedMemory ? ' flags=allow-oom' : ''}\n${lua}`
  return { name, text, sha: createHash('sha1').update(text).digest('hex') }
}

/** All or none: whether the key is free for a stream is looked at before anything is written. */
export const STREAM_CHECK = `
local function checkStream(key)
  local kind = redis.call('TYPE', key).ok
  if kind == 'stream' or kind == 'none' then return nil end
  return redis.error_reply('WRONGTYPE The key ' .. key .. ' holds a ' .. kind .. ' and no stream')
end
`
