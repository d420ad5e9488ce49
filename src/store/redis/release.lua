-- Gives the lease back, unless another node has it. The next holder's token is the next one.
--
-- KEYS[1] the lease   ARGV[1] the node   ARGV[2] its token
local node, token = unpack(redis.call('HMGET', KEYS[1], 'node', 'token'))
if node == ARGV[1] and token == ARGV[2] then
  redis.call('HDEL', KEYS[1], 'node', 'for_ms', 'until_ms')
end
return 1
