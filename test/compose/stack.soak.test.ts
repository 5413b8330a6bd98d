// The stack as people deploy it on a Swarm, by its own script: on three hosts and on one.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import type { RecoveryView, StatusView, WorkerView } from "../../proto/rest.ts";
import { pidOf } from "../lab/containers.ts";
import { imageNames } from "../lab/images.ts";
import { needs } from "../lab/requirements.ts";
import { Stack } from "../lab/stack.ts";
import { pause, until } from "../waiting.ts";

const skip = needs("root", "engine", "redis", "haproxy");
const folder = mkdtempSync(path.join(tmpdir(), "heartmesh-stack-"));
process.once("exit", () => {
  rmSync(folder, { recursive: true, force: true });
});

/** What a process may do and reach, said by itself. */
const rights = `
const fs = require("node:fs");
const status = fs.readFileSync("/proc/self/status", "utf8");
const writes = (dir) => { try { fs.writeFileSync(dir + "/probe", "x"); fs.rmSync(dir + "/probe"); return "yes"; } catch (error) { return error.code; } };
console.log(JSON.stringify([process.getuid(), /^CapEff:\\s+0+$/m.test(status), writes(""), writes("/data"), fs.existsSync("/var/run/docker.sock")]));`;

/** What the engine's socket for agents answers. */
const asks = `
const { get } = require("node:http");
const ask = (path) => new Promise((resolve) => get({ socketPath: "/run/engine/ping.sock", path }, (answer) => resolve(answer.resume().statusCode)));
Promise.all(["/_ping", "/info", "/containers/json", "/containers/x/kill"].map(ask)).then((all) => console.log(all.join(" ")));`;

