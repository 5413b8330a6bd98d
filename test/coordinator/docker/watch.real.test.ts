// What a watcher tells of a real engine: views, events in order, losses and returns, and lists that make up for what was missed.

import assert from "node:assert/strict";
import { createServer, connect, type Socket } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, test } from "node:test";
import { crash, pidOf, runContainer } from "../../lab/containers.ts";
import { startEngine, type LabEngine } from "../../lab/engine.ts";
import { ensureImages } from "../../lab/images.ts";
import { needs } from "../../lab/requirements.ts";
import { clientOf, Watched } from "./watched.ts";
import { until } from "../../waiting.ts";

const skip = needs("root", "engine");
const labels = { role: "node" };

describe("the watcher of a real engine", { skip }, () => {
  let engine: LabEngine;
  let world: Watched;

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

  const actions = (name: string): readonly string[] =>
    world.events(name).map((event) => event.action);

  test("a view says what a recovery needs to know", async () => {
    await runContainer(engine, {
      name: "viewed",
      labels: { ...labels, "heartmesh.port": "9" },
      options: [
        ...["--restart", "on-failure:4", "--health-cmd", "true", "--health-interval", "200ms"],
        ...["--health-start-period", "7s", "--hostname", "viewed-host"],
      ],
    });
    const healthy = await world.heard(
      "container-changed",
      (news) => news.view.name === "viewed" && news.view.health === "healthy",
    );
    const { view } = healthy;
    assert.deepEqual(
      { ...view, id: "", startedAt: "", addresses: [] },
      {
        host: "h1",
        id: "",
        name: "viewed",
        labels: { ...labels, "heartmesh.port": "9" },
        state: "running",
        startedAt: "",
        exitCode: 0,
        health: "healthy",
        restartPolicy: "on-failure",
        maximumRetries: 4,
        restartCount: 0,
        networkMode: "bridge",
        pidMode: "",
        addresses: [],
        hostname: "viewed-host",
        imageStartPeriod: 7_000,
      },
    );
    assert.match(view.addresses[0] ?? "", /^172\.\d+\.\d+\.\d+$/);
    assert.ok(Math.abs(Date.parse(view.startedAt) - Date.now()) < 20_000);
    assert.deepEqual(actions("viewed").slice(0, 2), ["create", "start"]);
    assert.ok(actions("viewed").includes("health-healthy"));
  });

  test("events come in the order that tells intent, and a crash's die at once", async () => {
    const id = await runContainer(engine, { name: "ordered", labels });
    const pid = await pidOf(engine, "ordered");
    const from = world.news.length;
    const killedAt = performance.now();
    process.kill(pid, "SIGKILL");
    const die = await world.heard("engine-event", (news) => news.event.action === "die", from);
    assert.equal(die.event.containerId, id);
    assert.equal(die.event.exitCode, 137);
    assert.equal(die.event.ours, false);
    // Long before the next full list would have found it.
    assert.ok(die.at - killedAt < 5_000, `${die.at - killedAt} ms`);
    const changed = await world.heard(
      "container-changed",
      (news) => news.view.id === id && news.view.state === "exited",
      from,
    );
    assert.ok(world.news.indexOf(changed) > world.news.indexOf(die));

    await engine.docker("start", "ordered");
    await engine.docker("stop", "-t", "1", "ordered");
    await engine.docker("start", "ordered");
    await engine.docker("kill", "-s", "HUP", "ordered");
    await engine.docker("rename", "ordered", "renamed");
    await engine.docker("pause", "renamed");
    await engine.docker("unpause", "renamed");
    await engine.docker("rm", "-f", "renamed");
    await world.heard("container-gone", (news) => news.containerId === id);
    const told = world
      .events()
      .filter((event) => event.containerId === id)
      .map((event) => `${event.action}${event.signal === 0 ? "" : event.signal}`);
    assert.deepEqual(told, [
      ...["create", "start", "die", "start", "kill15", "die", "stop", "start"],
      // HUP ends the shell, which is a die of its own.
      ...told.slice(8),
    ]);
    assert.deepEqual(told.slice(-1), ["destroy"]);
    assert.ok(told.includes("kill1") && told.includes("rename"));
  });

  test("what matters: labelled ones, roles, agents, and both directions of a shared namespace", async () => {
    await runContainer(engine, { name: "m-worker", labels: { role: "node" } });
    await runContainer(engine, { name: "m-joins", network: "container:m-worker" });
    await runContainer(engine, { name: "m-owner" });
    await runContainer(engine, { name: "m-joined", labels, network: "container:m-owner" });
    await runContainer(engine, { name: "m-agent", labels: { "heartmesh.agent": "true" } });
    await runContainer(engine, { name: "m-redis", labels: { "heartmesh.role": "redis" } });
    await runContainer(engine, { name: "m-other", labels: { role: "other" } });
    const project = { "com.docker.compose.project": "p" };
    await runContainer(engine, { name: "m-compose", labels: project });
    const snapshot = await world.heard("engine-snapshot", (news) => {
      const names = news.containers
        .map((view) => view.name)
        .filter((name) => name.startsWith("m-"));
      return names.length >= 6;
    });
    assert.deepEqual(
      snapshot.containers
        .map((view) => view.name)
        .filter((name) => name.startsWith("m-"))
        .sort(),
      ["m-agent", "m-joined", "m-joins", "m-owner", "m-redis", "m-worker"],
    );
    const joins = snapshot.containers.find((view) => view.name === "m-joins")!;
    const worker = snapshot.containers.find((view) => view.name === "m-worker")!;
    assert.equal(joins.networkMode, `container:${worker.id}`);
    assert.deepEqual(actions("m-other"), []);
    assert.deepEqual(actions("m-compose"), ["create", "start"]);
    assert.ok(
      !world.news.some((n) => n.kind === "container-changed" && n.view.name === "m-compose"),
    );
  });

  test("a frozen engine is lost within 5 s and back at once, and what happened meanwhile is told", async () => {
    await runContainer(engine, { name: "frozen", labels });
    const pid = await pidOf(engine, "frozen");
    const from = world.news.length;
    const frozenAt = performance.now();
    engine.pause();
    let lost;
    try {
      process.kill(pid, "SIGKILL");
      lost = await world.heard("engine-lost", undefined, from);
      assert.ok(lost.at - frozenAt < 5_000, `${lost.at - frozenAt} ms`);
      await sleep(Math.max(0, 6_000 - (performance.now() - frozenAt)));
      assert.equal(world.news.slice(from).filter((news) => news.kind === "engine-lost").length, 1);
    } finally {
      engine.resume();
    }
    const back = await world.heard("engine-back", undefined, from);
    assert.equal(back.restarted, false);
    const snapshot = await world.heard("engine-snapshot", undefined, world.news.indexOf(back));
    await until("the death is known", () => {
      const known = world.news
        .slice(from)
        .some(
          (news) =>
            (news.kind === "container-changed" && news.view.state === "exited") ||
            (news.kind === "engine-snapshot" &&
              news.containers.some((view) => view.name === "frozen" && view.state === "exited")),
        );
      return known || undefined;
    });
    const dies = world.events("frozen").filter((event) => event.action === "die");
    assert.equal(dies.length, 1);
    assert.equal(snapshot.host, "h1");
  });

  test("an engine that was restarted is lost and back as restarted, with a snapshot of what stopped", async () => {
    const from = world.news.length;
    await engine.restart({ kill: true });
    const back = await world.heard("engine-back", undefined, from);
    assert.equal(back.restarted, true);
    const lost = world.news.slice(from).find((news) => news.kind === "engine-lost");
    assert.ok(lost !== undefined && world.news.indexOf(lost) < world.news.indexOf(back));
    const snapshot = await world.heard("engine-snapshot", undefined, world.news.indexOf(back));
    assert.equal(snapshot.containers.find((view) => view.name === "m-worker")?.state, "exited");
  });

  test("an engine that is away from the start is told as lost under its address, then found", async () => {
    const dir = path.join(engine.dir, "away.sock");
    const away = new Watched(clientOf(`unix://${dir}`), path.join(engine.dir, "state2"));
    away.watcher.start();
    const proxy = new CuttableProxy(dir, engine.socket);
    try {
      const lost = await away.heard("engine-lost");
      assert.equal(lost.host, `unix://${dir}`);
      await proxy.listen();
      const back = await away.heard("engine-back");
      assert.equal(back.host, lost.host);
      const snapshot = await away.heard("engine-snapshot");
      assert.equal(snapshot.host, "h1");
    } finally {
      await away.watcher.stop();
      await proxy.close();
    }
  });

  test("a stream that is cut is taken up again: nothing twice, nothing missed, no loss told", async () => {
    const socket = path.join(engine.dir, "cut.sock");
    const proxy = new CuttableProxy(socket, engine.socket);
    await proxy.listen();
    const cut = new Watched(clientOf(`unix://${socket}`), path.join(engine.dir, "state3"));
    cut.watcher.start();
    try {
      await cut.heard("engine-snapshot");
      const id = await runContainer(engine, { name: "cut", labels });
      await cut.heard("container-changed", (news) => news.view.id === id);
      for (let round = 0; round < 3; round++) {
        const from = cut.news.length;
        proxy.cut();
        await crash(engine, "cut");
        await until(
          "exited",
          async () => (await world.view("cut")).state === "exited" || undefined,
        );
        await engine.docker("start", "cut");
        await cut.heard("engine-snapshot", undefined, from);
        await cut.heard(
          "engine-event",
          (news) => news.event.name === "cut" && news.event.action === "start",
          from,
        );
      }
      assert.deepEqual(
        cut.events("cut").map((event) => event.action),
        ["create", "start", "die", "start", "die", "start", "die", "start"],
      );
      assert.ok(!cut.news.some((news) => news.kind === "engine-lost"));
    } finally {
      await cut.watcher.stop();
      await proxy.close();
    }
  });

  test("what no event told is in the next full list", async () => {
    const socket = path.join(engine.dir, "deaf.sock");
    const proxy = new CuttableProxy(socket, engine.socket);
    proxy.isDeaf = true;
    await proxy.listen();
    const deaf = new Watched(clientOf(`unix://${socket}`), path.join(engine.dir, "state4"));
    deaf.watcher.start();
    try {
      await deaf.heard("engine-snapshot");
      const from = deaf.news.length;
      const id = await runContainer(engine, { name: "unheard", labels });
      const snapshot = await deaf.heard(
        "engine-snapshot",
        (news) => news.containers.some((view) => view.id === id),
        from,
        13_000,
      );
      assert.equal(snapshot.containers.find((view) => view.id === id)?.state, "running");
      assert.deepEqual(deaf.events("unheard"), []);
    } finally {
      await deaf.watcher.stop();
      await proxy.close();
    }
  });

  test("stopping ends at once and leaves no connection", async () => {
    const socket = path.join(engine.dir, "end.sock");
    const proxy = new CuttableProxy(socket, engine.socket);
    await proxy.listen();
    const ending = new Watched(clientOf(`unix://${socket}`), path.join(engine.dir, "state5"));
    ending.watcher.start();
    await ending.heard("engine-snapshot");
    const begun = performance.now();
    await ending.watcher.stop();
    assert.ok(performance.now() - begun < 5_000);
    await until("no connection", () => proxy.connections === 0 || undefined, 2_000);
    await proxy.close();
  });
});

/** A socket before the engine's that can cut its connections, or swallow the bodies of event streams. */
class CuttableProxy {
  isDeaf = false;
  readonly #sockets = new Set<Socket>();
  readonly #path: string;
  readonly #server;

  constructor(socketPath: string, engineSocket: string) {
    this.#path = socketPath;
    this.#server = createServer((socket) => {
      const upstream = connect(engineSocket);
      for (const one of [socket, upstream]) {
        this.#sockets.add(one);
        one.on("error", () => one.destroy());
      }
      socket.on("close", () => {
        this.#sockets.delete(socket);
        upstream.destroy();
      });
      upstream.on("close", () => {
        this.#sockets.delete(upstream);
        socket.destroy();
      });
      let isEvents = false;
      let heads = 0;
      socket.on("data", (chunk) => {
        isEvents ||= chunk.includes("/events?");
        upstream.write(chunk);
      });
      upstream.on("data", (chunk) => {
        if (this.isDeaf && isEvents && heads++ > 0) return;
        socket.write(chunk);
      });
      upstream.on("end", () => socket.end());
    });
  }

  get connections(): number {
    return this.#sockets.size;
  }

  listen(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.listen(this.#path, resolve);
    });
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): Promise<void> {
    this.cut();
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }
}
