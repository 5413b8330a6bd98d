// `heartmesh doctor` against real APIs on loopback: what the pictures show, what all coordinators say together, and what is left where none answers.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import type { DoctorView } from "../../../proto/doctor-rest.ts";
import { statusView, workerView } from "../../../coordinator/api/views.ts";
import type { CoordinatorSummary } from "../../../coordinator/core/summary.ts";
import { symptom } from "../../../coordinator/doctor/ailments.ts";
import { ofPicture } from "../../../coordinator/doctor/picture.ts";
import { facts, serve, summaryOf, workerSummary } from "../api/scripted-plane.ts";
import { asking, run as runAt } from "./running.ts";

/** Clocks are compared, so the terminal has the true time. */
const run = (argv: readonly string[], env: Record<string, string>) =>
  runAt(argv, env, undefined, { now: Date.now });

const well = summaryOf({
  findings: [],
  peers: ["c2", "c3"].map((id) => ({ id, heardAgo: 30, fit: true, redis: "reachable" as const })),
  workers: [workerSummary()],
});

const codesOf = (picture: CoordinatorSummary, isReady = true): readonly string[] => {
  const reasons = isReady ? [] : ["the disk is full"];
  const workers = picture.workers.map((one) => workerView(picture, one));
  return ofPicture(statusView(picture, { ready: isReady, reasons }, facts), workers).map(
    ({ code }) => code,
  );
};
const of = (some: Parameters<typeof workerSummary>[0]): readonly string[] =>
  codesOf({ ...well, workers: [workerSummary(some)] });

test("each worker that would fail unseen is named, with its reason", () => {
  assert.deepEqual(codesOf(well), []);
  assert.deepEqual(of({ probe: "tcp://db:5432" }), ["tcp-sees-no-hang"]);
  assert.deepEqual(of({ heardAgo: -1 }), ["never-heard"]);
  assert.deepEqual(of({ probe: "engine only", heardAgo: -1 }), ["engine-only"]);
  assert.deepEqual(of({ quarantinedFor: 1 }), ["quarantined"]);
  assert.deepEqual(of({ verdict: "partial" }), ["partial"]);
  const evidence = [{ kind: "pong" as const, by: "c1", text: "its agent says unchecked" }];
  assert.deepEqual(of({ evidence }), ["agent-unchecked"]);
  assert.deepEqual(codesOf({ ...well, workers: [] }), ["no-workers"]);
});

test("so is what is wrong with the mesh", () => {
  assert.deepEqual(codesOf(well, false), ["not-ready"]);
  assert.deepEqual(codesOf({ ...well, fit: false, votes: false }), ["abstains", "votes-not"]);
  assert.deepEqual(codesOf({ ...well, peers: [] }), ["alone"]);
  const [one] = well.peers;
  assert.ok(one !== undefined);
  assert.deepEqual(codesOf({ ...well, peers: [{ ...one, heardAgo: 9_000 }] }), [
    "peer-unheard",
    "even",
  ]);
  const findings = [
    { subject: "h1/web-1", code: "label-invalid" as const, text: "heartmesh.port: no" },
  ];
  assert.deepEqual(codesOf({ ...well, findings }), ["label-invalid"]);
});

test("where nothing is found it says so with 0, advice is no fault, and the rest gives 1", async (t) => {
  const server = await serve(t);
  server.plane.picture = well;
  const nothing = await run(["doctor"], asking(server));
  assert.deepEqual([nothing.code, nothing.out], [0, "Nothing is found amiss. Told by c1."]);
  server.plane.symptoms = [symptom("deadman-missing", "DEADMAN_URL", "DEADMAN_URL is not given.")];
  const advice = await run(["doctor"], asking(server));
  assert.equal(advice.code, 0);
  assert.match(advice.out, /^ADVICE DEADMAN_URL \(deadman-missing\)$/m);
  assert.match(advice.out, /^ {2}do +Set DEADMAN_URL to a service/m);
  assert.match(advice.out, /^1 piece of advice\. Told by c1\.$/m);
  server.plane.isReady = false;
  const ill = await run(["doctor", "--json"], asking(server));
  assert.equal(ill.code, 1);
  const { findings } = JSON.parse(ill.out) as DoctorView;
  assert.deepEqual(
    findings.map(({ grade, code }) => `${grade} ${code}`),
    ["error not-ready", "advice deadman-missing"],
  );
});

