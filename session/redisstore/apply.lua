-- Executes the writes of the first row whose guards hold, if the record has not ended: increments its
-- version, sets its operation and the expiry of the key, and announces it. Or does nothing.
-- KEYS[1]  the record (a hash with version, op, expiresAt (Unix time, ms) and other fields), and the channel
--          on which it is announced
-- ARGV[1]  operation
-- ARGV[2]  time for which the key is kept after expiresAt (ms)
-- ARGV[3]  number of fields, then their names: version, op, expiresAt, and all that rows name
--          then rows. A row is:
--            number of arguments of the row that follow
--            number of guards; for each: field, test, number of values, values. Tests: 'in' (the field is one
--              of the values), '<' (the field is a number below one of the values)
--            writes: field, effect, value. Effects: 'set', 'add' (to a number), 'time' (now plus the value in
--              ms), 'extend' (likewise, unless the field is later)
--            announcement, in which <name> stands for a field
--          A missing field is '' for guards and announcement, and 0 as a number.
-- returns  {now (Unix time, ms), outcome, values of the fields afterwards}, or {now, 'none'} if there is no
--          record. Outcomes: 'applied', 'before' (the operation was applied before, and is the last), 'refused'
-- A retry of an operation sets the expiry again, so that a WAIT behind it has a write to wait for.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local rows = 4 + ARGV[3]
local values = redis.call('HMGET', KEYS[1], unpack(ARGV, 4, rows - 1))
local record = {}
for i = 4, rows - 1 do record[ARGV[i]] = values[i - 3] or '' end
if record.version == '' then return {now, 'none'} end

local function answer(outcome)
  local all = {now, outcome}
  for i = 4, rows - 1 do all[i - 1] = record[ARGV[i]] end
  return all
end

local function keep()
  redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', record.expiresAt + ARGV[2]))
end

local function number(text) return tonumber(text) or 0 end

-- holds returns the position behind the guards at a position, or nil if one of them does not hold.
local function holds(at)
  local guards = number(ARGV[at])
  at = at + 1
  for _ = 1, guards do
    local value, test, count, any = record[ARGV[at]], ARGV[at + 1], number(ARGV[at + 2]), false
    for i = at + 3, at + 2 + count do
      if test == 'in' then any = any or value == ARGV[i] else any = any or number(value) < number(ARGV[i]) end
    end
    if not any then return nil end
    at = at + 3 + count
  end
  return at
end

-- write executes the writes from a position up to the announcement at another.
local function write(at, last)
  record.version, record.op = string.format('%.0f', record.version + 1), ARGV[1]
  local changed = {'version', record.version, 'op', record.op}
  for i = at, last - 1, 3 do
    local field, effect, value = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    if effect ~= 'set' then
      if effect == 'add' then value = number(record[field]) + value else value = now + value end
      if effect == 'extend' then value = math.max(value, number(record[field])) end
      value = string.format('%.0f', value)
    end
    record[field] = value
    changed[#changed + 1] = field
    changed[#changed + 1] = value
  end
  redis.call('HSET', KEYS[1], unpack(changed))
  keep()
  redis.call('PUBLISH', KEYS[1], (string.gsub(ARGV[last], '<(%w+)>', record)))
end

if record.op == ARGV[1] then
  keep()
  return answer('before')
end
local at = rows
while at < #ARGV and now < number(record.expiresAt) do
  local last = at + ARGV[at]
  local writes = holds(at + 1)
  if writes then
    write(writes, last)
    return answer('applied')
  end
  at = last + 1
end
return answer('refused')
