-- Takes one request from an allowance (generic cell rate algorithm).
-- KEYS[1]  the allowance's key; it holds the time at which the allowance is full again
-- ARGV     interval: cost of one request (us; 0: check only, take nothing), period: the whole allowance (us)
-- returns  0 if it is allowed, else the time until it will be (us)
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval = tonumber(ARGV[1])
local full = math.max(now, tonumber(redis.call('HGET', KEYS[1], 'whole') or 0)) + interval
local wait = full - now - ARGV[2]
if wait > 0 then return math.ceil(wait) end
if interval > 0 then
  redis.call('HSET', KEYS[1], 'whole', string.format('%.3f', full))
  redis.call('PEXPIREAT', KEYS[1], math.ceil(full / 1000))
end
return 0
