// The log's writes, atomic in Redis. Each refuses whoever's term is older than the highest that ever wrote: the fencing token.

/** Answers with `{"stale", term}` where a newer leader has written. */
const fence = `
local newest = tonumber(redis.call('GET', KEYS[1]) or '0')
if newest > tonumber(ARGV[1]) then return {'stale', newest} end
`;

/**
 * KEYS: term, documents, last index, log, open, busy, idempotency key. ARGV: term, cluster, entry, fingerprint (empty: no key), `create` or
 * `change`, first document, most open, entries kept, how long a key is kept (ms), most clusters.
 * Answers with what became of it and a log index.
 */
export const appendScript = `${fence}
if ARGV[4] ~= '' then
  local known = redis.call('GET', KEYS[7])
  if known then
    local fingerprint, index = string.match(known, '^(%S+) (%d+)$')
    return {fingerprint == ARGV[4] and 'known' or 'differs', tonumber(index)}
  end
end
local exists = redis.call('HEXISTS', KEYS[2], ARGV[2]) == 1
if ARGV[5] == 'create' then
  if exists then return {'exists', 0} end
  if redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[10]) then return {'full', 0} end
elseif not exists then
  return {'missing', 0}
end
if redis.call('ZCARD', KEYS[5]) >= tonumber(ARGV[7]) then return {'full', 0} end
redis.call('SET', KEYS[1], ARGV[1])
local index = redis.call('INCR', KEYS[3])
if ARGV[5] == 'create' then
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[6])
  redis.call('PERSIST', KEYS[3])
  redis.call('PERSIST', KEYS[4])
end
redis.call('HSET', KEYS[4], index, ARGV[3])
redis.call('ZADD', KEYS[5], index, index)
redis.call('SADD', KEYS[6], ARGV[2])
local oldest = index - tonumber(ARGV[8])
if oldest > 0 and not redis.call('ZSCORE', KEYS[5], oldest) then redis.call('HDEL', KEYS[4], oldest) end
if ARGV[4] ~= '' then redis.call('SET', KEYS[7], ARGV[4] .. ' ' .. index, 'PX', ARGV[9]) end
return {'appended', index}`;

/**
 * KEYS: term, documents, last index, log, open, busy. ARGV: term, cluster, log index, the entry that it replaces, entry, `keep`, `set` or
 * `delete` of the document, document, whether the call has ended (1), how long the log of a cluster that is gone is kept (ms).
 * Answers with `{"changed", 0}` where the entry is another by now.
 */
export const advanceScript = `${fence}
if redis.call('HGET', KEYS[4], ARGV[3]) ~= ARGV[4] then return {'changed', 0} end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[4], ARGV[3], ARGV[5])
if ARGV[6] == 'set' then redis.call('HSET', KEYS[2], ARGV[2], ARGV[7]) end
if ARGV[6] == 'delete' then
  redis.call('HDEL', KEYS[2], ARGV[2])
  redis.call('PEXPIRE', KEYS[3], ARGV[9])
  redis.call('PEXPIRE', KEYS[4], ARGV[9])
end
if ARGV[8] == '1' then
  redis.call('ZREM', KEYS[5], ARGV[3])
  if redis.call('ZCARD', KEYS[5]) == 0 then redis.call('SREM', KEYS[6], ARGV[2]) end
end
return {'advanced', tonumber(ARGV[3])}`;

/** KEYS: documents, last index. ARGV: cluster, document, last index. Answers 0 where there is one of that name. */
export const restoreScript = `
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
if last < tonumber(ARGV[3]) then redis.call('SET', KEYS[2], ARGV[3]) end
redis.call('PERSIST', KEYS[2])
return 1`;
