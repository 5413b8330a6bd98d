// Tokens and action leases in a real Redis.

import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../../agent/io/clock.ts";
import { LeaseHold } from "../../../coordinator/jobs/lease-hold.ts";
import { TokenStore } from "../../../coordinator/jobs/token.ts";
import { after, term } from "../../../proto/units.ts";
import { inLab, labKeys } from "./runner-lab.ts";
import { pause } from "../../waiting.ts";

const token = (
  epoch: number,
  inTerm: number,
): { worker: string; epoch: number; term: ReturnType<typeof term> } => ({
  worker: "h1/web",
  epoch,
  term: term(inTerm),
});

async function withTokens(work: (tokens: TokenStore) => Promise<void>): Promise<void> {
  await inLab(async (lab) => {
    await work(new TokenStore(lab.producer, labKeys));
  });
}

test("tokens compare as (term, epoch): a higher term beats any epoch, and the same token is no rival", async () => {
  await withTokens(async (tokens) => {
    assert.equal((await tokens.raiseEpoch(token(5, 2))).kind, "newest");
    assert.equal((await tokens.raiseEpoch(token(5, 2))).kind, "newest");
    assert.equal((await tokens.raiseEpoch(token(4, 2))).kind, "fenced");
    assert.equal((await tokens.raiseEpoch(token(99, 1))).kind, "fenced");
    assert.equal((await tokens.checkToken(token(99, 1))).kind, "fenced");
    // Numbers, not texts: 10 is more than 9.
    assert.equal((await tokens.raiseEpoch(token(10, 2))).kind, "newest");
    assert.equal((await tokens.raiseEpoch(token(9, 2))).kind, "fenced");
    assert.equal((await tokens.raiseEpoch(token(1, 3))).kind, "newest");
    const fenced = await tokens.raiseEpoch(token(12, 2));
    assert.deepEqual(fenced, { kind: "fenced", newer: token(1, 3) });
  });
});

test("asking about a token changes nothing", async () => {
  await withTokens(async (tokens) => {
    await tokens.checkToken(token(7, 7));
    assert.equal((await tokens.raiseEpoch(token(1, 1))).kind, "newest");
  });
});

test("a lease is one owner's until it expires, and can be renewed by that owner alone", async () => {
  await withTokens(async (tokens) => {
    const take = async (owner: string): Promise<string> =>
      (await tokens.takeActionLease(token(1, 1), owner, 1, 400)).kind;
    assert.equal(await take("a"), "granted");
    await pause(250);
    assert.equal(await take("a"), "granted");
    await pause(250);
    const held = await tokens.takeActionLease(token(1, 1), "b", 1, 400);
    assert.ok(held.kind === "held" && held.by === "a", held.kind);
    assert.ok(held.remaining > 0 && held.remaining <= 150, String(held.remaining));
    await pause(held.remaining + 10);
    assert.equal(await take("b"), "granted");
    assert.equal(await take("a"), "held");
    await tokens.releaseActionLease("h1/web", "a");
    assert.equal(await take("a"), "held", "only its owner can give it back");
    await tokens.releaseActionLease("h1/web", "b");
    assert.equal(await take("a"), "granted");
  });
});

test("a newer token waits for an unexpired lease too, and then shuts the older one out", async () => {
  await withTokens(async (tokens) => {
    await tokens.takeActionLease(token(1, 1), "a", 1, 300);
    assert.equal((await tokens.takeActionLease(token(2, 1), "b", 1, 300)).kind, "held");
    await pause(320);
    assert.equal((await tokens.takeActionLease(token(2, 1), "b", 1, 300)).kind, "granted");
    assert.equal((await tokens.takeActionLease(token(1, 1), "a", 1, 300)).kind, "superseded");
  });
});

test("a successor in the same try learns that the lease was taken before; another try has not had it", async () => {
  await withTokens(async (tokens) => {
    const take = async (owner: string, epoch: number, tryNumber: number): Promise<unknown> => {
      const answer = await tokens.takeActionLease(token(epoch, 1), owner, tryNumber, 5_000);
      await tokens.releaseActionLease("h1/web", owner);
      return answer.kind === "granted" && answer.takenBefore;
    };
    assert.equal(await take("a", 1, 1), false);
    assert.equal(await take("b", 1, 1), true);
    assert.equal(await take("b", 1, 2), false);
    assert.equal(await take("b", 2, 1), false);
  });
});

test("a held lease is renewed while the action lasts, ends by our own clock when Redis is away, and at once when refused", async () => {
  await inLab(async (lab) => {
    const tokens = new TokenStore(lab.producer, labKeys);
    const hold = (owner: string): LeaseHold =>
      new LeaseHold({
        tokens,
        clock: systemClock,
        token: token(1, 1),
        owner,
        tryNumber: 1,
        ttl: 450,
      });
    const first = hold("a");
    assert.equal(first.isHeld(), false);
    await first.take();
    await pause(900);
    assert.equal(first.isHeld(), true, "renewed");
    const second = hold("b");
    assert.equal((await second.take()).kind, "held");
    await tokens.raiseEpoch(token(2, 1));
    await pause(200);
    assert.equal(first.isHeld(), false, "a newer token ends it at the next renewal");
    await first.release();
    const third = new LeaseHold({
      tokens,
      clock: systemClock,
      token: token(3, 1),
      owner: "c",
      tryNumber: 1,
      ttl: 450,
    });
    await pause(450);
    assert.equal((await third.take()).kind, "granted");
    assert.equal(third.isHeld(), true);
    await lab.redis.kill();
    await pause(460);
    assert.equal(third.isHeld(), false, "unanswered renewals let it run out");
    await third.release();
  });
});

test("a lease ends for us when the machine slept, or the wall clock jumped forward", async () => {
  await inLab(async (lab) => {
    let wall = 1_000_000;
    const clock = { now: () => systemClock.now(), wall: () => wall };
    const tokens = new TokenStore(lab.producer, labKeys);
    const hold = new LeaseHold({ tokens, clock, token: token(1, 1), owner: "a", tryNumber: 1 });
    await hold.take();
    assert.equal(hold.isHeld(), true);
    wall += 60_000;
    assert.equal(hold.isHeld(), false);
    await hold.release();
  });
});

test("a lease that ran out while we were stopped is not taken again by a late renewal", async () => {
  await inLab(async (lab) => {
    let stopped = 0;
    const clock = {
      now: () => after(systemClock.now(), stopped),
      wall: () => Date.now() + stopped,
    };
    const tokens = new TokenStore(lab.producer, labKeys);
    const hold = new LeaseHold({
      tokens,
      clock,
      token: token(1, 1),
      owner: "a",
      tryNumber: 1,
      ttl: 300,
    });
    await hold.take();
    stopped = 10_000;
    await pause(250);
    assert.equal(hold.isHeld(), false);
    await hold.release();
  });
});
