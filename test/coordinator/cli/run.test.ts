// The command line against a real API on loopback: what it prints, what it asks for, and its exit codes.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { runCommandLine } from "../../../coordinator/cli/run.ts";
import { table } from "../../../coordinator/cli/table.ts";
import { ago, printable, span } from "../../../coordinator/cli/terminal.ts";
import { workersText } from "../../../coordinator/cli/words.ts";
import { verbs } from "../../../coordinator/cli/verbs.ts";
import { workerView } from "../../../coordinator/api/views.ts";
import { firstPair } from "../api/certificates.ts";
import {
  apiTokens,
  meshEvent,
  serve,
  summaryOf,
  workerSummary,
  type TestServer,
} from "../api/scripted-plane.ts";
import { until } from "../../waiting.ts";
import { asking, run, terminalOf, wall } from "./running.ts";

test("status is told in words, and whole with --json", async (t) => {
  const server = await serve(t);
  const { code, out } = await run(["status"], asking(server));
  assert.equal(code, 3, "a worker is silent");
  assert.match(out, /^coordinator {2}c1 \(leader, lease for 600 ms\), term 7$/m);
  assert.match(out, /^peer c2 +heard 30 ms ago, judges, redis reachable$/m);
  assert.match(out, /^peer c3 +never heard$/m);
  assert.match(out, /^workers +2 healthy, 1 silent$/m);
  const json = await run(["status", "--json"], asking(server));
  assert.equal((JSON.parse(json.out) as { leaseForMs: number }).leaseForMs, 600);
});

test("workers stand in aligned columns", async (t) => {
  const server = await serve(t);
  const { out } = await run(["workers"], asking(server, "viewer"));
  const lines = out.split("\n");
  assert.equal(lines.length, 4);
  const column = lines[0]!.indexOf("VERDICT");
  assert.equal(lines[1]!.slice(column, column + 7), "healthy");
  assert.match(
    lines[2]!,
    /^h1\/web-2 +silent +never +- +- +0 +quarantined for 2\.0 s; try 1 acts$/,
  );
});

test("explain tells verdict, evidence, each coordinator's word, recoveries and events", async (t) => {
  const server = await serve(t);
  server.plane.events = [
    { id: "2-0", event: meshEvent({ worker: "h1/web-2", text: "healthy → silent" }) },
  ];
  const { code, out } = await run(["explain", "h1/web-2"], asking(server));
  assert.equal(code, 0);
  assert.match(out, /^h1\/web-2 is silent: it answers\.$/m);
  assert.match(out, /never heard by the coordinator that answers/);
  assert.match(out, /^ {2}c1 does not hear it$/m);
  assert.match(out, /^ {2}c3 is in doubt/m);
  assert.match(out, /heartmesh release h1\/web-2/);
  assert.match(out, /^ {2}60 s ago: silent, kill-start, running, 1 try, 60 s$/m);
  assert.match(
    out,
    /2023-11-14 22:13:20 \(60 s ago\) c1 verdict-changed h1\/web-2: healthy → silent/,
  );
  assert.deepEqual(
    server.plane.asked.map((one) => one.worker),
    ["h1/web-2", "h1/web-2"],
  );
});

test("explain still tells the rest while the record cannot be read", async (t) => {
  const server = await serve(t);
  server.plane.recordIsAway = true;
  const { code, out } = await run(["explain", "web-1"], asking(server));
  assert.equal(code, 0);
  assert.match(out, /^h1\/web-1 is healthy/);
  assert.match(out, /recoveries cannot be read now/);
});

test("each writing verb asks exactly what it says", async (t) => {
  const server = await serve(t);
  const env = asking(server);
  const revived = await run(["revive", "h1/web-1", "--reason", "looks odd"], env);
  assert.equal(revived.out, "a recovery began (recovery 4.7.aa)");
  await run(["revive", "web-1"], env);
  await run(["silence", "web-1", "--for", "1h", "--reason", "deploy"], env);
  await run(["unsilence", "web-1"], env);
  await run(["release", "web-1"], env);
  assert.deepEqual(
    server.plane.commands.map((one) => one.command),
    [
      { kind: "revive", worker: "h1/web-1", reason: "looks odd" },
      { kind: "revive", worker: "h1/web-1", reason: "" },
      { kind: "silence", worker: "h1/web-1", duration: 3_600_000, reason: "deploy" },
      { kind: "unsilence", worker: "h1/web-1" },
      { kind: "release-quarantine", worker: "h1/web-1" },
    ],
  );
});

