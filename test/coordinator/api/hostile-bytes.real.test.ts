// Bytes that are no request, or one that no client should make, and connections that dribble or only sit there: each is a problem in bounded time, and others are served.

import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import type { Problem } from "../../../proto/rest.ts";
import { Random } from "../../../proto/random.ts";
import { pause } from "../../waiting.ts";
import { bearer, serve, type TestServer } from "./scripted-plane.ts";

const start = (t: TestContext): Promise<TestServer> => serve(t, { bounds: { requests: 1e9 } });

/** What comes back until either end closes; a problem closes, and `patience` ms are enough for all else. */
function raw({ url }: TestServer, bytes: string | Buffer, patience = 2_000): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(bytes));
    let answer = "";
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(end, patience);
    socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
    socket.on("close", end);
    socket.on("error", end);
  });
}

function assertProblem(answer: string, status: number, what: string): void {
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `), `${what}: ${answer.slice(0, 200)}`);
  assert.match(head, /^content-type: application\/problem\+json/im, what);
  const json = /\{.*\}/s.exec(body)?.[0] ?? "";
  assert.equal((JSON.parse(json) as Problem).status, status, what);
}

const login = `authorization: ${bearer("admin").authorization}\r\n`;
const json = "content-type: application/json\r\n";
const closing = "connection: close\r\n";
const silence = "/api/v1/workers/web-1/silence";
const get = (headers: string, path = "/livez"): string =>
  `GET ${path} HTTP/1.1\r\n${closing}${headers}\r\n`;
const post = (headers: string, body: string): string =>
  `POST ${silence} HTTP/1.1\r\nhost: x\r\n${closing}${login}${json}${headers}\r\n${body}`;
const chunked = "transfer-encoding: chunked\r\n";
const good = '{"for":"1h","reason":"x"}';

const broken: readonly (readonly [what: string, status: number, bytes: string])[] = [
  ["no host", 400, get("")],
  ["two hosts", 400, get("host: a\r\nhost: b\r\n")],
  ["an unknown method", 400, "BREW / HTTP/1.1\r\nhost: a\r\n\r\n"],
  ["an unknown version", 400, "GET / HTTP/3.0\r\nhost: a\r\n\r\n"],
  ["a TLS greeting", 400, "\u0016\u0003\u0001\u0002\u0000\u0001\r\n\r\n"],
  ["a zero byte in the path", 400, get("host: a\r\n", "/api/v1/workers/\0")],
  ["a header without a name", 400, get("host: a\r\n: x\r\n")],
  ["a header with a zero byte", 400, get("host: a\r\nx: a\0b\r\n")],
  ["a header that is folded", 400, get("host: a\r\n folded\r\n")],
  ["20,000 bytes of one header", 431, get(`host: a\r\nx: ${"y".repeat(20_000)}\r\n`)],
  ["2,000 headers", 431, get(`host: a\r\n${"x-some: header\r\n".repeat(2_000)}`)],
  ["a path of 20,000 bytes", 431, get("host: a\r\n", `/${"y".repeat(20_000)}`)],
  ["an expectation that nobody knows", 417, get("host: a\r\nexpect: miracles\r\n")],
  ["a tunnel", 405, "CONNECT example:443 HTTP/1.1\r\nhost: example\r\n\r\n"],
  ["two lengths", 400, post("content-length: 5\r\ncontent-length: 6\r\n", good)],
  ["a negative length", 400, post("content-length: -1\r\n", good)],
  ["a length that is text", 400, post("content-length: many\r\n", good)],
  ["a length beyond all numbers", 400, post(`content-length: ${"9".repeat(30)}\r\n`, good)],
  ["a length and chunks", 400, post(`content-length: 5\r\n${chunked}`, "0\r\n\r\n")],
  ["chunks of an unknown coding", 400, post("transfer-encoding: gzip\r\n", "0\r\n\r\n")],
  ["a chunk without a length", 400, post(chunked, "ZZ\r\nx\r\n")],
  ["a chunk longer than it says", 400, post(chunked, "2\r\nabcdef\r\n0\r\n\r\n")],
  ["chunks that say too much", 413, post(chunked, `5;${"x".repeat(20_000)}\r\nabcde\r\n0\r\n\r\n`)],
  ["chunks beyond the bound", 413, post(chunked, `5000\r\n${"x".repeat(0x5000)}\r\n0\r\n\r\n`)],
  ["a length beyond the bound", 413, post("content-length: 16385\r\n", "")],
];

test("what is no request, or none that may be answered, is a problem with the status for it", async (t) => {
  const server = await start(t);
  for (const [what, status, bytes] of broken) assertProblem(await raw(server, bytes), status, what);
  assert.deepEqual(server.plane.commands, []);
  assert.match(await raw(server, get("host: a\r\n")), /^HTTP\/1\.1 200 /);
});

test("a login that is sent twice counts once, and an absolute target is that of its path", async (t) => {
  const server = await start(t);
  const viewer = `authorization: ${bearer("viewer").authorization}\r\n`;
  const both = `POST ${silence} HTTP/1.1\r\nhost: a\r\n${closing}${viewer}${login}${json}content-length: ${good.length}\r\n\r\n${good}`;
  assertProblem(await raw(server, both), 403, "a viewer's first");
  const absolute = get(`host: a\r\n${viewer}`, "http://elsewhere.example/api/v1/leader");
  assert.match(await raw(server, absolute), /^HTTP\/1\.1 200 /);
  const follower = await serve(t, { id: "c2" });
  follower.plane.picture = { ...follower.plane.picture, id: "c2", role: "follower", leaseFor: 0 };
  follower.plane.leaderAt = server.url;
  const forwarded = `DELETE http://elsewhere.example${silence} HTTP/1.1\r\nhost: a\r\n${closing}${login}\r\n`;
  assert.match(await raw(follower, forwarded), /^HTTP\/1\.1 200 /);
  assert.equal(server.plane.commands.length, 1);
});

