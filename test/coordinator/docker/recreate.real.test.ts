// A removed container is made again as it was, also when the work breaks off between any two steps.

import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import type { RecreationStep } from "../../../coordinator/docker/recreate.ts";
import type { RawInspection } from "../../../coordinator/docker/views.ts";
import { runContainer } from "../../lab/containers.ts";
import { startEngine, type LabEngine } from "../../lab/engine.ts";
import { ensureImages, imageNames } from "../../lab/images.ts";
import { needs } from "../../lab/requirements.ts";
import { always, clientOf, Watched } from "./watched.ts";
import { until } from "../../waiting.ts";

const skip = needs("root", "engine");
const labels = { role: "node", "heartmesh.recreate": "true", colour: "blue" };
const agentLabels = { "heartmesh.agent": "true" };

class Broken extends Error {}

describe("recreation on a real engine", { skip }, () => {
  let engine: LabEngine;
  let world: Watched;
  let dataDir: string;
  let count = 0;

  before(async () => {
    engine = await startEngine({ name: "h1" });
    await ensureImages(engine, ["worker"]);
    dataDir = path.join(engine.dir, "state");
    world = new Watched(clientOf(engine.host), dataDir);
    world.watcher.start();
    await world.heard("engine-snapshot");
    await engine.docker("network", "create", "--subnet", "172.31.1.0/24", "first");
    await engine.docker("network", "create", "--subnet", "172.31.2.0/24", "second");
  });
  after(async () => {
    await world.watcher.stop();
    await engine.stop();
  });

  /** A worker with everything that is to be kept, on two networks with static addresses. */
  const rich = async (): Promise<string> => {
    count++;
    const name = `w${count}`;
    const mounts = ["-v", `${name}-named:/named`, "-v", "/anonymous", "-v", "/tmp:/host:ro"];
    await runContainer(engine, {
      name,
      labels,
      network: "first",
      options: [
        ...["--ip", `172.31.1.${10 + count}`, "--network-alias", `${name}-alias`],
        ...[...mounts, "--mount", "type=volume,target=/mounted"],
        ...["-e", "SECRET=s3cret", "--restart", "on-failure:3", "--memory", "64m"],
        ...["--health-cmd", "true", "--health-interval", "30s", "--health-start-period", "5s"],
        ...["--read-only", "--cap-drop", "ALL", "--user", "1000", "--label", "more=yes"],
      ],
    });
    await engine.docker("network", "connect", "--ip", `172.31.2.${10 + count}`, "second", name);
    await world.heard("container-changed", (news) => news.view.name === name);
    world.watcher.reconcile();
    await until("both networks are kept", async () => {
      const kept = await world.specs.read("h1", name);
      const spec = kept.ok ? (kept.value as RawInspection) : undefined;
      return Object.keys(spec?.NetworkSettings?.Networks ?? {}).length === 2 || undefined;
    });
    return name;
  };

  const inspected = async (name: string): Promise<RawInspection> =>
    (await world.client.inspectRaw(name))!;

  /** What must be equal before and after: no ids, no times, no addresses that the engine chose. */
  const likeness = (raw: RawInspection): unknown => {
    const config = { ...raw.Config, Hostname: "" };
    const binds = new Set(raw.HostConfig?.Binds ?? []);
    return {
      name: raw.Name,
      config,
      hostConfig: { ...raw.HostConfig, Binds: null, Mounts: null },
      hasBinds: [...binds].filter((bind) => !/^[0-9a-f]{64}:/.test(bind)),
      mounts: (raw.Mounts ?? [])
        .map((mount) => `${mount.Type} ${mount.Name} ${mount.Destination} ${mount.RW}`)
        .sort(),
      networks: Object.entries(raw.NetworkSettings?.Networks ?? {})
        .map(([name, endpoint]) => ({
          name,
          address: endpoint.IPAddress,
          ipam: endpoint.IPAMConfig,
          aliases: endpoint.Aliases?.filter((alias) => alias !== raw.Id.slice(0, 12)),
        }))
        .sort((a, b) => a.name.localeCompare(b.name)),
    };
  };

  test("name, static addresses, aliases, mounts, environment, labels and policies are as before", async () => {
    const name = await rich();
    const job = await world.job("recreate", name);
    const before = await inspected(name);
    const from = world.news.length;
    await engine.docker("rm", "-f", name);
    const result = await world.actor.perform(job, always);
    assert.equal(result.kind, "acted");
    const now = await inspected(name);
    assert.notEqual(now.Id, before.Id);
    assert.deepEqual(likeness(now), likeness(before));
    assert.equal(now.State?.Status, "running");
    assert.deepEqual(await readdir(path.join(dataDir, "recreations")), []);
    // What the watcher tells of it is ours, and nothing is seen under the passing name.
    const seen = await world.heard("container-changed", (news) => news.view.id === now.Id, from);
    assert.equal(seen.view.name, name);
    const start = await until("its start event", () =>
      world.events(name).find((event) => event.containerId === now.Id && event.action === "start"),
    );
    assert.equal(start.ours, true);
    assert.ok(
      !world.news.some(
        (n) => n.kind === "container-changed" && n.view.name.includes(".heartmesh-"),
      ),
    );
    // And it can be made again once more.
    const again = await world.job("recreate", name);
    await until("the new one is kept", async () => {
      const kept = await world.specs.read("h1", name);
      return (kept.ok && (kept.value as RawInspection).Id === now.Id) || undefined;
    });
    await engine.docker("rm", "-f", name);
    assert.equal((await world.actor.perform(again, always)).kind, "acted");
    assert.deepEqual(likeness(await inspected(name)), likeness(before));
  });

  const steps: readonly RecreationStep[] = [
    "journaled",
    "created",
    "connected",
    "removed",
    "renamed",
    "started",
  ];
  for (const step of steps) {
    // One journal for both is written with the worker.
    for (const victim of step === "journaled" ? ["worker"] : ["worker", "agent"]) {
      test(`broken off after "${step}" of the ${victim}, it is finished at the next start`, async () => {
        const name = await rich();
        const agent = `a${count}`;
        const network = `container:${name}`;
        await runContainer(engine, { name: agent, labels: agentLabels, network });
        const job = await world.job("recreate", name, { agent, recovery: `r-${name}` });
        const before = { worker: await inspected(name), agent: await inspected(agent) };
        await engine.docker("rm", "-f", name);
        world.onStep = (done, of) => {
          if (done === step && of === (victim === "worker" ? name : agent)) throw new Broken();
        };
        await assert.rejects(world.actor.perform(job, always), Broken);
        world.onStep = () => undefined;
        // Another process, with nothing but the disk.
        const next = new Watched(clientOf(engine.host), dataDir);
        await next.client.connect();
        const resumed = await next.recreator.resumeRecreations([next.client], always);
        assert.deepEqual(
          resumed.map((one) => [one.worker, one.result.kind]),
          [[`h1/${name}`, "acted"]],
        );
        const now = { worker: await inspected(name), agent: await inspected(agent) };
        assert.equal(now.worker.State?.Status, "running");
        assert.deepEqual(likeness(now.worker), likeness(before.worker));
        assert.equal(now.agent.State?.Status, "running");
        assert.equal(now.agent.HostConfig?.NetworkMode, `container:${now.worker.Id}`);
        assert.deepEqual(await next.recreator.resumeRecreations([next.client], always), []);
        const left = await engine.docker("ps", "-a", "--format", "{{.Names}}");
        assert.doesNotMatch(left.stdout, /heartmesh-/);
        await engine.docker("rm", "-f", name, agent);
      });
    }
  }

  test("a retry of the job goes on where the last one broke off", async () => {
    const name = await rich();
    const job = await world.job("recreate", name);
    await engine.docker("rm", "-f", name);
    world.onStep = (step) => {
      if (step === "created") throw new Broken();
    };
    await assert.rejects(world.actor.perform(job, always), Broken);
    world.onStep = () => undefined;
    const result = await world.actor.perform({ ...job, recovery: "2.1-other" }, always);
    assert.equal(result.kind, "acted");
    const left = await engine.docker("ps", "-a", "--format", "{{.Names}}");
    assert.doesNotMatch(left.stdout, /heartmesh-/);
  });

  test("somebody who was faster keeps the name, and ours is taken away", async () => {
    const name = await rich();
    const job = await world.job("recreate", name);
    await engine.docker("rm", "-f", name);
    world.onStep = (step) => {
      if (step === "created") throw new Broken();
    };
    await assert.rejects(world.actor.perform(job, always), Broken);
    world.onStep = () => undefined;
    const theirs = await runContainer(engine, { name, labels });
    const result = await world.actor.perform(job, always);
    assert.equal(result.kind, "superseded");
    assert.equal((await inspected(name)).Id, theirs);
    const left = await engine.docker("ps", "-a", "--format", "{{.Names}}");
    assert.doesNotMatch(left.stdout, /heartmesh-/);
    assert.deepEqual(await readdir(path.join(dataDir, "recreations")), []);
    // From the start, too, a container of that name is somebody's.
    assert.equal((await world.actor.perform(job, always)).kind, "superseded");
  });

  test("what was never labelled for it is not made again", async () => {
    await runContainer(engine, { name: "plain", labels: { role: "node" } });
    const job = await world.job("recreate", "plain");
    await engine.docker("rm", "-f", "plain");
    const result = await world.actor.perform(job, always);
    assert.equal(result.kind, "failed");
    assert.equal(await world.client.inspect("plain"), undefined);
  });

  test("dependants that hold the namespace of a removed predecessor are made again in the new one", async () => {
    const name = await rich();
    const network = `container:${name}`;
    await runContainer(engine, { name: "oa", labels: agentLabels, network });
    await runContainer(engine, { name: "od", network, options: ["-v", "/keep"] });
    await engine.docker("rm", "-f", name);
    await runContainer(engine, { name, labels });
    const parts = { agent: "oa", dependants: ["od"] };
    const before = await inspected("od");
    const job = await world.job("restart-dependants", name, parts);
    assert.equal((await world.actor.perform(job, always)).kind, "acted");
    const owner = await inspected(name);
    for (const guest of ["oa", "od"]) {
      const raw = await inspected(guest);
      assert.equal(raw.HostConfig?.NetworkMode, `container:${owner.Id}`);
      assert.equal(raw.State?.Status, "running");
    }
    assert.equal((await inspected("od")).Mounts?.[0]?.Name, before.Mounts?.[0]?.Name);
  });

  test("an image whose name has moved on is still the one that ran", async () => {
    await engine.docker("tag", imageNames.worker, "moving:1");
    const ran = await engine.docker(
      ...["run", "-d", "--name", "mover", "--label", "role=node"],
      ...["--label", "heartmesh.recreate=true", "moving:1", "sleep", "1000"],
    );
    assert.equal(ran.code, 0, ran.stderr);
    await world.heard("container-changed", (news) => news.view.name === "mover");
    await world.specs.settled();
    const before = await inspected("mover");
    const job = await world.job("recreate", "mover");
    await engine.docker("rm", "-f", "mover");
    const other = await engine.docker(
      "run",
      "--name",
      "changer",
      imageNames.worker,
      "touch",
      "/new",
    );
    assert.equal(other.code, 0, other.stderr);
    await engine.docker("commit", "changer", "moving:1");
    assert.equal((await world.actor.perform(job, always)).kind, "acted");
    assert.equal((await inspected("mover")).Image, before.Image);
  });

  test("a damaged journal is set aside and said, and nothing is guessed", async () => {
    const folder = path.join(dataDir, "recreations");
    await writeFile(path.join(folder, "bad.json"), "0000\n{}");
    assert.deepEqual(await world.recreator.resumeRecreations([world.client], always), []);
    assert.match(world.problems.at(-1) ?? "", /set aside/);
    assert.deepEqual(await readdir(folder), ["bad.json.damaged"]);
    assert.equal(await readFile(path.join(folder, "bad.json.damaged"), "utf8"), "0000\n{}");
  });
});
