// `GET /api/v1/backup` and `POST /api/v1/restore`: what a backup holds, what of it is put back, and what is refused before anything is written.

import assert from "node:assert/strict";
import { test } from "node:test";
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

const policy = { min: 1, max: 3, target: 0.6, cooldown: 30, putAt: 1_700_000_000_000, by: "ops" };

test("a backup holds all shelves, silences and quarantines; restored where all is there, it changes nothing", async (t) => {
  const server = await serve(t);
  await server.plane.shelf("templates").put("shop", { stack: "services: {}" });
  const backup = await take(server);
  assert.deepEqual(Object.keys(backup.documents), ["templates", "scaling", "clusters"]);
  assert.deepEqual(backup.documents["templates"], { shop: { stack: "services: {}" } });
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
  assert.deepEqual([told.documents, told.silences, told.quarantines, told.unchanged], [0, 0, 0, 4]);
  assert.equal(server.plane.shelves.written, before);
});

test("into an empty system it is put back whole; a silence whose time has passed is not", async (t) => {
  const full = await serve(t);
  await full.plane.shelf("clusters").put("shop", { id: "shop" });
  const { silences, ...backup } = await take(full);
  const past = { worker: "h1/old", until: "2026-01-01T00:00:00Z", reason: "long ago" };
  const empty = await serve(t);
  empty.plane.shelves.kinds.clear();
  empty.plane.marked = { silences: [], quarantines: [] };
  const [status, told] = await restore(empty, { ...backup, silences: [...silences, past] });
  assert.equal(status, 200);
  assert.match(
    told.text,
    /^restored a backup of heartmesh, taken at 20.*: 2 documents, 1 silences/,
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

test("what cannot be is refused as a whole, each fault with its place", async (t) => {
  const server = await serve(t);
  const backup = await take(server);
  const wrong = {
    ...backup,
    documents: {
      scaling: { web: { ...policy, min: 4 }, api: { ...policy, by: 7 } },
      templates: { a: [1], ["b".repeat(300)]: {} },
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
  const long = { text: "x".repeat(limits.documentBytes) };
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
