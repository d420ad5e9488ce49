-- Removes the journal of an older format once that of this one has all that it had, and closes it to versions that would append to it.
--
-- KEYS[1] the journal of before   KEYS[2] that of this format   ARGV[1] what stands in its place from then on
--
-- Returns 1 where it is closed, also by another node; 0 where it has more, or others.
local length = redis.pcall('HLEN', KEYS[1])
if type(length) == 'table' then
  -- A text is there: it is no journal any more.
  return 1
end
if length > 0 then
  if length ~= redis.call('HLEN', KEYS[2]) then
    return 0
  end
  -- As many, but others: a failover lost entries that were carried over, and an old node appended since.
  local of_before = redis.call('HGET', KEYS[1], length - 1)
  local of_this = redis.call('HGET', KEYS[2], length - 1)
  if not of_before or not of_this or of_before:sub(1, 8) ~= of_this:sub(1, 8) then
    return 0
  end
end
redis.call('UNLINK', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1])
return 1
