-- Adds claims that another store remembers to those that are there, all of one day and bucket.
--
-- KEYS[1] the claims   KEYS[2] half-days in which claims were written   KEYS[3] which groups of buckets of this day were in this half-day
-- ARGV[1] group of buckets   ARGV[2] how half-day and day are called in KEYS[2]   ARGV[3 ..] in turn: field of a reporter, bits of the claims taken
for n = 3, #ARGV, 2 do
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
redis.call('SETBIT', KEYS[3], ARGV[1], 1)
redis.call('SADD', KEYS[2], ARGV[2])
return #ARGV
