-- Puts entries of the journal of an older format into that of this one, behind those that are there, all or none.
--
-- KEYS[1] the journal of before   KEYS[2] that of this format
-- ARGV[1] the number of the first   ARGV[2 ..] the entries anew, each behind the id that it had
--
-- Returns 1, or 0 where others are there already, or the journal of before has none of these ids there.
local first = tonumber(ARGV[1])
if redis.call('HLEN', KEYS[2]) ~= first then
  return 0
end
for n = 2, #ARGV do
  local before = redis.call('HGET', KEYS[1], first + n - 2) or ''
  if string.sub(before, 1, 8) ~= string.sub(ARGV[n], 1, 8) then
    return 0
  end
end
for n = 2, #ARGV do
  redis.call('HSET', KEYS[2], first + n - 2, ARGV[n])
end
return 1
