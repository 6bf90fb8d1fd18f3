-- Writes a field of a sheet and sets the sheet's end of life; one that has passed removes it.
-- KEYS[1]  the sheet's key
-- ARGV     end (ms since 1970), field, value
-- returns  nothing
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('PEXPIREAT', KEYS[1], ARGV[1])
