// Bull Board on a real Redis with a real failed job: who may look, who may retry, what nobody may, and what a stranger's page may not.

import assert from "node:assert/strict";
import { after, before, test, type TestContext } from "node:test";
import { Queue, Worker } from "bullmq";
import type { QueuesView } from "../../../proto/queues-rest.ts";
import { startRedis, type LabRedis } from "../../lab/redis.ts";
import { ask, ofPage, signIn } from "./browser.ts";
import { asking, run } from "../cli/running.ts";
import { bearer, serve, tokens, type TestServer } from "./scripted-plane.ts";

let redis: LabRedis;
let queue: Queue;

before(async () => {
  redis = await startRedis();
  const connection = { host: "127.0.0.1", port: redis.port, maxRetriesPerRequest: null };
  queue = new Queue("revival", { connection, prefix: "{heartmesh:test}" });
  const worker = new Worker("revival", () => Promise.reject(new Error("it does not start")), {
    connection,
    prefix: "{heartmesh:test}",
  });
  const failed = new Promise((resolve) => worker.once("failed", resolve));
  await queue.add("revive", { recovery: "3.7.ff" }, { jobId: "job-1", attempts: 1 });
  await failed;
  await worker.close();
});

after(async () => {
  await queue.close();
  await redis.stop();
});

test("how full they are, and why the last jobs failed, is told in one answer and by the command line", async (t) => {
  const server = await board(t);
  const answer = await fetch(`${server.url}/api/v1/queues`, { headers: bearer("viewer") });
  const { queues } = (await answer.json()) as QueuesView;
  const [one] = queues;
  assert.deepEqual(
    [one?.name, one?.isPaused, one?.waiting, one?.active, one?.delayed, one?.failed],
    ["revival", false, 0, 0, 0, 1],
  );
  const [job] = one?.lastFailed ?? [];
  assert.deepEqual([job?.id, job?.reason, job?.tries], ["job-1", "it does not start", 1]);
  const { code, out } = await run(["queues"], asking(server, "viewer"));
  assert.equal(code, 0);
  assert.match(out, /^revival +0 +0 +0 +1 +0$/m);
  assert.match(out, /^job-1 +revival .* it does not start$/m);
});

async function board(t: TestContext): Promise<TestServer> {
  const server = await serve(t);
  server.plane.queues = [queue];
  return server;
}

const write = async (
  { url }: TestServer,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
): Promise<{ status: number; type: string; text: string }> => {
  const answer = await fetch(`${url}/queues/api/queues${path}`, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body }),
  });
  const type = answer.headers.get("content-type")?.split(";")[0] ?? "";
  return { status: answer.status, type, text: await answer.text() };
};

interface Queues {
  queues: {
    name: string;
    readOnlyMode: boolean;
    allowRetries: boolean;
    counts: { failed: number };
  }[];
}

const look = async ({ url }: TestServer, role: keyof typeof tokens): Promise<Queues> => {
  const answer = await fetch(`${url}/queues/api/queues?activeQueue=revival&status=failed`, {
    headers: bearer(role),
  });
  return (await answer.json()) as Queues;
};

test("the page comes without anything from another host, under a policy of its own", async (t) => {
  const { url } = await board(t);
  const answer = await fetch(`${url}/queues`, {
    headers: { authorization: `Basic ${Buffer.from(`me:${tokens.viewer}`).toString("base64")}` },
  });
  const page = await answer.text();
  assert.match(page, /<base href="\/queues\/"/);
  assert.doesNotMatch(page, /(href|src)="(https?:)?\/\//);
  assert.match(answer.headers.get("content-security-policy") ?? "", /script-src 'self'/);
  const [, script = ""] = /src="(static\/js\/[^"]+)"/.exec(page) ?? [];
  const part = await fetch(`${url}/queues/${script}`, { headers: bearer("viewer") });
  assert.equal(part.status, 200);
  assert.match(part.headers.get("content-type") ?? "", /javascript/);
  assert.equal((await fetch(`${url}/queues/${script}`)).status, 401);
});

test("a viewer sees the failed job and no way to change it, an operator sees a way", async (t) => {
  const server = await board(t);
  const [seen] = (await look(server, "viewer")).queues;
  assert.deepEqual(
    [seen?.name, seen?.counts.failed, seen?.readOnlyMode, seen?.allowRetries],
    ["revival", 1, true, false],
  );
  const [own] = (await look(server, "operator")).queues;
  assert.deepEqual([own?.readOnlyMode, own?.allowRetries], [false, true]);
});

test("no write of a viewer is taken, whatever it is", async (t) => {
  const server = await board(t);
  for (const path of [
    "/revival/job-1/retry",
    "/revival/retry/failed",
    "/revival/job-1/promote",
    "/revival/promote",
    "/revival/job-1/clean",
    "/revival/clean/failed",
    "/revival/pause",
    "/pause",
    "/revival/empty",
    "/revival/obliterate",
  ]) {
    const answer = await write(server, "PUT", path, bearer("viewer"));
    assert.equal(answer.status, 403, path);
    assert.equal(answer.type, "application/problem+json");
  }
  assert.equal((await queue.getJobCounts("failed")).failed, 1);
  assert.equal(await queue.isPaused(), false);
});

