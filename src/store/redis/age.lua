-- Moves one hour of one provider and shard out of the open ones, unless it grew since it was read.
--
-- KEYS[1] open hours   KEYS[2] aged hours   KEYS[3] facts of the hour   KEYS[4] where its roll-up goes
-- ARGV[1] the hour     ARGV[2] bytes of facts that the roll-up is of    ARGV[3] the roll-up
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 0
end
redis.call('SET', KEYS[4], ARGV[3])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('PERSIST', KEYS[2])
redis.call('HDEL', KEYS[1], ARGV[1])
-- Appending reserves up to twice the space; written anew the facts take what they need.
local facts = redis.call('GET', KEYS[3])
if facts then
  redis.call('SET', KEYS[3], facts)
end
return 1
