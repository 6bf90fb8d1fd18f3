-- Increments a counter and sets its expiry.
-- KEYS[1]  the counter's key
-- ARGV     time to live from now on (ms), owner of the counter ('': none is stored)
-- returns  the counter's new value
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local count = (redis.call('HGET', KEYS[1], 'count') or 0) + 1
redis.call('HSET', KEYS[1], 'count', count)
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'owner', ARGV[2]) end
redis.call('PEXPIREAT', KEYS[1], now + ARGV[1])
return count
