// Services of a real Swarm that must never run twice: started elsewhere only when their host has ended them, or when a person says so.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { primary, secondary, startMoving, tied, type Moving } from "../lab/moving.ts";
import { soakAlone, soakNeeds } from "../lab/requirements.ts";
import { run } from "../coordinator/cli/running.ts";
import { pause, until } from "../waiting.ts";

describe("a fenced service", { skip: soakNeeds("root", "engine", "redis") }, () => {
  let moving: Moving;

  before(async () => {
    moving = await startMoving({ FAILBACK: "auto", FAILBACK_AFTER: "0" });
    const fenced = ["--container-label", "heartmesh.fence=true"];
    await moving.lab.createService("fenced", [...tied, ...fenced]);
    await moving.lab.createService("plain", tied);
    await moving.lab.untilRunning("fenced", 1);
    await moving.lab.untilRunning("plain", 1);
  });

  after(() => moving.stop());

  const untilGranted = (): Promise<unknown> =>
    until("the agent of the primary is granted", async () => {
      const { fence } = await moving.trio.host(primary, await moving.trio.leader());
      return (fence?.able === true && fence.state === "held" && fence.granted) || undefined;
    });
  const untilBack = async (): Promise<void> => {
    await moving.lab.heal(primary);
    await moving.untilOn([primary], "fenced", 1, 90_000);
    await moving.untilOn([secondary], "fenced", 0);
  };
  /** When the one ended and the other began, by the engines' own records, wall-clock ms. */
  const instantOf = async (host: string, id: string, field: string): Promise<number> => {
    const words = ["inspect", "--format", `{{.State.${field}}}`, id];
    return Date.parse((await moving.lab.host(host).engine.docker(...words)).stdout.trim());
  };

  test("starts elsewhere after it has ended where it ran; one that is not fenced sooner", async (t) => {
    const { lab } = moving;
    await untilGranted();
    const [old] = await lab.containers(primary, "fenced");
    assert.ok(old !== undefined);
    const begun = performance.now();
    await lab.cut(primary, "out");
    const plain = moving.untilOn([secondary], "plain", 1).then(() => performance.now() - begun);
    await moving.untilOn([secondary], "fenced", 1);
    const took = performance.now() - begun;
    const [next] = await lab.containers(secondary, "fenced");
    assert.ok(next !== undefined);
    const ended = await instantOf(primary, old.id, "FinishedAt");
    const started = await instantOf(secondary, next.id, "StartedAt");
    assert.ok(ended < started, `it ended ${ended - started} ms after the other began`);
    assert.ok((await plain) < took);
    t.diagnostic(`not fenced ${Math.round(await plain)}, fenced ${Math.round(took)} ms`);
    await untilBack();
    await moving.untilOn([primary], "plain", 1, 90_000);
  });

  test(
    "is a person's to move where its host had no live agent when it vanished",
    { skip: soakAlone },
    async () => {
      const { lab, trio } = moving;
      await untilGranted();
      await trio.killAgent(primary);
      await until("its agent is missed", async () => {
        const { verdict } = await trio.host(primary, await trio.leader());
        return verdict?.kind === "agent-lost" || undefined;
      });
      const since = Date.now();
      await lab.cut(primary);
      const left = await moving.untilTold("fenced", "left-alone", since);
      assert.match(
        left.text,
        /^stranded: it is fenced, and .*; heartmesh migrate fenced moves it once/,
      );
      await moving.untilOn([secondary], "plain", 1);
      await pause(8_000);
      assert.equal(await moving.count("fenced", [secondary]), 0);
      // The person has seen to it that nothing runs there any more.
      await lab.powerOff(primary);
      const leading = { HEARTMESH_URL: trio.url(await trio.leader()) };
      const asked = await run(["migrate", "fenced", "--wait"], leading);
      assert.equal(asked.code, 0, asked.err);
      assert.match(asked.out, /^fenced may move/);
      await moving.untilOn([secondary], "fenced", 1);
    },
  );
});
