// The port of HAProxy's agent checks, by a real socket: one line in, one line out, and nothing that a stranger sends does harm.

import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { startCheckPort } from "../../../coordinator/api/check-port.ts";
import type { CoordinatorSummary } from "../../../coordinator/core/summary.ts";
import { summaryOf, workerSummary } from "./scripted-plane.ts";

async function listen(
  t: TestContext,
  summary: () => CoordinatorSummary | undefined = () => summaryOf(),
): Promise<number> {
  const running = await startCheckPort({ host: "127.0.0.1", port: 0 }, summary);
  t.after(() => running.stop());
  return running.port;
}

/** Everything that came until the other side ended it. */
function said(port: number, write: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      write(socket);
    });
    let text = "";
    socket.setEncoding("latin1");
    socket.on("data", (more: string) => (text += more));
    socket.on("close", () => {
      resolve(text);
    });
    // A reset ends it too.
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ECONNRESET" && error.code !== "EPIPE") reject(error);
    });
  });
}
const ask = (port: number, line: string): Promise<string> =>
  said(port, (socket) => socket.write(line));

test("a line is answered in HAProxy's words, each of which takes back the others", async (t) => {
  const workers = [
    workerSummary({ id: "h1/well" }),
    workerSummary({ id: "h1/ill", verdict: "unhealthy" }),
    workerSummary({ id: "h1/away", verdict: "paused" }),
    workerSummary({ id: "h1/nobody-knows", verdict: "unknown" }),
  ];
  const port = await listen(t, () => summaryOf({ workers }));
  assert.equal(await ask(port, "h1/well\n"), "up ready\n");
  assert.equal(await ask(port, "h1/well\r\nmore"), "up ready\n");
  assert.equal(await ask(port, "h1/ill\n"), "down\n");
  assert.equal(await ask(port, "h1/away\n"), "maint\n");
  assert.equal(await ask(port, "h1/none\n"), "down\n");
  assert.equal(await ask(port, "h1/nobody-knows\n"), "", "so that HAProxy goes on as before");
  assert.equal(await ask(port, "\n"), "");
});

test("before its first picture a coordinator says nothing", async (t) => {
  const port = await listen(t, () => undefined);
  assert.equal(await ask(port, "h1/web-1\n"), "");
});

test("a line in pieces is one line", async (t) => {
  const port = await listen(t);
  const answer = said(port, (socket) => {
    socket.write("h1/we");
    setTimeout(() => socket.write("b-1\n"), 20);
  });
  assert.equal(await answer, "up ready\n");
});

test("who sends too much, nothing, or nonsense is closed without an answer, and others are answered meanwhile", async (t) => {
  const port = await listen(t);
  const flood = said(port, (socket) => {
    const more = (): void => {
      if (socket.destroyed) return;
      socket.write("x".repeat(65_536));
      setImmediate(more);
    };
    more();
  });
  const mute = said(port, () => undefined);
  const gone = said(port, (socket) => socket.resetAndDestroy());
  assert.equal(await ask(port, "h1/web-1\n"), "up ready\n");
  assert.equal(await flood, "");
  assert.equal(await ask(port, `${"x".repeat(600)}\n`), "");
  assert.equal(await ask(port, "\u0000\u00ff\ud800\n"), "down\n");
  assert.equal(await gone, "");
  assert.equal(await mute, "");
});

test("no more than a thousand wait at a time: the others are closed at once, and it recovers", async (t) => {
  const port = await listen(t);
  const waiting: Socket[] = [];
  t.after(() => {
    for (const socket of waiting) socket.destroy();
  });
  for (let at = 0; at < 1_000; at++) {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    waiting.push(socket);
  }
  await Promise.all(
    waiting.map((socket) => new Promise((resolve) => socket.once("connect", resolve))),
  );
  assert.equal(await ask(port, "h1/web-1\n"), "");
  const closed = waiting.map((socket) => new Promise((resolve) => socket.once("close", resolve)));
  for (const socket of waiting) socket.resume();
  await Promise.all(closed);
  assert.equal(await ask(port, "h1/web-1\n"), "up ready\n");
});

test("a port that is taken is told", async (t) => {
  const port = await listen(t);
  const second = startCheckPort({ host: "127.0.0.1", port }, () => undefined);
  await assert.rejects(second, /EADDRINUSE/);
});
