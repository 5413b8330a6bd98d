// The proxy before the engine's socket: a real HAProxy with the file that is shipped lets heartmesh heal, and refuses everything else.

import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { HostsView } from "../../proto/rest.ts";
import { bridge, type Bridge } from "../lab/bridge.ts";
import { crash, runContainer } from "../lab/containers.ts";
import { inNamespace, startEngine, type LabEngine } from "../lab/engine.ts";
import { ensureImages, imageNames } from "../lab/images.ts";
import { needs } from "../lab/requirements.ts";
import { Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { until } from "../waiting.ts";

const file = fileURLToPath(new URL("../../compose/haproxy/socket-proxy.cfg", import.meta.url));
const image = encodeURIComponent(imageNames.worker);

/** `METHOD path`, by side. `box` is a container that runs, `net` a network. */
const allowedReads = [
  "GET /version",
  "GET /_ping",
  "HEAD /_ping",
  "GET /v1.41/info",
  "GET /v1.41/containers/json?all=1",
  "GET /v1.24/containers/box/json",
  "GET /v1.41/networks/bridge",
  `GET /v1.41/images/${image}/json`,
  "GET /v1.41/nodes",
  "GET /v1.41/services",
  "GET /v1.41/tasks",
  "GET /v1.41/system/df",
  "GET /v1.41/containers/box/stats?stream=false&one-shot=true",
  "GET /v1.41/containers/box/logs?stdout=1",
];
const allowedWrites = [
  "POST /v1.41/containers/box/restart?t=0",
  "POST /v1.41/containers/box/kill?signal=SIGHUP",
  "POST /v1.41/containers/box/stop?t=0",
  "POST /v1.41/containers/box/wait?condition=not-running",
  "POST /v1.41/containers/box/start",
];
const recreation = [
  "POST /v1.41/containers/create?name=y",
  "POST /v1.41/containers/box/rename?name=box",
  "POST /v1.41/networks/net/connect",
  "DELETE /v1.41/containers/nobody",
];
/** What a container that moves here may lack; no registry answers, and no name is given. */
const lacking = ["POST /v1.41/images/create?fromImage=a", "POST /v1.41/networks/create"];
const moves = [
  "POST /v1.41/nodes/abc/update?version=1",
  "POST /v1.41/services/web/update?version=1",
];
const refusedReads = [
  ...["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT"].map(
    (method) => `${method} /v1.41/containers/json`,
  ),
  "POST /v1.41/containers/box/start",
  "GET /",
  "GET /v1.41/containers/box/archive?path=/etc/shadow",
  "GET /v1.41/containers/box/export",
  "GET /v1.41/containers/box/attach/ws",
  "GET /v1.41/containers/box/top",
  "GET /v1.41/images/json",
  "GET /v1.41/images/get?names=a",
  "GET /v1.41/networks",
  "GET /v1.41/networks/other",
  "GET /v1.41/volumes",
  "GET /v1.41/secrets",
  "GET /v1.41/swarm",
  "GET /v1.41/swarm/unlockkey",
  "GET /v1.41/services/web",
  "GET /v1.41/services/web/logs?stdout=1",
  "GET /v1.41/tasks/abc/logs?stdout=1",
  "GET /v1.41/nodes/abc",
  "GET /v1.41/configs",
  "POST /v1.41/nodes/abc/update?version=1",
  "GET /v1.23/containers/json",
  "GET /v1.41/v1.41/info",
  "GET //containers/json",
  "GET /v1.41//containers/json",
  "GET /v1.41/containers/../secrets/json",
  "GET /v1.41/containers/%2e%2e/json",
  "GET /v1.41/containers/box%2farchive/json",
  "GET /v1.41/containers/box/archive?path=/json",
  "GET /v1.41/images/../secrets/json",
  "GET /v1.41/images/a%2F..%2F..%2Fsecrets/json",
  "GET /v1.41/containers/json/",
  "GET /V1.41/containers/json",
];
const refusedWrites = [
  "GET /v1.41/containers/json",
  "GET /v1.41/containers/box/start",
  "PUT /v1.41/containers/box/archive?path=/",
  "POST /v1.41/containers/box/exec",
  "POST /v1.41/exec/abc/start",
  "POST /v1.41/containers/box/attach",
  "POST /v1.41/containers/box/update",
  "POST /v1.41/containers/box/pause",
  "POST /v1.41/containers/prune",
  "POST /v1.41/build",
  "POST /v1.41/commit?container=box",
  "POST /v1.41/volumes/create",
  "POST /v1.41/swarm/init",
  "POST /v1.41/services/create",
  "POST /v1.41/services/web/../../swarm/update?version=1",
  "POST /v1.41/nodes/abc/promote",
  "POST /v1.41/nodes/abc/../../swarm/update?version=1",
  "DELETE /v1.41/nodes/abc",
  "DELETE /v1.41/services/web",
  "POST /v1.41/plugins/pull",
  "POST /v1.41/auth",
  // Such an old version takes mounts of the host with the start.
  "POST /v1.23/containers/box/start",
  "POST /containers/../exec/start",
  "POST /v1.41/containers/box/exec/../start",
  "POST /v1.41/containers/%2e%2e%2fexec/start",
  "DELETE /v1.41/images/a",
  "DELETE /v1.41/volumes/a",
  "DELETE /v1.41/networks/net",
];

describe("the socket proxy", { skip: needs("root", "engine", "redis", "haproxy") }, () => {
  let engine: LabEngine;
  const bridges: Bridge[] = [];
  let proxy: ChildProcess | undefined;

  before(async () => {
    engine = await startEngine({ name: "lab" });
    await ensureImages(engine, ["worker", "node"]);
    await runContainer(engine, { name: "box" });
    assert.equal((await engine.docker("network", "create", "net")).code, 0);
    const begun = await engine.docker("swarm", "init", "--advertise-addr", "127.0.0.1");
    assert.equal(begun.code, 0, begun.stderr);
    for (const port of [2375, 2376]) bridges.push(await bridge(engine, port));
  });

  after(async () => {
    await end();
    for (const one of bridges) await one.stop();
    await engine.stop();
  });

  const end = async (): Promise<void> => {
    const child = proxy;
    proxy = undefined;
    if (child === undefined) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  };
  type Flag = "0" | "1";
  const start = async (recreate: Flag, swarm: Flag = "0", admin: Flag = "0"): Promise<void> => {
    await end();
    const allow = { ALLOW_RECREATE: recreate, ALLOW_SWARM: swarm, ALLOW_SWARM_ADMIN: admin };
    proxy = inNamespace(engine, "haproxy", ["-f", file], {
      stdio: "ignore",
      env: { PATH: process.env["PATH"], ENGINE_SOCKET: engine.socket, ...allow },
    });
    await until("the proxy to answer", async () =>
      (await ask("reads", "GET /_ping").catch(() => 0)) === 200 ? true : undefined,
    );
  };
  /** The status of one request, its path sent as it stands here. */
  const ask = (side: "reads" | "writes", request: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const [method = "", target = ""] = request.split(" ");
      const socket = connect(bridges[side === "reads" ? 0 : 1]?.port ?? 0, "127.0.0.1");
      let text = "";
      socket.setTimeout(20_000, () => socket.destroy(new Error(`no answer to ${request}`)));
      socket.on("error", reject);
      socket.on("data", (bytes) => (text += bytes.toString("latin1")));
      socket.on("close", () => {
        resolve(Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0));
      });
      socket.write(
        `${method} ${target} HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
      );
    });

  test("lets the engine answer what heartmesh asks for", async () => {
    await start("0");
    for (const request of allowedReads) {
      const status = await ask("reads", request);
      assert.ok(status >= 200 && status < 300, `${request}: ${status}`);
    }
    for (const request of allowedWrites) {
      const status = await ask("writes", request);
      assert.ok(status >= 200 && status < 305, `${request}: ${status}`);
    }
  });

  test("refuses everything else, tricks with paths among it", async () => {
    await start("0");
    for (const request of refusedReads) {
      const status = await ask("reads", request);
      // HAProxy itself refuses what is no proper request of HTTP.
      assert.ok(status === 403 || status === 400, `${request}: ${status}`);
    }
    for (const request of [...refusedWrites, ...recreation, ...lacking, ...moves]) {
      assert.equal(await ask("writes", request), 403, request);
    }
  });

  test("lets a removed container be recreated only where that is allowed", async () => {
    await start("1");
    for (const request of recreation) {
      const status = await ask("writes", request);
      assert.ok(status !== 403 && status >= 200 && status < 500, `${request}: ${status}`);
    }
    for (const request of lacking) {
      const status = await ask("writes", request);
      assert.ok(status !== 403 && status >= 400, `${request}: ${status}`);
    }
    for (const request of [...refusedWrites, ...moves]) {
      assert.equal(await ask("writes", request), 403, request);
    }
  });

  test("lets services be moved and hosts be drained only where that is allowed", async () => {
    await start("0", "1");
    // The engine's own words: it knows no such service, and an empty specification is none.
    assert.equal(await ask("reads", "GET /v1.41/services/web"), 404);
    for (const request of moves) {
      const status = await ask("writes", request);
      assert.ok(status === 400 || status === 404, `${request}: ${status}`);
    }
    for (const request of refusedReads.filter((one) => one !== "GET /v1.41/services/web")) {
      const status = await ask("reads", request);
      assert.ok(status === 403 || status === 400, `${request}: ${status}`);
    }
    for (const request of [...refusedWrites, ...recreation, ...lacking]) {
      assert.equal(await ask("writes", request), 403, request);
    }
  });

  test("lets the Swarm be administered only where that is allowed", async () => {
    await start("0", "0", "1");
    const reads = ["GET /v1.41/swarm", "GET /v1.41/services/web/logs?stdout=1"];
    assert.equal(await ask("reads", "GET /v1.41/swarm"), 200);
    assert.equal(await ask("reads", "GET /v1.41/services/web/logs?stdout=1"), 404);
    const writes = ["DELETE /v1.41/nodes/abc", "DELETE /v1.41/services/web"];
    for (const request of writes) assert.equal(await ask("writes", request), 404, request);
    // It is in a Swarm.
    assert.equal(await ask("writes", "POST /v1.41/swarm/init"), 503);
    for (const request of refusedReads.filter((one) => !reads.includes(one))) {
      const status = await ask("reads", request);
      assert.ok(status === 403 || status === 400, `${request}: ${status}`);
    }
    const others = refusedWrites.filter((one) => {
      return !writes.includes(one) && one !== "POST /v1.41/swarm/init";
    });
    for (const request of [...others, ...recreation, ...lacking, ...moves]) {
      assert.equal(await ask("writes", request), 403, request);
    }
  });

  test("is all that a trio needs to heal, and to recreate", async () => {
    await start("1");
    const trio = await Trio.start(engine, {
      env: {
        DOCKER_HOST: "lab=tcp://127.0.0.1:2375",
        DOCKER_WRITE_HOST: "lab=tcp://127.0.0.1:2376",
        VERIFY_WINDOW: "1",
      },
    });
    try {
      const labels = { "heartmesh.recreate": "true" };
      await startWorker(trio, { name: "web", arrangement: "joins-worker", labels });
      await trio.verdict("web", "healthy");
      const hosts = (await (await fetch(`${trio.url("c1")}/api/v1/hosts`)).json()) as HostsView;
      assert.deepEqual(
        [hosts.swarm.kind, hosts.hosts.map(({ name, role }) => `${name} ${role ?? ""}`)],
        ["swarm", ["lab manager"]],
      );
      let at = Date.now();
      await crash(engine, "web");
      assert.equal((await trio.recovered("web", at)).action, "start");
      at = Date.now();
      assert.equal((await engine.docker("rm", "-f", "web")).code, 0);
      assert.equal((await trio.recovered("web", at)).action, "recreate");
      await start("0");
      await trio.verdict("web", "healthy");
      at = Date.now();
      assert.equal((await engine.docker("rm", "-f", "web")).code, 0);
      const refused = await until(
        "the refusal",
        async () => {
          const all = await trio.recoveries("web").catch(() => []);
          return all.find(
            (one) => one.decidedAtMs >= at && (one.tries[0]?.failedAtMs ?? null) !== null,
          );
        },
        40_000,
        250,
      );
      assert.match(refused.tries[0]?.reason ?? "", /403/);
    } finally {
      await trio.stop();
    }
  });
});
