import { defineScript } from './script.ts'

/** A consumer begins. `ARGV`: group, its name, settings as JSON: queues, positions, newGroups, old. */
export const enterScript = defineScript(
  'enter',
  `
local group, me, set = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
openGroup(group, set.queues, set.positions, set.newGroups)
if set.old and redis.call('ZSCORE', of(group, 'members'), set.old) then abandon(group, set.old, false, true) end
mend(group)
redis.call('ZADD', of(group, 'members'), now, me)
redis.call('SADD', of(group, 'takers'), me)
redis.call('HINCRBY', of(group, 'state'), 'epoch', 1)
wake()
return now
`,
)

/**
 * A consumer ends for good. `ARGV`: group, its name, what it has in hand of events with a key as JSON: each with queue,
 * id, attempt, crashes and handlers.
 */
export const leaveScript = defineScript(
  'leave',
  `
local group, me, set = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
if not redis.call('ZSCORE', of(group, 'members'), me) then return 0 end
for _, work in ipairs(set.inHand) do
  redis.call('HSET', of(group, 'tries'), work[1] .. '/' .. work[2],
    writeTries(work[3] + 1, 1, work[4], now, work[5]))
end
abandon(group, me, false)
wake()
return 1
`,
)

/**
 * Tells that a consumer lives, takes over from those who do not, and shares out the partitions. `ARGV`: group, its name,
 * settings as JSON: leaseMs, hands, release, isTaking, partitions.
 */
export const tickScript = defineScript(
  'tick',
  `
local group, me, set = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
local members, leases = of(group, 'members'), of(group, 'leases')
local beat = redis.call('ZSCORE', members, me)
if not beat then return {'FENCED'} end
local hasChanged = false

-- After a long sleep of ours or a step of the clock nobody can be judged by it.
local cannotTell = now - beat > set.leaseMs
local latest = redis.call('ZRANGE', members, -1, -1, 'WITHSCORES')[2]
if tonumber(latest) > now + set.leaseMs then cannotTell = true end
redis.call('ZADD', members, now, me)
redis.call('HSET', of(group, 'hands'), me, set.hands)
if cannotTell then
  for _, other in ipairs(redis.call('ZRANGE', members, 0, -1)) do redis.call('ZADD', members, now, other) end
end

for _, queue in ipairs(set.release) do
  if redis.call('HGET', leases, queue) == me then
    redis.call('HDEL', leases, queue)
    if #redis.call('XPENDING', log(queue), group, '-', '+', 1, me) == 0 then
      redis.call('XGROUP', 'DELCONSUMER', log(queue), group, me)
    end
    hasChanged = true
  end
end
if not set.isTaking and redis.call('SREM', of(group, 'takers'), me) == 1 then hasChanged = true end

local claims = 0
for _, other in ipairs(redis.call('ZRANGEBYSCORE', members, '-inf', '(' .. text(now - set.leaseMs))) do
  claims = claims + abandon(group, other, true)
  hasChanged = true
end

-- Everyone has the same number of partitions; those whose names come first have what is left over.
local takers = redis.call('SMEMBERS', of(group, 'takers'))
table.sort(takers)
local share = 0
for rank, taker in ipairs(takers) do
  if taker == me then
    share = math.floor(set.partitions / #takers) + (rank <= set.partitions % #takers and 1 or 0)
  end
end
local owners, mine = {}, {}
local list = redis.call('HGETALL', leases)
for at = 1, #list, 2 do
  if redis.call('ZSCORE', members, list[at + 1]) then
    owners[list[at]] = list[at + 1]
  else
    redis.call('HDEL', leases, list[at])
    redis.call('HSET', of(group, 'crashed'), list[at], CRASHED)
  end
end
for number = 0, set.partitions - 1 do
  local queue = 'k' .. number
  if owners[queue] == me then mine[#mine + 1] = queue end
end
for number = 0, set.partitions - 1 do
  local queue = 'k' .. number
  if #mine < share and not owners[queue] then
    redis.call('HSET', leases, queue, me)
    mine[#mine + 1] = queue
    hasChanged = true
  end
end
local crashed = {}
for at, queue in ipairs(mine) do crashed[at] = redis.call('HGET', of(group, 'crashed'), queue) == CRASHED and 1 or 0 end

if hasChanged then
  redis.call('HINCRBY', of(group, 'state'), 'epoch', 1)
  wake()
end
return {'OK', redis.call('HGET', of(group, 'state'), 'epoch'), share, mine, crashed, claims}
`,
)

/**
 * Keeps what has become of events, and hands out the next ones. `ARGV`: group, the name of the consumer, the number of
 * the call, and as JSON what is to be kept and what is wanted. A call that is sent twice does nothing the second time.
 */
