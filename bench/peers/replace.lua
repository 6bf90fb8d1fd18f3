-- Replaces a record, unless another has replaced it meanwhile.
-- KEYS[1]  the record
-- ARGV     the record that was read ('' if there was none), the new record, expiry (ms)
-- returns  1 if it was replaced, 0 otherwise
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
