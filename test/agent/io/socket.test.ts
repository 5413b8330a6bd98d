// The mesh's socket on loopback: both families, a closed port, names that are refused, and failures that are counted.

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { SuspendWatch } from "../../../agent/io/clock.ts";
import { MeshSocket } from "../../../agent/io/socket.ts";
import { instant } from "../../../proto/units.ts";
import { until } from "../../waiting.ts";

interface Opened {
  readonly socket: MeshSocket;
  readonly port: number;
  readonly heard: string[];
  readonly refused: { count: number };
}

const sockets: MeshSocket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) await socket.close();
});

async function open(host: string): Promise<Opened> {
  const heard: string[] = [];
  const refused = { count: 0 };
  const socket = new MeshSocket({
    host,
    port: 0,
    onDatagram: (bytes, address) => heard.push(`${address} ${bytes.toString()}`),
    onRefused: () => refused.count++,
  });
  sockets.push(socket);
  const { port } = await socket.open();
  return { socket, port, heard, refused };
}

describe("the mesh's socket", () => {
  it("carries datagrams over IPv4 and over IPv6", async () => {
    const a = await open("127.0.0.1");
    const b = await open("::1");
    a.socket.send(Buffer.from("four"), a.port, "127.0.0.1");
    b.socket.send(Buffer.from("six"), b.port, "::1");
    await until("both", () => a.heard.length + b.heard.length === 2);
    deepEqual(a.heard, ["127.0.0.1 four"]);
    deepEqual(b.heard, ["::1 six"]);
  });

  it("bound to :: knows IPv4 peers by their IPv4 address, both ways", async () => {
    const both = await open("::");
    const four = await open("127.0.0.1");
    four.socket.send(Buffer.from("hello"), both.port, "127.0.0.1");
    both.socket.send(Buffer.from("back"), four.port, "127.0.0.1");
    await until("both", () => both.heard.length + four.heard.length === 2);
    deepEqual(both.heard, ["127.0.0.1 hello"]);
    deepEqual(four.heard, ["127.0.0.1 back"]);
  });

  it("never throws for an address that is no IP, a wrong port or a closed socket, and counts them", async () => {
    const { socket, port } = await open("127.0.0.1");
    socket.send(Buffer.from("x"), port, "localhost");
    socket.send(Buffer.from("x"), 0, "127.0.0.1");
    socket.send(Buffer.from("x"), 1, "::1");
    equal(socket.counters.sendFailed, 3);
    await socket.close();
    await socket.close();
    socket.send(Buffer.from("x"), port, "127.0.0.1");
    equal(socket.counters.sendFailed, 4);
  });

  it("says that a connected peer's port is closed, and soon", async () => {
    const peer = await open("127.0.0.1");
    const { socket, refused } = await open("127.0.0.1");
    await socket.connectTo("127.0.0.1", peer.port);
    socket.send(Buffer.from("heard"), peer.port, "127.0.0.1");
    await until("it to be heard", () => peer.heard.length > 0);
    equal(peer.heard.length, 1);
    equal(refused.count, 0);
    await peer.socket.close();
    socket.send(Buffer.from("nobody"), peer.port, "127.0.0.1");
    await until("the refusal", () => refused.count > 0);
    equal(refused.count, 1);
    equal(socket.counters.errors, 0);
  });

  it("tells how many datagrams the kernel dropped because they came too fast, and misses none", async () => {
    const heard: number[] = [];
    const full = new MeshSocket({
      host: "127.0.0.1",
      port: 0,
      receiveBuffer: 16_384,
      onDatagram: (bytes) => heard.push(bytes.length),
    });
    sockets.push(full);
    const { port } = await full.open();
    equal(full.overflowed(), 0);
    const { socket } = await open("127.0.0.1");
    await socket.connectTo("127.0.0.1", port);
    for (let i = 0; i < 1000; i++) socket.send(Buffer.alloc(500), port, "127.0.0.1");
    await until("every datagram to be heard or dropped", () => {
      return heard.length + full.overflowed() === 1000;
    });
    ok(full.overflowed() > 500, `${full.overflowed()} dropped`);
  });

  it("rejects a port that is taken with the system's error", async () => {
    const { port } = await open("127.0.0.1");
    const second = new MeshSocket({ host: "127.0.0.1", port, onDatagram: () => undefined });
    await rejects(second.open(), { code: "EADDRINUSE" });
    await second.close();
  });
});

describe("a suspend of the machine", () => {
  it("shows as the boot clock running away from the monotonic one", () => {
    let [monotonic, boottime] = [1000, 500_000];
    const clock = { now: () => instant(monotonic), wall: () => 0 };
    const watch = new SuspendWatch(clock, () => boottime);
    monotonic += 5000;
    boottime += 5010;
    equal(watch.suspendedFor(), 0);
    monotonic += 100;
    boottime += 60_100;
    ok(Math.abs(watch.suspendedFor() - 60_000) <= 20);
    equal(watch.suspendedFor(), 0);
  });

  it("is not seen in a stall of the process, nor where there is no boot clock", () => {
    let [monotonic, boottime] = [1000, 500_000];
    const clock = { now: () => instant(monotonic), wall: () => 0 };
    const watch = new SuspendWatch(clock, () => boottime);
    monotonic += 10_000;
    boottime += 10_000;
    equal(watch.suspendedFor(), 0);
    equal(new SuspendWatch(clock, () => undefined).suspendedFor(), 0);
  });

  it("is not seen now, by this machine's own clocks", () => {
    const clock = { now: () => instant(performance.now()), wall: () => 0 };
    equal(new SuspendWatch(clock).suspendedFor(), 0);
  });
});
