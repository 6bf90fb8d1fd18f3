-- Records a request in a sliding window, or removes it.
-- KEYS[1]  the window's key; its field 'taken' has the requests, oldest first: time (Unix time, us), ':', id, ' '
-- ARGV     id; maximum number of requests and the window's length (ms), or neither to remove the request
-- returns  0 if it is recorded, also by an earlier call, or removed; else the time until it may be recorded (us)
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local length = (tonumber(ARGV[3]) or 0) * 1000
local kept, oldest, found = {}, nil, false
for at, id in string.gmatch(redis.call('HGET', KEYS[1], 'taken') or '', '(%d+):(%S+) ') do
  at = tonumber(at)
  local remains = length == 0 or at > now - length
  if id == ARGV[1] then
    found = found or remains
    remains = remains and length > 0
  end
  if remains then
    kept[#kept + 1] = string.format('%.0f:%s ', at, id)
    oldest = oldest or at
  end
end
if length == 0 then
  if found then redis.call('HSET', KEYS[1], 'taken', table.concat(kept)) end
  return 0
end
if found then return 0 end
if #kept >= tonumber(ARGV[2]) then return oldest + length - now end
kept[#kept + 1] = string.format('%.0f:%s ', now, ARGV[1])
redis.call('HSET', KEYS[1], 'taken', table.concat(kept))
redis.call('PEXPIREAT', KEYS[1], math.ceil((now + length) / 1000))
return 0
