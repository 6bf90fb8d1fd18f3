-- Stores a version of a document over its predecessor and announces it, or does nothing.
-- The key has no expiry.
-- KEYS[1]  the document, and the channel on which it is announced
-- ARGV     version, op, text
-- returns  'done', or 'stale' if another version is stored
local stored = redis.call('HMGET', KEYS[1], 'version', 'op')
if stored[1] == ARGV[1] and stored[2] == ARGV[2] then return 'done' end
if (tonumber(stored[1] or 0) or 0) ~= ARGV[1] - 1 then return 'stale' end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'op', ARGV[2], 'text', ARGV[3])
redis.call('PUBLISH', KEYS[1], ARGV[1])
return 'done'
