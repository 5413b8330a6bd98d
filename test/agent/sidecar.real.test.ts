// The agent as a process, on loopback: pings, farewell, obituary, health, forged datagrams, rotated keys, refused configuration.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { limits } from "../../proto/limits.ts";
import { term } from "../../proto/units.ts";
import { needs } from "../lab/requirements.ts";
import { AgentProcess } from "./agent-process.ts";
import { CoordinatorVoice, otherKey, testKey } from "./coordinator-voice.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function startAgent(env: Readonly<Record<string, string>> = {}): Promise<AgentProcess> {
  const agent = await AgentProcess.start(env);
  closers.push(() => agent.end());
  return agent;
}

async function openVoice(name: string, key = testKey): Promise<CoordinatorVoice> {
  const voice = await CoordinatorVoice.open(name, key);
  closers.push(() => voice.close());
  return voice;
}

const listOf = (...voices: readonly CoordinatorVoice[]): string =>
  voices.map((voice, index) => `c${index + 1}=127.0.0.1:${voice.port}`).join(",");

describe("an agent's process", () => {
  it("announces itself to every coordinator and answers a sealed ping", async () => {
    const [c1, c2] = [await openVoice("c1"), await openVoice("c2")];
    const agent = await startAgent({ COORDINATORS: listOf(c1, c2) });
    for (const voice of [c1, c2]) {
      const announced = await voice.wait("announce", 1000);
      equal(announced?.message.port, agent.port);
      equal(announced.message.leaving, false);
    }
    const pong = await c1.ping(agent.port);
    equal(pong?.name, "web");
    equal(pong.health.state, "unchecked");
    ok(Math.abs(pong.incarnation - Date.now()) < 10_000);
  });

  it("says farewell three times on SIGTERM and is gone within 200 ms, with exit code 0", async () => {
    const c1 = await openVoice("c1");
    const agent = await startAgent({ COORDINATORS: listOf(c1) });
    await c1.wait("announce", 1000);
    const asked = performance.now();
    agent.child.kill("SIGTERM");
    const [code] = (await once(agent.child, "exit")) as [number];
    equal(code, 0);
    const took = performance.now() - asked;
    ok(took < 200, `it took ${took} ms`);
    await sleep(10);
    const farewells = c1.heard.filter(
      ({ message }) => message.kind === "announce" && message.leaving,
    );
    equal(farewells.length, 3);
    match((await agent.line("the agent has stopped")).msg, /stopped/);
  });

  it("tells the exit of a watched process within 150 ms of kill -9, sealed, and then bad health", async () => {
    const c1 = await openVoice("c1");
    const folder = mkdtempSync(path.join(tmpdir(), "heartmesh-test-"));
    closers.push(() => {
      rmSync(folder, { recursive: true });
    });
    const worker = startWorker();
    const pidFile = path.join(folder, "worker.pid");
    writeFileSync(pidFile, `${worker.pid}\n`);
    const agent = await startAgent({
      COORDINATORS: listOf(c1),
      WORKER_CHECK: `process:${pidFile}`,
    });
    await agent.line("the worker's process is there");
    equal((await c1.ping(agent.port))?.health.state, "healthy");
    const killed = performance.now();
    worker.kill("SIGKILL");
    const heard = await c1.wait("obituary", 1000);
    ok(heard !== undefined && heard.at - killed < 150, `after ${(heard?.at ?? 0) - killed} ms`);
    match(heard.message.process, new RegExp(`^${worker.pid}@\\d+$`));
    equal((await c1.ping(agent.port))?.health.state, "unhealthy");
    const successor = startWorker();
    writeFileSync(pidFile, `${successor.pid}\n`);
    await c1.wait("announce", 1000, (m) => m.health.state === "healthy");
  });

  it("tells a change of health at once to all: a worker that answers 503, then 200", async () => {
    let status = 200;
    const server = createServer((_, response) => response.writeHead(status).end());
    server.listen(0, "127.0.0.1");
    closers.push(() => {
      server.close();
      server.closeAllConnections();
    });
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const [c1, c2] = [await openVoice("c1"), await openVoice("c2")];
    await startAgent({
      COORDINATORS: listOf(c1, c2),
      WORKER_CHECK: `http://127.0.0.1:${port}/health`,
      WORKER_CHECK_INTERVAL: "200ms",
      LOG_LEVEL: "debug",
    });
    const isHealthy = (m: { health: { state: string } }): boolean => m.health.state === "healthy";
    const isBad = (m: { health: { state: string } }): boolean => m.health.state === "unhealthy";
    ok(await c1.wait("announce", 1000, isHealthy));
    status = 503;
    const broke = performance.now();
    for (const voice of [c1, c2]) {
      const heard = await voice.wait("announce", 2000, isBad);
      equal(heard?.message.health.reason, "status 503, expected 200-399");
      ok(heard.at - broke < 700, `after ${heard.at - broke} ms`);
    }
    c1.heard.length = 0;
    status = 200;
    ok(await c1.wait("announce", 1000, isHealthy));
  });
});

