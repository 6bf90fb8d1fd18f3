-- Stores and announces a record, unless there is one.
-- KEYS[1]  the record (a hash, see apply.lua), and the channel on which it is announced
-- ARGV     operation, state, fixed, payload, expiry of the key (Unix time, ms), announcement
-- returns  {now (Unix time, ms), outcome}: 'created', 'before' (this operation created the record before,
--          and no other has changed it) or 'exists' (there is another record)
-- A retry sets the expiry again, so that a WAIT behind it has a write to wait for.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stored = redis.call('HGET', KEYS[1], 'state')
if not stored then
  redis.call('HSET', KEYS[1], 'state', ARGV[2], 'fixed', ARGV[3], 'payload', ARGV[4])
  redis.call('PEXPIREAT', KEYS[1], ARGV[5])
  redis.call('PUBLISH', KEYS[1], ARGV[6])
  return {now, 'created'}
end
if cjson.decode(stored).op ~= ARGV[1] then return {now, 'exists'} end
redis.call('PEXPIREAT', KEYS[1], ARGV[5])
return {now, 'before'}
