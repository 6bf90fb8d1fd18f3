-- Adds an entry to a stream, and renews the key's end of life. Who makes the
-- stream makes its group, which so begins at the first entry.
-- KEYS[1]  the stream
-- ARGV     group, most entries, '1' if the oldest make room for more, end of life (ms from now), entry
-- returns  the entry's id, false if there is no room
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
end
if ARGV[3] ~= '1' and redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[2]) then return false end
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'entry', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return id
