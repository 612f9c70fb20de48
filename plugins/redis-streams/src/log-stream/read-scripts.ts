import type { Script } from '../scripts/script.ts'
import { defineLogScript, STREAM_CHECK } from './scripts.ts'

/** Lines that were in hand so often when somebody died come alone. */
const ALONE_FROM = 2
/** And then are passed on without being looked into. */
const UNSEEN_FROM = 3
/** Not even that is survived. */
const BURIED_FROM = 5
/** How many entries are read in one step. */
const STEP = 64
/** An id behind all others. */
const AFTER_ALL = '18446744073709551615-0'
/** Longer than anybody's patience. */
const LONG_AGO_MS = 100_000_000_000

/** What these scripts know. */
const PRELUDE = `
${STREAM_CHECK}
local function field(list, name)
  for at = 1, #list, 2 do if list[at] == name then return list[at + 1] end end
end
local function homeOf(key, group)
  for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', key, group)) do
    local name = field(info, 'name')
    if name:sub(1, 1) == '~' then return name end
  end
end
local function isBefore(one, other)
  local ms, seq = one:match('^(%d+)%-(%d+)$')
  local otherMs, otherSeq = other:match('^(%d+)%-(%d+)$')
  ms, seq, otherMs, otherSeq = tonumber(ms), tonumber(seq), tonumber(otherMs), tonumber(otherSeq)
  return ms < otherMs or (ms == otherMs and seq < otherSeq)
end
-- What stands before each of the marks. Twice as fast as a pattern.
local function eachPart(list, mark, call)
  local at = 1
  for stop in function() return list:find(mark, at, true) end do
    call(list:sub(at, stop - 1))
    at = stop + 1
  end
end
-- The stack takes only so many at once.
local function inParts(list, call)
  for from = 1, #list, 1000 do call(unpack(list, from, math.min(from + 999, #list))) end
end
`

/**
 * The group of those who share a stream, as Redis has it, and one consumer in it that is nobody: `~` and a token. What a
 * process has in hand when it ends is laid down there for the others. By its token it is known whether the group is
 * still the same or was deleted and made again.
 *
 * Arguments: group, a token, `beginning` or `now`, and up to where this process has read.
 */
export const openGroupScript = defineLineScript(
  'open-group',
  `
local key, group = KEYS[1], ARGV[1]
local refusal = checkStream(key)
if refusal then return refusal end
local groups, last = {}, '0-0'
if redis.call('EXISTS', key) == 1 then
  last = field(redis.call('XINFO', 'STREAM', key), 'last-generated-id')
  groups = redis.call('XINFO', 'GROUPS', key)
end
local isThere = false
for _, info in ipairs(groups) do
  if field(info, 'name') == group then isThere = true end
end
if not isThere then
  local start = ARGV[3] == 'beginning' and '0-0' or last
  -- A stream that is behind what was read from it has been put back, or made again: everything in it is new.
  if ARGV[4] ~= '' then start = isBefore(last, ARGV[4]) and '0-0' or ARGV[4] end
  redis.call('XGROUP', 'CREATE', key, group, start, 'MKSTREAM')
end
local home = homeOf(key, group)
if not home then
  home = '~' .. ARGV[2]
  redis.call('XGROUP', 'CREATECONSUMER', key, group, home)
end
return {home}
`,
)

/**
 * Notes that lines are done with, writes what has become of them, and reads the next ones: all of it, or nothing.
 *
 * Arguments: what is wanted, as JSON; the ids of the lines that are done with, each with a blank, and what has become of
 * them, each line with a newline.
 */
