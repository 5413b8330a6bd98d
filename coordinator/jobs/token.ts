// Who may act on a worker: its newest token, and the action lease. Atomic, because each question is one script in Redis.

import type { Redis } from "ioredis";
import type { Token } from "../core/job.ts";
import type { Duration, WorkerId } from "../../proto/units.ts";
import { term } from "../../proto/units.ts";
import type { Keys } from "./keys.ts";

/**
 * How long a runner may act without renewing. A successor acts only after it, and so does the leader when Redis is away.
 * Renewed every third of it while an action runs.
 */
export const actionLease: Duration = 3_000;
/** A worker's token is forgotten this long after its last use: longer than any term's job lives. */
const tokenKept: Duration = 30 * 24 * 3_600_000;

export type LeaseAnswer =
  /** `takenBefore`: this very try has had the lease already, so its action may have been performed by a predecessor. */
  | { readonly kind: "granted"; readonly takenBefore: boolean }
  | { readonly kind: "superseded"; readonly newer: Token }
  | { readonly kind: "held"; readonly by: string; readonly remaining: Duration };

/** `fenced`: a newer token is stored; whoever asked is of the past. */
export type TokenAnswer =
  { readonly kind: "newest" } | { readonly kind: "fenced"; readonly newer: Token };

// KEYS: token hash [, lease]. ARGV: term, epoch, ttl of the token …
// Compares as (term, epoch); answers {1, term, epoch} where a newer one is stored, and stores ours otherwise.
const compareAndStore = `
local stored = redis.call('HMGET', KEYS[1], 'term', 'epoch')
local term, epoch = tonumber(stored[1]), tonumber(stored[2])
local ourTerm, ourEpoch = tonumber(ARGV[1]), tonumber(ARGV[2])
if term and (term > ourTerm or (term == ourTerm and epoch > ourEpoch)) then
  return {1, term, epoch}
end
`;

const raiseScript = `${compareAndStore}
redis.call('HSET', KEYS[1], 'term', ARGV[1], 'epoch', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {0}`;

// … ARGV: owner, ttl of the lease, the try's mark. The lease's value is the owner's name.
const takeScript = `${compareAndStore}
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[4] then
  return {2, holder, redis.call('PTTL', KEYS[2])}
end
local mark = redis.call('HGET', KEYS[1], 'acting')
redis.call('HSET', KEYS[1], 'term', ARGV[1], 'epoch', ARGV[2], 'acting', ARGV[6])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[5])
if mark == ARGV[6] then return {0, 1} end
return {0, 0}`;

const checkScript = `${compareAndStore}
return {0}`;

const releaseScript = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`;

/** Every call rejects when Redis does not answer in time; who cannot ask may not act. */
export class TokenStore {
  readonly #redis: Redis;
  readonly #keys: Keys;

  /** @param redis a producer's connection: it must not wait for a Redis that is away */
  constructor(redis: Redis, keys: Keys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  /** Stores the token unless a newer one is there: a leader of an older term is fenced here. The same token again is fine. */
  async raiseEpoch(token: Token): Promise<TokenAnswer> {
    const answer = await this.#eval(raiseScript, [this.#keys.token(token.worker)], token, []);
    return answer[0] === 1
      ? { kind: "fenced", newer: newerToken(token.worker, answer) }
      : { kind: "newest" };
  }

  /** Takes the lease, or renews the same owner's; a newer token than the stored one is stored. */
  async takeActionLease(
    token: Token,
    owner: string,
    tryNumber: number,
    ttl: Duration = actionLease,
  ): Promise<LeaseAnswer> {
    const { worker } = token;
    const mark = `${token.term}.${token.epoch}.${tryNumber}`;
    const keys = [this.#keys.token(worker), this.#keys.lease(worker)];
    const answer = await this.#eval(takeScript, keys, token, [owner, ttl, mark]);
    if (answer[0] === 1) return { kind: "superseded", newer: newerToken(worker, answer) };
    if (answer[0] === 2) {
      return { kind: "held", by: String(answer[1]), remaining: Math.max(0, Number(answer[2])) };
    }
    return { kind: "granted", takenBefore: answer[1] === 1 };
  }

  /** Whether no newer token is stored. Changes nothing. */
  async checkToken(token: Token): Promise<TokenAnswer> {
    const answer = await this.#eval(checkScript, [this.#keys.token(token.worker)], token, []);
    return answer[0] === 1
      ? { kind: "fenced", newer: newerToken(token.worker, answer) }
      : { kind: "newest" };
  }

  /** Gives the lease back, if it is still this owner's. */
  async releaseActionLease(worker: WorkerId, owner: string): Promise<void> {
    await this.#redis.eval(releaseScript, 1, this.#keys.lease(worker), owner);
  }

  async #eval(
    script: string,
    keys: readonly string[],
    token: Token,
    more: readonly (string | number)[],
  ): Promise<readonly unknown[]> {
    const answer: unknown = await this.#redis.eval(
      script,
      keys.length,
      ...keys,
      token.term,
      token.epoch,
      tokenKept,
      ...more,
    );
    return answer as readonly unknown[];
  }
}

const newerToken = (worker: WorkerId, answer: readonly unknown[]): Token => ({
  worker,
  term: term(Number(answer[1])),
  epoch: Number(answer[2]),
});
