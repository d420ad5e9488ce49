-- Records reports of one provider and shard, all or none: takes their claims, adds up what counts, appends it to the hours it belongs to.
--
-- KEYS[1]             open hours: hour -> bytes of its facts
-- KEYS[2 .. 1+H]      facts of hour 1 .. H
-- KEYS[2+H ..]        for each report, the claims that its reporter's are among
-- ARGV[1], ARGV[2]    seconds that facts and claims are kept after a write
-- ARGV[3]             rows, 10 bytes each: which of the hours, then minute and fact as they are stored
-- ARGV[4]             reports, 10 bytes each: bit of the claim (64 more: nobody's first), field of the reporter, up to two rows (0: none)
-- ARGV[5 .. 4+H]      the hours
--
-- Returns a byte a report: d (duplicate), f (counted, the reporter's first that day), c (counted).
local power, text = {}, {}
for bit = 0, 35 do
  power[bit] = 2 ^ bit
  text[bit] = string.format('%.0f', 2 ^ bit)
end
local hours = #ARGV - 4
local rows, reports = ARGV[3], ARGV[4]
local counts, firsts, outcomes = {}, {}, {}

for n = 1, #reports / 10 do
  local bit, field, row, other = struct.unpack('<I1c5I2I2', reports, n * 10 - 9)
  local claims, can_be_first = KEYS[1 + hours + n], bit < 64
  bit = bit % 64
  local taken = redis.call('HINCRBY', claims, field, text[bit])
  local before = taken - power[bit]
  if math.floor(before / power[bit]) % 2 == 1 then
    redis.call('HSET', claims, field, string.format('%.0f', before))
    outcomes[n] = 'd'
  else
    redis.call('EXPIRE', claims, ARGV[2])
    local first = before == 0 and can_be_first and 1 or 0
    outcomes[n] = first == 1 and 'f' or 'c'
    counts[row], firsts[row] = (counts[row] or 0) + 1, (firsts[row] or 0) + first
    if other > 0 then
      counts[other], firsts[other] = (counts[other] or 0) + 1, (firsts[other] or 0) + first
    end
  end
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
    local bytes = redis.call('APPEND', KEYS[1 + hour], table.concat(parts[hour]))
    redis.call('EXPIRE', KEYS[1 + hour], ARGV[1])
    redis.call('HSET', KEYS[1], ARGV[4 + hour], bytes)
    redis.call('EXPIRE', KEYS[1], ARGV[1])
  end
end
return table.concat(outcomes)
