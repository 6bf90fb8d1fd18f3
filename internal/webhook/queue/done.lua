-- Removes entries from a stream and from what its group holds, so that none
-- is left that nobody would be given.
-- KEYS[1]  the stream
-- ARGV     group, ids
-- returns  how many there were
redis.call('XACK', KEYS[1], unpack(ARGV))
return redis.call('XDEL', KEYS[1], unpack(ARGV, 2))
