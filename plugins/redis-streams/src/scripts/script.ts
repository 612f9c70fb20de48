import { createHash } from 'node:crypto'

/** A script of the server: what it does happens at once, or not at all where the server is not able to. */
export interface Script {
  readonly name: string
  readonly text: string
  readonly sha: string
}

/** Two kinds: those that take memory for new events, and those that must go on when there is none left. */
export function defineScript(
  name: string,
  lua: string,
  { mayExceedMemory = true }: { readonly mayExceedMemory?: boolean } = {},
): Script {
  const text = `#!lua${mayExceedMemory ? ' flags=allow-oom' : ''}\n${PRELUDE}\n${lua}`
  return { name, text, sha: createHash('sha1').update(text).digest('hex') }
}

/**
 * What all scripts know. `KEYS[1]` is the stream `wake`: each of its entries says that there is news, and the last id is
 * the last one that was given in any of the streams, so that all events have an order.
 */
const PRELUDE = `
local base = KEYS[1]:sub(1, -5)
local LEVELS = {'critical', 'high', 'normal', 'low'}
-- The consumer that holds what waits for its next try.
local WAITING = '~'
-- What is noted of a stream of events with a key: whoever had it has died, or may have handled more than it has told.
local CRASHED, DOUBTFUL = '1', '2'

local function log(queue) return base .. 'log:' .. queue end
local function of(group, name) return base .. 'group:' .. group .. ':' .. name end
local function field(list, name)
  for at = 1, #list, 2 do if list[at] == name then return list[at + 1] end end
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end

local ms, seq
local prefix, prefixMs
local function readId(id)
  local first, second = id:match('^(%d+)%-(%d+)$')
  return tonumber(first), tonumber(second)
end
local function lastWake()
  local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  return last and last[1] or '0-0'
end
-- Written once for all ids of a millisecond.
local function idPrefix()
  if ms ~= prefixMs then prefix, prefixMs = text(ms) .. '-', ms end
  return prefix
end
local function nextId()
  if not ms then ms, seq = readId(lastWake()) end
  if now > ms then ms, seq = now, 0 else seq = seq + 1 end
  return idPrefix() .. string.format('%d', seq)
end
-- The server has given the next one by itself.
local function countOn() seq = seq + 1 end
-- Somebody else may have written there with an id that is ahead.
local function append(queue, ...)
  for try = 1, 3 do
    local added = redis.pcall('XADD', log(queue), nextId(), ...)
    if type(added) ~= 'table' then return added end
    if try == 3 or not added.err:find('equal or smaller') then error(added) end
    ms, seq = readId(field(redis.call('XINFO', 'STREAM', log(queue)), 'last-generated-id'))
  end
end
local function wake()
  redis.call('XADD', KEYS[1], 'MAXLEN', 1, nextId(), 'n', '')
end

-- How often an event was tried: attempt, whether it may have been handed out (2: by whoever has it now), crashes, when
-- it is due, handlers.
local function readTries(value)
  if not value then return 1, 0, 0, 0, '' end
  local attempt, redelivered, crashes, due, handlers = value:match('^(%d+)|(%d)|(%d+)|(%d+)|(.*)$')
  return tonumber(attempt), tonumber(redelivered), tonumber(crashes), tonumber(due), handlers
end
local function writeTries(attempt, redelivered, crashes, due, handlers)
  return text(attempt) .. '|' .. redelivered .. '|' .. text(crashes) .. '|' .. text(due) .. '|' .. handlers
end

-- Puts an event without a key where any consumer finds it when it is due.
local function putBack(group, queue, id, due, isSuspect)
  local held = redis.call('XCLAIM', log(queue), group, WAITING, 0, id, 'JUSTID')
  local member = queue .. '/' .. id
  if #held == 0 then
    redis.call('HDEL', of(group, 'tries'), member)
    return
  end
  redis.call('ZADD', of(group, isSuspect and 'suspects' or 'due'), due, member)
end

-- Takes everything from a consumer that is gone: it has died, has lost its way, or left. Gives how many events that were.
local function abandon(group, who, hasCrashed, isLost)
  local count = 0
  for _, queue in ipairs(LEVELS) do
    local pending
    repeat
      pending = redis.call('XPENDING', log(queue), group, '-', '+', 500, who)
      for _, entry in ipairs(pending) do
        local id = entry[1]
        local tries = of(group, 'tries')
        local attempt, _, crashes, _, handlers = readTries(redis.call('HGET', tries, queue .. '/' .. id))
        if hasCrashed then crashes = crashes + 1 end
        redis.call('HSET', tries, queue .. '/' .. id, writeTries(attempt + 1, 1, crashes, now, handlers))
        putBack(group, queue, id, now, crashes > 0)
        count = count + 1
      end
    until #pending < 500
    redis.call('XGROUP', 'DELCONSUMER', log(queue), group, who)
  end
  local leases = redis.call('HGETALL', of(group, 'leases'))
  for at = 1, #leases, 2 do
    local queue, owner = leases[at], leases[at + 1]
    if owner == who then
      redis.call('HDEL', of(group, 'leases'), queue)
      if hasCrashed then
        redis.call('HSET', of(group, 'crashed'), queue, CRASHED)
        count = count + #redis.call('XPENDING', log(queue), group, '-', '+', 1000, who)
      else
        if isLost then redis.call('HSETNX', of(group, 'crashed'), queue, DOUBTFUL) end
        if #redis.call('XPENDING', log(queue), group, '-', '+', 1, who) == 0 then
          redis.call('XGROUP', 'DELCONSUMER', log(queue), group, who)
        end
      end
    end
  end
  redis.call('ZREM', of(group, 'members'), who)
  redis.call('SREM', of(group, 'takers'), who)
  redis.call('HDEL', of(group, 'hands'), who)
  redis.call('HDEL', of(group, 'calls'), who)
  redis.call('HINCRBY', of(group, 'state'), 'epoch', 1)
  return count
end

-- Files a dead letter, once. Without a body it is copied as it stands in the log, to the byte.
local function file(id, letter, body, queue, source)
  if redis.call('HEXISTS', base .. 'letters', id) == 1 then return end
  if queue then
    local stored = redis.call('XRANGE', log(queue), source, source)[1]
    body = stored and field(stored[2], 'e') or ''
  end
  local entry = redis.call('XADD', base .. 'dead', '*', 'l', letter, 'e', body)
  redis.call('HSET', base .. 'letters', id, entry)
end

-- What no member has and nobody will find: parts of the account were deleted.
local function mend(group)
  local members = of(group, 'members')
  for _, queue in ipairs(LEVELS) do
    for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', log(queue), group)) do
      local who = field(info, 'name')
      if who == WAITING then
        local pending = {}
        if field(info, 'pending') > redis.call('ZCARD', of(group, 'due')) + redis.call('ZCARD', of(group, 'suspects')) then
          pending = redis.call('XPENDING', log(queue), group, '-', '+', 10000, WAITING)
        end
        for _, entry in ipairs(pending) do
          local member = queue .. '/' .. entry[1]
          if not redis.call('ZSCORE', of(group, 'due'), member) and not redis.call('ZSCORE', of(group, 'suspects'), member) then
            redis.call('ZADD', of(group, 'due'), now, member)
          end
        end
      elseif not redis.call('ZSCORE', members, who) then
        abandon(group, who, true)
      end
    end
  end
end

-- Makes what is missing of a group. Where it begins: at a position that was noted here or remembered by a consumer, at
-- the beginning, or now.
local function openGroup(group, queues, remembered, newGroups)
  local isKnown = redis.call('SISMEMBER', base .. 'groups', group) == 1
  local isFirst = redis.call('HEXISTS', base .. 'meta', 'begun') == 0
  for _, queue in ipairs(queues) do
    local start
    local added, length, last = 0, 0, '0-0'
    if redis.call('EXISTS', log(queue)) == 1 then
      local info = redis.call('XINFO', 'STREAM', log(queue))
      added, length, last = field(info, 'entries-added'), field(info, 'length'), field(info, 'last-generated-id')
    end
    local position = redis.call('HGET', of(group, 'positions'), queue) or (remembered and remembered[queue])
    if position then
      local lastMs, lastSeq = readId(last)
      local thatMs, thatSeq = readId(position)
      local isBehind = lastMs < thatMs or (lastMs == thatMs and lastSeq < thatSeq)
      -- A stream that is behind what was read from it has been put back: everything in it is new.
      start = (isBehind and length > 0) and '0-0' or position
    else
      start = (isKnown or isFirst or newGroups == 'beginning') and '0-0' or last
    end
    local made = redis.pcall('XGROUP', 'CREATE', log(queue), group, start, 'MKSTREAM')
    if made.ok then
      local unread = start == '0-0' and length or 0
      if start ~= '0-0' and start ~= last then
        unread = #redis.call('XRANGE', log(queue), '(' .. start, '+', 'COUNT', 10000)
        if unread == 10000 then unread = length end
      end
      redis.call('HSET', of(group, 'positions'), queue, start)
      redis.call('HSET', of(group, 'reads'), queue, text(added - unread))
    elseif not made.err:find('BUSYGROUP') then
      error(made)
    end
  end
  redis.call('SADD', base .. 'groups', group)
  redis.call('HSET', base .. 'meta', 'begun', 1)
end
`
