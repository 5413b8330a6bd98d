// Lists of a Swarm as streams: the list, again when it has changed, one look for all who listen, and no more of them than there may be.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { SwarmClient, SwarmFailed } from "../../../coordinator/swarm-client.ts";
import { bearer, serve, tokens, type TestServer } from "./scripted-plane.ts";
import { ScriptedManager } from "./scripted-swarm.ts";
import { smallSwarm } from "./small-swarm.ts";
import { pause, until } from "../../waiting.ts";

const clientOf = ({ url }: TestServer, cluster?: string): SwarmClient =>
  new SwarmClient({ url, token: tokens.viewer, ...(cluster === undefined ? {} : { cluster }) });

/** What a stream told, until it is stopped. */
function heard<Data>(follow: (signal: AbortSignal) => AsyncIterable<Data>): {
  readonly all: Data[];
  readonly failures: unknown[];
  stop(): void;
} {
  const abort = new AbortController();
  const all: Data[] = [];
  const failures: unknown[] = [];
  const read = async (): Promise<void> => {
    for await (const data of follow(abort.signal)) all.push(data);
  };
  read().catch((error: unknown) => failures.push(error));
  return {
    all,
    failures,
    stop: () => {
      abort.abort();
    },
  };
}

test("the list comes at once, and again when it has changed; filters hold", async (t) => {
  const server = await serve(t);
  const { manager } = server.plane;
  const client = clientOf(server);
  const names = heard((signal) => client.watchServices({ search: "WEB" }, { signal }));
  const none = heard((signal) => client.watchServices({ search: "nothing" }, { signal }));
  await until("the first list", () => names.all.length === 1 && none.all.length === 1);
  manager.changeService({ replicas: 7 });
  await until("the second", () => names.all.length === 2);
  assert.deepEqual(
    names.all.map((rows) => rows.map(({ name, desired }) => [name, desired])),
    [[["web", 2]], [["web", 7]]],
  );
  assert.deepEqual(none.all, [[]]);
  names.stop();
  none.stop();
});

test("nodes, tasks and health are followed as well", async (t) => {
  const server = await serve(t);
  const client = clientOf(server);
  const streams = [
    heard((signal) => client.watchNodes({ role: "manager" }, { signal })),
    heard((signal) => client.watchTasks("web", { signal })),
    heard((signal) => client.watchHealth({ signal })),
  ] as const;
  await until("each", () => streams.every(({ all }) => all.length === 1));
  const [nodes, tasks, health] = streams;
  assert.deepEqual(
    nodes.all[0]?.map(({ hostname }) => hostname),
    ["h1"],
  );
  assert.equal(tasks.all[0]?.[0]?.service, "web");
  assert.ok(health.all[0]?.overall_health);
  for (const one of streams) one.stop();
});

test("a Swarm is asked once a second for all who listen, and not at all when they have left", async (t) => {
  const server = await serve(t);
  const { manager } = server.plane;
  const client = clientOf(server);
  const many = Array.from({ length: 20 }, () =>
    heard((signal) => client.watchServices({}, { signal })),
  );
  await until("all have the list", () => many.every(({ all }) => all.length === 1));
  const before = manager.asked;
  await pause(2_500);
  const perLook = 3;
  assert.ok(manager.asked - before <= 4 * perLook, `${manager.asked - before} calls`);
  assert.ok(manager.asked > before, "it is looked at");
  for (const one of many) one.stop();
  let last = -1;
  await until(
    "nobody asks",
    () => {
      const isQuiet = last === manager.asked;
      last = manager.asked;
      return isQuiet;
    },
    20_000,
    2_000,
  );
});

test("what cannot be told is said: at the start by a status, later by an event, and the stream goes on", async (t) => {
  const server = await serve(t);
  const client = clientOf(server);
  const missing = heard((signal) => client.watchTasks("nope", { signal }));
  await until("it failed", () => missing.failures.length === 1);
  const [failure] = missing.failures;
  assert.ok(failure instanceof SwarmFailed && failure.status === 404, String(failure));
  const names = heard((signal) => client.watchServices({ name: "web" }, { signal }));
  await until("the first list", () => names.all.length === 1);
  const { manager } = server.plane;
  manager.isSilent = true;
  server.plane.reading = { kind: "no-quorum", text: "h1 is alone", engines: [] };
  const answer = await fetch(`${server.url}/api/swarm/services`, {
    headers: { ...bearer("viewer"), accept: "text/event-stream" },
  });
  assert.equal(answer.status, 503);
  assert.match(await answer.text(), /"success":false.*h1 is alone/);
  await pause(1_500);
  manager.isSilent = false;
  server.plane.reading = smallSwarm();
  manager.changeService({ replicas: 5 });
  await until("it goes on", () => names.all.at(-1)?.[0]?.desired === 5);
  names.stop();
});

