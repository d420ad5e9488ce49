-- Appends entries to a journal, all or none.
--
-- KEYS[1] the journal: number of an entry to its id (8 bytes) and itself   KEYS[2] its lease
-- ARGV[1], ARGV[2]   the node whose the lease must be and its token; empty where any node may
-- ARGV[3], ARGV[4]   how many entries there must be, and the id of the last
-- ARGV[5 ..]         the entries, each behind its id
--
-- Returns 1 (appended), 0 (there are others) or -1 (the token is not the newest).
local journal, expected, more = KEYS[1], tonumber(ARGV[3]), #ARGV - 4
local function id_of(number)
  return string.sub(redis.call('HGET', journal, number) or '', 1, 8)
end

if more > 0 and id_of(expected + more - 1) == string.sub(ARGV[#ARGV], 1, 8) then
  -- A try before this one did it. Written again, so that waiting for replicas speaks of it on this connection, too.
  redis.call('HSET', journal, expected + more - 1, ARGV[#ARGV])
  return 1
end
if ARGV[1] ~= '' then
  local node, token = unpack(redis.call('HMGET', KEYS[2], 'node', 'token'))
  if node ~= ARGV[1] or token ~= ARGV[2] then
    return -1
  end
end
if redis.call('HLEN', journal) ~= expected or (expected > 0 and id_of(expected - 1) ~= ARGV[4]) then
  return 0
end
for n = 1, more do
  redis.call('HSET', journal, expected + n - 1, ARGV[4 + n])
end
return 1
