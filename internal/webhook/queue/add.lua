-- Adds an entry to a stream and renews the expiry of the key. A new stream gets its
-- consumer group here, so the group starts at the first entry.
-- KEYS[1]  the stream
-- ARGV     group, maximum number of entries, '1' to drop the oldest entries when full, time to live (ms), entry
-- returns  the entry's id, or false if the stream is full
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
end
if ARGV[3] ~= '1' and redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[2]) then return false end
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'entry', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return id
