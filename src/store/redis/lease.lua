-- Takes the lease for a node or renews it, unless another node has it.
--
-- KEYS[1] the lease: node, token, for_ms, until_ms   ARGV[1] the node   ARGV[2] milliseconds
--
-- Returns the node's token and 0; or 0, and for how many milliseconds another node still has it.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local node, for_ms, until_ms = unpack(redis.call('HMGET', KEYS[1], 'node', 'for_ms', 'until_ms'))
if node ~= ARGV[1] then
  local rest = tonumber(until_ms or 0) - now
  -- One that lasts longer than it was ever taken for is of another clock: of before a failover, or before this one was set back.
  if 0 < rest and rest <= tonumber(for_ms) then
    return {0, rest}
  end
  redis.call('HINCRBY', KEYS[1], 'token', 1)
end
redis.call('HSET', KEYS[1], 'node', ARGV[1], 'for_ms', ARGV[2], 'until_ms', string.format('%.0f', now + ARGV[2]))
return {tonumber(redis.call('HGET', KEYS[1], 'token')), 0}
