-- Reads a record, and Redis's clock.
-- KEYS[1]  the record (a hash, see apply.lua)
-- returns  {now (Unix time, ms), 'found', state, shown, rest, fixed, payload}, or {now, 'none'} if there is no record
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stored = redis.call('HMGET', KEYS[1], 'state', 'shown', 'rest', 'fixed', 'payload')
if not stored[1] then return {now, 'none'} end
return {now, 'found', unpack(stored)}
