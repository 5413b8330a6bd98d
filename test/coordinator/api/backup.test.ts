// `GET /api/v1/backup` and `POST /api/v1/restore`: what a backup holds, what of it is put back, and what is refused before anything is written.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClusterExport } from "../../../coordinator/clusters/log.ts";
import type { Backup, RestoreView } from "../../../proto/backup.ts";
import { limits } from "../../../proto/limits.ts";
import type { Problem } from "../../../proto/rest.ts";
import { bearer, serve, type TestServer } from "./scripted-plane.ts";

const take = async ({ url }: TestServer): Promise<Backup> => {
  const answer = await fetch(`${url}/api/v1/backup`, { headers: bearer("admin") });
  assert.equal(answer.status, 200);
  return (await answer.json()) as Backup;
};

async function restore<View = RestoreView>(
  { url }: TestServer,
  backup: unknown,
  query = "",
): Promise<readonly [number, View]> {
  const answer = await fetch(`${url}/api/v1/restore${query}`, {
    method: "POST",
    headers: { ...bearer("admin"), "content-type": "application/json" },
    body: JSON.stringify(backup),
  });
  return [answer.status, (await answer.json()) as View];
}

const refused = async (server: TestServer, backup: unknown, query = ""): Promise<string> => {
  const [status, { detail }] = await restore<Problem>(server, backup, query);
  assert.equal(server.plane.shelves.written, 0, "nothing was written");
  assert.equal(server.plane.restored.length, 0);
  return `${status}: ${detail}`;
};

const template = {
  ...{ description: "", text: "services: { web: { image: '${TAG}' } }" },
  parameters: [{ name: "TAG", description: "", default: null, required: true }],
  ...{ updatedAt: "2026-01-01T00:00:00Z", updatedBy: "ann (c1)" },
};
const shop: ClusterExport = {
  last: 7,
  cluster: {
    ...{ id: "shop", birth: "b1", kind: "engines", engine: "", createdAt: 1, isDeleting: false },
    rebalancedAt: 0,
    nodes: [
      { id: "n1", place: { kind: "engine" }, host: "h1", port: 0, capacity: 4, state: "joined" },
      {
        ...{ id: "n2", place: { kind: "cluster", cluster: "east" }, host: "east", port: 0 },
        ...{ capacity: 0, state: "joined" },
      },
    ],
    services: [
      {
        ...{ number: 3, origin: "", replicas: [{ ordinal: 1, part: 0, node: "n1" }] },
        parts: [{ uniqId: "", label: "web", image: "nginx", command: ["a"], env: { A: "b" } }],
      },
    ],
  },
};
const policy = { min: 1, max: 3, target: 0.6, cooldown: 30, putAt: 1_700_000_000_000, by: "ops" };

test("a backup holds all shelves, silences and quarantines; restored where all is there, it changes nothing", async (t) => {
  const server = await serve(t);
  server.plane.shelves.kinds.delete("templates");
  await server.plane.shelf("templates").put("shop", template);
  server.plane.containerClusters.kept = [shop];
  const backup = await take(server);
  assert.deepEqual(Object.keys(backup.documents), ["templates", "scaling", "clusters"]);
  assert.deepEqual(backup.documents["templates"], { shop: template });
  assert.deepEqual(backup.documents["clusters"], { shop });
  assert.deepEqual(Object.keys(backup.documents["scaling"] ?? {}), ["web"]);
  const [silence] = backup.silences;
  assert.deepEqual([silence?.worker, silence?.reason], ["h1/web-1", "by ops (c1): a new disk"]);
  const lasts = Date.parse(silence?.until ?? "") - Date.parse(backup.at);
  assert.equal(lasts, 3_600_000);
  assert.deepEqual(
    backup.quarantines.map(({ worker }) => worker),
    ["h1/web-2"],
  );
  const before = server.plane.shelves.written;
  const [status, told] = await restore(server, backup);
  assert.equal(status, 200);
  assert.deepEqual([told.documents, told.silences, told.quarantines, told.unchanged], [0, 0, 0, 5]);
  assert.equal(server.plane.shelves.written, before);
});

test("into an empty system it is put back whole; a silence whose time has passed is not", async (t) => {
  const full = await serve(t);
  full.plane.containerClusters.kept = [shop];
  const { silences, ...backup } = await take(full);
  const past = { worker: "h1/old", until: "2026-01-01T00:00:00Z", reason: "long ago" };
  const empty = await serve(t);
  empty.plane.shelves.kinds.clear();
  empty.plane.marked = { silences: [], quarantines: [] };
  const [status, told] = await restore(empty, { ...backup, silences: [...silences, past] });
  assert.equal(status, 200);
  assert.match(
    told.text,
    /^restored a backup of heartmesh, taken at 20.*: 3 documents, 1 silences/,
  );
  assert.deepEqual([told.passed, told.unchanged], [1, 0]);
  assert.deepEqual((await take(empty)).documents, backup.documents);
  const [{ marks, by } = { marks: undefined, by: "" }] = empty.plane.restored;
  assert.match(by, /^admin-\d \(c1\)$/);
  assert.equal(marks?.quarantines[0]?.worker, "h1/web-2");
  const [one, ...others] = marks.silences;
  assert.equal(others.length, 0);
  assert.deepEqual([one?.worker, one?.reason], ["h1/web-1", "by ops (c1): a new disk"]);
  assert.ok((one?.for ?? 0) > 3_500_000 && (one?.for ?? 0) <= 3_600_000);
});