test("recoveries and events are listed; the oldest event stands first", async (t) => {
  const server = await serve(t);
  server.plane.events = [2, 1].map((n) => ({
    id: `${n}-0`,
    event: meshEvent({ text: `event ${n}` }),
  }));
  const recoveries = await run(["recoveries"], asking(server));
  assert.match(
    recoveries.out,
    /^3\.7\.ff +h1\/web-2 +60 s ago +silent +kill-start +1\/3 +60 s +running$/m,
  );
  const events = await run(["events", "--limit", "2"], asking(server));
  assert.match(events.out, /event 1\n.*event 2$/);
  const lines = (await run(["events", "--json"], asking(server))).out.split("\n");
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { text: string }).text),
    ["event 1", "event 2"],
  );
});

/** A proxy before the server whose connections can be cut, as its restart would. */
async function behindProxy(
  t: TestContext,
  { url }: TestServer,
): Promise<{ url: string; cut: () => void }> {
  const sockets = new Set<Socket>();
  const proxy = createServer((near) => {
    const far = connect(Number(new URL(url).port), "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        near.destroy();
        far.destroy();
        sockets.delete(socket);
      });
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  t.after(() => {
    cut();
    proxy.close();
  });
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, cut };
}

test("events --follow goes on, across a break of the connection, without a gap or a repetition", async (t) => {
  const server = await serve(t);
  const { plane } = server;
  const proxy = await behindProxy(t, server);
  const happens = (n: number): void => {
    const event = meshEvent({ at: wall + n, text: `event ${n}` });
    plane.events = [{ id: `${n}-0`, event }, ...plane.events];
    plane.happens(event);
  };
  happens(1);
  const stop = new AbortController();
  const out: string[] = [];
  const terminal = terminalOf({ out: (line) => out.push(line) });
  const env = { ...asking(server), HEARTMESH_URL: proxy.url };
  const ended = runCommandLine(["events", "-f", "--json"], env, terminal, stop.signal);
  const texts = (): string[] => out.map((line) => (JSON.parse(line) as { text: string }).text);
  const told = (n: number): Promise<unknown> => until(`${n} events`, () => out.length >= n);
  await told(1);
  await until("a listener", () => plane.listeners.size > 0);
  happens(2);
  await told(2);
  proxy.cut();
  happens(3);
  await told(3);
  happens(4);
  await told(4);
  assert.deepEqual(texts(), ["event 1", "event 2", "event 3", "event 4"]);
  stop.abort();
  assert.equal(await ended, 0);
});

test("notify test shows each channel and fails where one failed", async (t) => {
  const server = await serve(t);
  for (const words of [["notify", "test"], ["notify-test"]]) {
    const { code, out } = await run(words, asking(server));
    assert.equal(code, 1);
    assert.match(out, /^slack +FAILED +answered 500$/m);
  }
  server.plane.channels = [{ channel: "slack", ok: true, text: "delivered" }];
  assert.equal((await run(["notify", "test"], asking(server))).code, 0);
  server.plane.channels = [];
  const { code, out } = await run(["notify", "test"], asking(server));
  assert.equal(code, 1);
  assert.match(out, /There is no channel.*SLACK_WEBHOOK_URL/);
});

test("healthcheck needs no token and tells by its exit code", async (t) => {
  const server = await serve(t);
  assert.equal((await run(["healthcheck"], { HEARTMESH_URL: server.url })).code, 0);
  await server.stop();
  assert.equal((await run(["healthcheck"], { HEARTMESH_URL: server.url })).code, 1);
});

test("inside a coordinator's own container nothing must be given: port, TLS and token come from its environment", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "heartmesh-cli-"));
  t.after(() => {
    rmSync(dir, { recursive: true });
  });
  const [cert, key, file] = [join(dir, "c.pem"), join(dir, "k.pem"), join(dir, "tokens")];
  writeFileSync(cert, firstPair.cert);
  writeFileSync(key, firstPair.key);
  writeFileSync(file, `${apiTokens}\n`);
  const tls = { HTTP_TLS_CERT: cert, HTTP_TLS_KEY: key };
  const server = await serve(t, { env: tls });
  const env = { ...tls, HTTP_PORT: new URL(server.url).port, API_TOKENS_FILE: file };
  assert.equal((await run(["healthcheck"], env)).code, 0);
  assert.equal((await run(["release", "web-1"], env)).code, 0);
  assert.equal(server.plane.commands[0]?.by, "admin-3 (c1)");
});