test("the coordinator that is asked asks the others, with the caller's token", async (t) => {
  const [server, other] = [await serve(t), await serve(t, { id: "c2" })];
  server.plane.picture = well;
  other.plane.picture = { ...well, id: "c2" };
  const volatile = symptom("redis-volatile", "redis", "appendonly no.");
  server.plane.symptoms = [volatile];
  other.plane.symptoms = [volatile, symptom("disk-full", "/data", "0 MiB are left.")];
  server.plane.urls = { c1: server.url, c2: other.url, c3: "http://127.0.0.1:1" };
  const { code, out } = await run(["doctor", "--json"], asking(server, "viewer"));
  assert.equal(code, 1);
  const { coordinators, findings } = JSON.parse(out) as DoctorView;
  assert.deepEqual(
    coordinators.map(({ id, answers }) => [id, answers]),
    [
      ["c1", true],
      ["c2", true],
      ["c3", false],
    ],
  );
  assert.deepEqual(
    findings.map(({ code: what, subject, by }) => `${what} ${subject} by ${by.join("+")}`),
    ["coordinator-silent c3 by c1", "disk-full /data by c2", "redis-volatile redis by c1+c2"],
  );
});

test("where the one that is asked is away, the next of its own configuration is asked", async (t) => {
  const other = await serve(t, { id: "c2" });
  other.plane.picture = { ...well, id: "c2" };
  const env = {
    ...asking(other, "viewer"),
    HEARTMESH_URL: "http://127.0.0.1:1",
    ...{
      COORDINATOR_ID: "c1",
      COORDINATORS: "c1=127.0.0.1:7701,c2=127.0.0.1:7702",
      MESH_INSECURE: "1",
    },
    COORDINATOR_URLS: `c1=http://127.0.0.1:1,c2=${other.url}`,
  };
  const { code, out } = await run(["doctor"], env);
  assert.equal(code, 1);
  assert.match(out, /^ERROR http:\/\/127\.0\.0\.1:1 \(coordinator-silent, by here\)$/m);
  assert.match(out, /Told by c2\.$/);
});

test("where none answers it looks at what is here", async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), "heartmesh-doctor-"));
  t.after(() => {
    rmSync(dir, { recursive: true });
  });
  const env = {
    HEARTMESH_URL: "http://127.0.0.1:1",
    ...{
      COORDINATOR_ID: "c1",
      COORDINATORS: "c1=127.0.0.1:7701,c2=nowhere.invalid:7702",
      MESH_INSECURE: "1",
    },
    COORDINATOR_URLS: "c1=http://127.0.0.1:1,c2=http://127.0.0.1:1",
    ...{ MESH_PORT: "7799", DATA_DIR: dir, REDIS_URL: "redis://127.0.0.1:1" },
    DOCKER_HOST: `unix://${dir}/docker.sock`,
  };
  const codes = async (some: Record<string, string>): Promise<readonly string[]> => {
    const { code, out } = await run(["doctor", "--json"], { ...env, ...some });
    assert.equal(code, 1);
    return (JSON.parse(out) as DoctorView).findings.map((one) => one.code);
  };
  const found = await codes({});
  for (const code of [
    ...["coordinator-silent", "redis-unreachable", "engine-unreachable", "name-unresolved", "even"],
    ...["mesh-insecure", "channels-missing", "deadman-missing"],
  ]) {
    assert.ok(found.includes(code), `${code}: ${found.join(" ")}`);
  }
  const invalid = await codes({ TIMEOUT: "9", CHECK_INTERVALL: "1" });
  assert.equal(invalid.filter((code) => code === "config-invalid").length, 2);
  assert.deepEqual(
    (await run(["doctor", "--json"], { HEARTMESH_URL: "http://127.0.0.1:1", DOCKER_HOST: "none" }))
      .code,
    1,
  );
});