test("a stream that is only asked about ends at once", async (t) => {
  const server = await start(t);
  const asked = `HEAD /api/v1/events HTTP/1.1\r\nhost: a\r\n${closing}${login}accept: text/event-stream\r\n\r\n`;
  assert.match(await raw(server, asked), /^HTTP\/1\.1 200 /);
  assert.equal(server.plane.listeners.size, 0);
});

const isKnown = (answer: string): boolean =>
  /^HTTP\/1\.1 (200|400|401|403|404|405|408|413|414|415|417|431) /.test(answer);

test("any mutation of a good request, and any noise, is answered with a status that is known", async (t) => {
  const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
  const random = new Random(seed);
  const server = await serve(t, { bounds: { requests: 1e9, request: 400 } });
  const whole = Buffer.from(post(`content-length: ${good.length}\r\n`, good));
  const mutated = (): Buffer => {
    const bytes = Buffer.from(whole);
    for (let i = 0; i <= random.below(4); i++)
      bytes[random.below(bytes.length)] = random.below(256);
    return random.below(4) === 0 ? bytes.subarray(0, 1 + random.below(bytes.length)) : bytes;
  };
  const noise = (): Buffer =>
    Buffer.from(Array.from({ length: 1 + random.below(600) }, () => random.below(256)));
  const all = Array.from({ length: 300 }, (_, at) => (at % 5 === 0 ? noise() : mutated()));
  const answers = await Promise.all(all.map((bytes) => raw(server, bytes, 4_000)));
  const strange = answers.filter((answer) => !isKnown(answer));
  assert.deepEqual(strange, [], `SEED=${seed}`);
  assert.match(await raw(server, get("host: a\r\n")), /^HTTP\/1\.1 200 /);
});

/** One byte now and then, until the other end has enough. */
async function dribble(server: TestServer, bytes: string): Promise<string> {
  const { port } = new URL(server.url);
  const socket = connect(Number(port), "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
  socket.on("error", () => undefined);
  for (const byte of bytes) {
    // A problem closes.
    if (socket.destroyed || socket.readableEnded) break;
    socket.write(byte);
    await pause(20);
  }
  socket.destroy();
  return answer;
}

test("who sends a byte now and then is cut off at the bound, in headers and in a body, while others are served", async (t) => {
  const server = await serve(t, { bounds: { requests: 1e9, request: 500 } });
  const slowHeaders = `GET /livez HTTP/1.1\r\nhost: a\r\nx: ${"y".repeat(500)}`;
  const slowBody = `content-length: 400\r\n\r\n${" ".repeat(400)}`;
  const head = post("", "").slice(0, -2);
  const began = performance.now();
  const slow = Array.from({ length: 20 }, (_, at) =>
    dribble(server, at % 2 === 0 ? slowHeaders : head + slowBody),
  );
  let slowest = 0;
  for (let i = 0; i < 20; i++) {
    const asked = performance.now();
    assert.equal((await fetch(`${server.url}/livez`)).status, 200);
    slowest = Math.max(slowest, performance.now() - asked);
    await pause(20);
  }
  const answers = await Promise.all(slow);
  const took = performance.now() - began;
  for (const answer of answers) assertProblem(answer, 408, "too slow");
  assert.ok(took < 30_000, `they were cut off after ${took} ms`);
  assert.ok(slowest < 3_000, `another waited for ${slowest} ms`);
});

test("beyond the bound of connections new ones are closed, and those that are there are served", async (t) => {
  const most = 50;
  const server = await serve(t, { bounds: { requests: 1e9, connections: most } });
  const { port } = new URL(server.url);
  const sockets: Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  let closed = 0;
  for (let i = 0; i < 2 * most; i++) {
    const socket = connect(Number(port), "127.0.0.1");
    sockets.push(socket);
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.on("error", () => undefined);
    socket.on("close", () => closed++);
  }
  await pause(200);
  assert.equal(closed, most);
  const [first] = sockets;
  const answered = new Promise<string>((resolve) => {
    first?.once("data", (chunk: Buffer) => {
      resolve(chunk.toString());
    });
  });
  first?.write(get("host: a\r\n"));
  assert.match(await answered, /^HTTP\/1\.1 200 /);
});
