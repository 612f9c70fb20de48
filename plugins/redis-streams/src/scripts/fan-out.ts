import { defineScript } from './script.ts'

/**
 * Tells all who listen. `ARGV`: channel, how many events, a token that the sender knows it by, and the events as JSON.
 * Before that, each message says the number of its last event and how many there are: so whoever has missed some knows
 * how many. Without events it only says how many there have been.
 */
export const fanOutScript = defineScript(
  'fan-out',
  `
local number = text(redis.call('INCRBY', base .. 'count', ARGV[2]))
redis.call('PUBLISH', ARGV[1], number .. ' ' .. ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4])
return number
`,
)
