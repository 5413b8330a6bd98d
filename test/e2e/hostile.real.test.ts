// Somebody on the network sends what nobody should act on, a little of everything and as fast as it goes: nothing changes, and each datagram is counted.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertBorne, counterOf } from "../lab/borne.ts";
import { HostileMesh, type Victim } from "../lab/hostile-mesh.ts";
import { needs } from "../lab/requirements.ts";
import { until } from "../waiting.ts";

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const perSecond = 100_000;

describe("hostile datagrams", { skip: needs("root", "engine", "redis") }, () => {
  let mesh: HostileMesh;

  before(async () => {
    console.log(`SEED=${seed}`);
    mesh = await HostileMesh.start(3);
  });

  after(async () => {
    await mesh.stop();
  });

  const stateNow = async (): Promise<string> => {
    const { trio } = mesh.mesh;
    const leader = await trio.leader();
    const workers = await trio.get<readonly { id: string; verdict: string }[]>("workers", leader);
    const verdicts = workers.map(({ id, verdict }) => `${id} ${verdict}`);
    return [`${leader} leads ${(await trio.status(leader)).term}`, ...verdicts].join("\n");
  };

  /** Counters are shown up to a second late. */
  const isCounted = async (
    victim: Victim,
    before: Readonly<Record<string, number>>,
    sent: Readonly<Record<string, number>>,
  ): Promise<void> => {
    const missing = async (): Promise<readonly string[]> => {
      const now = await victim.counters();
      return Object.entries(sent).flatMap(([kind, count]) => {
        const grown = (now[counterOf(kind)] ?? 0) - (before[counterOf(kind)] ?? 0);
        return grown === count ? [] : [`${kind}: ${grown} of ${count}`];
      });
    };
    const all = async (): Promise<boolean> => (await missing()).length === 0;
    await until("each to be counted", all, 3_000, 200).catch(() => undefined);
    assert.deepEqual(await missing(), [], victim.name);
  };

  test("of every kind come to nothing, and each is counted by its reason", async () => {
    const state = await stateNow();
    const victims = [mesh.coordinator("c1"), mesh.coordinator("c2"), await mesh.worker("w1")];
    for (const [at, victim] of victims.entries()) {
      const earlier = await victim.counters();
      const { sent } = await mesh.probe(victim, seed + at);
      assert.ok(Object.keys(sent).length >= 7, "every kind was sent");
      await isCounted(victim, earlier, sent);
    }
    assert.equal(await stateNow(), state);
  });

  test("that were meant for another are no reason for anything", async () => {
    const state = await stateNow();
    const at = Date.now();
    const [c1, c2] = [mesh.coordinator("c1"), mesh.coordinator("c2")];
    const w2 = await mesh.worker("w2");
    for (const [from, to] of [
      [c1, c2],
      [c2, c1],
      [c1, w2],
      [w2, c2],
      [w2, await mesh.worker("w3")],
    ] as const) {
      await mesh.misdirect(from, to);
    }
    const { verdicts, recoveries, elections } = await mesh.mesh.conclusions(1_000);
    assert.deepEqual([verdicts, recoveries, elections], [[], [], 0]);
    assert.equal(await stateNow(), state);
    const events = (await mesh.mesh.trio.events()).filter(({ atMs }) => atMs >= at);
    assert.deepEqual(events, []);
  });

  test("by the hundred thousand a second condemn nobody", async () => {
    const leader = mesh.coordinator(await mesh.mesh.trio.leader());
    const worker = await mesh.worker("w1");
    await assertBorne(mesh, leader, { of: "mixed", seconds: 3, perSecond, seed });
    await assertBorne(mesh, worker, { of: "mixed", seconds: 2, perSecond, seed });
    await assertBorne(mesh, worker, { of: "long", seconds: 1, perSecond, seed });
    await assertBorne(mesh, worker, { of: "text", seconds: 1, perSecond, seed });
  });
});
