-- Reads fields of a record, and Redis's clock.
-- KEYS[1]  the record (a hash)
-- ARGV     names of fields, the first of which every record has
-- returns  {now (Unix time, ms), 'found', values of the fields, '' for a missing one},
--          or {now, 'none'} if there is no record
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local values = redis.call('HMGET', KEYS[1], unpack(ARGV))
if not values[1] then return {now, 'none'} end
local answer = {now, 'found'}
for i = 1, #ARGV do answer[i + 2] = values[i] or '' end
return answer
