-- Removes the journal of an older format once that of this one has all that it had, and closes it to versions that would append to it.
--
-- KEYS[1] the journal of before   KEYS[2] that of this format   ARGV[1] what stands in its place from then on
--
-- Returns 1 where it is closed, also by another node; 0 where it has more.
local length = redis.pcall('HLEN', KEYS[1])
if type(length) == 'table' then
  -- A text is there: it is no journal any more.
  return 1
end
if length > 0 and length ~= redis.call('HLEN', KEYS[2]) then
  return 0
end
redis.call('UNLINK', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1])
return 1
