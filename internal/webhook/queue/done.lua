-- Removes entries from a stream and from the pending list of its group. An entry left in
-- the pending list alone would never be delivered and never be freed.
-- KEYS[1]  the stream
-- ARGV     group, ids
-- returns  the number of entries that existed
redis.call('XACK', KEYS[1], unpack(ARGV))
return redis.call('XDEL', KEYS[1], unpack(ARGV, 2))
