-- Keeps the public twin of an hour of one provider, in place of the one that is there.
--
-- KEYS[1] hours that have one, and by which rule   KEYS[2] where it goes
-- ARGV[1] the hour   ARGV[2] the twin, which begins with the two bytes of its rule
redis.call('SET', KEYS[2], ARGV[2])
redis.call('HSET', KEYS[1], ARGV[1], string.sub(ARGV[2], 1, 2))
return 1