export const exchangeScript = defineScript(
  'exchange',
  `
local group, me, call, set = ARGV[1], ARGV[2], ARGV[3], cjson.decode(ARGV[4])
local members, calls, tries = of(group, 'members'), of(group, 'calls'), of(group, 'tries')
if not redis.call('ZSCORE', members, me) then return {'FENCED'} end
if redis.call('HGET', calls, me) == call then return {'REPEATED'} end
redis.call('HSET', calls, me, call)

for _, letter in ipairs(set.letters) do file(letter[1], letter[2], letter[3], letter[4], letter[5]) end
for queue, ids in pairs(set.acks) do
  for at = 1, #ids, 1000 do
    redis.call('XACK', log(queue), group, unpack(ids, at, math.min(at + 999, #ids)))
  end
end
for _, member in ipairs(set.forget) do redis.call('HDEL', tries, member) end
for _, try in ipairs(set.tries) do
  local queue, id, attempt, redelivered, crashes, delayMs, handlers, isWaiting = unpack(try)
  -- Never early: the time of the server is cut to milliseconds.
  local due = now + (delayMs > 0 and delayMs + 1 or 0)
  redis.call('HSET', tries, queue .. '/' .. id, writeTries(attempt, redelivered, crashes, due, handlers))
  if isWaiting == 1 then putBack(group, queue, id, due, false) end
end
for _, back in ipairs(set.backs) do putBack(group, back[1], back[2], now, back[3] == 1) end
for _, queue in ipairs(set.loaded) do redis.call('HDEL', of(group, 'crashed'), queue) end

local later = base .. 'later'
local nextDue = -1
-- What is due of those that wait for their time; notes when the next one is.
local function findDue(key, most)
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
  if not first then return {} end
  local waitMs = math.max(0, first - now)
  if nextDue < 0 or waitMs < nextDue then nextDue = waitMs end
  if waitMs > 0 or most <= 0 then return {} end
  local due = redis.call('ZRANGEBYSCORE', key, '-inf', text(now), 'LIMIT', 0, most)
  return due
end

local due = findDue(later, 200)
for _, member in ipairs(due) do
  local queue, body = member:match('^([^/]*)/(.*)$')
  append(queue, 'e', body, 'd', '1')
  redis.call('ZREM', later, member)
end
if #due > 0 then wake() end

local again, fresh, free = {}, {}, set.free
local function take(name, most)
  for _, member in ipairs(findDue(of(group, name), most)) do
    redis.call('ZREM', of(group, name), member)
    local queue, id = member:match('^([^/]*)/(.*)$')
    local entry = redis.call('XCLAIM', log(queue), group, me, 0, id)[1]
    if entry then
      again[#again + 1] = {queue, entry[1], redis.call('HGET', tries, member) or '', entry[2]}
      free = free - 1
    else
      redis.call('HDEL', tries, member)
    end
  end
end
if set.mayTakeSuspect then take('suspects', math.min(1, free)) end
take('due', free)

local wanted, answers = {}, {}
local function split(name)
  local parts = {}
  for part in name:gmatch('[^.]+') do parts[#parts + 1] = part end
  return parts
end
for at, pattern in ipairs(set.patterns or {}) do wanted[at] = split(pattern) end
local function matches(pattern, parts, at, from)
  if at > #pattern then return from > #parts end
  if pattern[at] == '**' then
    for start = from, #parts + 1 do if matches(pattern, parts, at + 1, start) then return true end end
    return false
  end
  if from > #parts or (pattern[at] ~= '*' and pattern[at] ~= parts[from]) then return false end
  return matches(pattern, parts, at + 1, from + 1)
end
local function isWanted(name)
  local answer = #name > 1000
  if not answer then
    local parts = split(name)
    answer = #parts > 16
    for _, pattern in ipairs(wanted) do answer = answer or matches(pattern, parts, 1, 1) end
    answers[name] = answer
  end
  return answer
end

local hasMore = false
local positions = {}
-- Ids and bodies in turn, where there is nothing else to say: a table of each would take longer than all the rest. What
-- nobody wants is passed over here: it would travel for nothing. Whatever has more to say than its name and what it is,
-- is meant for somebody. Gives how much was read, and what of it is wanted.
local function keep(queue, entries)
  local flat, unwanted, count, at = {}, {}, #entries, 0
  for number = 1, count do
    local entry = entries[number]
    local fields = entry[2]
    local isPlain = fields[3] == 'e' and fields[1] == 'n' and not fields[5]
    local isKept = true
    if isPlain and set.patterns then
      isKept = answers[fields[2]]
      if isKept == nil then isKept = isWanted(fields[2]) end
    end
    if isKept then
      flat[at + 1] = entry[1]
      flat[at + 2] = isPlain and fields[4] or fields
      at = at + 2
    else
      unwanted[#unwanted + 1] = entry[1]
    end
  end
  if #unwanted > 0 then redis.call('XACK', log(queue), group, unpack(unwanted)) end
  if at > 0 then fresh[#fresh + 1] = {queue, flat} end
  positions[#positions + 1] = queue
  positions[#positions + 1] = entries[count][1]
  redis.call('HINCRBY', of(group, 'reads'), queue, count)
  return count, at / 2
end
local function read(queue)
  for round = 1, 20 do
    if free <= 0 then return end
    local count = free
    local reply = redis.call('XREADGROUP', 'GROUP', group, me, 'COUNT', count, 'STREAMS', log(queue), '>')
    if not reply then return end
    local length, taken = keep(queue, reply[1][2])
    free = free - taken
    if length < count then return end
  end
  hasMore = true
end
for at = 1, #LEVELS do
  -- Now and then from the other end, so that nothing waits for ever.
  read(LEVELS[set.isReversed and #LEVELS + 1 - at or at])
end
-- From all partitions at once, and the same from each.
if #set.reads > 0 then
  local arguments = {}
  for at, queue in ipairs(set.reads) do
    arguments[at] = log(queue)
    arguments[at + #set.reads] = '>'
  end
  for round = 1, 20 do
    local reply = redis.call('XREADGROUP', 'GROUP', group, me, 'COUNT', set.room, 'STREAMS', unpack(arguments))
    if not reply then break end
    local longest, wantedCount = 0, 0
    for _, stream in ipairs(reply) do
      local length, taken = keep(stream[1]:sub(#log('') + 1), stream[2])
      longest = math.max(longest, length)
      wantedCount = wantedCount + taken
    end
    if longest < set.room then break end
    hasMore = true
    if wantedCount > 0 then break end
  end
end
if #positions > 0 then redis.call('HSET', of(group, 'positions'), unpack(positions)) end

local loads = {}
for _, load in ipairs(set.loads) do
  local queue, after = load[1], load[2]
  local start = after == '' and '-' or '(' .. after
  local pending = redis.call('XPENDING', log(queue), group, start, '+', set.page)
  local ids, entries = {}, {}
  for at, entry in ipairs(pending) do ids[at] = entry[1] end
  local mark = redis.call('HGET', of(group, 'crashed'), queue)
  if #ids > 0 then
    for at, entry in ipairs(redis.call('XCLAIM', log(queue), group, me, 0, unpack(ids))) do
      local member = queue .. '/' .. entry[1]
      local note = redis.call('HGET', tries, member) or ''
      -- It may have been begun: whoever has it after us is to know that, too.
      if mark and note == '' then
        note = writeTries(1, 1, 0, now, '')
        redis.call('HSET', tries, member, note)
      end
      entries[at] = {queue, entry[1], note, entry[2]}
    end
  end
  local isLast = #ids < set.page
  if isLast then
    if mark == DOUBTFUL then redis.call('HDEL', of(group, 'crashed'), queue) end
    -- A consumer that still had something would lose it; here all of it is ours by now.
    for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', log(queue), group)) do
      if field(info, 'name') ~= me and field(info, 'pending') == 0 then
        redis.call('XGROUP', 'DELCONSUMER', log(queue), group, field(info, 'name'))
      end
    end
  end
  loads[#loads + 1] = {queue, ids[#ids] or after, isLast and 1 or 0, entries}
end

return {'OK', now, lastWake(), redis.call('HGET', of(group, 'state'), 'epoch'), nextDue, again, fresh, loads, hasMore and 1 or 0}
`,
)

/**
 * What a consumer holds by the server's account and does not know of: the answer that handed it over was lost. `ARGV`:
 * group, its name, and as JSON the queues and for each what it knows.
 */
export const missingScript = defineScript(
  'missing',
  `
local group, me, set = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
if not redis.call('ZSCORE', of(group, 'members'), me) then return {'FENCED'} end
local found = {}
for _, queue in ipairs(set.queues) do
  local known = {}
  for _, id in ipairs(set.known[queue] or {}) do known[id] = true end
  local start = '-'
  repeat
    local pending = redis.call('XPENDING', log(queue), group, start, '+', 500, me)
    for _, entry in ipairs(pending) do
      local id = entry[1]
      if not known[id] then
        local stored = redis.call('XRANGE', log(queue), id, id)[1]
        if stored then
          local try = redis.call('HGET', of(group, 'tries'), queue .. '/' .. id) or ''
          found[#found + 1] = {queue, id, try, stored[2]}
        else
          redis.call('XACK', log(queue), group, id)
        end
      end
      start = '(' .. id
    end
  until #pending < 500
end
return {'OK', found}
`,
)
