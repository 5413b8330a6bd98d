// Containers of engines without a Swarm, whose host is cut off: each runs elsewhere, and once when the host is back.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { PlanView } from "../../proto/rest.ts";
import { lonely, startPlainHosts, type Found, type PlainHosts } from "../lab/plain-hosts.ts";
import { soakNeeds } from "../lab/requirements.ts";
import { pause, until } from "../waiting.ts";

const running = (found: readonly Found[]): readonly Found[] =>
  found.filter(({ state }) => state === "running");
const away = (found: readonly Found[]): readonly Found[] =>
  running(found).filter(({ host }) => host !== lonely);
const isOnceAway = (found: readonly Found[]): boolean =>
  found.length === 1 && away(found).length === 1;

describe("containers that may move", { skip: soakNeeds("root", "engine", "redis") }, () => {
  let hosts: PlainHosts;

  before(async () => {
    // Longer than what is not fenced takes to run elsewhere.
    hosts = await startPlainHosts({ FENCE_AFTER: "12" });
  });
  after(() => hosts.stop());

  /** By who leads since; each has a Redis of its own here, so that the next one does not know of this one's jobs. */
  const untilRecovered = async (name: string, since: number, leader: string): Promise<void> => {
    await until(
      `${name} is recovered`,
      async () => {
        const told = await hosts.told(lonely, name, since);
        const isTold = told.some(({ kind }) => kind === "recovered");
        return isTold || (await hosts.trio.leader()) !== leader || undefined;
      },
      60_000,
      200,
    );
  };

  test("are made again when their host is cut off, and run once when it is back", async (t) => {
    const { trio } = hosts;
    await hosts.engine(lonely).docker("network", "create", "front");
    const old = await hosts.runMovable(lonely, {
      name: "web",
      network: "front",
      options: ["--restart", "always", "--env", "COLOUR=blue"],
    });
    await hosts.runMovable(lonely, { name: "sole", labels: { "heartmesh.fence": "true" } });
    const data = await hosts.runMovable(lonely, { name: "data", options: ["-v", "store:/data"] });
    const leader = await trio.leader();
    const plan = await trio.get<PlanView>(leader, `hosts/${lonely}/plan`);
    assert.deepEqual(
      plan.services.map(({ id, action, targets }) => [id, action, targets.length]),
      [
        [`plain:${lonely}/sole`, "move", 3],
        [`plain:${lonely}/web`, "move", 3],
        [`plain:${lonely}/data`, "stay", 0],
      ],
    );

    const since = Date.now();
    await hosts.cut(lonely);
    const both = await hosts.untilFound("runs elsewhere", "web", (all) => away(all).length > 0);
    t.diagnostic(`cut → runs elsewhere ${Date.now() - since} ms`);
    assert.equal(running(both).length, 2, "the one that is cut off runs on");
    const [copy] = away(both);
    assert.ok(copy !== undefined);
    const env = await hosts
      .engine(copy.host)
      .docker("inspect", "-f", "{{json .Config.Env}} {{json .NetworkSettings.Networks}}", copy.id);
    assert.match(env.stdout, /COLOUR=blue.*"front"/);
    const left = await hosts.untilTold(lonely, "data", "left-alone", since);
    assert.match(left.text, /^stranded: its data is in volumes or paths of the host \(store\)/);
    const soles = await hosts.untilFound("runs elsewhere", "sole", (all) => away(all).length > 0);
    const ended = soles.find(({ host }) => host === lonely);
    const [begun] = away(soles);
    assert.ok(ended !== undefined && begun !== undefined);
    assert.equal(ended.state, "exited", "what is fenced runs twice");
    const gap =
      (await hosts.instantOf(begun, "StartedAt")) - (await hosts.instantOf(ended, "FinishedAt"));
    assert.ok(gap > 0, `what is fenced began ${-gap} ms before it ended`);
    await untilRecovered("web", since, leader);

    const healed = Date.now();
    await hosts.heal(lonely);
    for (const name of ["web", "sole"]) {
      const found = await hosts.untilFound("runs once", name, isOnceAway);
      assert.notEqual(found[0]?.id, old);
    }
    await untilRecovered("web", healed, leader);
    await pause(3_000);
    assert.deepEqual(
      (await hosts.find("web")).map(({ id }) => id),
      [copy.id],
    );
    assert.equal((await hosts.find("sole")).length, 1);
    const stayed = await hosts.find("data");
    assert.deepEqual(stayed, [{ host: lonely, id: data, state: "running" }]);
    assert.deepEqual(await hosts.told(lonely, "data", healed), []);
  });

  test("are made once, also where the leader is killed while they move", async () => {
    const { trio } = hosts;
    await hosts.runMovable(lonely, { name: "again" });
    const since = Date.now();
    await hosts.cut(lonely);
    await hosts.untilTold(lonely, "again", "recovery-enqueued", since);
    const leader = await trio.leader();
    await trio.kill(leader);
    await hosts.untilFound("runs elsewhere", "again", (all) => away(all).length > 0);
    trio.revive(leader);
    await hosts.heal(lonely);
    await hosts.untilFound("runs once", "again", isOnceAway);
    await pause(3_000);
    assert.ok(isOnceAway(await hosts.find("again")));
  });
});
