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
 * Adds events that are not known yet. `ARGV`: as JSON the bounds, the ids, the heads there are (queue, name, and when it
 * is due if that is later) and the number of the head of each; and the bodies, a line each. Gives `OK` and whether it is
 * time to trim, or `FULL` and how many there are.
 */
export const publishScript = defineScript(
  'publish',
  `
local set = cjson.decode(ARGV[1])
local meta = base .. 'meta'
local current = redis.call('HGET', meta, 'ids') or 'a'
local other = current == 'a' and 'b' or 'a'
local ids, old = base .. 'ids:' .. current, base .. 'ids:' .. other

-- A call for each takes longer than what it does.
local known = {}
local function lookUp(key)
  for from = 1, #set.ids, 1000 do
    local found = redis.call('SMISMEMBER', key, unpack(set.ids, from, math.min(from + 999, #set.ids)))
    for at, isKnown in ipairs(found) do
      if isKnown == 1 then known[set.ids[from + at - 1]] = true end
    end
  end
end
if set.rememberedIds > 0 then
  lookUp(ids)
  lookUp(old)
end
local fresh, queues = {}, {}
for at, id in ipairs(set.ids) do
  if not known[id] then
    known[id] = set.rememberedIds > 0
    fresh[#fresh + 1] = at
    queues[set.heads[set.of[at]][1]] = true
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

local bodies, from = {}, 1
for at = 1, #set.ids do
  local stop = ARGV[2]:find('\\n', from, true) or #ARGV[2] + 1
  bodies[at] = ARGV[2]:sub(from, stop - 1)
  from = stop + 1
end
local added = {}
local lastQueue, lastLog, nextOfLast
local isDone, problem = pcall(function()
  for _, at in ipairs(fresh) do
    local queue, name, due = unpack(set.heads[set.of[at]])
    if due and due > now then
      redis.call('ZADD', base .. 'later', text(due), queue .. '/' .. bodies[at])
    elseif queue == lastQueue then
      -- The server counts on by itself: to the same id as ours, for less.
      redis.call('XADD', lastLog, nextOfLast, 'n', name, 'e', bodies[at])
      countOn()
    else
      append(queue, 'n', name, 'e', bodies[at])
      lastQueue, lastLog, nextOfLast = queue, log(queue), idPrefix() .. '*'
    end
    added[#added + 1] = set.ids[at]
  end
end)
if set.rememberedIds > 0 then
  for first = 1, #added, 1000 do
    redis.call('SADD', ids, unpack(added, first, math.min(first + 999, #added)))
  end
end
if not isDone then error(problem) end
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
