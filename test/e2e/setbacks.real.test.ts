// Setbacks while a worker is being healed: the leader dies as its job is carried out, Redis loses its last second, and the mesh changes its key.

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { crash } from "../lab/containers.ts";
import { run, startEngine, type LabEngine } from "../lab/engine.ts";
import { ensureImages, imageNames } from "../lab/images.ts";
import { labPrefix } from "../lab/leftovers.ts";
import { lifeOf } from "../lab/life.ts";
import { soakAlone, soakNeeds } from "../lab/requirements.ts";
import { meshKey, Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { pause, until } from "../waiting.ts";

const dist = fileURLToPath(new URL("../../dist", import.meta.url));
const newKey = "new-key-new-key-new-key-new-key-0123";

describe("a worker is healed once", { skip: soakNeeds("root", "engine", "redis") }, () => {
  let engine: LabEngine;
  let trio: Trio;
  let keys: string;

  before(async () => {
    engine = await startEngine({ name: "lab" });
    await ensureImages(engine, ["worker", "node"]);
    keys = mkdtempSync(path.join(tmpdir(), `${labPrefix}${process.pid}-keys-`));
    writeKeys(meshKey);
    trio = await Trio.start(engine, {
      env: { VERIFY_WINDOW: "1", MESH_KEY: "", MESH_KEY_FILE: path.join(keys, "mesh_key") },
    });
  });

  after(async () => {
    await trio.stop();
    await engine.stop();
    rmSync(keys, { recursive: true, force: true });
  });

  const writeKeys = (...ring: readonly string[]): void => {
    writeFileSync(path.join(keys, "mesh_key"), `${ring.join(",")}\n`, { mode: 0o444 });
  };
  /** It ignores SIGTERM, and is given two seconds for it. */
  const stubborn = {
    arrangement: "joins-worker",
    labels: { "heartmesh.stop-timeout": "2s" },
    command: [
      ...["sh", "-c"],
      "trap '' TERM; echo ok > /tmp/index.html; exec httpd -f -p 8080 -h /tmp",
    ],
  } as const;
  const healthy = async (name: string): Promise<void> => {
    await startWorker(trio, { name, arrangement: "joins-worker" });
    await trio.verdict(name, "healthy");
  };
  const lived = async (name: string, since: number): Promise<readonly string[]> =>
    (await lifeOf(engine, name, since)).map(({ action }) => action);
  const inNetwork = async (...words: readonly string[]): Promise<void> => {
    const ran = await run("nsenter", [`--net=/var/run/netns/${engine.netns}`, ...words]);
    assert.equal(ran.code, 0, ran.stderr);
  };
  const everybody = (): Promise<unknown> =>
    until(
      "all coordinators",
      async () => {
        const all = await Promise.all(trio.ids.map((id) => trio.status(id))).catch(() => []);
        return (all.length === 3 && all.every((one) => one.leader !== "" && one.fit)) || undefined;
      },
      30_000,
      250,
    );

  for (const stage of ["actingAtMs", "verifyingAtMs", "recoveredAtMs"] as const) {
    test(
      `when the leader is killed at the stage ${stage.replace("AtMs", "")} of its recovery`,
      { skip: stage !== "actingAtMs" && soakAlone },
      async () => {
        const name = `at-${stage.toLowerCase()}`;
        await healthy(name);
        await everybody();
        const leader = await trio.leader();
        const at = Date.now();
        await crash(engine, name);
        await until(`the stage ${stage}`, async () => {
          const [one] = await trio.recoveries(name).catch(() => []);
          return (one?.[stage] ?? null) !== null || undefined;
        });
        await trio.kill(leader);
        await trio.recovered(name, at, "recovered", 60_000);
        trio.startCoordinator(leader);
        await everybody();
        await trio.verdict(name, "healthy");
        assert.deepEqual(await lived(name, at), ["die", "start"]);
        assert.equal((await trio.recoveries(name)).length, 1);
      },
    );
  }

  for (const how of ["killed", "frozen for longer than its lease"] as const) {
    test(
      `when a follower's runner is ${how} in the middle of a restart`,
      { skip: how !== "killed" && soakAlone },
      async () => {
        const label = how === "killed" ? "killed" : "frozen";
        await everybody();
        // Any coordinator's runner may take the job: until it is a follower's.
        for (let round = 1; round <= 8; round++) {
          const name = `run-${label}-${round}`;
          await startWorker(trio, { ...stubborn, name });
          await trio.verdict(name, "healthy");
          const at = Date.now();
          assert.equal((await engine.docker("exec", name, "rm", "/tmp/index.html")).code, 0);
          const runner = await until(`the runner of ${name}`, async () => {
            const [one] = await trio.recoveries(name).catch(() => []);
            return one?.tries[0]?.runner.split(".")[0];
          });
          const isFollowers = runner !== (await trio.leader());
          if (isFollowers && how === "killed") await trio.kill(runner);
          if (isFollowers && how !== "killed") {
            trio.coordinator(runner).process.kill("SIGSTOP");
            await pause(12_000);
            trio.coordinator(runner).process.kill("SIGCONT");
          }
          await trio.recovered(name, at, "recovered", 60_000);
          if (!isFollowers) continue;
          if (how === "killed") trio.startCoordinator(runner);
          await everybody();
          await pause(3_000);
          const life = (await lived(name, at)).filter((action) => /die|start/.test(action));
          assert.deepEqual(life, ["die", "start"]);
          assert.equal((await trio.recoveries(name)).length, 1);
          return;
        }
        assert.fail("the leader's own runner took every job");
      },
    );
  }

  test(
    "when Redis comes back without its last seconds: nothing is done again, and nothing is forgotten",
    { skip: soakAlone },
    async () => {
      const name = "rolled-back";
      await healthy(name);
      const redis = path.join(trio.dir, "redis");
      const copy = path.join(trio.dir, "redis-before");
      cpSync(redis, copy, { recursive: true });
      const at = Date.now();
      await crash(engine, name);
      const first = await trio.recovered(name, at);
      await trio.killRedis();
      rmSync(redis, { recursive: true });
      cpSync(copy, redis, { recursive: true });
      await trio.startRedis();
      await until(
        "Redis to be reachable",
        async () => {
          const status = await trio.status(await trio.leader()).catch(() => undefined);
          return status?.redisByQuorum === "reachable" || undefined;
        },
        20_000,
        250,
      );
      await pause(4_000);
      assert.deepEqual(await lived(name, at), ["die", "start"]);
      assert.equal((await trio.worker(name, await trio.leader()))?.revivalsInWindow, 1);
      const again = Date.now();
      await crash(engine, name);
      const second = await trio.recovered(name, again);
      assert.ok(second.epoch > first.epoch, `epoch ${second.epoch} after ${first.epoch}`);
      assert.deepEqual(await lived(name, again), ["die", "start"]);
    },
  );

  for (const role of ["follower", "leader"] as const) {
    test(
      `when a ${role} returns at another address under its own name`,
      { skip: soakAlone },
      async () => {
        const name = `beside-moved-${role}`;
        await healthy(name);
        await everybody();
        const leader = await trio.leader();
        const moved = role === "leader" ? leader : (trio.ids.find((id) => id !== leader) ?? "");
        const [address, port] = role === "leader" ? ["10.99.0.2", "7798"] : ["10.99.0.3", "7799"];
        await inNetwork("ip", "addr", "add", `${address}/32`, "dev", "lo");
        const its = ["-p", "udp", "-m", "owner", "--gid-owner", trio.group(moved)];
        const rule = ["POSTROUTING", ...its, "-j", "SNAT", "--to-source", address];
        await inNetwork("iptables", "-w", "-t", "nat", "-A", ...rule);
        const at = Date.now();
        await trio.kill(moved);
        await crash(engine, name);
        trio.startCoordinator(moved, { MESH_PORT: port });
        await trio.recovered(name, at);
        await everybody();
        // Without the one that has moved there would be no quorum now.
        const leads = await trio.leader();
        const third = trio.ids.find((id) => id !== moved && id !== leads) ?? "";
        await trio.kill(third);
        const again = Date.now();
        await crash(engine, name);
        await trio.recovered(name, again);
        trio.startCoordinator(third);
        await everybody();
        await trio.verdict(name, "healthy");
        assert.deepEqual(await lived(name, at), ["die", "start", "die", "start"]);
        const events = (await trio.events()).filter(({ atMs }) => atMs >= at);
        const changes = events.filter(({ kind }) => kind === "leader-changed");
        assert.equal(changes.length, role === "leader" ? 1 : 0, JSON.stringify(changes));
        const condemned = events.filter(
          ({ kind, worker, text }) =>
            kind === "verdict-changed" && worker !== `lab/${name}` && !text.startsWith("healthy"),
        );
        assert.deepEqual(condemned, []);
        // Back to where its name says: of two that have moved, neither finds the other.
        await inNetwork("iptables", "-w", "-t", "nat", "-D", ...rule);
        await trio.kill(moved);
        trio.startCoordinator(moved);
        await everybody();
      },
    );
  }

  test("while the key is rotated: nobody is condemned, and leadership changes at most once", async () => {
    // The agents of the others know one key for ever.
    const others = (await engine.docker("ps", "-aq")).stdout.trim().split("\n");
    assert.equal((await engine.docker("rm", "-f", ...others)).code, 0);
    const name = "rotated";
    const env = { WORKER_NAME: name, COORDINATORS: trio.members, MESH_KEY_FILE: "/keys/mesh_key" };
    const words = [
      ...["run", "-d", "--name", name, "--label", "role=node"],
      ...["-v", `${path.resolve(dist)}:/opt/heartmesh:ro`, "-v", `${keys}:/keys:ro`],
      ...Object.entries(env).flatMap(([key, value]) => ["-e", `${key}=${value}`]),
      ...[imageNames.node, "node", "/opt/heartmesh/heartmesh-agent.mjs"],
    ];
    assert.equal((await engine.docker(...words)).code, 0);
    await trio.verdict(name, "healthy");
    const at = Date.now();
    for (const ring of [[meshKey, newKey], [newKey, meshKey], [newKey]]) {
      writeKeys(...ring);
      await pause(4_000);
      if (ring.length !== 2 || ring[0] !== newKey) continue;
      const crashed = Date.now();
      await crash(engine, name);
      await trio.recovered(name, crashed);
    }
    await trio.verdict(name, "healthy");
    const events = (await trio.events()).filter(({ atMs }) => atMs >= at);
    const condemned = events.filter(
      ({ kind, worker, text }) =>
        kind === "verdict-changed" && worker === `lab/${name}` && text.startsWith("silent"),
    );
    assert.deepEqual(condemned, []);
    const changes = events.filter(({ kind }) => kind === "leader-changed");
    assert.ok(changes.length <= 1, JSON.stringify(changes));
    assert.deepEqual(await lived(name, at), ["die", "start"]);
  });
});
