-- Executes the writes of the first row whose guards hold, if the record has not ended: increments its
-- version, sets its operation and the expiry of the key, and announces it. Or does nothing.
-- KEYS[1]  the record, and the channel on which it is announced. It is a hash of
--            state    JSON object with texts only: version, op, expiresAt (Unix time, ms) and other fields
--            shown    the part of announcements that is not in state
--            rest     not interpreted
--            fixed, payload   not interpreted, and not changed by steps
-- ARGV[1]  operation
-- ARGV[2]  time for which the key is kept after expiresAt (ms)
-- ARGV[3]  and the following: rows. A row is
--            number of arguments of the row that follow
--            number of guards; for each: field of state, '=' or '<', text or number; or field, 'in', number of
--              texts, texts. A guard 'in' holds if the field is one of them
--            writes: field, effect, value. Effects: 'set' (field of state), 'add' (to a number of state), 'time'
--              (now plus the value in ms), 'extend' (likewise, unless the field is later), 'put' (shown or rest)
--            announcement, in which <name> stands for a field of state, or shown
--          A missing field is '' as a text and 0 as a number; an announcement names fields that are set.
-- returns  {now (Unix time, ms), outcome, state, shown, rest, fixed, payload} as they are afterwards; {now, 'none'} if
--          there is no record. Outcomes: 'applied', 'before' (the operation was applied before, and is the
--          last), 'refused'. The state of an invalid record is returned as it is, with 'refused'.
-- A retry of an operation sets the expiry again, so that a WAIT behind it has a write to wait for.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stored = redis.call('HMGET', KEYS[1], 'state', 'shown', 'rest', 'fixed', 'payload')
if not stored[1] then return {now, 'none'} end
local valid, state = pcall(cjson.decode, stored[1])
if not valid or type(state) ~= 'table' then return {now, 'refused', stored[1]} end

-- holds returns the position behind the guards at a position, or nil if one of them does not hold.
local function holds(at)
  local guards = tonumber(ARGV[at])
  at = at + 1
  for _ = 1, guards do
    local value, test, with, any = state[ARGV[at]] or '', ARGV[at + 1], ARGV[at + 2], false
    at = at + 3
    if test == '=' then
      any = value == with
    elseif test == '<' then
      any = (tonumber(value) or 0) < tonumber(with)
    else
      for i = at, at + with - 1 do any = any or value == ARGV[i] end
      at = at + with
    end
    if not any then return nil end
  end
  return at
end

-- write executes the writes from a position up to the announcement at another.
local function write(at, last)
  state.version, state.op = string.format('%d', (tonumber(state.version) or 0) + 1), ARGV[1]
  local put = {}
  for i = at, last - 1, 3 do
    local field, effect, value = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    if effect == 'set' then
      state[field] = value
    elseif effect == 'put' then
      stored[field == 'shown' and 2 or 3] = value
      put[#put + 1] = field
      put[#put + 1] = value
    else
      local before = tonumber(state[field]) or 0
      if effect == 'add' then value = before + value else value = now + value end
      if effect == 'extend' then value = math.max(value, before) end
      state[field] = string.format('%d', value)
    end
  end
  stored[1] = cjson.encode(state)
  redis.call('HSET', KEYS[1], 'state', stored[1], unpack(put))
  state.shown = stored[2] or ''
  redis.call('PUBLISH', KEYS[1], (string.gsub(ARGV[last], '<(%w+)>', state)))
end

local outcome = 'refused'
if state.op == ARGV[1] then
  outcome = 'before'
elseif now < (tonumber(state.expiresAt) or 0) then
  local at = 3
  while ARGV[at] do
    local last = at + ARGV[at]
    local writes = holds(at + 1)
    if writes then
      write(writes, last)
      outcome = 'applied'
      break
    end
    at = last + 1
  end
end
if outcome ~= 'refused' then redis.call('PEXPIREAT', KEYS[1], string.format('%d', state.expiresAt + ARGV[2])) end
return {now, outcome, unpack(stored)}
