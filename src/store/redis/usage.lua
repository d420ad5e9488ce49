-- Adds what keys were used for through a node, once, and notes that the node is there.
--
-- KEYS[1] reports of the day by key   KEYS[2] days of which there are such   KEYS[3] last day of use by key
-- KEYS[4] nodes: node to `MS NUMBER`, when it last told something and the number of its batch
-- ARGV[1] the node   ARGV[2] number of the batch   ARGV[3] the day   ARGV[4] for how many milliseconds a node counts as there
-- ARGV[5 ..] in turn: id of a key, and its reports
--
-- Returns how many nodes are there, then the reports of the day of each key.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local node, number, day, seen_ms = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])

local function last_of(note)
  local ms, batch = string.match(note or '', '^(%d+) (%d+)$')
  return tonumber(ms or 0), batch
end

local noted, batch = last_of(redis.call('HGET', KEYS[4], node))
local age = now - noted
-- An idle node writes a third as often as would do.
if #ARGV > 4 or age < 0 or seen_ms / 3 < age then
  redis.call('HSET', KEYS[4], node, string.format('%.0f %s', now, number))
end

local told = {0}
for n = 5, #ARGV, 2 do
  local key, reports = ARGV[n], ARGV[n + 1]
  if batch == number or reports == '0' then
    told[#told + 1] = tonumber(redis.call('HGET', KEYS[1], key) or '0')
  else
    redis.call('SADD', KEYS[2], day)
    told[#told + 1] = redis.call('HINCRBY', KEYS[1], key, reports)
  end
  if redis.call('HGET', KEYS[3], key) ~= day then
    redis.call('HSET', KEYS[3], key, day)
  end
end

local nodes = redis.call('HGETALL', KEYS[4])
for n = 1, #nodes, 2 do
  local silent = now - last_of(nodes[n + 1])
  if -seen_ms < silent and silent <= seen_ms then
    told[1] = told[1] + 1
  elseif silent <= -seen_ms or 3600000 < silent then
    -- Of a clock that was set back since, or gone for an hour.
    redis.call('HDEL', KEYS[4], nodes[n])
  end
end
return told