describe("datagrams that are not what they should be", () => {
  it("change nothing and are counted by reason", async () => {
    const [c1, stranger] = [await openVoice("c1"), await openVoice("c1", otherKey)];
    const agent = await startAgent();
    const before = await c1.ping(agent.port);
    const good = c1.sealedPing(900);
    const flipped = Uint8Array.from(good);
    flipped[flipped.length - 20]! ^= 1;
    c1.send(flipped, agent.port); // forged
    c1.send(good.subarray(0, good.length - 5), agent.port); // cut
    c1.send(good.subarray(0, 10), agent.port); // shorter than any
    c1.send(Buffer.alloc(limits.datagramBytes + 1, 1), agent.port); // longer than any
    c1.send(Buffer.from("GET / HTTP/1.1\r\nHost: agent.example.org\r\n\r\n"), agent.port);
    stranger.send(stranger.sealedPing(901), agent.port); // another key
    c1.send(good, agent.port);
    c1.send(good, agent.port); // replayed
    c1.send(c1.sealed({ kind: "handover", term: term(1), successor: "c2" }), agent.port);
    equal((await c1.ping(agent.port))?.incarnation, before?.incarnation);
    const answered = c1.heard.filter(({ message }) => message.kind === "pong");
    equal(answered.length, 3);
    equal(stranger.heard.length, 0);
    deepEqual(stranger.strange, []);
    const counters = await agent.counters();
    equal(counters["dropped-bad-mac"], 2);
    equal(counters["dropped-too-short"], 1);
    equal(counters["dropped-too-long"], 1);
    equal(counters["dropped-unknown-key"], 1);
    equal(counters["dropped-replayed"], 1);
    equal(counters["dropped-unexpected"], 1);
    equal(counters["dropped-version"], 1);
  });

  it("of a stranger get their PONG in plain text, within a rate, and are nothing to the mesh", async () => {
    const c1 = await openVoice("c1");
    const agent = await startAgent();
    const socket = createSocket("udp4");
    closers.push(() => socket.close());
    const answers: string[] = [];
    socket.on("message", (bytes) => answers.push(bytes.toString()));
    for (let i = 0; i < 100; i++) socket.send("PING", agent.port, "127.0.0.1");
    await sleep(100);
    ok(answers.length >= 40 && answers.length <= 45, `${answers.length} answers`);
    ok(answers.every((answer) => answer === "PONG"));
    ok(await c1.ping(agent.port));
    equal((await agent.counters()).received, 101);
  });

  it("by a person's own nc are answered", { skip: needs("netcat") }, async () => {
    const agent = await startAgent();
    const nc = spawn("nc", ["-u", "-w1", "127.0.0.1", String(agent.port)]);
    closers.push(() => nc.kill());
    nc.stdin.end("PING");
    const [answer] = (await once(nc.stdout, "data")) as [Buffer];
    equal(answer.toString(), "PONG");
  });
});

describe("the mesh's key", () => {
  it("rotates by its file, without a restart and without a missed ping", async () => {
    const c1 = await openVoice("c1");
    const folder = mkdtempSync(path.join(tmpdir(), "heartmesh-test-"));
    closers.push(() => {
      rmSync(folder, { recursive: true });
    });
    const file = path.join(folder, "key");
    writeFileSync(file, `${testKey}\n`);
    const agent = await startAgent({ MESH_KEY_FILE: file });
    ok(await c1.ping(agent.port));
    // The documented order: the new key behind the old one, then in front, then alone; the agent goes first each time.
    for (const [agentKeys, ourKeys] of [
      [`${testKey}\n${otherKey}\n`, `${testKey},${otherKey}`],
      [`${otherKey}\n${testKey}\n`, `${otherKey},${testKey}`],
      [`${otherKey}\n`, otherKey],
    ] as const) {
      agent.lines.length = 0;
      writeFileSync(file, agentKeys);
      agent.child.kill("SIGHUP");
      await agent.line("the mesh's keys were read again");
      ok(await c1.ping(agent.port), "with the coordinator's keys of before");
      c1.swapKey(ourKeys);
      ok(await c1.ping(agent.port), "with the same keys");
    }
    writeFileSync(file, "short");
    agent.child.kill("SIGHUP");
    const line = await agent.line("the mesh's keys cannot be read again");
    match(String(line.problem), /key 1 of 1 has 5 bytes/);
    ok(await c1.ping(agent.port));
  });
});

describe("a configuration that is not usable", () => {
  it("is refused with exit code 2, all problems in one line, and no key in it", async () => {
    const { code, lines } = await AgentProcess.refused({
      MESH_KEY: "too-short-secret",
      AGENT_PORT: "eighty",
      WORKER_CHEK: "tcp://a:1",
    });
    equal(code, 2);
    equal(lines.length, 1);
    match(lines[0]!.msg, /AGENT_PORT: "eighty" is not a whole number/);
    match(lines[0]!.msg, /WORKER_CHEK is not a variable of the agent; did you mean WORKER_CHECK\?/);
    ok(!JSON.stringify(lines).includes("too-short-secret"));
  });

  it("is told where the port is taken: exit code 1", async () => {
    const agent = await startAgent();
    const second = await AgentProcess.refused({ AGENT_PORT: String(agent.port) });
    equal(second.code, 1);
    match(second.lines.at(-1)!.msg, /^the agent cannot listen: .*EADDRINUSE.*free\?$/);
  });
});

function startWorker(): ChildProcess {
  const worker = spawn("sleep", ["60"], { stdio: "ignore" });
  closers.push(() => worker.kill("SIGKILL"));
  return worker;
}
