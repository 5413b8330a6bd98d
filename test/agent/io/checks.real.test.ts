// The checks against real servers on loopback: right, wrong, hung and missing ones; real programs, their groups ended.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer as createTcpServer, type Server as TcpServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { checkEngine } from "../../../agent/io/checks/engine.ts";
import { checkExec } from "../../../agent/io/checks/exec.ts";
import { anySuccess, checkHttp, type HttpCheck } from "../../../agent/io/checks/http.ts";
import type { CheckAnswer } from "../../../agent/io/checks/result.ts";
import { checkTcp } from "../../../agent/io/checks/tcp.ts";

const closers: (() => void)[] = [];
after(() => {
  for (const close of closers) close();
});

async function listen(server: Server | TcpServer): Promise<number> {
  const open = new Set<Socket>();
  server.on("connection", (socket: Socket) => open.add(socket));
  closers.push(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as { port: number }).port;
}

/** Accepts, and never says a word: a hung worker. */
const hungPort = await listen(createTcpServer());
/** Nobody listens here any more. */
const closedPort = await (async () => {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
})();

const kindOf = (answer: CheckAnswer): string => (answer.ok ? "ok" : answer.kind);
const reasonOf = (answer: CheckAnswer): string => (answer.ok ? "" : answer.reason);

describe("a TCP check", () => {
  it("passes where somebody accepts, even a hung process", async () => {
    deepEqual(await checkTcp({ host: "127.0.0.1", port: hungPort, timeout: 500 }), { ok: true });
  });

  it("says refused where nobody listens", async () => {
    const answer = await checkTcp({ host: "127.0.0.1", port: closedPort, timeout: 500 });
    deepEqual(answer, { ok: false, kind: "refused", reason: "connection refused" });
  });

  it("and any other is given up at once by its signal", async () => {
    const controller = new AbortController();
    const asked = checkHttp({
      url: urlOf(hungPort),
      status: anySuccess,
      timeout: 5000,
      signal: controller.signal,
    });
    const began = performance.now();
    controller.abort();
    equal(reasonOf(await asked), "the check was given up");
    ok(performance.now() - began < 100);
    const aborted = await checkTcp({
      host: "127.0.0.1",
      port: hungPort,
      timeout: 500,
      signal: controller.signal,
    });
    equal(kindOf(aborted), "error");
  });
});

const urlOf = (port: number, path = "/"): string => `http://127.0.0.1:${port}${path}`;

async function ask(
  listener: RequestListener,
  options: Partial<HttpCheck> = {},
  path = "/",
): Promise<CheckAnswer> {
  const port = await listen(createHttpServer(listener));
  return checkHttp({ url: urlOf(port, path), status: anySuccess, timeout: 500, ...options });
}

