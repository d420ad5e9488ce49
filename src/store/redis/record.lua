-- Records reports of one provider and shard, all or none: takes their claims, adds up what counts, appends it to the hours it belongs to.
--
-- Nothing expires: Redis' clock may jump as any other. Half-days in which claims were written say what housekeeping may forget.
--
-- KEYS[1]               open hours: hour -> bytes of its facts
-- KEYS[2]               half-days in which claims were written, each with a reporter's day
-- KEYS[3 .. 2+H]        facts of hour 1 .. H
-- KEYS[3+H .. 2+H+R]    for each report, the claims that its reporter's are among
-- KEYS[3+H+R ..]        for each reporter's day, which of its claims were written in this half-day: a bit a group of buckets
-- ARGV[1]               rows, 10 bytes each: which of the hours, then minute and fact as they are stored
-- ARGV[2]               reports, 13 bytes each: bit of the claim (64 more: nobody's first), field of the reporter, up to two rows (0: none), which of the days, group of buckets
-- ARGV[3]               H
-- ARGV[4 .. 3+H]        the hours
-- ARGV[4+H ..]          for each reporter's day, how it is called in KEYS[2]
--
-- Returns a byte a report: d (duplicate), f (counted, the reporter's first that day), c (counted).
local power, text = {}, {}
for bit = 0, 35 do
  power[bit] = 2 ^ bit
  text[bit] = string.format('%.0f', 2 ^ bit)
end
local rows, reports, hours = ARGV[1], ARGV[2], tonumber(ARGV[3])
local days_from = 2 + hours + #reports / 13
local counts, firsts, outcomes, days = {}, {}, {}, {}

for n = 1, #reports / 13 do
  local bit, field, row, other, day, group = struct.unpack('<I1c5I2I2I1I2', reports, n * 13 - 12)
  local claims, can_be_first = KEYS[2 + hours + n], bit < 64
  bit = bit % 64
  local taken = redis.call('HINCRBY', claims, field, text[bit])
  local before = taken - power[bit]
  if math.floor(before / power[bit]) % 2 == 1 then
    redis.call('HSET', claims, field, string.format('%.0f', before))
    outcomes[n] = 'd'
  else
    -- A version before this one let them expire.
    redis.call('PERSIST', claims)
    redis.call('SETBIT', KEYS[days_from + day], group, 1)
    days[day] = true
    local first = before == 0 and can_be_first and 1 or 0
    outcomes[n] = first == 1 and 'f' or 'c'
    counts[row], firsts[row] = (counts[row] or 0) + 1, (firsts[row] or 0) + first
    if other > 0 then
      counts[other], firsts[other] = (counts[other] or 0) + 1, (firsts[other] or 0) + first
    end
  end
end
for day in pairs(days) do
  redis.call('SADD', KEYS[2], ARGV[3 + hours + day])
end

local parts = {}
for row = 1, #rows / 10 do
  if counts[row] then
    local hour = struct.unpack('<I2', rows, row * 10 - 9)
    parts[hour] = parts[hour] or {}
    table.insert(parts[hour], string.sub(rows, row * 10 - 7, row * 10) .. struct.pack('<I2I2', counts[row], firsts[row]))
  end
end
for hour = 1, hours do
  if parts[hour] then
    local bytes = redis.call('APPEND', KEYS[2 + hour], table.concat(parts[hour]))
    redis.call('PERSIST', KEYS[2 + hour])
    redis.call('HSET', KEYS[1], ARGV[3 + hour], bytes)
    redis.call('PERSIST', KEYS[1])
  end
end
return table.concat(outcomes)
