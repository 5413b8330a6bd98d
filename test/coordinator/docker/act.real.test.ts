// Each action on a real engine, in both arrangements of worker and agent; the agents are stand-ins that carry the label.

import assert from "node:assert/strict";
import { mkdir, readlink, rm } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { crash, pidOf, runContainer } from "../../lab/containers.ts";
import { startEngine, type LabEngine } from "../../lab/engine.ts";
import { ensureImages } from "../../lab/images.ts";
import { needs } from "../../lab/requirements.ts";
import type { ActionKind } from "../../../coordinator/core/decision.ts";
import { always, clientOf, jobOf, targetOf, Watched } from "./watched.ts";
import { pause, until } from "../../waiting.ts";

const skip = needs("root", "engine");
const agentLabels = { "heartmesh.agent": "true" };
const workerLabels = { role: "node" };
const alive = ["kill-start", "agent-then-worker", "restart", "revive-agent"] as const;

describe("the actor on a real engine", { skip }, () => {
  let engine: LabEngine;
  let world: Watched;
  let count = 0;

  before(async () => {
    engine = await startEngine({ name: "h1" });
    await ensureImages(engine, ["worker"]);
    world = new Watched(clientOf(engine.host), path.join(engine.dir, "state"));
    world.watcher.start();
    await world.heard("engine-snapshot");
  });
  after(async () => {
    await world.watcher.stop();
    await engine.stop();
  });

  const exited = (name: string): Promise<boolean> =>
    until(
      `${name} has exited`,
      async () => (await world.view(name)).state === "exited" || undefined,
    );

  /** Worker, agent and one more in one namespace: A, the agent joins the worker; B, the worker joins the agent. */
  const arrange = async (
    kind: "A" | "B",
  ): Promise<{ worker: string; agent: string; third: string }> => {
    count++;
    const names = { worker: `w${count}`, agent: `a${count}`, third: `t${count}` };
    const owner = kind === "A" ? names.worker : names.agent;
    const network = `container:${owner}`;
    const wish = {
      worker: { name: names.worker, labels: workerLabels },
      agent: { name: names.agent, labels: agentLabels },
    };
    if (kind === "A") {
      await runContainer(engine, wish.worker);
      await runContainer(engine, { ...wish.agent, network });
    } else {
      await runContainer(engine, wish.agent);
      await runContainer(engine, { ...wish.worker, network });
    }
    await runContainer(engine, { name: names.third, network });
    return names;
  };

  const sharesNetwork = async (a: string, b: string): Promise<boolean> => {
    const links = await Promise.all(
      [a, b].map(async (name) => readlink(`/proc/${String(await pidOf(engine, name))}/ns/net`)),
    );
    return links[0] === links[1];
  };

  for (const kind of ["A", "B"] as const) {
    test(`start: a crashed worker runs again, and its namespace is one again (${kind})`, async () => {
      const { worker, agent, third } = await arrange(kind);
      const job = await world.job("start", worker, { agent, dependants: [third] });
      const agentBefore = (await world.view(agent)).startedAt;
      await crash(engine, worker);
      await exited(worker);
      const result = await world.actor.perform(job, always);
      assert.equal(result.kind, "acted");
      const now = await world.view(worker);
      assert.equal(now.state, "running");
      assert.deepEqual(result, { kind: "acted", containerId: now.id, startedAt: now.startedAt });
      assert.notEqual(now.startedAt, job.target.startedAt);
      assert.ok(await sharesNetwork(worker, agent));
      assert.ok(await sharesNetwork(worker, third));
      // In B nothing but the worker is touched.
      assert.equal((await world.view(agent)).startedAt === agentBefore, kind === "B");
    });

    test(`kill-start: a hung worker is killed and started (${kind})`, async () => {
      const { worker, agent, third } = await arrange(kind);
      const job = await world.job("kill-start", worker, { agent, dependants: [third] });
      process.kill(await pidOf(engine, worker), "SIGSTOP");
      const result = await world.actor.perform(job, always);
      assert.equal(result.kind, "acted");
      const now = await world.view(worker);
      assert.notEqual(now.startedAt, job.target.startedAt);
      assert.ok(await sharesNetwork(worker, agent));
      assert.ok(await sharesNetwork(worker, third));
    });

    test(`restart: an unhealthy worker gets its SIGTERM and is started (${kind})`, async () => {
      const { worker, agent, third } = await arrange(kind);
      const job = await world.job("restart", worker, { agent, dependants: [third] });
      const result = await world.actor.perform(job, always);
      assert.equal(result.kind, "acted");
      assert.notEqual((await world.view(worker)).startedAt, job.target.startedAt);
      assert.ok(await sharesNetwork(worker, agent));
      assert.ok(await sharesNetwork(worker, third));
      const signals = world.events(worker).filter((event) => event.action === "kill");
      assert.equal(signals[0]?.signal, 15);
    });

    test(`revive-agent: only the agent, and who lives in its namespace (${kind})`, async () => {
      const { worker, agent, third } = await arrange(kind);
      const job = await world.job("revive-agent", worker, { agent, dependants: [third] });
      await crash(engine, agent);
      await exited(agent);
      const result = await world.actor.perform(job, always);
      assert.equal(result.kind, "acted");
      assert.notEqual((await world.view(agent)).startedAt, job.agent!.startedAt);
      const touched = (await world.view(worker)).startedAt !== job.target.startedAt;
      assert.equal(touched, kind === "B");
      assert.ok(await sharesNetwork(worker, agent));
      assert.ok(await sharesNetwork(worker, third));
    });

    test(`agent-then-worker: the agent has its turn once, then the worker is killed (${kind})`, async () => {
      const { worker, agent, third } = await arrange(kind);
      const job = await world.job("agent-then-worker", worker, { agent, dependants: [third] });
      const first = await world.actor.perform(job, always);
      assert.equal(first.kind, "acted");
      const between = await world.view(worker);
      assert.equal(between.startedAt === job.target.startedAt, kind === "A");
      const second = await world.actor.perform({ ...job, target: targetOf(between) }, always);
      assert.equal(second.kind, "acted");
      assert.notEqual((await world.view(worker)).startedAt, between.startedAt);
      assert.ok(await sharesNetwork(worker, agent));
    });
  }

  test("restart-dependants: who holds the namespace of the last run follows, and nobody else", async () => {
    const { worker, agent, third } = await arrange("A");
    await engine.docker("restart", "-t", "0", worker);
    assert.ok(!(await sharesNetwork(worker, agent)));
    const job = await world.job("restart-dependants", worker, { agent, dependants: [third] });
    const result = await world.actor.perform(job, always);
    assert.deepEqual(result, {
      kind: "acted",
      containerId: job.target.containerId,
      startedAt: job.target.startedAt,
    });
    assert.ok(await sharesNetwork(worker, agent));
    assert.ok(await sharesNetwork(worker, third));
    const again = await world.actor.perform(job, always);
    assert.equal(again.kind, "superseded");
  });

  test("a worker that the engine is to restart later is started now, once, and nobody takes it for a person's kill", async () => {
    await runContainer(engine, {
      name: "waiting",
      labels: workerLabels,
      // Its first runs end at once, so that the engine waits longer and longer.
      options: ["--restart", "always"],
      command: ["sh", "-c", "test -e /stay && exec sleep 3600; exit 3"],
    });
    const waiting = await until(
      "the engine to wait",
      async () => {
        const view = await world.view("waiting");
        return view.state === "restarting" && view.restartCount >= 6 ? view : undefined;
      },
      20_000,
    );
    const starts = (): number =>
      world.events("waiting").filter((event) => event.action === "start").length;
    const before = starts();
    await engine.docker("cp", "/dev/null", "waiting:/stay");
    const result = await world.actor.perform(await world.job("start", "waiting"), always);
    assert.equal(result.kind, "acted");
    const now = await world.view("waiting");
    assert.equal(now.state, "running");
    assert.notEqual(now.startedAt, waiting.startedAt);
    // Longer than the engine's wait was.
    await pause(4_000);
    assert.equal((await world.view("waiting")).startedAt, now.startedAt);
    assert.equal(starts(), before + 1);
    assert.deepEqual(
      world.events("waiting").filter((event) => event.action === "kill"),
      [],
    );
  });

  test("a worker in the namespace of an agent that the engine is to restart later is started after it", async () => {
    await runContainer(engine, {
      name: "late",
      labels: agentLabels,
      options: ["--restart", "always"],
    });
    await runContainer(engine, {
      name: "guest-of-late",
      labels: workerLabels,
      network: "container:late",
    });
    const job = await world.job("start", "guest-of-late", { agent: "late" });
    await crash(engine, "guest-of-late");
    await exited("guest-of-late");
    // The engine restarts it sooner than 3 s five times, and then no more for so long.
    for (let restarts = 0; restarts <= 5; restarts++) {
      await until(
        `the agent's restart ${restarts}`,
        async () => {
          const view = await world.view("late");
          return (view.state === "running" && view.restartCount === restarts) || undefined;
        },
        10_000,
      );
      await crash(engine, "late");
    }
    await until(
      "the engine to wait",
      async () => (await world.view("late")).state === "restarting" || undefined,
    );
    const result = await world.actor.perform(job, always);
    assert.equal(result.kind, "acted");
    assert.equal((await world.view("late")).restartCount, 0);
    assert.ok(await sharesNetwork("guest-of-late", "late"));
  });

  test("a worker in the namespace of a dead agent is started after the agent", async () => {
    const { worker, agent, third } = await arrange("B");
    const job = await world.job("start", worker, { agent, dependants: [third] });
    await crash(engine, worker);
    await crash(engine, agent);
    await exited(worker);
    await exited(agent);
    const result = await world.actor.perform(job, always);
    assert.equal(result.kind, "acted");
    assert.ok(await sharesNetwork(worker, agent));
    assert.ok(await sharesNetwork(worker, third));
  });

  test("an agent in the worker's process namespace dies with it and is started with it", async () => {
    await runContainer(engine, { name: "wp", labels: workerLabels });
    await runContainer(engine, {
      name: "ap",
      labels: agentLabels,
      network: "container:wp",
      options: ["--pid", "container:wp"],
    });
    const job = await world.job("start", "wp", { agent: "ap" });
    await crash(engine, "wp");
    await exited("wp");
    await exited("ap");
    assert.equal((await world.actor.perform(job, always)).kind, "acted");
    assert.equal((await world.view("ap")).state, "running");
    assert.ok(await sharesNetwork("wp", "ap"));
  });

  test("a paused container is left alone, and so is one that was started again or runs already", async () => {
    const { worker } = await arrange("A");
    const running = await world.job("start", worker);
    const kill = await world.job("kill-start", worker);
    const already = await world.actor.perform(running, always);
    assert.equal(already.kind, "superseded");
    await engine.docker("pause", worker);
    for (const action of ["kill-start", "restart", "start"] as const) {
      const result = await world.actor.perform({ ...kill, action }, always);
      assert.equal(result.kind, "superseded");
      assert.match((result as { reason: string }).reason, /paused/);
    }
    assert.equal((await world.view(worker)).state, "paused");
    await engine.docker("unpause", worker);
    await engine.docker("restart", "-t", "0", worker);
    const anew = await world.actor.perform(kill, always);
    assert.equal(anew.kind, "superseded");
    const now = await world.view(worker);
    assert.deepEqual((anew as { found?: unknown }).found, {
      containerId: now.id,
      startedAt: now.startedAt,
      running: true,
    });
  });

  test("a stranger's container is refused by assertion, whatever the job says", async () => {
    await runContainer(engine, { name: "stranger" });
    const before = await world.view("stranger");
    for (const action of ["kill-start", "restart"] as const) {
      const job = await world.job(action, "stranger");
      await assert.rejects(world.actor.perform(job, always), { code: "ERR_ASSERTION" });
    }
    const { worker } = await arrange("A");
    const job = await world.job("revive-agent", worker, { agent: "stranger" });
    await assert.rejects(world.actor.perform(job, always), { code: "ERR_ASSERTION" });
    assert.equal((await world.view("stranger")).startedAt, before.startedAt);
  });

  test("a container that is gone is superseded; an id that never was too", async () => {
    const { worker } = await arrange("B");
    const job = await world.job("start", worker);
    await engine.docker("rm", "-f", worker);
    const result = await world.actor.perform(job, always);
    assert.deepEqual(result, { kind: "superseded", reason: `${worker} is gone` });
    const host = (await world.view("stranger")).host;
    const never = { host, containerId: "0".repeat(64), name: "never", startedAt: "" };
    assert.equal((await world.actor.perform(jobOf("start", never), always)).kind, "superseded");
  });

  test("without the right to act nothing is changed; with it lost half-way a second try goes on", async () => {
    const { worker, agent, third } = await arrange("A");
    const job = await world.job("kill-start", worker, { agent, dependants: [third] });
    assert.equal((await world.actor.perform(job, () => false)).kind, "lease-lost");
    assert.equal((await world.view(worker)).startedAt, job.target.startedAt);
    let asked = 0;
    const once = await world.actor.perform(job, () => ++asked === 1);
    assert.equal(once.kind, "lease-lost");
    assert.equal((await world.view(worker)).state, "exited");
    assert.equal((await world.actor.perform(job, always)).kind, "acted");
    assert.equal((await world.view(worker)).state, "running");
    assert.ok(await sharesNetwork(worker, agent));
  });

  test("a worker whose namespace was removed is a failure in words", async () => {
    await runContainer(engine, { name: "owner" });
    await runContainer(engine, { name: "guest", labels: workerLabels, network: "container:owner" });
    const job = await world.job("start", "guest");
    await crash(engine, "guest");
    await exited("guest");
    await engine.docker("rm", "-f", "owner");
    const result = await world.actor.perform(job, always);
    assert.equal(result.kind, "failed");
    assert.match((result as { reason: string }).reason, /guest joins the network namespace/);
  });

  test("the engine's own words are the reason of a failure", async () => {
    const folder = path.join(engine.dir, "source");
    await mkdir(folder);
    await runContainer(engine, {
      name: "broken",
      labels: workerLabels,
      options: ["--mount", `type=bind,source=${folder},target=/mnt`],
    });
    const job = await world.job("start", "broken");
    await crash(engine, "broken");
    await exited("broken");
    await rm(folder, { recursive: true });
    const result = await world.actor.perform(job, always);
    assert.equal(result.kind, "failed");
    assert.match((result as { reason: string }).reason, /h1: start: HTTP (400|500): .*source/);
  });

  test("a Swarm's task is killed, and never started, restarted or followed by hand", async () => {
    const labels = { ...workerLabels, "com.docker.swarm.task.id": "t1" };
    for (const [name, own] of Object.entries({ task: {}, "task-agent": agentLabels }))
      await runContainer(engine, { name, labels: { ...labels, ...own } });
    const seen = () => Promise.all([world.view("task"), world.view("task-agent")]);
    const untouched = async (action: ActionKind): Promise<void> => {
      const as = await seen();
      const job = await world.job(action, "task", { agent: "task-agent" });
      assert.equal((await world.actor.perform(job, always)).kind, "superseded", action);
      assert.deepEqual(await seen(), as, action);
    };
    for (const action of alive) await untouched(action);
    const done = await world.actor.perform(await world.job("kill", "task"), always);
    assert.ok(done.kind === "acted" && done.startedAt === "");
    const { state, exitCode } = await world.view("task");
    assert.deepEqual([state, exitCode], ["exited", 137]);
    for (const action of ["start", "kill"] as const) await untouched(action);
  });

  test("what we kill is marked as ours, and what a person kills is not", async () => {
    const { worker } = await arrange("A");
    const job = await world.job("kill-start", worker);
    await world.actor.perform(job, always);
    const ours = await until("our die", () =>
      world.events(worker).find((event) => event.action === "die"),
    );
    assert.equal(ours.ours, true);
    await runContainer(engine, { name: "persons", labels: workerLabels });
    await engine.docker("kill", "persons");
    const theirs = await until("their die", () =>
      world.events("persons").find((event) => event.action === "die"),
    );
    assert.equal(theirs.ours, false);
  });

  test("a frozen engine is unavailable, not a failure", async () => {
    const { worker } = await arrange("A");
    const job = await world.job("kill-start", worker);
    engine.pause();
    try {
      const result = await world.actor.perform(job, always);
      assert.equal(result.kind, "engine-unavailable");
    } finally {
      engine.resume();
    }
  });
});
