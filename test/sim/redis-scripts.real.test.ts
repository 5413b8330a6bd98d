// The simulated Redis answers the product's scripts as a real one does: the same questions, drawn by chance, to both.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Redis } from "ioredis";
import { saveRecoveryScript, saveWorkerScript } from "../../coordinator/io/record-scripts.ts";
import { RedisConnections } from "../../coordinator/io/redis.ts";
import { keysOf } from "../../coordinator/jobs/keys.ts";
import { TokenStore } from "../../coordinator/jobs/token.ts";
import { Random } from "../../proto/random.ts";
import { term } from "../../proto/units.ts";
import { startRedis } from "../lab/redis.ts";
import { emptyData } from "./redis-server.ts";
import { scriptOf } from "./redis-scripts.ts";

const rounds = 600;
const keys = keysOf("alike");
type Values = readonly (string | number)[];

/** As much of a client as scripts need. */
function simulated(): Redis {
  const data = emptyData();
  return {
    eval: (script: string, count: number, ...rest: Values) =>
      Promise.resolve(
        scriptOf(script)(data, rest.slice(0, count).map(String), rest.slice(count), 0),
      ),
    hgetall: (key: string) => Promise.resolve(Object.fromEntries(data.hashes.get(key) ?? [])),
  } as unknown as Redis;
}

async function onBoth(work: (redis: Redis) => Promise<unknown>): Promise<void> {
  const lab = await startRedis();
  const connections = new RedisConnections({
    address: lab.address,
    owner: "alike",
    onError: () => undefined,
  });
  try {
    const real = await work(connections.open("runner"));
    assert.deepEqual(await work(simulated()), real);
  } finally {
    connections.stop();
    await lab.stop();
  }
}

test("tokens and action leases", async () => {
  await onBoth(async (redis) => {
    const random = new Random(1);
    const tokens = new TokenStore(redis, keys);
    const answers: unknown[] = [];
    for (let round = 0; round < rounds; round++) {
      const worker = `h1/w${random.below(3)}`;
      const token = {
        worker,
        term: term(1 + Math.floor(round / 60) + random.below(3)),
        epoch: 1 + random.below(4),
      };
      const owner = `c${random.below(3)}`;
      switch (random.below(4)) {
        case 0:
          answers.push(await tokens.raiseEpoch(token));
          break;
        case 1:
          answers.push(await tokens.checkToken(token));
          break;
        case 2:
          await tokens.releaseActionLease(worker, owner);
          break;
        default: {
          const answer = await tokens.takeActionLease(token, owner, random.below(3), 600_000);
          // What is left of a lease differs by the time that the real one took.
          answers.push(answer.kind === "held" ? { ...answer, remaining: 0 } : answer);
        }
      }
    }
    assert.ok(new Set(answers.map((one) => JSON.stringify(one))).size > 20, "all alike");
    return answers;
  });
});

test("records of recoveries and workers", async () => {
  await onBoth(async (redis) => {
    const random = new Random(2);
    const answers: unknown[] = [];
    for (let round = 0; round < rounds; round++) {
      const name = `r${random.below(5)}`;
      const replaced = ["", "v1", "v2", "v3"][random.below(4)] ?? "";
      const recovery = JSON.stringify({ id: name, version: `v${random.below(4)}`, round });
      const times = [keys.record("recoveries"), keys.record("times")];
      answers.push(
        await redis.eval(
          saveRecoveryScript,
          2,
          ...times,
          name,
          replaced,
          recovery,
          round,
          1_000,
          0,
        ),
      );
      const record = { term: random.below(3), epoch: random.below(3) };
      const saved = JSON.stringify({ record, savedAt: random.below(5) });
      answers.push(await redis.eval(saveWorkerScript, 1, keys.record("workers"), name, saved));
    }
    const left = [keys.record("recoveries"), keys.record("workers")];
    return [...answers, ...(await Promise.all(left.map((key) => redis.hgetall(key))))];
  });
});
