// The private redis-server: durable, restarted when it dies, gone when its coordinator stops, and clear about what it lacks.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmod, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { RedisConnections } from "../../../coordinator/io/redis.ts";
import { PrivateRedis } from "../../../coordinator/io/redis-server.ts";
import { isCoded } from "../../../proto/coded-error.ts";
import { pause, timeUntil, until } from "../../waiting.ts";

interface Lab {
  readonly dataDir: string;
  readonly exits: string[];
  readonly lines: string[];
  readonly build: (more?: { readonly binary?: string; readonly dataDir?: string }) => PrivateRedis;
  readonly connect: (server: PrivateRedis) => RedisConnections;
}

async function inDirectory(work: (lab: Lab) => Promise<void>): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), "heartmesh-private-"));
  const servers: PrivateRedis[] = [];
  const opened: RedisConnections[] = [];
  const exits: string[] = [];
  const lines: string[] = [];
  try {
    await work({
      dataDir,
      exits,
      lines,
      build: (more = {}) => {
        const server = new PrivateRedis({
          dataDir,
          onExit: (reason) => exits.push(reason),
          onLog: (line) => lines.push(line),
          ...more,
        });
        servers.push(server);
        return server;
      },
      connect: (server) => {
        const connections = new RedisConnections({
          address: server.address,
          owner: "t",
          onError: () => undefined,
        });
        opened.push(connections);
        return connections;
      },
    });
  } finally {
    for (const connections of opened) connections.stop();
    for (const server of servers) await server.stop();
    await rm(dataDir, { recursive: true });
  }
}

test("it answers on its socket alone, writes every command to disk and evicts nothing", async () => {
  await inDirectory(async ({ build, connect }) => {
    const server = build();
    await server.start();
    const redis = connect(server).open("runner");
    const setting = async (name: string): Promise<string | undefined> =>
      (await redis.config("GET", name))[1];
    assert.equal(await setting("appendonly"), "yes");
    assert.equal(await setting("appendfsync"), "always");
    assert.equal(await setting("maxmemory-policy"), "noeviction");
    assert.equal(await setting("port"), "0");
    assert.ok(server.address.kind === "unix");
    assert.equal((await stat(server.address.path)).mode & 0o077, 0);
  });
});

test("killed with SIGKILL it is back within a second, with everything that it answered for", async (t) => {
  await inDirectory(async ({ build, connect, exits }) => {
    const server = build();
    await server.start();
    const redis = connect(server).open("runner");
    for (let count = 0; count < 200; count++) await redis.incr("n");
    const first = server.pid!;
    process.kill(first, "SIGKILL");
    const begun = performance.now();
    assert.equal(await redis.get("n"), "200");
    const took = performance.now() - begun;
    t.diagnostic(`answered again after ${Math.round(took)} ms`);
    assert.ok(took < 10_000, `${took} ms`);
    assert.notEqual(server.pid, first);
    assert.deepEqual(exits, ["SIGKILL"]);
  });
});

test("stopped, it is gone and stays gone; started again, the data is there", async () => {
  await inDirectory(async ({ build, connect, exits }) => {
    const server = build();
    await server.start();
    await connect(server).open("runner").set("k", "v");
    const pid = server.pid!;
    await server.stop();
    await server.stop();
    assert.throws(() => process.kill(pid, 0));
    await pause(300);
    assert.deepEqual(exits, []);
    const again = build();
    await again.start();
    assert.equal(await connect(again).open("runner").get("k"), "v");
  });
});

test("a server that a killed coordinator left behind is replaced by its successor's own", async () => {
  await inDirectory(async ({ build, connect, dataDir }) => {
    const module = new URL("../../../coordinator/io/redis-server.ts", import.meta.url).href;
    const script = `
      const { PrivateRedis } = await import(${JSON.stringify(module)});
      const ask = { dataDir: ${JSON.stringify(dataDir)}, onExit() {}, onLog() {} };
      const server = new PrivateRedis(ask);
      await server.start();
      console.log(server.pid);`;
    const args = ["--import", "tsx", "--input-type=module", "-e", script];
    const coordinator = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const orphan = Number(
      await new Promise<Buffer>((resolve) => coordinator.stdout.once("data", resolve)),
    );
    coordinator.kill("SIGKILL");
    const successor = build();
    const left = connect(successor).open("runner");
    await left.set("k", "v");
    await successor.start();
    assert.notEqual(successor.pid, orphan);
    const info = await connect(successor).open("runner").info("server");
    assert.match(info, new RegExp(`process_id:${String(successor.pid)}\\b`));
    assert.equal(await connect(successor).open("runner").get("k"), "v");
  });
});

test("without the program the error says which package to install", async () => {
  await inDirectory(async ({ build }) => {
    await assert.rejects(build({ binary: "/nonexistent/redis-server" }).start(), (error) => {
      assert.ok(isCoded(error, "HM_REDIS_MISSING"));
      assert.match(error.detail, /install the package redis-server, or set REDIS_URL/);
      return true;
    });
  });
});

test("a server that exits at once, and a directory too long for a socket, are errors that say so", async () => {
  await inDirectory(async ({ build, dataDir, exits }) => {
    const fake = join(dataDir, "fake-redis");
    await writeFile(fake, "#!/bin/sh\necho 'Bad file format' >&2\nexit 1\n");
    await chmod(fake, 0o755);
    const begun = performance.now();
    await assert.rejects(build({ binary: fake }).start(), (error) =>
      isCoded(error, "HM_REDIS_START"),
    );
    assert.ok(performance.now() - begun < 5_000);
    const tried = exits.length;
    await pause(800);
    assert.equal(exits.length, tried, "it is not started again");
    await assert.rejects(build({ dataDir: join(dataDir, "x".repeat(100)) }).start(), (error) => {
      assert.ok(isCoded(error, "HM_REDIS_START"));
      assert.match(error.detail, /shorter DATA_DIR/);
      return true;
    });
  });
});

test("a server that dies again and again is restarted with growing waits", async () => {
  await inDirectory(async ({ build, exits }) => {
    const server = build();
    await server.start();
    const times: number[] = [];
    for (let round = 1; round <= 4; round++) {
      const { pid } = server;
      process.kill(pid!, "SIGKILL");
      await until("gone", () => exits.length === round);
      times.push(await timeUntil("back", () => server.pid !== pid));
    }
    assert.ok(times[3]! > 300, times.join(", "));
  });
});