function defineExchange(name: string, mayExceedMemory: boolean): Script {
  return defineLineScript(
    name,
    `
local key, target, graveyard = KEYS[1], KEYS[2], KEYS[3]
local want = cjson.decode(ARGV[1])
local group, me, home = want.group, want.me, want.home

local function has(id)
  return #redis.call('XPENDING', key, group, id, id, 1, me) == 1
end
local function pendingCount()
  for _, row in ipairs(redis.call('XPENDING', key, group)[4] or {}) do
    if row[1] == me then return tonumber(row[2]) end
  end
  return 0
end
local function acknowledge(ids)
  local count = 0
  inParts(ids, function(...) count = count + redis.call('XACK', key, group, ...) end)
  return count
end

-- What belongs to somebody else by now is theirs to do, and nothing is forwarded of a batch that is not whole: what is
-- left of it is read once more.
local done = {}
eachPart(ARGV[2], ' ', function(id) done[#done + 1] = id end)
local pending = pendingCount()
local acknowledged = 0
if #done > 0 then
  local owned = done
  if pending ~= #done or not has(done[1]) or not has(done[#done]) then
    if homeOf(key, group) ~= home then return {'OTHER'} end
    owned = {}
    for _, id in ipairs(done) do
      if has(id) then owned[#owned + 1] = id end
    end
  end
  if not want.isForwarding then
    acknowledged = acknowledge(owned)
  elseif #owned == #done then
    local refusal = checkStream(target)
    if refusal then return refusal end
    eachPart(ARGV[3], '\\n', function(line) redis.call('XADD', target, '*', 'line', line) end)
    if want.maxLen > 0 then redis.call('XTRIM', target, 'MAXLEN', '~', want.maxLen) end
    acknowledged = acknowledge(owned)
  end
  pending = pending - acknowledged
end

local ids, lines, bytes, gone = {}, {}, 0, {}
local last, kind, repeated, buried = '', 'new', 0, 0
local cursor = want.cursor or ''
local isSwept = false

-- What other tools have written is a record of its fields.
local function toLine(fields)
  for at = 1, #fields, 2 do
    if fields[at] == 'line' then
      local line = fields[at + 1]
      return line:sub(-1) == '\\n' and line:sub(1, -2) or line
    end
  end
  local members = {}
  for at = 1, #fields, 2 do
    members[#members + 1] = cjson.encode(fields[at]) .. ':' .. cjson.encode(fields[at + 1])
  end
  return '{' .. table.concat(members, ',') .. '}'
end
local function take(entries)
  for _, entry in ipairs(entries) do
    if entry[2] then
      local line = toLine(entry[2])
      ids[#ids + 1] = entry[1]
      lines[#ids] = line
      bytes = bytes + #line
    else
      gone[#gone + 1] = entry[1]
    end
  end
end
-- In steps that begin with one and grow, since a step may bring lines of any size.
local function room()
  if #ids == 0 then return math.min(1, want.batch) end
  local fitting = math.floor((want.maxBytes - bytes) / (bytes / #ids + 1))
  return math.min(${STEP}, #ids, want.batch - #ids, fitting)
end
local function readNew()
  local step = room()
  while step > 0 do
    local reply = redis.call('XREADGROUP', 'GROUP', group, me, 'COUNT', step, 'STREAMS', key, '>')
    local entries = reply and reply[1][2] or {}
    take(entries)
    if #entries > 0 then last = entries[#entries][1] end
    if #entries < step then return end
    step = room()
  end
end
local function kindAfter(deaths)
  if deaths >= ${UNSEEN_FROM} then return 'deadly' end
  return deaths >= ${ALONE_FROM} and 'suspect' or 'again'
end
-- What this process has already. The number of deliveries stays as it is, since nobody has died: XREADGROUP would raise it.
local function readOwn()
  local start, step = '-', room()
  while step > 0 do
    local rows = redis.call('XPENDING', key, group, start, '+', step, me)
    for _, row in ipairs(rows) do
      local id, deliveries = row[1], row[4]
      local kindOfRow = kindAfter(deliveries - 1)
      if kindOfRow ~= 'again' and #ids > 0 then return end
      take(redis.call('XCLAIM', key, group, me, 0, id, 'RETRYCOUNT', deliveries))
      if #ids > 0 then
        kind = kindOfRow
        if deliveries > 1 then repeated = repeated + 1 end
        if kind ~= 'again' then return end
      end
    end
    if #rows < step then return end
    start = '(' .. rows[#rows][1]
    step = room()
  end
end
local function layDown(id, deliveries)
  redis.call('XCLAIM', key, group, home, 0, id, 'IDLE', ${LONG_AGO_MS}, 'RETRYCOUNT', deliveries, 'JUSTID')
end

-- What nobody was heard of for so long. Lines that were in hand when processes died come alone, so that it shows which
-- of them it is, and then are not looked into any more.
local function claim()
  home = homeOf(key, group) or home
  local swept = redis.call('XAUTOCLAIM', key, group, me, want.claimIdleMs, cursor, 'COUNT', ${STEP}, 'JUSTID')
  cursor = swept[1]
  isSwept = cursor == '0-0'
  local calm, suspects = {}, {}
  for _, id in ipairs(swept[2]) do
    local deliveries = redis.call('XPENDING', key, group, id, id, 1, me)[1][4]
    if deliveries >= ${BURIED_FROM} then
      local entry = redis.call('XRANGE', key, id, id)[1]
      if entry then redis.call('XADD', graveyard, '*', 'line', toLine(entry[2]), 'id', id) end
      redis.call('XACK', key, group, id)
      buried = buried + 1
    elseif deliveries >= ${ALONE_FROM} then
      suspects[#suspects + 1] = {id, deliveries}
    elseif #calm < want.batch then
      calm[#calm + 1] = {id, deliveries}
    else
      layDown(id, deliveries)
      isSwept = false
    end
  end
  if #calm == 0 and #suspects > 0 then
    calm[1] = table.remove(suspects, 1)
  end
  local left = suspects
  for _, row in ipairs(calm) do
    if #ids == 0 or bytes + bytes / #ids <= want.maxBytes then
      take(redis.call('XCLAIM', key, group, me, 0, row[1]))
      kind = kindAfter(row[2])
    else
      left[#left + 1] = row
    end
  end
  repeated = #ids
  for _, row in ipairs(left) do layDown(row[1], row[2]) end
  if #left > 0 then
    cursor = '0-0'
    isSwept = false
  end
  -- Before 7.2, whoever reads and finds nothing was not seen: only what it has in hand is asked for in its name.
  redis.call('XREADGROUP', 'GROUP', group, me, 'COUNT', 1, 'STREAMS', key, '${AFTER_ALL}')
  -- Those who have nothing, and were not heard of either.
  for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', key, group)) do
    local name = field(info, 'name')
    local isOurs = name:find('#%x+$') and name ~= me
    if isOurs and field(info, 'pending') == 0 and field(info, 'idle') >= want.claimIdleMs then
      redis.call('XGROUP', 'DELCONSUMER', key, group, name)
    end
  end
end

if want.batch > 0 then
  if pending > 0 then
    -- Its answer was lost on its way, it was not acknowledged, or it is what ended the waiting.
    readOwn()
  end
  if #ids == 0 and cursor ~= '' then claim() end
  if #ids == 0 then
    kind = 'new'
    readNew()
  end
  acknowledge(gone)
end
ids[#ids + 1], lines[#lines + 1] = '', ''
return {'OK', acknowledged, table.concat(ids, ' '), table.concat(lines, '\\n'), #lines - 1, kind, repeated, last, cursor, isSwept and 1 or 0, buried, home}
`,
    mayExceedMemory,
  )
}

