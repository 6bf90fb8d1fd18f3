-- Takes entries of a stream and holds them: first entries whose hold has expired, then new
-- ones. A hold is stored as idle time: the longest hold minus the time that is left.
-- KEYS[1]  the stream
-- ARGV     group, consumer, maximum number of entries, longest hold (ms), initial idle time (ms), cursor
-- returns  {cursor for the next call, {{id, {'entry', entry}}, ...}}
if redis.call('EXISTS', KEYS[1]) == 0 then return {'0-0', {}} end
local taken, at, most, rounds = {}, ARGV[6], tonumber(ARGV[3]), 0
local function add(list) for _, e in ipairs(list) do if e then taken[#taken + 1] = e end end end
repeat -- XAUTOCLAIM examines ten times COUNT entries
  local free = redis.call('XAUTOCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[4], at, 'COUNT', most - #taken)
  add(free[2])
  at, rounds = free[1], rounds + 1
until #taken >= most or at == '0-0' or rounds == 50
local new = #taken < most and redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', most - #taken, 'STREAMS', KEYS[1], '>')
add(new and new[1][2] or {})
for _, e in ipairs(taken) do redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, e[1], 'IDLE', ARGV[5], 'JUSTID') end
return {at, taken}
