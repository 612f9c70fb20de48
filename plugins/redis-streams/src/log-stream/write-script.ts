import { defineLogScript, STREAM_CHECK } from './scripts.ts'

/**
 * Adds lines, once.
 *
 * Keys: the stream, and what notes how far this writer is. Arguments: for how long that is noted in milliseconds, the
 * number of the batch, how many lines the stream keeps (0: all), and the lines. Gives how many were added.
 */
export const writeScript = defineLogScript(
  'write-lines',
  `
${STREAM_CHECK}
local key, note = KEYS[1], KEYS[2]
local written = redis.call('GET', note)
if written and tonumber(written) >= tonumber(ARGV[2]) then return 0 end
local refusal = checkStream(key)
if refusal then return refusal end
for at = 4, #ARGV do redis.call('XADD', key, '*', 'line', ARGV[at]) end
if ARGV[3] ~= '0' then redis.call('XTRIM', key, 'MAXLEN', '~', ARGV[3]) end
redis.call('SET', note, ARGV[2], 'PX', ARGV[1])
return #ARGV - 3
`,
)
