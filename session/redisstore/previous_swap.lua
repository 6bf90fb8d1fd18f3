-- Stores a version of a record over its predecessor, sets the expiry of the key and
-- announces the version; or does nothing.
-- KEYS[1]  the record, and the channel on which it is announced
-- ARGV     version, op, end (Unix time, ms), record, expiry of the key (Unix time, ms), announcement
-- returns  {now (Unix time, ms), outcome}: 'done', 'stale' (another version is stored)
--          or 'over' (the end of the stored version has passed)
-- A retry of an operation that was done sets the expiry again, so that a WAIT behind it
-- has a write to wait for.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stored = redis.call('HMGET', KEYS[1], 'version', 'op', 'end')
if stored[1] == ARGV[1] and stored[2] == ARGV[2] then
  redis.call('PEXPIREAT', KEYS[1], ARGV[5])
  return {now, 'done'}
end
if tonumber(stored[1] or 0) ~= ARGV[1] - 1 then return {now, 'stale'} end
if stored[3] and now >= tonumber(stored[3]) then return {now, 'over'} end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'op', ARGV[2], 'end', ARGV[3], 'session', ARGV[4])
redis.call('PEXPIREAT', KEYS[1], ARGV[5])
redis.call('PUBLISH', KEYS[1], ARGV[6])
return {now, 'done'}
