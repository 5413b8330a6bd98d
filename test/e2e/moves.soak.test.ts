// Loss on all hosts of a real Swarm for minutes: no service is moved, and Swarm's own managers may think what they like.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startMoving, tied, type Moving } from "../lab/moving.ts";
import { needs } from "../lab/requirements.ts";
import { pause } from "../waiting.ts";

const minutes = 5;

describe("five minutes of loss on all hosts", { skip: needs("root", "engine", "redis") }, () => {
  let moving: Moving;

  before(async () => {
    moving = await startMoving();
    await moving.lab.createService("pinned", [...tied, "--replicas", "2"]);
    await moving.lab.createService("free", ["--replicas", "5"]);
    await moving.lab.untilRunning("pinned", 2);
    await moving.lab.untilRunning("free", 5);
  });

  after(() => moving.stop());

  for (const share of [0.1, 0.3]) {
    test(`at ${share * 100} % no host dies and nothing is moved`, async () => {
      const { lab, trio, told } = moving;
      const since = Date.now();
      for (const { name } of lab.hosts) await lab.lose(name, share, "in");
      await pause(minutes * 60_000);
      for (const { name } of lab.hosts) await lab.heal(name);
      const events = [...(await told("pinned", since)), ...(await told("free", since))];
      assert.deepEqual(
        events.map(({ text }) => text),
        [],
      );
      for (const { name } of lab.hosts) {
        const dead = (await trio.told(name, since)).filter(({ kind }) => kind === "host-dead");
        assert.deepEqual(dead, [], name);
      }
    });
  }
});
