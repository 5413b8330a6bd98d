// The record's comparisons, atomic in Redis.

/**
 * KEYS: records, times. ARGV: id, version that it replaces (empty: none), record with a version of its own, time, how many are kept, the
 * oldest time kept. Answers with the stored record where that has another version, and changes nothing then.
 */
export const saveRecoveryScript = `
local stored = redis.call('HGET', KEYS[1], ARGV[1])
if stored and (cjson.decode(stored).version or '') ~= ARGV[2] then return stored end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
local excess = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[5])
local old = {}
if excess > 0 then old = redis.call('ZRANGE', KEYS[2], 0, math.min(excess, 1000) - 1) end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[6], 'LIMIT', 0, 1000)) do
  table.insert(old, id)
end
for _, id in ipairs(old) do
  redis.call('HDEL', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
end
return 0`;

/** KEYS: workers. ARGV: worker, what is saved. Compared as (term, epoch, savedAt). */
export const saveWorkerScript = `
local stored = redis.call('HGET', KEYS[1], ARGV[1])
if stored then
  local old, new = cjson.decode(stored), cjson.decode(ARGV[2])
  local function older(a, b)
    if a.record.term ~= b.record.term then return a.record.term < b.record.term end
    if a.record.epoch ~= b.record.epoch then return a.record.epoch < b.record.epoch end
    return a.savedAt < b.savedAt
  end
  if older(new, old) then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1`;