/** What only notes and reads must go on when the server has no memory left: it makes room. */
export const exchangeScript = defineExchange('exchange-lines', true)
export const forwardScript = defineExchange('forward-lines', false)

/**
 * A sign of life: what is in hand stays in hand.
 *
 * Arguments: group, consumer, first and last id, how many. Gives how many are still its own.
 */
export const holdScript = defineLineScript(
  'hold-lines',
  `
local key, group, me = KEYS[1], ARGV[1], ARGV[2]
local mine = {}
for _, row in ipairs(redis.call('XPENDING', key, group, ARGV[3], ARGV[4], ARGV[5], me)) do mine[#mine + 1] = row[1] end
inParts(mine, function(...)
  local call = {'XCLAIM', key, group, me, 0, ...}
  call[#call + 1] = 'JUSTID'
  redis.call(unpack(call))
end)
return #mine
`,
)

/** The end of a process. What it has in hand is laid down, as if nobody had had it. Arguments: group, consumer, home. */
export const leaveScript = defineLineScript(
  'leave-group',
  `
local key, group, me, home = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
if homeOf(key, group) ~= home then return 0 end
local count = 0
repeat
  local rows = redis.call('XPENDING', key, group, '-', '+', 500, me)
  for _, row in ipairs(rows) do
    redis.call('XCLAIM', key, group, home, 0, row[1], 'IDLE', ${LONG_AGO_MS}, 'RETRYCOUNT', row[4] - 1, 'JUSTID')
  end
  count = count + #rows
until #rows < 500
redis.call('XGROUP', 'DELCONSUMER', key, group, me)
return count
`,
)

function defineLineScript(name: string, lua: string, mayExceedMemory = true): Script {
  return defineLogScript(name, `${PRELUDE}\n${lua}`, { mayExceedMemory })
}