test("a hundred and one are one too many, and who leaves makes room", async (t) => {
  const server = await serve(t, { bounds: { requests: 1e9 } });
  const client = clientOf(server);
  const many = Array.from({ length: 100 }, () => heard((signal) => client.watchHealth({ signal })));
  await until("all have it", () => many.every(({ all }) => all.length === 1), 30_000);
  const refused = heard((signal) => client.watchHealth({ signal }));
  await until("it is refused", () => refused.failures.length === 1);
  assert.match(String(refused.failures[0]), /100 lists are followed already/);
  for (const one of many) one.stop();
  const again = (): Promise<boolean> => {
    const one = heard((signal) => client.watchHealth({ signal }));
    return until("an answer", () => one.all.length + one.failures.length > 0).then(() => {
      one.stop();
      return one.all.length > 0;
    });
  };
  await until("there is room", again, 20_000, 300);
});

test("to one who does not read, the newest is told when it reads again, and nothing is heaped up", async (t) => {
  const server = await serve(t);
  const { manager } = server.plane;
  // More than the buffers on the way take.
  manager.changeService({ replicas: 1, label: "x".repeat(4_000_000) });
  const { port } = new URL(server.url);
  const socket = connect(Number(port), "127.0.0.1");
  t.after(() => socket.destroy());
  socket.write(
    `GET /api/swarm/services?name=web HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${tokens.viewer}\r\n\r\n`,
  );
  socket.pause();
  const other = heard((signal) => clientOf(server).watchServices({ name: "web" }, { signal }));
  for (const [at, replicas] of [2, 3, 4, 5, 6].entries()) {
    await until("the other keeps up", () => other.all.length > at);
    manager.changeService({ replicas, label: "x".repeat(4_000_000) });
  }
  await until("all five", () => other.all.at(-1)?.[0]?.desired === 6);
  let text = "";
  socket.on("data", (bytes: Buffer) => (text += bytes.toString()));
  socket.resume();
  const told = (): readonly string[] =>
    [...text.matchAll(/"desired":(\d+)/g)].map(([, desired = ""]) => desired);
  await until("the newest", () => told().at(-1) === "6", 20_000);
  assert.ok(told().length <= 3, `told ${told().join()}`);
  other.stop();
});

test("the Swarms of SWARMS have the same routes, streams and changes under their names, and the one of DOCKER_HOST stands among them", async (t) => {
  const server = await serve(t);
  const prod = new ScriptedManager("p1");
  const told = smallSwarm();
  assert.equal(told.kind, "swarm");
  const read = () => Promise.resolve({ ...told, by: "p1" });
  const down = { kind: "silent", text: "lab does not answer", engines: [] } as const;
  server.plane.others = [
    { name: "prod", engines: [prod], read },
    { name: "lab", engines: [], read: () => Promise.resolve(down) },
  ];
  const clusters = await clientOf(server).clusters();
  assert.deepEqual(
    clusters.map(({ name, answers, manager, text }) => [name, answers, manager, text]),
    [
      ["default", true, "h1", ""],
      ["prod", true, "p1", ""],
      ["lab", false, null, "lab does not answer"],
    ],
  );
  assert.equal((await clientOf(server, "prod").info()).engine, "p1");
  assert.equal((await clientOf(server, "default").info()).engine, "h1");
  const operator = new SwarmClient({ url: server.url, token: tokens.operator, cluster: "prod" });
  await operator.scale("web", 4);
  assert.equal(prod.told.length, 1);
  assert.equal(server.plane.manager.told.length, 0);
  const [{ changed } = { changed: undefined }] = server.plane.swarmChanges;
  assert.deepEqual([changed?.cluster, changed?.subject], ["prod", "web"]);
  const stream = heard((signal) => clientOf(server, "prod").watchServices({}, { signal }));
  await until("its list", () => stream.all.length === 1);
  stream.stop();
  const refused = (cluster: string) =>
    clientOf(server, cluster)
      .nodes()
      .then(
        () => "",
        (error: unknown) =>
          error instanceof SwarmFailed ? `${error.status} ${error.message}` : "",
      );
  assert.equal(await refused("nope"), "404 No Swarm is called nope; there are default, prod, lab.");
  assert.match(await refused("lab"), /^503 lab does not answer/);
});