test("what is there and differs is named and kept, unless it is to be replaced", async (t) => {
  const server = await serve(t);
  const backup = await take(server);
  const other = {
    ...backup,
    documents: { scaling: { web: { ...policy, max: 9 }, api: policy } },
    silences: [{ ...backup.silences[0], reason: "another reason" }],
  };
  assert.equal(
    await refused(server, other),
    "409: There is already another scaling web; silence of h1/web-1. Nothing was restored; --replace (?replace=true) does so.",
  );
  const [status, told] = await restore(server, other, "?replace=true");
  assert.deepEqual([status, told.documents, told.silences], [200, 2, 1]);
  assert.deepEqual(await server.plane.shelf("scaling").get("web"), { ...policy, max: 9 });
});

test("a cluster that is there and differs stays, also where all else is replaced", async (t) => {
  const server = await serve(t);
  server.plane.containerClusters.kept = [shop];
  const backup = await take(server);
  const other = { ...backup, documents: { clusters: { shop: { ...shop, last: 9 } } } };
  assert.equal(
    await refused(server, other, "?replace=true"),
    "409: Clusters are never replaced; delete them, or take them out of the file: shop. Nothing was restored.",
  );
  assert.deepEqual(server.plane.containerClusters.kept, [shop]);
});

test("what cannot be is refused as a whole, each fault with its place", async (t) => {
  const server = await serve(t);
  const backup = await take(server);
  const [service] = shop.cluster.services;
  const replicas = [{ ordinal: 1, part: 1, node: "" }];
  const wrong = {
    ...backup,
    documents: {
      scaling: { web: { ...policy, min: 4 }, api: { ...policy, by: 7 } },
      templates: {
        ...{ a: [1], ["b".repeat(300)]: {}, c: { ...template, text: 7 } },
        e: { ...template, text: "services: { web: { image: '$TAG' } }" },
      },
      clusters: {
        east: shop,
        shop: {
          ...shop,
          last: -1,
          cluster: { ...shop.cluster, nodes: [{ ...shop.cluster.nodes[0], place: {} }], more: 1 },
        },
        twice: {
          ...shop,
          cluster: {
            ...{ ...shop.cluster, id: "twice", services: [{ ...service, replicas }] },
            nodes: [...shop.cluster.nodes, ...shop.cluster.nodes],
          },
        },
      },
      spells: {},
    },
    quarantines: [{ worker: "h1/x", since: "yesterday" }],
    silences: [{ worker: "h1/x", until: "2099-01-01T00:00:00Z", reason: "" }],
  };
  const text = await refused(server, wrong, "?replace=true");
  for (const part of [
    /^400: This is no backup that can be restored, and nothing was: /,
    /scaling web: min is 4 and max is 3; expected min to be no more than max/,
    /scaling api: by is no text/,
    /templates a: it is no object/,
    /templates b+: this is no name/,
    /templates c: it\/text is 7; expected text of at most/,
    /templates e: .*TAG/,
    /clusters east: its id is shop/,
    /clusters shop: it\/cluster\/more is unknown/,
    /clusters shop: it\/last is -1; expected a whole number from 0/,
    /clusters shop: it\/cluster\/nodes\/0\/place\/kind is not there; expected engine or logical/,
    /clusters twice: two of its nodes are n1/,
    /clusters twice: a replica of its service 3 is of no part of it/,
    /there are no documents called spells; known: templates, scaling, clusters/,
    /quarantine of h1\/x: "yesterday" is no instant/,
    /silence of h1\/x: it lasts longer than 30 days/,
  ]) {
    assert.match(text, part);
  }
  assert.match(
    await refused(server, { ...backup, version: 2 }),
    /^400: body\/version must be equal/,
  );
  assert.match(await refused(server, { ...backup, more: 1 }), /^400: .*more/);
  const many = Array.from({ length: limits.documents }, (_, n) => [`s${n}`, policy] as const);
  const tooMany = { ...backup, documents: { scaling: Object.fromEntries(many) } };
  assert.match(await refused(server, tooMany), /^409: There would be 1001 scaling; at most 1000/);
  const long = { ...template, description: "x".repeat(limits.documentBytes) };
  const tooLong = { ...backup, documents: { templates: { long } } };
  assert.match(await refused(server, tooLong), /^400: .*templates long: it has \d+ bytes; at most/);
});

test("is for admins, and not while Redis is away", async (t) => {
  const server = await serve(t);
  const backup = await take(server);
  for (const role of ["viewer", "operator"] as const) {
    const answer = await fetch(`${server.url}/api/v1/backup`, { headers: bearer(role) });
    assert.equal(answer.status, 403);
  }
  server.plane.recordIsAway = true;
  assert.match(await refused(server, backup), /^503: What a backup holds cannot be read or/);
});
