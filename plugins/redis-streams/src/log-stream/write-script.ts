import { defineLogScript, STREAM_CHECK } from './scripts.ts'

/**
 * Adds lines, once. Its key only says where it runs.
 *
 * Arguments: the key of the stream, the key that notes how far this writer is, for how long that is noted in
 * milliseconds, the number of the batch, how many lines the stream keeps (0: all), and the lines. Gives how many were
 * added.
 */
export const writeScript = defineLogScript(
  'write-lines',
  `
${STREAM_CHECK}
local key, note = ARGV[1], ARGV[2]
local written = redis.call('GET', note)
if written and tonumber(written) >= tonumber(ARGV[4]) then return 0 end
local refusal = checkStream(key)
if refusal then return refusal end
for at = 6, #ARGV do redis.call('XADD', key, '*', 'line', ARGV[at]) end
if ARGV[5] ~= '0' then redis.call('XTRIM', key, 'MAXLEN', '~', ARGV[5]) end
redis.call('SET', note, ARGV[4], 'PX', ARGV[3])
return #ARGV - 5
`,
)

/** Forgets how far a writer is that has ended. Argument: the key that notes it. */
export const forgetScript = defineLogScript('forget-writer', `return redis.call('DEL', ARGV[1])`, {
  mayExceedMemory: true,
})
