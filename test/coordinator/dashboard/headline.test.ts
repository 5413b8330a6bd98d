import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { OpenRecovery, StatusView } from "../../../proto/rest.ts";
import { headlineOf, wantsOf, type Seen } from "../../../coordinator/dashboard/headline.ts";
import { row } from "./rows.ts";

const status: StatusView = {
  id: "c2",
  role: "follower",
  term: 7,
  leader: "c1",
  leaseForMs: 0,
  fit: true,
  unfitReason: "",
  votes: true,
  peers: [],
  redis: "reachable",
  redisByQuorum: "reachable",
  brake: { tripped: false, failing: 0, total: 2 },
  engines: [{ host: "h1", reachable: true, reason: "" }],
  findings: [],
  readiness: { ready: true, reasons: [] },
  workers: {},
  leaderSinceMs: 1,
  startedAtMs: 1,
  version: "0.1.0",
};

const seen = (changed: Partial<Seen> = {}): Seen => ({
  status,
  workers: [row("h1/web"), row("h1/db")],
  recoveries: [],
  left: [],
  ...changed,
});

const recovery = (worker: string): OpenRecovery => ({
  id: "r1",
  worker,
  verdict: "stopped",
  action: "start",
  stage: "acting",
  tries: 1,
  maxTries: 3,
  text: "try 1 acts",
  detectedAtMs: 0,
  stageAtMs: 0,
  dueAtMs: null,
});

describe("the headline", () => {
  test("says that all is well, and only then", () => {
    const { tone, text } = headlineOf(seen());
    assert.deepEqual([tone, text], ["good", "All 2 workers are healthy."]);
    const starting = headlineOf(
      seen({ workers: [row("h1/web"), row("h1/db", { verdict: "starting" })] }),
    );
    assert.equal(starting.text, "1 of 2 workers are healthy, none is down.");
  });

  test("names what failed, and what is done about it", () => {
    const workers = [row("h1/web", { verdict: "stopped" }), row("h1/db")];
    const { tone, text, doing } = headlineOf(seen({ workers, recoveries: [recovery("h1/web")] }));
    assert.deepEqual([tone, text, doing], ["bad", "web is stopped.", "web: try 1 acts"]);
  });

  test("counts many instead of naming them", () => {
    const workers = ["a", "b", "c"].map((name) => row(`h1/${name}`, { verdict: "silent" }));
    assert.equal(headlineOf(seen({ workers })).text, "3 workers are silent.");
    const mixed = [...workers, row("h1/d", { verdict: "gone" })];
    assert.equal(headlineOf(seen({ workers: mixed })).text, "4 workers are down.");
  });

  test("says before all else that nobody leads", () => {
    const workers = [row("h1/web", { verdict: "stopped" })];
    const told = headlineOf(seen({ workers, status: { ...status, leader: "" } }));
    assert.deepEqual([told.tone, told.text], ["bad", "No coordinator leads."]);
  });

  test("says of what was given up that it waits for a person", () => {
    const workers = [row("h1/web", { verdict: "silent", quarantinedAtMs: 5 })];
    assert.match(headlineOf(seen({ workers })).doing, /waits for you/);
  });

  test("does not take a path that is broken for a worker that is down", () => {
    const { tone, text } = headlineOf(seen({ workers: [row("h1/web", { verdict: "partial" })] }));
    assert.deepEqual([tone, text], ["warn", "1 worker is partial."]);
  });
});

describe("what is wanted of a person", () => {
  test("is nothing where all is well, whatever is under way", () => {
    assert.deepEqual(wantsOf(seen({ recoveries: [recovery("h1/web")] })), []);
  });

  test("is every quarantine, engine, finding and missing part, with where to go", () => {
    const wants = wantsOf(
      seen({
        workers: [row("h1/web", { quarantinedAtMs: 5 })],
        status: {
          ...status,
          engines: [{ host: "h2", reachable: false, reason: "no answer" }],
          findings: [{ subject: "h1/db", code: "label", text: "cannot be read" }],
          redisByQuorum: "unreachable",
          readiness: { ready: false, reasons: ["no engine answers"] },
        },
      }),
    );
    assert.equal(wants.length, 5);
    assert.equal(wants[0]?.to, "/workers/h1%2Fweb");
    assert.ok(wants.every(({ text }) => text !== ""));
  });

  test("is the word without which a service or container stays where its host was lost", () => {
    const why = { verdict: "stranded", reason: "its host is dead", text: "it is fenced" };
    const web = { worker: "swarm:web", ...why, awaitsWord: true };
    const db = { worker: "plain:h1/db", ...why, awaitsWord: true };
    const one = seen({ left: [web] });
    assert.deepEqual(headlineOf(one), {
      tone: "bad",
      text: "Service web is stranded.",
      doing: "Nothing is done about it without you.",
    });
    const [want, other] = wantsOf(seen({ left: [web, db] }));
    assert.equal(want?.text, "Service web is stranded: its host is dead.");
    assert.equal(want.advice, "Nothing is done: it is fenced.");
    assert.equal(want.to, "/services/web");
    assert.equal(other?.text, "Container h1/db is stranded: its host is dead.");
    assert.equal(other.to, "");
    const both = headlineOf(seen({ left: [web, db] }));
    assert.equal(both.text, "2 services and containers are stranded.");
  });
});
