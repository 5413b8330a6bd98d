// The doctor's look at engines, disks, names and other coordinators, where they are not as they should be.

import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { ailments, gathered, symptom } from "../../../coordinator/doctor/ailments.ts";
import { aheadOf, ofCoordinators } from "../../../coordinator/doctor/coordinators.ts";
import { ofDisk } from "../../../coordinator/doctor/disk.ts";
import { ofEngine } from "../../../coordinator/doctor/engines.ts";
import { ofNames } from "../../../coordinator/doctor/names.ts";

interface Engine {
  ahead: number;
  /** What it says to a start of a container that does not exist. */
  start: number;
}

/** An engine, or a proxy before one, that answers what the doctor asks. */
async function engineOf(t: TestContext, engine: Engine) {
  const answer: RequestListener = (request, response) => {
    const say = (status: number, body: unknown): void => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    if (request.url?.endsWith("/version") === true) {
      say(200, { ApiVersion: "1.44", MinAPIVersion: "1.24" });
    } else if (request.url?.endsWith("/info") === true) {
      say(200, { Name: "h1", SystemTime: new Date(Date.now() + engine.ahead).toISOString() });
    } else say(engine.start, { message: engine.start === 404 ? "No such container" : "no" });
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const way = { kind: "tcp" as const, host: "127.0.0.1", port, tls: undefined };
  return { name: "h1", read: way, write: way };
}

test("an engine whose clock is off, or whose proxy takes no writes, is found out", async (t) => {
  const engine: Engine = { ahead: 0, start: 404 };
  const spec = await engineOf(t, engine);
  assert.deepEqual(await ofEngine(spec), []);
  engine.ahead = -90_000;
  const [clock] = await ofEngine(spec);
  assert.equal(clock?.code, "engine-clock");
  assert.match(clock.found, /^h1: its clock is (89|90|91)\.\d s behind ours\.$/);
  Object.assign(engine, { ahead: 0, start: 403 });
  const [writes] = await ofEngine(spec);
  assert.equal(writes?.code, "engine-refuses-writes");
  assert.match(writes.found, /HTTP 403/);
});

test("an engine that does not answer is one error, with its own words", async () => {
  const way = { kind: "unix" as const, path: "/nonexistent/docker.sock" };
  const [gone] = await ofEngine({ name: "", read: way, write: way });
  assert.equal(gone?.code, "engine-unreachable");
  assert.match(gone.found, /^unix:\/\/\/nonexistent\/docker\.sock: .*ENOENT/);
});

test("a directory that takes no writes, and one that does and keeps nothing of it", async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), "heartmesh-doctor-"));
  t.after(() => {
    rmSync(dir, { recursive: true });
  });
  assert.deepEqual(
    (await ofDisk(dir)).filter(({ grade }) => grade === "error"),
    [],
  );
  const file = path.join(dir, "file");
  writeFileSync(file, "");
  chmodSync(file, 0o600);
  const [under] = await ofDisk(path.join(file, "data"));
  assert.equal(under?.code, "disk-unwritable");
  assert.match(under.found, /ENOTDIR|EEXIST/);
});

test("a name without an address is told with whom it should be", async () => {
  const members = [
    { name: "c1", host: "127.0.0.1" },
    { name: "c2", host: "no-such-host.invalid" },
  ];
  const found = await ofNames(members);
  assert.deepEqual(
    found.map(({ code, subject }) => [code, subject]),
    [["name-unresolved", "c2"]],
  );
});

test("clocks and releases that differ are found; a slow answer is no clock that is off", () => {
  const one = {
    url: null,
    answers: true,
    text: "",
    version: "1.0.0",
    nowMs: 0,
    aheadMs: 0,
    err: 0,
  };
  const codes = (...more: readonly object[]): readonly string[] =>
    ofCoordinators(
      [{ ...one, id: "c1" }, ...more.map((some) => ({ ...one, id: "c2", ...some }))],
      "c1",
    ).map(({ code }) => code);
  assert.deepEqual(codes({}), []);
  assert.deepEqual(codes({ version: "1.1.0" }), ["versions-apart"]);
  assert.deepEqual(codes({ aheadMs: -1_500 }), ["clocks-apart"]);
  assert.deepEqual(codes({ aheadMs: 1_500, err: 600 }), [], "it may err by so much");
  const silent = { answers: false, version: null, nowMs: null, aheadMs: null, text: "refused" };
  assert.deepEqual(codes(silent), ["coordinator-silent"]);
  // Sent at 1,000 and received at 5,000 by us; there it took from 62,500 to 63,000.
  const read = aheadOf(1_000, { askedAtMs: 62_500, nowMs: 63_000 }, 5_000);
  assert.deepEqual(read, { ahead: 59_750, err: 1_750 });
});

test("a fault that several found stands once; the gravest stand first", () => {
  const by = (id: string) => [id];
  const all = gathered([
    { ...symptom("deadman-missing", "DEADMAN_URL", "not given"), by: by("c1") },
    { ...symptom("redis-volatile", "redis", "appendonly no"), by: by("c2") },
    { ...symptom("redis-volatile", "redis", "appendonly no"), by: by("c1") },
    { ...symptom("votes-not", "c3", "it may not"), by: by("c3") },
  ]);
  assert.deepEqual(
    all.map(({ code, by: who }) => `${code} ${who.join("+")}`),
    ["votes-not c3", "redis-volatile c1+c2", "deadman-missing c1"],
  );
});

test("each says why it matters and what to do, in sentences", () => {
  for (const [code, { why, remedy }] of Object.entries(ailments)) {
    assert.match(code, /^[a-z-]+$/);
    for (const text of [why, remedy]) assert.match(text, /^[A-Za-z].+\.$/, code);
  }
});
