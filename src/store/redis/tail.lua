-- Reads on in a journal, as much as fits.
--
-- KEYS[1] the journal                       ARGV[1], ARGV[2] how many entries were read before, and the id of the last
-- ARGV[3], ARGV[4] entries and bytes at most
--
-- Returns how many entries there are, then those that follow, each behind its id; or only -1 where what was read before is not there any more.
local journal, from, most_bytes = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[4])
local length = redis.call('HLEN', journal)
if length < from or (from > 0 and string.sub(redis.call('HGET', journal, from - 1) or '', 1, 8) ~= ARGV[2]) then
  return {-1}
end
local found, bytes = {length}, 0
for number = from, math.min(length, from + ARGV[3]) - 1 do
  bytes = bytes + redis.call('HSTRLEN', journal, number) - 8
  if bytes > most_bytes and #found > 1 then
    break
  end
  found[#found + 1] = redis.call('HGET', journal, number)
end
return found
