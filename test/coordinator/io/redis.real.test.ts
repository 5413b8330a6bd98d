// Connections and the monitor against real servers that die, hang, refuse writes, change their master or their password.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { systemClock } from "../../../agent/io/clock.ts";
import { RedisConnections } from "../../../coordinator/io/redis.ts";
import { RedisMonitor } from "../../../coordinator/io/redis-monitor.ts";
import { parseRedisUrl, type RedisAddress } from "../../../coordinator/io/redis-url.ts";
import { startRedis, type LabRedis } from "../../lab/redis.ts";
import { pause, timeUntil, until } from "../../waiting.ts";

function addressOf(url: string): RedisAddress {
  const parsed = parseRedisUrl(url);
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.value;
}

/** Servers and connections that end with the test, whatever happens in it. */
function endingWith(t: TestContext): {
  readonly server: (lines?: readonly string[], kind?: "server" | "sentinel") => Promise<LabRedis>;
  readonly connect: (address: RedisAddress, password?: string) => RedisConnections;
  readonly monitor: (connections: RedisConnections) => {
    readonly heard: string[];
    readonly monitor: RedisMonitor;
  };
} {
  return {
    server: async (lines, kind) => {
      const server = await startRedis(lines, kind);
      t.after(async () => {
        await server.stop();
      });
      return server;
    },
    connect: (address, password) => {
      const connections = new RedisConnections({
        address,
        owner: "t",
        onError: () => undefined,
        ...(password === undefined ? {} : { password }),
      });
      t.after(() => {
        connections.stop();
      });
      return connections;
    },
    monitor: (connections) => {
      const heard: string[] = [];
      const monitor = new RedisMonitor({
        connections,
        clock: systemClock,
        probeKey: "probe",
        onChange: (state) =>
          heard.push(state.kind === "unreachable" ? `unreachable: ${state.reason}` : state.kind),
      });
      monitor.start();
      t.after(() => {
        monitor.stop();
      });
      return { heard, monitor };
    },
  };
}

test("a killed Redis is unreachable soon, and reachable soon after its return", async (t) => {
  const { server, connect, monitor } = endingWith(t);
  const redis = await server();
  const { heard } = monitor(connect(redis.address));
  await until("reachable", () => heard.length === 1, 2_000);
  await redis.kill();
  const lost = await timeUntil("unreachable", () => heard.length === 2, 3_000);
  await redis.start();
  const back = await timeUntil("reachable again", () => heard.length === 3, 3_000);
  t.diagnostic(`lost after ${Math.round(lost)} ms, back after ${Math.round(back)} ms`);
  assert.deepEqual(
    heard.map((one) => one.split(":")[0]),
    ["reachable", "unreachable", "reachable"],
  );
});

test("a hung Redis is unreachable within 2.5 s, and a hang of half a second is no loss", async (t) => {
  const { server, connect, monitor } = endingWith(t);
  const redis = await server();
  const { heard } = monitor(connect(redis.address));
  await until("reachable", () => heard.length === 1, 2_000);
  redis.signal("SIGSTOP");
  await pause(500);
  redis.signal("SIGCONT");
  await pause(1_000);
  assert.deepEqual(heard, ["reachable"]);
  redis.signal("SIGSTOP");
  const lost = await timeUntil("unreachable", () => heard.length === 2, 4_000);
  t.diagnostic(`lost after ${Math.round(lost)} ms`);
  assert.match(heard[1] ?? "", /no answer within 750 ms/);
  redis.signal("SIGCONT");
  await until("reachable again", () => heard.length === 3, 3_000);
});

test("a Redis that answers and takes no writes is unreachable, for its own reason", async (t) => {
  const { server, connect, monitor } = endingWith(t);
  const redis = await server();
  const connections = connect(redis.address);
  const { heard } = monitor(connections);
  await until("reachable", () => heard.length === 1, 2_000);
  const admin = connections.open("runner");
  await admin.config("SET", "min-replicas-to-write", "1");
  await until("unreachable", () => heard.length === 2, 5_000);
  assert.match(heard[1] ?? "", /NOREPLICAS/);
  await pause(1_000);
  assert.equal(heard.length, 2, "PING alone does not make it reachable");
  await admin.config("SET", "min-replicas-to-write", "0");
  await until("reachable again", () => heard.length === 3, 5_000);
});

test("a changed password is used by the next connection and the next reconnection", async (t) => {
  const { server, connect } = endingWith(t);
  const redis = await server(["requirepass first"]);
  const connections = connect(redis.address, "first");
  const old = connections.open("runner");
  assert.equal(await old.ping(), "PONG");
  await old.config("SET", "requirepass", "second");
  connections.changePassword("second");
  assert.equal(await connections.open("runner").ping(), "PONG");
  await old.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no").catch(() => undefined);
  assert.equal(await old.ping(), "PONG");
});

test("a master that dies is followed to its successor by Sentinel", async (t) => {
  const { server, connect, monitor } = endingWith(t);
  const master = await server();
  const replica = await server([
    `replicaof 127.0.0.1 ${master.port}`,
    "repl-diskless-sync-delay 0",
  ]);
  const sentinels: LabRedis[] = [];
  for (let count = 0; count < 3; count++) {
    sentinels.push(
      await server(
        [
          `sentinel monitor main 127.0.0.1 ${master.port} 2`,
          "sentinel down-after-milliseconds main 1000",
          "sentinel failover-timeout main 3000",
        ],
        "sentinel",
      ),
    );
  }
  const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",");
  const connections = connect(addressOf(`redis+sentinel://${hosts}/main`));
  const producer = connections.open("producer");
  await until("connected", () => producer.status === "ready");
  await producer.set("k", "v");
  const { heard } = monitor(connections);
  await until("reachable", () => heard.length === 1, 3_000);
  // All Sentinels must know each other and a replica in step before they can agree on anything.
  for (const sentinel of sentinels) {
    await says(connect(addressOf(sentinel.url)), "sentinel", /slaves=1,sentinels=3/);
  }
  await says(connect(replica.address), "replication", /master_link_status:up/);
  await pause(1_000);
  await master.kill();
  await until("lost", () => heard.length === 2, 5_000);
  // Sentinels that a busy machine made late distrust their clocks, and wait for 30 s.
  const took = await timeUntil("followed", () => heard.length === 3, 90_000);
  t.diagnostic(`followed ${Math.round(took)} ms after the loss was noticed`);
  assert.equal(await producer.get("k"), "v");
  assert.equal(producer.stream.remotePort, replica.port);
  await producer.set("k", "w");
});

async function says(connections: RedisConnections, section: string, what: RegExp): Promise<void> {
  const redis = connections.open("runner");
  let info = "";
  for (let wait = 0; wait < 1_200 && !what.test(info); wait++) {
    info = await redis.info(section);
    await pause(50);
  }
  assert.match(info, what);
}
