// What the product's Lua scripts do, told again for the simulated Redis; a test on a real Redis holds the two together.

import { hashOf, sortedOf, stringOf, type RedisData } from "./redis-server.ts";

type Arguments = readonly (string | number)[];
type Script = (data: RedisData, keys: readonly string[], args: Arguments, now: number) => unknown;

const newerThan = (
  data: RedisData,
  key: string,
  [term, epoch]: Arguments,
): unknown[] | undefined => {
  const hash = data.hashes.get(key);
  const stored = hash?.get("term");
  if (hash === undefined || stored === undefined) return undefined;
  const storedTerm = Number(stored);
  const storedEpoch = Number(hash.get("epoch"));
  const isNewer =
    storedTerm > Number(term) || (storedTerm === Number(term) && storedEpoch > Number(epoch));
  return isNewer ? [1, storedTerm, storedEpoch] : undefined;
};

const raise: Script = (data, [token = ""], args) => {
  const newer = newerThan(data, token, args);
  if (newer !== undefined) return newer;
  const hash = hashOf(data, token);
  hash.set("term", String(args[0]));
  hash.set("epoch", String(args[1]));
  return [0];
};

const take: Script = (data, [token = "", lease = ""], args, now) => {
  const newer = newerThan(data, token, args);
  if (newer !== undefined) return newer;
  const [term, epoch, , owner = "", ttl = 0, mark] = args;
  const holder = stringOf(data, lease, now);
  if (holder !== undefined && holder.value !== String(owner)) {
    return [2, holder.value, Math.ceil(holder.expiresAt - now)];
  }
  const hash = hashOf(data, token);
  const before = hash.get("acting");
  hash.set("term", String(term));
  hash.set("epoch", String(epoch));
  hash.set("acting", String(mark));
  data.strings.set(lease, { value: String(owner), expiresAt: now + Number(ttl) });
  return [0, before === String(mark) ? 1 : 0];
};

const check: Script = (data, [token = ""], args) => newerThan(data, token, args) ?? [0];

const release: Script = (data, [lease = ""], [owner], now) => {
  if (stringOf(data, lease, now)?.value !== String(owner)) return 0;
  data.strings.delete(lease);
  return 1;
};

const saveRecovery: Script = (
  data,
  [records = "", times = ""],
  [id, replaced, text = "", time],
) => {
  const hash = hashOf(data, records);
  const stored = hash.get(String(id));
  if (stored !== undefined) {
    const { version = "" } = JSON.parse(stored) as { readonly version?: string };
    if (version !== String(replaced)) return stored;
  }
  hash.set(String(id), String(text));
  sortedOf(data, times).set(String(id), Number(time));
  return 0;
};

interface Saved {
  readonly record: { readonly term: number; readonly epoch: number };
  readonly savedAt: number;
}

const saveWorker: Script = (data, [workers = ""], [worker, text]) => {
  const hash = hashOf(data, workers);
  const stored = hash.get(String(worker));
  if (stored !== undefined) {
    const old = JSON.parse(stored) as Saved;
    const next = JSON.parse(String(text)) as Saved;
    const order =
      next.record.term - old.record.term ||
      next.record.epoch - old.record.epoch ||
      next.savedAt - old.savedAt;
    if (order < 0) return 0;
  }
  hash.set(String(worker), String(text));
  return 1;
};

/** By what only that script says. */
const marks: readonly (readonly [string, Script])[] = [
  ["'acting'", take],
  ["redis.call('DEL', KEYS[1])", release],
  ["'PEXPIRE'", raise],
  [".version", saveRecovery],
  ["savedAt", saveWorker],
  ["return {0}", check],
];

const bySource = new Map<string, Script>();

export function scriptOf(source: string): Script {
  const known = bySource.get(source);
  if (known !== undefined) return known;
  const found = marks.find(([mark]) => source.includes(mark))?.[1];
  if (found === undefined)
    throw new Error(`the simulated Redis does not know this script: ${source}`);
  bySource.set(source, found);
  return found;
}
