-- Reads one code and the clock by which it is judged.
-- KEYS[1]  the code's key
-- returns  {now, session}: ms since 1970; JSON, empty if there is no such code
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return {now, redis.call('HGET', KEYS[1], 'session') or ''}
