// A log that is followed: whoever does not read it makes it wait in the manager, not in our memory, and nobody else waits; who leaves early leaks nothing.

import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { test, type TestContext } from "node:test";
import { serve, tokens, type TestServer } from "./scripted-plane.ts";
import { pause, until } from "../../waiting.ts";

const text = "x".repeat(1000);

/** As the engine frames a line: numbered, from stdout. */
function frame(number: number): Buffer {
  const line = Buffer.from(`2026-01-01T00:00:00.000000000Z  ${number} ${text}\n`);
  const header = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(line.length, 4);
  return Buffer.concat([header, line]);
}

/** A log without an end, that counts what was taken of it. */
class Endless {
  taken = 0;
  readonly bytes = new Readable({
    highWaterMark: 65_536,
    read: () => {
      // One at a time, as a network would: nothing here runs without a turn of the loop.
      setImmediate(() => {
        if (!this.bytes.destroyed) this.bytes.push(frame(this.taken++));
      });
    },
  });
}

function ask({ url }: TestServer, t: TestContext): Socket {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  t.after(() => socket.destroy());
  socket.on("error", () => undefined);
  socket.write(
    `GET /api/swarm/services/web/logs HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${tokens.viewer}\r\n\r\n`,
  );
  return socket;
}

/** The numbers of the lines as they come. */
function numbersOf(socket: Socket): number[] {
  const numbers: number[] = [];
  let open = "";
  socket.on("data", (bytes: Buffer) => {
    const blocks = (open + bytes.toString()).split("\n\n");
    open = blocks.pop() ?? "";
    for (const block of blocks) {
      const number = /"text":"(\d+) /.exec(block)?.[1];
      if (number !== undefined) numbers.push(Number(number));
    }
  });
  return numbers;
}

const streamsOf = (server: TestServer, ...streams: readonly Readable[]): void => {
  const waiting = [...streams];
  server.plane.manager.stream = () => Promise.resolve(waiting.shift() ?? Readable.from([]));
};

test("a receiver that stands still holds its own log back, and no other; when it reads on, no line is missing", async (t) => {
  const server = await serve(t);
  const [still, other] = [new Endless(), new Endless()];
  streamsOf(server, still.bytes, other.bytes);
  const socket = ask(server, t);
  await until("it has begun", () => still.taken > 10);
  socket.pause();
  let last = -1;
  await until(
    "it is held back",
    () => {
      const isStill = last === still.taken;
      last = still.taken;
      return isStill;
    },
    20_000,
    1_000,
  );
  const heap = process.memoryUsage().heapUsed;
  const numbers = numbersOf(ask(server, t));
  await until("the other goes on", () => numbers.length > 3_000, 30_000);
  assert.equal(still.taken, last, "nothing more is taken for it");
  // What waits is in the buffers of the network: a bound, not a part of the log.
  assert.ok(last < 20_000, `${last} lines were taken`);
  const grown = process.memoryUsage().heapUsed - heap;
  assert.ok(grown < 100e6, `${grown} bytes`);
  const read = numbersOf(socket);
  socket.resume();
  await until("it goes on", () => read.length > last + 500, 30_000);
  const inOrder = read.every((number, at) => at === 0 || number === (read[at - 1] ?? 0) + 1);
  assert.ok(inOrder, "each line once, in order");
});

test("who leaves ends the manager's stream, before its log begins too", async (t) => {
  const server = await serve(t);
  const { manager } = server.plane;
  const log = new PassThrough();
  let begin: (bytes: Readable) => void = () => undefined;
  let asked = 0;
  manager.stream = () => {
    asked++;
    return new Promise((resolve) => (begin = resolve));
  };
  const early = ask(server, t);
  await until("it is asked", () => asked === 1);
  early.destroy();
  await pause(200);
  begin(log);
  await until("the late log is ended", () => log.destroyed);
  const running = new Endless();
  streamsOf(server, running.bytes);
  const late = ask(server, t);
  await until("it runs", () => running.taken > 5);
  late.destroy();
  await until("it is ended", () => running.bytes.destroyed);
});

test("fifty may be followed, also when as many have left before their logs began", async (t) => {
  const server = await serve(t, { bounds: { requests: 1e9 } });
  const { manager } = server.plane;
  const logs: PassThrough[] = [];
  manager.stream = async () => {
    await pause(50);
    const log = new PassThrough();
    logs.push(log);
    return log;
  };
  const early = Array.from({ length: 50 }, () => ask(server, t));
  await until("all are asked", () => logs.length > 0);
  for (const socket of early) socket.destroy();
  await until("all are ended", () => logs.length > 0 && logs.every(({ destroyed }) => destroyed));
  const later = Array.from({ length: 50 }, () => ask(server, t));
  const open = (): number => logs.filter(({ destroyed }) => !destroyed).length;
  await until("fifty run", () => open() === 50);
  const refused = ask(server, t);
  let told = "";
  refused.on("data", (bytes: Buffer) => (told += bytes.toString()));
  await until("one more is refused", () => told.includes("50 logs are followed already"));
  assert.match(told, /^HTTP\/1\.1 503/);
  for (const socket of later) socket.destroy();
  await until("none is left", () => logs.every(({ destroyed }) => destroyed));
});