async function refuses(
  t: TestContext,
  argv: readonly string[],
  env: (server: TestServer) => Record<string, string>,
  says: RegExp,
): Promise<void> {
  const server = await serve(t);
  const { code, err, out } = await run(argv, env(server));
  assert.equal(code, 1);
  assert.match(err, says);
  assert.equal(out, "");
}

test("a missing token, a role that does not suffice and an unknown worker are told with advice", async (t) => {
  await refuses(t, ["status"], ({ url }) => ({ HEARTMESH_URL: url }), /401.*HEARTMESH_TOKEN/s);
  await refuses(
    t,
    ["revive", "web-1"],
    (one) => asking(one, "viewer"),
    /403: This needs the role operator/,
  );
  await refuses(t, ["explain", "nobody"], asking, /404: No worker is called nobody/);
  await refuses(t, ["explain", "web-2"], asking, /409: web-2 is ambiguous: h1\/web-2, h2\/web-2/);
});

test("a coordinator that cannot be reached is told with its address and what to do", async () => {
  const { code, err } = await run(["status", "--url", "http://127.0.0.1:1"]);
  assert.equal(code, 1);
  assert.match(err, /http:\/\/127\.0\.0\.1:1 did not answer \(.*ECONNREFUSED.*\)/);
  assert.match(err, /HEARTMESH_URL/);
});

for (const [argv, says] of [
  [[], /^$/],
  [["frobnicate"], /there is no verb frobnicate/],
  [["constructor"], /there is no verb constructor/],
  [["status", "extra"], /extra is too much/],
  [["explain"], /name one worker/],
  [["plan"], /name one host/],
  [["notify", "best"], /expected heartmesh notify test/],
  [["silence", "web-1"], /--for and --reason must be given/],
  [["status", "--follow"], /Unknown option '--follow'/],
  [["status", "--url", "nowhere"], /"nowhere" is no address/],
  [["config", "--yaml"], /Usage: heartmesh config/],
] as const) {
  test(`"heartmesh ${argv.join(" ")}" is not understood, says why and exits with 2`, async () => {
    const { code, err } = await run(argv);
    assert.equal(code, 2);
    assert.match(err, says);
  });
}

test("help names every verb", async () => {
  const { code, out } = await run(["help"]);
  assert.equal(code, 0);
  for (const verb of ["agent", "coordinator", "config", ...Object.keys(verbs)]) {
    assert.match(out, new RegExp(`^ {2}${verb}\\b`, "m"), verb);
  }
});

test("config prints what is effective without secrets, or every problem", async () => {
  const good = {
    COORDINATOR_ID: "c1",
    COORDINATORS: "c1=10.0.0.1:7700",
    MESH_KEY: "0123456789abcdef0123",
  };
  const shown = await run(["config"], good);
  assert.equal(shown.code, 0);
  assert.match(shown.out, /^COORDINATORS=c1=10\.0\.0\.1:7700$/m);
  assert.ok(!shown.out.includes("0123456789abcdef"));
  assert.match(shown.err, /warning: COORDINATORS names one/);
  const wrong = await run(["config"], { ...good, TIMEOUT: "9", CHECK_INTERVALL: "1" });
  assert.equal(wrong.code, 1);
  assert.equal(wrong.err.match(/^problem: /gm)?.length, 2);
});

test("times and tables read well at every size", () => {
  assert.deepEqual([0, 0.4, 999, 1500, 59_000, 120_000, 7_200_000, 172_800_000].map(span), [
    "0 s",
    "0 s",
    "999 ms",
    "1.5 s",
    "59 s",
    "2 min",
    "2 h",
    "2 d",
  ]);
  assert.equal(ago(wall + 5000, wall), "just now", "a clock that is ahead");
  assert.equal(
    table(
      ["A", "B"],
      [
        ["long", "x"],
        ["y", ""],
      ],
    ),
    "A     B\nlong  x\ny",
  );
  assert.equal(workersText([]), "No workers. A container becomes one by WORKER_LABEL.");
});

test("what a container is called, or logs, cannot steer the terminal", () => {
  assert.equal(printable("a\u001b[2Jb\nc\u009b"), "a?[2Jb?c?");
  const picture = summaryOf();
  const worker = workerView(
    picture,
    workerSummary({ verdict: "silent", reason: "x\u001b]0;y\u0007" }),
  );
  // eslint-disable-next-line no-control-regex -- the character that must not come through
  assert.doesNotMatch(workersText([worker]), /\u001b/);
});