test("nobody makes or rewrites a job by hand, and only an admin pauses or cleans", async (t) => {
  const server = await board(t);
  for (const role of ["operator", "admin"] as const) {
    const forged = '{"name":"revive","data":{"recovery":"forged"},"options":{}}';
    const added = await write(server, "POST", "/revival/add", bearer(role), forged);
    assert.equal(added.status, 403, role);
    const rewritten = await write(
      server,
      "PATCH",
      "/revival/job-1/update-data",
      bearer(role),
      '{"jobData":{"recovery":"forged"}}',
    );
    assert.equal(rewritten.status, 403, role);
    for (const path of ["/revival/obliterate", "/revival/empty", "/revival/concurrency"]) {
      assert.equal((await write(server, "PUT", path, bearer(role))).status, 403, path);
    }
  }
  assert.equal((await write(server, "PUT", "/revival/pause", bearer("operator"))).status, 403);
  assert.equal((await write(server, "PUT", "/revival/pause", bearer("admin"))).status, 200);
  assert.equal(await queue.isPaused(), true);
  assert.equal((await write(server, "PUT", "/revival/resume", bearer("admin"))).status, 200);
  assert.deepEqual((await queue.getJob("job-1"))?.data, { recovery: "3.7.ff" });
});

test("a stranger's page cannot drive it with an operator's login", async (t) => {
  const server = await board(t);
  const basic = `Basic ${Buffer.from(`me:${tokens.operator}`).toString("base64")}`;
  const answer = await write(server, "PUT", "/revival/job-1/retry", {
    authorization: basic,
    origin: "https://evil.example",
  });
  assert.equal(answer.status, 403);
  assert.match(answer.text, /heartmesh's own pages/);
  assert.equal((await queue.getJobCounts("failed")).failed, 1);
});

test("the board's page acts by a session without a csrf, where the browser says that it is ours, and nobody else's does", async (t) => {
  const { url, plane } = await board(t);
  plane.queues = [queue];
  const admin = await signIn(url, "admin");
  const { cookie } = admin;
  const page = await ask(`${url}/queues`, { headers: { cookie, accept: "text/html" } });
  assert.equal(page.status, 200);
  assert.match(String(page.headers["content-security-policy"]), /frame-ancestors 'self'$/);
  const puts = async (headers: Record<string, string>, what = "pause"): Promise<number> =>
    (await ask(`${url}/queues/api/queues/revival/${what}`, { method: "PUT", headers })).status;
  for (const headers of [
    {},
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: "https://evil.example", "sec-fetch-site": "same-origin" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "none" },
    { "x-heartmesh-csrf": "a-guess" },
  ]) {
    assert.equal(await puts({ cookie, ...headers }), 403, JSON.stringify(headers));
  }
  assert.equal(await queue.isPaused(), false);
  assert.equal(await puts({ cookie, "sec-fetch-site": "same-origin", origin: url }), 200);
  assert.equal(await queue.isPaused(), true);
  assert.equal(await puts({ cookie, origin: url }, "resume"), 200);
  assert.equal(await puts({ cookie, "sec-fetch-site": "same-origin" }), 200);
  assert.equal(await puts(ofPage(admin), "resume"), 200);
  const viewer = { cookie: (await signIn(url, "viewer")).cookie, origin: url };
  assert.equal(await puts(viewer), 403, "a viewer's");
  assert.equal(await queue.isPaused(), false);
});

test("an operator retries the failed job from our own page", async (t) => {
  const server = await board(t);
  const answer = await write(server, "PUT", "/revival/job-1/retry", {
    ...bearer("operator"),
    origin: server.url,
  });
  assert.equal(answer.status, 204, answer.text);
  assert.equal((await queue.getJobCounts("failed")).failed, 0);
  assert.equal((await queue.getJobCounts("wait")).wait, 1);
});

test("an unknown queue is a problem, and so is a Redis that is gone, in bounded time", async (t) => {
  const server = await board(t);
  const unknown = await write(server, "PUT", "/nothing/job-1/retry", bearer("operator"));
  assert.equal(unknown.status, 404);
  assert.equal(unknown.type, "application/problem+json");
  const impatient = new Queue("revival", {
    connection: {
      host: "127.0.0.1",
      port: 1,
      maxRetriesPerRequest: 1,
      enableOfflineQueue: false,
      retryStrategy: () => null,
    },
  });
  impatient.on("error", () => undefined);
  t.after(() => {
    impatient.disconnect().catch(() => undefined);
  });
  server.plane.queues = [impatient];
  const began = performance.now();
  const answer = await fetch(`${server.url}/queues/api/queues`, { headers: bearer("viewer") });
  assert.ok(answer.status >= 500);
  assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/);
  assert.ok(performance.now() - began < 5000);
});
