import { defineScript } from './script.ts'

/** Files dead letters. `ARGV`: id, letter and body of each. */
export const fileScript = defineScript(
  'file',
  `
for at = 1, #ARGV, 3 do file(ARGV[at], ARGV[at + 1], ARGV[at + 2]) end
return 1
`,
)

/** Gives the entry of a dead letter. `ARGV[1]`: its id. */
export const findScript = defineScript(
  'find',
  `
local entry = redis.call('HGET', base .. 'letters', ARGV[1])
if not entry then return false end
return redis.call('XRANGE', base .. 'dead', entry, entry)[1] or false
`,
)

/** Drops a dead letter. `ARGV[1]`: its id. */
export const dropScript = defineScript(
  'drop',
  `
local entry = redis.call('HGET', base .. 'letters', ARGV[1])
if not entry then return 0 end
redis.call('HDEL', base .. 'letters', ARGV[1])
redis.call('XDEL', base .. 'dead', entry)
return 1
`,
)

/**
 * Hands letters out again. `ARGV`: all queues as JSON, then of each its id, the queue of its event, its group (or
 * nothing), and whether it has one, its handlers (or nothing). Gives how many there were.
 */
export const replayScript = defineScript(
  'replay',
  `
local queues = cjson.decode(ARGV[1])
local hasGroups = redis.call('SCARD', base .. 'groups') > 0
local count = 0
for at = 2, #ARGV, 5 do
  local id, queue, group, isForOne, handlers = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3] == '1', ARGV[at + 4]
  local entry = redis.call('HGET', base .. 'letters', id)
  local stored = entry and redis.call('XRANGE', base .. 'dead', entry, entry)[1]
  if stored and (isForOne or hasGroups) then
    local fields = {'e', field(stored[2], 'e'), 'r', '1'}
    if isForOne then
      if redis.call('SISMEMBER', base .. 'groups', group) == 0 then openGroup(group, queues, nil, 'now') end
      fields[5], fields[6] = 'g', group
    end
    if handlers ~= '' then
      fields[#fields + 1] = 'h'
      fields[#fields + 1] = handlers
    end
    append(queue, unpack(fields))
    redis.call('HDEL', base .. 'letters', id)
    redis.call('XDEL', base .. 'dead', entry)
    count = count + 1
  end
end
if count > 0 then wake() end
return count
`,
  { mayExceedMemory: false },
)
