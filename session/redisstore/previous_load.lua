-- Reads one session and Redis's clock.
-- KEYS[1]  the session
-- returns  {now (Unix time, ms), session (JSON, or empty if there is none)}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return {now, redis.call('HGET', KEYS[1], 'session') or ''}