describe("the stack on three hosts", { skip }, () => {
  let stack: Stack;

  before(async () => {
    stack = await Stack.deploy(3, folder);
  });
  after(() => stack.stop());

  test("leads, and every host and part of it is healthy by everybody's word", async (t) => {
    const begun = performance.now();
    await stack.allHealthy();
    t.diagnostic(`deployed → all healthy: ${Math.round(performance.now() - begun)} ms`);
    const { leader, findings } = await stack.get<StatusView>("h1", "status");
    assert.match(leader, /^h[123]$/);
    assert.deepEqual(findings, []);
    const workers = await stack.get<readonly WorkerView[]>("h2", "workers");
    assert.deepEqual(
      workers.map(({ id, host }) => `${id} ${host}`),
      [
        ...["h1", "h2", "h3"].map((name) => `swarm/heartmesh_coordinator.${name} ${name}`),
        "swarm/heartmesh_redis.1 h1",
      ],
    );
    const hosts = await stack.heartmesh("h3", "hosts");
    assert.equal(hosts.code, 0, hosts.stderr);
    for (const name of ["h1", "h2", "h3"]) {
      assert.match(hosts.stdout, new RegExp(`^${name} .* manager +ready +healthy +active `, "m"));
    }
  });

  test("keeps the engines' sockets from all but the proxies, and has no more rights than in compose", async () => {
    for (const { name } of stack.lab.hosts) {
      const bare = [1000, true, "EROFS", "yes", false];
      assert.deepEqual(JSON.parse(await stack.inside(name, "coordinator", rights)), bare, name);
      const agent = [1000, true, "EROFS", "ENOENT", false];
      assert.deepEqual(JSON.parse(await stack.inside(name, "agent", rights)), agent, name);
      assert.equal(await stack.inside(name, "agent", asks), "200 403 403 403", name);
    }
  });

  test("has a hung task killed on whatever host it runs", async () => {
    const leader = (await stack.get<StatusView>("h1", "status")).leader;
    const other = stack.lab.hosts.find(({ name }) => name !== leader);
    assert.ok(other !== undefined);
    const check = `heartmesh.check=http://${other.address}:8090/index.html`;
    await stack.lab.createService(
      "web",
      [
        ...["--container-label", "role=node", "--container-label", check, "--restart-delay", "1s"],
        ...["--container-label", "heartmesh.start-period=10s"],
        ...["--constraint", `node.hostname==${other.name}`],
        ...["--publish", "mode=host,target=8090,published=8090"],
      ],
      [imageNames.worker, "sh", "-c", "echo ok > /tmp/index.html; exec httpd -f -p 8090 -h /tmp"],
    );
    await until(
      "it is healthy",
      async () => {
        const workers = await stack.get<readonly WorkerView[]>(leader, "workers").catch(() => []);
        return workers.find(({ id }) => id === "swarm/web.1")?.verdict === "healthy" || undefined;
      },
      30_000,
      300,
    );
    const [before] = await stack.lab.containers(other.name, "web");
    process.kill(await pidOf(other.engine, before?.id ?? ""), "SIGSTOP");
    const recovery = await until(
      "its recovery",
      async () => {
        const path = "recoveries?worker=swarm%2Fweb.1";
        const [last] = await stack.get<readonly RecoveryView[]>(leader, path).catch(() => []);
        return last?.outcome === "recovered" ? last : undefined;
      },
      40_000,
      300,
    );
    assert.equal(recovery.action, "kill");
    await stack.lab.docker("service", "rm", "web");
  });

  test("drains a host, its own parts among the rest, and takes it back", async () => {
    const { leader } = await stack.get<StatusView>("h1", "status");
    const [host = "", on = ""] = ["h3", "h2", "h1"].filter((name) => name !== leader);
    const drained = await stack.heartmesh(on, "drain", host);
    assert.match(drained.stdout, new RegExp(`^${host} is drained from now on`), drained.stderr);
    await until(
      "its coordinator has left",
      async () => (await stack.lab.containers(host, "heartmesh_coordinator")).length === 0,
      30_000,
      200,
    );
    const active = await stack.heartmesh(on, "activate", host);
    assert.equal(active.code, 0, active.stderr);
    await stack.allHealthy();
  });

  test("moves a service off a host that falls out, and back by a person's word", async () => {
    const { leader } = await stack.get<StatusView>("h1", "status");
    // Redis is on h1, and with it the Swarm's own first leader.
    const [from = "", to = ""] = ["h3", "h2"].sort((a) => (a === leader ? 1 : -1));
    const { lab } = stack;
    await lab.docker("node", "update", "--label-add", "type=primary", from);
    await lab.docker("node", "update", "--label-add", "type=secondary", to);
    await lab.createService("tied", ["--constraint", "node.labels.type==primary"]);
    const runsOn = (host: string, count = 1): Promise<true> =>
      until(
        `${count} of it on ${host}`,
        async () => (await lab.containers(host, "tied")).length === count || undefined,
        60_000,
        200,
      );
    await runsOn(from);
    await pause(3_000);
    await lab.cut(from);
    try {
      await runsOn(to);
      const recovery = await until(
        "its recovery",
        async () => {
          const path = "recoveries?worker=swarm%3Atied";
          const [last] = await stack.get<readonly RecoveryView[]>("h1", path).catch(() => []);
          return last?.outcome === "recovered" ? last : undefined;
        },
        60_000,
        300,
      );
      assert.equal(recovery.action, "move");
    } finally {
      await lab.heal(from);
    }
    await stack.allHealthy();
    const back = await stack.heartmesh("h1", "failback", "tied");
    assert.equal(back.code, 0, back.stderr);
    await runsOn(from);
    await runsOn(to, 0);
    await lab.docker("service", "rm", "tied");
  });

  test("deployed again as it is, it changes nothing", async () => {
    const containers = () =>
      Promise.all(
        stack.lab.hosts.map(({ name }) =>
          Promise.all(["coordinator", "agent", "engine"].map((one) => stack.container(name, one))),
        ),
      );
    const before = await containers();
    const again = await stack.script();
    assert.equal(again.code, 0, again.stderr);
    assert.doesNotMatch(again.stdout, /token/);
    assert.deepEqual(await containers(), before);
  });
});

describe("the stack on one host", { skip }, () => {
  let stack: Stack;

  before(async () => {
    stack = await Stack.deploy(1, folder);
  });
  after(() => stack.stop());

  test("is one coordinator, which leads alone", async () => {
    await stack.allHealthy();
    const { leader, leaseForMs, peers } = await stack.get<StatusView>("h1", "status");
    assert.equal(leader, "h1");
    assert.ok(leaseForMs > 0);
    assert.deepEqual(peers, []);
    const hosts = await stack.heartmesh("h1", "hosts");
    assert.match(hosts.stdout, /^h1 .* manager +ready +healthy +active /m);
  });
});
