// Ways to a real engine: reads and writes apart, TLS with files that change, ssh, and what each failure is called.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { isCoded } from "../../../proto/coded-error.ts";
import {
  EngineClient,
  EngineRefused,
  hasStatus,
  isUnavailable,
} from "../../../coordinator/docker/engines.ts";
import { parseEngines } from "../../../coordinator/docker/endpoints.ts";
import { runContainer } from "../../lab/containers.ts";
import { startEngine, type LabEngine } from "../../lab/engine.ts";
import { ensureImages } from "../../lab/images.ts";
import { needs } from "../../lab/requirements.ts";
import { clientOf } from "./watched.ts";

const skip = needs("root", "engine");

describe("the client of a real engine", { skip }, () => {
  let engine: LabEngine;

  before(async () => {
    engine = await startEngine({ name: "h1" });
    await ensureImages(engine, ["worker"]);
  });
  /** Servers of the tests, closed also after a failure. */
  const closing: (() => void)[] = [];
  after(async () => {
    for (const close of closing) close();
    await engine.stop();
  });

  /** A proxy on a socket of its own that lets only these methods through and notes every request. */
  const proxyFor = async (
    name: string,
    methods: readonly string[],
  ): Promise<{ host: string; asked: string[] }> => {
    const asked: string[] = [];
    const socket = path.join(engine.dir, `${name}.sock`);
    const server = http.createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      if (!methods.includes(request.method ?? "")) {
        response.writeHead(403).end("forbidden");
        return;
      }
      forward(engine, request, response);
    });
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    closing.push(() => {
      server.close();
      server.closeAllConnections();
    });
    return { host: `unix://${socket}`, asked };
  };

  test("calls that change something go to DOCKER_WRITE_HOST, all others never do", async () => {
    const reads = await proxyFor("reads", ["GET"]);
    const writes = await proxyFor("writes", ["POST", "DELETE"]);
    const client = clientOf(reads.host, writes.host);
    await client.connect();
    const id = await runContainer(engine, { name: "apart" });
    await client.kill(id);
    await client.waitNotRunning(id, 5_000);
    assert.equal(await client.start(id), "started");
    assert.equal(await client.start(id), "already-running");
    await client.restart(id, 0);
    assert.equal(await client.stop(id, 1_000), "stopped");
    assert.equal(await client.stop(id, 1_000), "already-stopped");
    assert.equal((await client.inspect(id))?.state, "exited");
    assert.equal((await client.list()).length, 1);
    await client.rename(id, "apart2");
    assert.equal(await client.remove(id), true);
    assert.equal(await client.remove(id), false);
    assert.ok(writes.asked.every((line) => !line.startsWith("GET")));
    assert.ok(reads.asked.every((line) => line.startsWith("GET")));
    assert.ok(writes.asked.length >= 9);
    // Negotiated once, then spoken in every path.
    assert.match(writes.asked[0] ?? "", /^POST \/v1\.\d+\/containers\//);
    // The read way alone is refused, in a way that is told apart from a missing engine.
    const refused = clientOf(reads.host);
    await refused.connect();
    await assert.rejects(refused.start(id), (error) => {
      assert.ok(error instanceof EngineRefused && isCoded(error, "HM_ENGINE_REFUSED"));
      assert.equal(error.status, 403);
      return true;
    });
  });

  test("a secret of a created container is never written into a URL", async () => {
    const seen = await proxyFor("seen", ["GET", "POST", "DELETE"]);
    const client = clientOf(seen.host);
    await client.connect();
    const body = { Image: "heartmesh-lab/worker:1", Env: ["TOKEN=hush"] };
    const id = await client.create({ name: "secretive", body });
    assert.equal((await client.inspectRaw(id))?.Name, "/secretive");
    assert.ok(seen.asked.some((line) => line.includes("create?name=secretive")));
    assert.ok(!seen.asked.some((line) => line.includes("hush")));
    await client.remove(id);
  });

  test("an engine that is not there, and one that never answers, are unavailable within their bound", async () => {
    await assert.rejects(clientOf(`unix://${engine.dir}/nowhere`).ping(), isUnavailable);
    await assert.rejects(clientOf("tcp://127.0.0.1:9").ping(), isUnavailable);
    const client = clientOf(engine.host);
    await client.connect();
    engine.pause();
    try {
      const begun = performance.now();
      await assert.rejects(client.ping(), isUnavailable);
      const took = performance.now() - begun;
      assert.ok(took >= 2_900 && took < 10_000, `${took} ms`);
    } finally {
      engine.resume();
    }
    await client.ping();
  });

  test("a gateway without its engine is unavailable too", async () => {
    const server = http.createServer((_request, response) => {
      response.writeHead(503).end("no server");
    });
    closing.push(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await assert.rejects(clientOf(`tcp://127.0.0.1:${port}`).ping(), isUnavailable);
  });

  test("a removal that is under way already is none of ours; any other conflict is refused", async () => {
    let [status, message] = [409, "removal of container 0123 is already in progress"];
    const server = http.createServer((_request, response) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(status === 204 ? undefined : JSON.stringify({ message }));
    });
    closing.push(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const client = clientOf(`tcp://127.0.0.1:${port}`);
    assert.equal(await client.remove("0123"), false);
    message = "cannot remove container 0123: it is paused";
    await assert.rejects(client.remove("0123"), (error) => hasStatus(error, 409));
    [status, message] = [404, "no such container: 0123"];
    assert.equal(await client.remove("0123"), false);
    status = 204;
    assert.equal(await client.remove("0123"), true);
  });

  test("a manager whose Swarm is between two leaders is unavailable; what it refuses for good is refused", async () => {
    let message = "";
    const server = http.createServer((_request, response) => {
      response.writeHead(500, { "content-type": "application/json" });
      response.end(JSON.stringify({ message }));
    });
    closing.push(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const update = (): Promise<void> =>
      clientOf(`tcp://127.0.0.1:${port}`).updateService("web", 7, {});
    for (const words of [
      "rpc error: code = Unknown desc = raft: failed to process the request: node lost leader status",
      "rpc error: code = Unknown desc = raft: no elected cluster leader",
      "rpc error: code = DeadlineExceeded desc = context deadline exceeded",
      "rpc error: code = Unavailable desc = connection error",
    ]) {
      message = words;
      await assert.rejects(update(), isUnavailable, words);
    }
    message = "rpc error: code = Unknown desc = update out of sequence";
    await assert.rejects(update(), (error) => hasStatus(error, 500));
  });

  test("the environment's own DOCKER_HOST, a list with names, does not disturb any client", async () => {
    const before = process.env.DOCKER_HOST;
    process.env.DOCKER_HOST = "one=tcp://127.0.0.1:9,two=unix:///nowhere";
    try {
      const client = clientOf(`named=${engine.host}`);
      await client.connect();
      assert.equal(client.host, "named");
      assert.equal((await client.info()).name, "h1");
      assert.equal(process.env.DOCKER_HOST, "one=tcp://127.0.0.1:9,two=unix:///nowhere");
    } finally {
      if (before === undefined) delete process.env.DOCKER_HOST;
      else process.env.DOCKER_HOST = before;
    }
  });

  test("TLS: both sides prove themselves, and renewed files are taken up without a restart", async () => {
    const folder = await mkdtemp(path.join(engine.dir, "tls-"));
    const old = makeCertificates(path.join(folder, "old"));
    const renewed = makeCertificates(path.join(folder, "new"));
    const current = path.join(folder, "current");
    await mkdir(current);
    const take = async (from: string): Promise<void> => {
      for (const name of ["ca.pem", "cert.pem", "key.pem"]) {
        await copyFile(path.join(from, name), path.join(current, name));
      }
    };
    await take(old);
    const server = https.createServer(serverOptions(old), (request, response) => {
      forward(engine, request, response);
    });
    closing.push(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const parsed = parseEngines({
      DOCKER_HOST: `tcp://127.0.0.1:${port}`,
      DOCKER_CERT_PATH: current,
    });
    assert.ok(parsed.ok);
    const client = new EngineClient(parsed.value[0]!);
    await client.connect();
    assert.equal(client.host, "h1");
    const stranger = new EngineClient({
      ...parsed.value[0]!,
      read: clearOf(port),
      write: clearOf(port),
    });
    await assert.rejects(stranger.ping(), isUnavailable);
    server.setSecureContext(serverOptions(renewed));
    await assert.rejects(client.ping(), isUnavailable);
    // In the middle of a rotation one file is missing: the old ones stay in use, nothing is thrown.
    await rm(path.join(current, "key.pem"));
    await assert.rejects(client.ping(), isUnavailable);
    await take(renewed);
    await client.ping();
  });

  test("ssh: by the machine's own program, one connection for many calls, its complaint in the error", async () => {
    const bin = await mkdtemp(path.join(engine.dir, "bin-"));
    const log = path.join(bin, "log");
    const script = `#!/bin/sh\necho "$@" >> ${log}\ncase "$*" in *nobody*) echo "Permission denied" >&2; exit 255;; esac\nexec docker -H ${engine.host} system dial-stdio\n`;
    await writeFile(path.join(bin, "ssh"), script);
    await chmod(path.join(bin, "ssh"), 0o755);
    const before = process.env.PATH;
    process.env.PATH = `${bin}:${before}`;
    try {
      const client = clientOf("ssh://deploy@example.test:2222");
      await client.connect();
      assert.equal(client.host, "h1");
      const id = await runContainer(engine, { name: "remote" });
      assert.equal((await client.inspect(id))?.state, "running");
      await client.kill(id);
      for (let round = 0; round < 5; round++) await client.ping();
      const lines = readFileSync(log, "utf8").trim().split("\n");
      assert.match(lines[0] ?? "", /-p 2222 -- deploy@example\.test docker system dial-stdio$/);
      assert.equal(lines.length, 1);
      await assert.rejects(clientOf("ssh://nobody@example.test").ping(), (error) => {
        assert.ok(isUnavailable(error));
        assert.match(error.detail, /Permission denied/);
        return true;
      });
      const abort = new AbortController();
      const stream = await client.events("", abort.signal);
      const firstLine = new Promise<string>((resolve) => {
        stream.on("data", (chunk: Buffer) => {
          resolve(chunk.toString());
        });
        stream.on("error", () => undefined);
      });
      await client.start(id);
      assert.match(await firstLine, /"start"/);
      abort.abort();
      client.close();
    } finally {
      process.env.PATH = before;
    }
  });
});

const clearOf = (port: number): { kind: "tcp"; host: string; port: number; tls: undefined } => ({
  kind: "tcp",
  host: "127.0.0.1",
  port,
  tls: undefined,
});

function forward(
  engine: LabEngine,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): void {
  const upstream = http.request(
    {
      socketPath: engine.socket,
      method: request.method,
      path: request.url,
      headers: request.headers,
    },
    (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    },
  );
  upstream.on("error", () => response.destroy());
  request.pipe(upstream);
}

function serverOptions(folder: string): https.ServerOptions {
  const read = (name: string): string => readFileSync(path.join(folder, name), "utf8");
  return {
    ca: read("ca.pem"),
    cert: read("cert.pem"),
    key: read("key.pem"),
    requestCert: true,
    rejectUnauthorized: true,
  };
}

/** An authority and one certificate of 127.0.0.1 for both sides. */
function makeCertificates(folder: string): string {
  const script = `
    mkdir -p "$0" && cd "$0"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=lab -keyout ca.key -out ca.pem
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=127.0.0.1 -keyout key.pem -out request.pem
    printf 'subjectAltName=IP:127.0.0.1' > names
    openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out cert.pem`;
  const made = spawnSync("sh", ["-ec", script, folder], { encoding: "utf8" });
  if (made.status !== 0) throw new Error(made.stderr);
  return folder;
}
