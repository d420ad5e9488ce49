-- Adds claims that another store remembers to those that are there, all of one day and bucket.
--
-- KEYS[1] the claims   ARGV[1] seconds that they are kept   ARGV[2 ..] in turn: field of a reporter, bits of the claims taken
for n = 2, #ARGV, 2 do
  local there = tonumber(redis.call('HGET', KEYS[1], ARGV[n]) or '0')
  local more = tonumber(ARGV[n + 1])
  local both, power = 0, 1
  for _ = 0, 35 do
    if there % 2 == 1 or more % 2 == 1 then
      both = both + power
    end
    there, more, power = math.floor(there / 2), math.floor(more / 2), power * 2
  end
  redis.call('HSET', KEYS[1], ARGV[n], string.format('%.0f', both))
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return #ARGV
