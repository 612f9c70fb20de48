import { defineScript } from './script.ts'

/** Notes how the events are spread, or tells what other processes have noted. */
export const openScript = defineScript(
  'open',
  `
local known = redis.call('HGET', base .. 'meta', 'partitions')
if known then return tonumber(known) end
redis.call('HSET', base .. 'meta', 'partitions', ARGV[1])
return tonumber(ARGV[1])
`,
)

/**
 * Adds events that are not known yet. `ARGV`: settings as JSON, then id, queue, when it is due (or nothing), name and
 * body of each. Gives `OK` and whether it is time to trim, or `FULL` and how many there are.
 */
export const publishScript = defineScript(
  'publish',
  `
local set = cjson.decode(ARGV[1])
local meta = base .. 'meta'
local current = redis.call('HGET', meta, 'ids') or 'a'
local other = current == 'a' and 'b' or 'a'
local ids, old = base .. 'ids:' .. current, base .. 'ids:' .. other

local fresh, seen, queues = {}, {}, {}
for at = 2, #ARGV, 5 do
  local id = ARGV[at]
  local isKnown = set.rememberedIds > 0 and
    (seen[id] or redis.call('SISMEMBER', ids, id) == 1 or redis.call('SISMEMBER', old, id) == 1)
  if not isKnown then
    seen[id] = true
    fresh[#fresh + 1] = at
    queues[ARGV[at + 1]] = true
  end
end
if #fresh == 0 then return {'OK', 0} end

-- All or none: what would fail in the middle is looked at before.
for queue in pairs(queues) do
  local kind = redis.call('TYPE', log(queue)).ok
  if kind ~= 'stream' and kind ~= 'none' then
    return redis.error_reply('WRONGTYPE The key ' .. log(queue) .. ' holds a ' .. kind .. ' and no stream')
  end
end
if set.maxLen > 0 then
  local count = redis.call('ZCARD', base .. 'later')
  for _, queue in ipairs(set.queues) do count = count + redis.call('XLEN', log(queue)) end
  if count > 0 and count + #fresh > set.maxLen then return {'FULL', count} end
end

for _, at in ipairs(fresh) do
  local id, queue, due, name, body = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  if due ~= '' and tonumber(due) > now then
    redis.call('ZADD', base .. 'later', due, queue .. '/' .. body)
  else
    append(queue, 'n', name, 'e', body)
  end
  if set.rememberedIds > 0 then redis.call('SADD', ids, id) end
end
wake()

if set.rememberedIds > 0 and redis.call('SCARD', ids) >= set.rememberedIds then
  redis.call('UNLINK', old)
  redis.call('HSET', meta, 'ids', other)
end
local added = redis.call('HINCRBY', meta, 'added', #fresh)
local isStep = math.floor(added / set.step) > math.floor((added - #fresh) / set.step)
if isStep then
  -- Marks in the order of events, to find where the latest so many begin.
  redis.call('LPUSH', base .. 'marks', lastWake())
  redis.call('LTRIM', base .. 'marks', 0, set.marks)
end
return {'OK', isStep and 1 or 0}
`,
  { mayExceedMemory: false },
)

/**
 * Removes what has been handled and is beyond the bounds; never what a group has still to handle. `ARGV[1]`: queues, the
 * age in milliseconds and the number of marks to keep as JSON.
 */
export const trimScript = defineScript(
  'trim',
  `
local set = cjson.decode(ARGV[1])
if redis.call('HEXISTS', base .. 'meta', 'begun') == 0 then return 0 end
local groups = redis.call('SMEMBERS', base .. 'groups')
local cutMs, cutSeq = now - set.historyMs, 0
local mark = set.marks == 0 and lastWake() or redis.call('LINDEX', base .. 'marks', set.marks)
if mark then
  local markMs, markSeq = readId(mark)
  if set.marks == 0 then markSeq = markSeq + 1 end
  if markMs > cutMs or (markMs == cutMs and markSeq > cutSeq) then cutMs, cutSeq = markMs, markSeq end
end
local function earlier(aMs, aSeq, bMs, bSeq) return aMs < bMs or (aMs == bMs and aSeq < bSeq) end
local removed = 0
for _, queue in ipairs(set.queues) do
  if redis.call('EXISTS', log(queue)) == 1 then
    local keptMs, keptSeq = cutMs, cutSeq
    local found = 0
    for _, info in ipairs(redis.call('XINFO', 'GROUPS', log(queue))) do
      found = found + 1
      local needMs, needSeq = readId(field(info, 'last-delivered-id'))
      needSeq = needSeq + 1
      if field(info, 'pending') > 0 then
        needMs, needSeq = readId(redis.call('XPENDING', log(queue), field(info, 'name'))[2])
      end
      if earlier(needMs, needSeq, keptMs, keptSeq) then keptMs, keptSeq = needMs, needSeq end
    end
    -- A group that is missing here is about to be made again.
    if found >= #groups then
      removed = removed + redis.call('XTRIM', log(queue), 'MINID', text(keptMs) .. '-' .. text(keptSeq))
    end
  end
end
return removed
`,
)
