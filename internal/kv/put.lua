-- Sets a field of a hash and the expiry of the hash; an expiry in the past deletes the hash.
-- KEYS[1]  the hash
-- ARGV     expiry (Unix time, ms), field, value
-- returns  nothing
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('PEXPIREAT', KEYS[1], ARGV[1])
