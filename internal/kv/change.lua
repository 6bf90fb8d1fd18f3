-- Sets fields of a hash and its expiry if the conditions hold, or if the fields have these values already.
-- Or does nothing. An expiry in the past deletes the hash.
-- KEYS[1]  the hash
-- ARGV[1]  expiry (Unix time, ms)
-- ARGV[2]  number of conditions
-- ARGV[3]  and the following: conditions (field, value; '' stands for a missing field), then what to set (field, value)
-- returns  {1 if it did, else 0; field, value, … as they are afterwards}
-- A retry sets the expiry again, so that a WAIT behind it has a write to wait for.
local set = 3 + 2 * ARGV[2]

-- holds reports whether the fields in a part of ARGV have the values there.
local function holds(from, to)
  for i = from, to, 2 do
    if (redis.call('HGET', KEYS[1], ARGV[i]) or '') ~= ARGV[i + 1] then return false end
  end
  return true
end

local done = 0
if holds(3, set - 1) or holds(set, #ARGV) then
  redis.call('HSET', KEYS[1], unpack(ARGV, set))
  redis.call('PEXPIREAT', KEYS[1], ARGV[1])
  done = 1
end
return {done, unpack(redis.call('HGETALL', KEYS[1]))}