describe("an HTTP check", () => {
  it("passes on a status within the list and fails on another", async () => {
    deepEqual(await ask((_, response) => response.writeHead(204).end()), { ok: true });
    const answer = await ask((_, response) => response.writeHead(503).end());
    deepEqual(answer, { ok: false, kind: "bad-answer", reason: "status 503, expected 200-399" });
    const status = [{ low: 503, high: 503 }];
    equal(kindOf(await ask((_, response) => response.writeHead(503).end(), { status })), "ok");
  });

  it("looks for a text or a pattern in the body", async () => {
    const listener: RequestListener = (_, response) => response.end('{"status": "ok"}');
    const contains = { kind: "contains", text: '"ok"' } as const;
    const lacks = { kind: "contains", text: "fine" } as const;
    const matches = { kind: "matches", pattern: /status.*OK/i } as const;
    equal(kindOf(await ask(listener, { body: contains })), "ok");
    equal(kindOf(await ask(listener, { body: matches })), "ok");
    equal(reasonOf(await ask(listener, { body: lacks })), 'the body lacks "fine"');
  });

  it("reads a bounded part of a body that never ends", async () => {
    const endless: RequestListener = (_, response) => {
      const pour = (): void => {
        while (!response.destroyed && response.write("x".repeat(16_384)));
        if (!response.destroyed) response.once("drain", pour);
      };
      pour();
    };
    const body = { kind: "contains", text: "y" } as const;
    equal(kindOf(await ask(endless, { body })), "bad-answer");
  });

  it("times out on a server that accepts and never answers, and on one that stops in its body", async () => {
    const began = performance.now();
    const answer = await checkHttp({ url: urlOf(hungPort), status: anySuccess, timeout: 200 });
    deepEqual(answer, { ok: false, kind: "timeout", reason: "no answer within 200 ms" });
    ok(performance.now() - began < 400);
    const half: RequestListener = (_, response) => response.writeHead(200).write("begun");
    equal(kindOf(await ask(half, { body: { kind: "contains", text: "z" } })), "timeout");
  });

  it("says refused where nobody listens, and error where no HTTP is spoken", async () => {
    const refused = await checkHttp({ url: urlOf(closedPort), status: anySuccess, timeout: 500 });
    equal(kindOf(refused), "refused");
    const port = await listen(createTcpServer((socket) => socket.end("SSH-2.0\r\n")));
    equal(kindOf(await checkHttp({ url: urlOf(port), status: anySuccess, timeout: 500 })), "error");
  });

  it("judges a redirect as it is, and follows it only when told", async () => {
    const listener: RequestListener = (request, response) => {
      if (request.url === "/old") response.writeHead(302, { location: "/new" }).end();
      else response.writeHead(request.url === "/new" ? 500 : 302, { location: "/old" }).end();
    };
    equal(kindOf(await ask(listener, {}, "/old")), "ok");
    equal(reasonOf(await ask(listener, { redirects: 1 }, "/old")), "status 500, expected 200-399");
    const status = [{ low: 200, high: 299 }];
    const loop: RequestListener = (_, response) => response.writeHead(302, { location: "/" }).end();
    equal(reasonOf(await ask(loop, { redirects: 3, status })), "status 302, expected 200-299");
  });

  it("is not timed out by a stall of our own while the answer waits", async () => {
    // The server must live in another process, or our stall would be its own.
    const server = spawn(process.execPath, ["-e", serverText], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    closers.push(() => server.kill("SIGKILL"));
    const [line] = (await once(server.stdout, "data")) as [Buffer];
    const asked = checkHttp({
      url: urlOf(Number(line.toString())),
      status: anySuccess,
      timeout: 300,
    });
    await sleep(100); // The request is out, its answer comes while we sleep.
    await nextTurn(); // Out of the timers' phase, so that the timers come before the sockets.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    equal(kindOf(await asked), "ok");
    server.kill("SIGKILL");
  });
});

const serverText = `require("http").createServer((q, r) => setTimeout(() => r.end("ok"), 150))
  .listen(0, "127.0.0.1", function () { console.log(this.address().port); });`;

describe("an exec check", () => {
  it("passes on exit code 0 and tells what a failure printed", async () => {
    deepEqual(await checkExec({ command: "true", args: [], timeout: 2000 }), { ok: true });
    const script = "echo no space left >&2; exit 3";
    const answer = await checkExec({ command: "sh", args: ["-c", script], timeout: 2000 });
    deepEqual(answer, { ok: false, kind: "bad-answer", reason: "exited with 3: no space left" });
  });

  it("keeps a bounded part of what is printed, and is not held up by it", async () => {
    const script = "head -c 5000000 /dev/zero | tr '\\0' x; exit 1";
    const answer = await checkExec({ command: "sh", args: ["-c", script], timeout: 5000 });
    ok(reasonOf(answer).length < 1100);
    match(reasonOf(answer), /^exited with 1: x+$/);
  });

  it("says which program cannot be run", async () => {
    const answer = await checkExec({ command: "no-such-program", args: [], timeout: 500 });
    equal(kindOf(answer), "error");
    match(reasonOf(answer), /^cannot run no-such-program: .*ENOENT/);
  });

  it("ends the whole process group when time is up", async () => {
    const script = "sleep 30 & echo $!; wait";
    const folder = mkdtempSync(path.join(tmpdir(), "heartmesh-test-"));
    closers.push(() => {
      rmSync(folder, { recursive: true });
    });
    const file = path.join(folder, "pid");
    const began = performance.now();
    const answer = await checkExec({
      command: "sh",
      args: ["-c", `(${script}) > ${file}`],
      timeout: 300,
    });
    equal(kindOf(answer), "timeout");
    ok(performance.now() - began < 600);
    const grandchild = Number(readFileSync(file, "utf8").trim());
    await sleep(50);
    ok(grandchild > 0 && !isAlive(grandchild), `sleep ${grandchild} still runs`);
  });
});

function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

describe("a check of the engine", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "heartmesh-test-"));
  closers.push(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  let sockets = 0;
  async function engineThat(answers: (socket: Socket) => void): Promise<string> {
    const socketPath = path.join(folder, `engine-${++sockets}`);
    const server = createTcpServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => {
        answers(socket);
      });
    });
    closers.push(() => server.close());
    server.listen(socketPath);
    await once(server, "listening");
    return socketPath;
  }
  const saying = (text: string) => (socket: Socket) => socket.end(text);

  it("passes for a 200, also where it comes byte by byte", async () => {
    const socketPath = await engineThat(saying("HTTP/1.1 200 OK\r\n\r\nOK"));
    deepEqual(await checkEngine({ socketPath, timeout: 500 }), { ok: true });
    const slow = await engineThat((socket) => {
      const bytes = Array.from("HTTP/1.1 200 OK\r\n\r\n");
      const write = (): void => {
        const next = bytes.shift();
        if (next !== undefined) socket.write(next, () => setTimeout(write, 1));
      };
      write();
    });
    deepEqual(await checkEngine({ socketPath: slow, timeout: 2000 }), { ok: true });
  });

  it("fails for any other status, for what is no engine, and for a closed connection", async () => {
    const said = async (text: string): Promise<string> =>
      reasonOf(await checkEngine({ socketPath: await engineThat(saying(text)), timeout: 500 }));
    equal(await said("HTTP/1.1 500 no\r\n\r\n"), "the engine answers with status 500");
    equal(await said("SSH-2.0-OpenSSH\r\n"), "what answers there is no engine");
    equal(await said("x".repeat(300)), "what answers there is no engine");
    equal(await said(""), "the engine closed the connection without an answer");
  });

  it("times out where nobody answers, and fails at once where there is no socket", async () => {
    const socketPath = await engineThat(() => undefined);
    equal(kindOf(await checkEngine({ socketPath, timeout: 100 })), "timeout");
    const missing = path.join(folder, "missing");
    match(reasonOf(await checkEngine({ socketPath: missing, timeout: 500 })), /^ENOENT/);
  });
});
