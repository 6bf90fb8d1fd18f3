-- Stores and announces a record, unless there is one.
-- KEYS[1]  the record (a hash), and the channel on which it is announced
-- ARGV     expiry of the key (Unix time, ms), announcement, then fields and values: 'version', its value,
--          'op', its value, and others
-- returns  {now (Unix time, ms), outcome}: 'created', 'before' (this version was created by this operation
--          before) or 'exists' (there is another record)
-- A retry sets the expiry again, so that a WAIT behind it has a write to wait for.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stored = redis.call('HMGET', KEYS[1], 'version', 'op')
if not stored[1] then
  redis.call('HSET', KEYS[1], unpack(ARGV, 3))
  redis.call('PEXPIREAT', KEYS[1], ARGV[1])
  redis.call('PUBLISH', KEYS[1], ARGV[2])
  return {now, 'created'}
end
if stored[1] ~= ARGV[4] or stored[2] ~= ARGV[6] then return {now, 'exists'} end
redis.call('PEXPIREAT', KEYS[1], ARGV[1])
return {now, 'before'}
