import { defineScript } from './script.ts'

/**
 * How it is. `ARGV[1]`: queues as JSON. Gives now, whether there has been a group, how many events there are, how
 * many were ever added, dead letters, and of each group its name, unread, pending, since when the oldest waits (or -1), and the hands of each
 * consumer.
 */
export const stateScript = defineScript(
  'state',
  `
local queues = cjson.decode(ARGV[1])
local begun = redis.call('HEXISTS', base .. 'meta', 'begun')
local later = redis.call('ZCARD', base .. 'later')
local total, everAdded = later, 0
local groups, order = {}, {}
for _, name in ipairs(redis.call('SMEMBERS', base .. 'groups')) do
  local hands = redis.call('HGETALL', of(name, 'hands'))
  local due = redis.call('ZRANGEBYSCORE', of(name, 'due'), '-inf', text(now), 'WITHSCORES', 'LIMIT', 0, 1)
  local members = redis.call('ZCOUNT', of(name, 'members'), '-inf', '+inf')
  groups[name] = {name, later, 0, due[2] and tonumber(due[2]) or -1, hands, members}
  order[#order + 1] = name
end
table.sort(order)
for _, queue in ipairs(queues) do
  if redis.call('EXISTS', log(queue)) == 1 then
    local stream = redis.call('XINFO', 'STREAM', log(queue))
    local newest, added = field(stream, 'last-generated-id'), field(stream, 'entries-added')
    total = total + field(stream, 'length')
    everAdded = everAdded + added
    for _, info in ipairs(redis.call('XINFO', 'GROUPS', log(queue))) do
      local group = groups[field(info, 'name')]
      if group then
        local last = field(info, 'last-delivered-id')
        -- The server counts as well, but forgets it when it reads its file again.
        local lag = 0
        if last ~= newest then
          local read = redis.call('HGET', of(group[1], 'reads'), queue) or 0
          lag = math.max(1, added - read)
        end
        group[2] = group[2] + lag
        group[3] = group[3] + field(info, 'pending')
        if lag > 0 then
          local first = redis.call('XRANGE', log(queue), '(' .. last, '+', 'COUNT', 1)[1]
          local since = first and readId(first[1])
          if since and (group[4] < 0 or since < group[4]) then group[4] = since end
        end
      end
    end
  end
end
local list = {}
for at, name in ipairs(order) do list[at] = groups[name] end
return {now, begun, total, everAdded, redis.call('HLEN', base .. 'letters'), list}
`,
)

/** Forgets a group. `ARGV`: its name, queues as JSON. */
export const removeGroupScript = defineScript(
  'remove-group',
  `
local group, queues = ARGV[1], cjson.decode(ARGV[2])
if redis.call('SREM', base .. 'groups', group) == 0 then return 0 end
for _, queue in ipairs(queues) do
  if redis.call('EXISTS', log(queue)) == 1 then redis.call('XGROUP', 'DESTROY', log(queue), group) end
end
for _, name in ipairs({'members', 'takers', 'hands', 'calls', 'leases', 'crashed', 'tries', 'due', 'suspects', 'state', 'positions',
  'reads'}) do
  redis.call('UNLINK', of(group, name))
end
return 1
`,
)
