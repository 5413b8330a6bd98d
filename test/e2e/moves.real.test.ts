// Services of a real Swarm leave a host that is cut off, and come back: nothing healthy is touched, what a person gave them is restored.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { imageNames } from "../lab/images.ts";
import { startMoving, primary, secondary, tied, type Moving } from "../lab/moving.ts";
import { needs } from "../lab/requirements.ts";
import { until } from "../waiting.ts";
import { run } from "../coordinator/cli/running.ts";

const others = ["h1", "h2", "h3", secondary];

describe("services of a Swarm", { skip: needs("root", "engine", "redis") }, () => {
  let moving: Moving;

  before(async () => {
    // No leader dies here: so none is followed because the machine is busy.
    moving = await startMoving({ HEARTBEAT_INTERVAL: "0.5", LEADER_TIMEOUT: "5" });
    const { lab } = moving;
    await lab.createService("free", ["--replicas", "5"]);
    const settled = ["--update-parallelism", "1", "--update-delay", "1s", "--label", "team=a"];
    await lab.createService("tied", [...tied, ...settled, "--replicas", "2"]);
    await lab.createService("named", ["--constraint", `node.hostname==${primary}`]);
    const listed = ["--label", "heartmesh.migrate.to=type=nowhere,secondary"];
    await lab.createService("listed", [...tied, ...listed]);
    const check = [
      ...["--health-cmd", "test -e /tmp/well", "--health-interval", "500ms"],
      ...["--health-retries", "30"],
    ];
    const slow = ["sh", "-c", "sleep 2; touch /tmp/well; exec sleep 86400"];
    await lab.createService("checked", [...tied, ...check], [imageNames.worker, ...slow]);
    const volume = ["--mount", "type=volume,source=data,target=/data"];
    await lab.createService("stored", [...tied, ...volume]);
    for (const [name, count] of Object.entries(counts)) await lab.untilRunning(name, count);
  });

  after(() => moving.stop());

  const counts = { free: 5, tied: 2, named: 1, listed: 1, checked: 1, stored: 1 };
  /** Since when the story of a test is told. */
  let since = 0;

  test("run elsewhere soon after their host is cut off; no other task is touched; what stays is told", async () => {
    const { lab, untilOn, untilTold, spec, told } = moving;
    const healthy = (await lab.runningTasks("free")).filter(
      ({ nodeId }) => nodeId !== lab.host(primary).nodeId,
    );
    assert.ok(healthy.length < 5, "one of them runs on the primary");
    const before = { free: await spec("free"), tied: await spec("tied") };
    since = Date.now();
    await lab.cut(primary);
    await untilOn(others, "free", 5);
    await untilOn([secondary], "tied", 2);
    await untilOn(others, "named", 1);
    await untilOn([secondary], "listed", 1);
    await untilOn([secondary], "checked", 1);
    for (const name of ["free", "tied", "named", "listed", "checked"]) {
      const end = await untilTold(name, "recovered", since);
      assert.equal(end.text, "all its replicas run, and stayed so");
    }
    const now = await lab.runningTasks("free");
    for (const { id } of healthy)
      assert.ok(
        now.some((task) => task.id === id),
        "untouched",
      );
    // A task with a health check runs once that has passed.
    const checked = await told("checked", since);
    const begun = checked.find(({ kind }) => kind === "recovery-enqueued");
    const verified = checked.find(({ kind }) => kind === "verified");
    assert.ok(begun !== undefined && verified !== undefined);
    assert.ok(verified.atMs - begun.atMs >= 2_000, "verified by its health check");
    const left = await untilTold("stored", "left-alone", since);
    assert.match(left.text, /^stranded: its data is in local volumes of the host \(data\)/);
    for (const name of ["free", "tied"] as const) {
      const { update, labels } = await spec(name);
      assert.deepEqual(update, before[name].update, `${name}: its own update settings`);
      const { "heartmesh.moved": journal = "", ...rest } = labels;
      assert.deepEqual(rest, before[name].labels);
      assert.match(journal, /^\{"v":1,/);
    }
    assert.deepEqual((await spec("tied")).constraints, ["node.labels.type==secondary"]);
    const recovery = (await moving.recoveries()).find(({ worker }) => worker === "swarm:tied");
    assert.deepEqual(
      [recovery?.action, recovery?.verdict, recovery?.outcome, recovery?.tries.length],
      ["move", "stranded", "recovered", 1],
    );
    console.log(
      (await told("tied", since)).map(({ atMs, kind }) => `${atMs - since} ${kind}`).join(", "),
    );
  });

  test("that need not move for it get their own placement back; the others wait for a person", async () => {
    const { lab, untilTold, spec } = moving;
    const tasks = (await lab.runningTasks("free")).map(({ id }) => id).sort();
    since = Date.now();
    await lab.heal(primary);
    await untilTold("free", "recovered", since, 40_000);
    const { constraints, labels } = await spec("free");
    assert.deepEqual([constraints, labels], [[], {}]);
    assert.deepEqual(
      (await lab.runningTasks("free")).map(({ id }) => id).sort(),
      tasks,
      "untouched",
    );
    const held = await untilTold("tied", "left-alone", since);
    assert.match(held.text, /away: h4 is back, and FAILBACK is manual: heartmesh failback h4/);
    assert.equal(await moving.count("tied", [secondary]), 2);
    assert.equal(await moving.count("tied", [primary]), 0, "its old containers have ended");
  });

  test("go back when a person says so, and nothing is remembered of the move", async () => {
    const { lab, trio, untilOn, spec } = moving;
    since = Date.now();
    // Without tokens each listens on its own loopback, and only the leader takes orders.
    const leading = { HEARTMESH_URL: trio.url(await trio.leader()) };
    const followed = await run(["failback", "tied", "--wait"], leading);
    assert.equal(followed.code, 0, followed.err);
    assert.match(followed.out, /^tied goes back/);
    assert.equal(await moving.count("tied", [primary]), 2);
    const asked = await run(["failback", primary], leading);
    assert.equal(asked.code, 0, asked.err);
    assert.match(asked.out, /named.* go back to h4/);
    await untilOn([secondary], "tied", 0);
    await untilOn([primary], "named", 1);
    await until("its own settings again", async () => {
      const { constraints, labels, update } = await spec("tied");
      const isOwn = update?.["Parallelism"] === 1 && labels["heartmesh.moved"] === undefined;
      assert.deepEqual(constraints, ["node.labels.type==primary"]);
      return isOwn && labels["team"] === "a" ? true : undefined;
    });
    const again = await run(["failback", "tied"], leading);
    assert.equal(again.code, 1);
    assert.match(again.err, /tied was not moved by heartmesh/);
    await lab.untilRunning("tied", 2);
  });

  test("keep what a person changes in the same moment", async () => {
    const { lab, untilOn, told, spec } = moving;
    const before = await spec("tied");
    since = Date.now();
    await lab.cut(primary);
    // From before the verdict on, until it is being moved and a while beyond; the last one was taken.
    let changes = 0;
    let beyond = 0;
    const change = async (): Promise<boolean> => {
      const words = ["--detach", "--env-add", `CHANGE=${changes + 1}`, "tied"];
      const isMade = await lab.docker("service", "update", "--quiet", ...words).then(
        () => true,
        () => false,
      );
      if (isMade) changes++;
      if (isMade && (await told("tied", since)).some(({ kind }) => kind === "acted")) beyond++;
      return isMade && beyond >= 4;
    };
    await until("it to be moved while a person changes it", change, 60_000, 300);
    await untilOn([secondary], "tied", 2, 60_000);
    // By whichever recovery: where the lead changes meanwhile, another may find that nothing is left to do.
    await until(
      "the move is over",
      async () => isDeepStrictEqual((await spec("tied")).update, before.update),
      60_000,
      100,
    );
    await untilOn([secondary], "tied", 2, 60_000);
    const { env, constraints, labels } = await spec("tied");
    assert.deepEqual([env, constraints], [[`CHANGE=${changes}`], ["node.labels.type==secondary"]]);
    assert.equal(labels["team"], "a");
  });

  test("stay where neither primary nor secondary lives, with the reason told, and those that may go elsewhere do", async () => {
    const { lab, untilOn, untilTold } = moving;
    since = Date.now();
    await lab.cut(secondary);
    await untilOn(["h1", "h2", "h3"], "free", 5);
    const left = await untilTold("tied", "left-alone", since);
    assert.match(left.text, /^stranded: no other host has a place for it/);
    await lab.heal(secondary);
    await untilOn([secondary], "tied", 2, 60_000);
  });
});
