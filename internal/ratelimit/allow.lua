-- Takes a share of an allowance, if there is one (generic cell rate algorithm).
-- KEYS[1]  the allowance's key: the instant at which all is back
-- ARGV     what a share costs, and the whole allowance, in microseconds; a share of 0 is looked at, not taken
-- returns  0 if it was taken, else how many microseconds to wait
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local share = tonumber(ARGV[1])
local whole = math.max(now, tonumber(redis.call('HGET', KEYS[1], 'whole') or 0)) + share
local wait = whole - now - ARGV[2]
if wait > 0 then return math.ceil(wait) end
if share > 0 then
  redis.call('HSET', KEYS[1], 'whole', string.format('%.3f', whole))
  redis.call('PEXPIREAT', KEYS[1], math.ceil(whole / 1000))
end
return 0
