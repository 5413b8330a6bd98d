// From facts to a verdict, one by one.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { VerdictKind } from "../../../coordinator/core/decision.ts";
import type { Conclusion } from "../../../coordinator/core/quorum.ts";
import { conclude, isStale, type Facts } from "../../../coordinator/core/verdict.ts";
import type { ContainerView, Probe, WorkerSpec } from "../../../coordinator/core/worker.ts";
import type { AgentHealth } from "../../../proto/messages.ts";
import { container, spec } from "./recovery-specs.ts";

const running = (over: Partial<ContainerView> = {}): ContainerView =>
  container("web", { state: "running", startedAt: "2026-01-01T00:00:10Z", ...over });
const agent = (over: Partial<ContainerView> = {}): ContainerView =>
  container("web-agent", { state: "running", startedAt: "2026-01-01T00:00:11Z", ...over });
const says = (state: AgentHealth["state"]): AgentHealth => ({ state, checkedAgo: 10, reason: "r" });

const heard: Conclusion = { kind: "heard", by: ["c1"] };
const silent: Conclusion = { kind: "silent", by: ["c1", "c2"], because: "silence" };
const partial: Conclusion = { kind: "partial", heardBy: ["c1"], unheardBy: ["c2"] };
const undecided: Conclusion = { kind: "undecided", reason: "" };
const byAgent: Probe = { kind: "agent", address: "10.0.0.2", port: 8888 };
const byCheck: Probe = { kind: "check", check: { kind: "tcp", host: "web", port: 80 } };
const byEngine: Probe = { kind: "engine-only" };

type Given = Partial<Omit<Facts, "spec">> & { readonly spec?: Partial<WorkerSpec> };

/** Healthy, heard and running for a minute, but for what is given. */
function verdict(given: Given = {}): string {
  const facts: Facts = {
    me: "c1",
    fit: true,
    engineReachable: true,
    goneContainer: undefined,
    conclusion: heard,
    health: says("healthy"),
    obituary: undefined,
    everHeard: true,
    heardSinceStart: true,
    runningFor: 60_000,
    agentSeen: undefined,
    previous: "unknown",
    ...given,
    spec: spec("h1/web", { container: running(), probe: byAgent, ...(given.spec as object) }),
  };
  const { kind, worker, reason } = conclude(facts);
  assert.equal(worker, "h1/web");
  assert.notEqual(reason, "");
  return kind;
}

function table(rows: readonly (readonly [VerdictKind, string, Given])[]): void {
  for (const [kind, name, given] of rows) {
    test(`${kind}: ${name}`, () => {
      assert.equal(verdict(given), kind);
    });
  }
}

const isState = (state: ContainerView["state"]): Given => ({
  spec: { container: running({ state }) },
});
const isHealth = (health: ContainerView["health"]): Partial<WorkerSpec> => ({
  container: running({ health }),
});
const never: Given = { everHeard: false, heardSinceStart: false, health: undefined };

describe("the engine's word", () => {
  table([
    ["stopped", "it has exited, whatever was heard", isState("exited")],
    ["stopped", "it is dead", isState("dead")],
    ["stopped", "the engine is restarting it", isState("restarting")],
    [
      "paused",
      "it is paused, whatever its agent says",
      { ...isState("paused"), health: says("unhealthy") },
    ],
    ["unknown", "it is on its way out", isState("removing")],
    ["unknown", "it was never started", isState("created")],
    [
      "unhealthy",
      "its HEALTHCHECK fails, though its agent is content",
      { spec: isHealth("unhealthy") },
    ],
    [
      "gone",
      "its container was removed",
      { goneContainer: running(), spec: { container: undefined } },
    ],
    [
      "healthy",
      "of an engine that does not answer does not count",
      { ...isState("exited"), engineReachable: false },
    ],
    ["stopped", "is heard by one who abstains, too", { ...isState("exited"), fit: false }],
  ]);
});

describe("what a worker's agent says", () => {
  table([
    ["healthy", "its check passes", {}],
    ["healthy", "it has no check", { health: says("unchecked") }],
    [
      "starting",
      "it has no check, and the HEALTHCHECK has not passed yet",
      { health: says("unchecked"), spec: isHealth("starting") },
    ],
    ["starting", "its check has not passed yet", { health: says("starting") }],
    ["unhealthy", "its check fails", { health: says("unhealthy") }],
    [
      "unhealthy",
      "its process has exited",
      { obituary: "pid 7 exited", health: says("unchecked") },
    ],
    [
      "healthy",
      "a process has exited and its check passes all the same",
      { obituary: "pid 7 exited" },
    ],
    [
      "unhealthy",
      "not heard again yet, the last word stands",
      { conclusion: undecided, health: says("unhealthy") },
    ],
    [
      "starting",
      "heard, without a word of its health: what was known stands",
      { health: undefined, previous: "starting" },
    ],
    [
      "unknown",
      "heard, without a word of its health: of silence nothing stands",
      { health: undefined, previous: "silent" },
    ],
  ]);
});

describe("a worker that is not heard", () => {
  const unheard: Given = { conclusion: silent, heardSinceStart: false, health: undefined };
  table([
    ["silent", "by a quorum", { conclusion: silent }],
    ["partial", "by some", { conclusion: partial }],
    ["starting", "since its start, within its start period", { ...unheard, runningFor: 29_999 }],
    ["silent", "since its start, its start period over", { ...unheard, runningFor: 30_000 }],
    [
      "starting",
      "yet, while nothing is concluded",
      { ...unheard, conclusion: undecided, runningFor: 1_000 },
    ],
    ["unknown", "for long, while nothing is concluded", { ...unheard, conclusion: undecided }],
    ["unwatched", "ever", { ...never, conclusion: silent }],
    [
      "healthy",
      "ever, and whose HEALTHCHECK passes",
      { ...never, conclusion: silent, spec: isHealth("healthy") },
    ],
    [
      "healthy",
      "yet, and whose HEALTHCHECK passes",
      { ...never, conclusion: undecided, runningFor: 10, spec: isHealth("healthy") },
    ],
    ["silent", "and has no container", { conclusion: silent, spec: { container: undefined } }],
  ]);
});

describe("a worker whose agent is lost", () => {
  const inside = { networkMode: "container:id-web" };
  const older = { ...inside, startedAt: "2026-01-01T00:00:09.5Z" };
  table([
    ["agent-lost", "it has exited: at once", { spec: { agent: agent({ state: "exited" }) } }],
    ["agent-lost", "it is dead", { spec: { agent: agent({ state: "dead" }) } }],
    [
      "agent-lost",
      "the engine waits before it restarts it, and nobody hears anything meanwhile",
      { conclusion: silent, spec: { agent: agent({ state: "restarting" }) } },
    ],
    [
      "agent-lost",
      "it holds the namespace of the worker's last run",
      { conclusion: undecided, spec: { agent: agent(older) } },
    ],
    [
      "healthy",
      "not where it is older in a namespace of its own",
      { spec: { agent: agent({ startedAt: older.startedAt }) } },
    ],
    [
      "agent-lost",
      "it is unhealthy, and a quorum does not hear it",
      { conclusion: silent, spec: { agent: agent({ health: "unhealthy" }) } },
    ],
    [
      "healthy",
      "not where it is unhealthy and heard",
      { spec: { agent: agent({ health: "unhealthy" }) } },
    ],
    [
      "agent-lost",
      "it was removed, and a quorum does not hear it",
      { conclusion: silent, agentSeen: agent() },
    ],
    ["healthy", "not while it is still heard", { agentSeen: agent() }],
    ["silent", "not where both run", { conclusion: silent, spec: { agent: agent(inside) } }],
    [
      "stopped",
      "not where the worker itself has exited",
      { spec: { container: running({ state: "exited" }), agent: agent({ state: "exited" }) } },
    ],
    [
      "healthy",
      "not where the coordinators check the worker themselves",
      { spec: { probe: byCheck, agent: agent({ state: "exited" }) } },
    ],
    [
      "silent",
      "not told by an engine that does not answer",
      { engineReachable: false, conclusion: silent, spec: { agent: agent({ state: "exited" }) } },
    ],
  ]);
});

describe("a check of the coordinators' own", () => {
  const probe = { probe: byCheck };
  table([
    ["healthy", "passes", { spec: probe }],
    [
      "unhealthy",
      "fails from a quorum, where there is a container to restart",
      { conclusion: silent, spec: probe },
    ],
    [
      "silent",
      "fails from a quorum, where there is none",
      { conclusion: silent, spec: { ...probe, container: undefined } },
    ],
    ["partial", "fails from some", { conclusion: partial, spec: probe }],
    [
      "starting",
      "has not passed since the start",
      { conclusion: silent, heardSinceStart: false, runningFor: 1_000, spec: probe },
    ],
    [
      "unhealthy",
      "never passed and its start period is over",
      { conclusion: silent, heardSinceStart: false, spec: probe },
    ],
    [
      "healthy",
      "is under way: the last word stands",
      { conclusion: undecided, previous: "healthy", spec: probe },
    ],
    [
      "starting",
      "is under way for the first time",
      { conclusion: undecided, heardSinceStart: false, previous: "healthy", spec: probe },
    ],
  ]);
});

describe("a worker that nobody can ask", () => {
  const of = (over: Partial<ContainerView> = {}, more: Partial<WorkerSpec> = {}): Given => ({
    ...never,
    conclusion: undecided,
    spec: { probe: byEngine, container: running(over), ...more },
  });
  table([
    ["healthy", "its HEALTHCHECK passes", of({ health: "healthy" })],
    ["starting", "its HEALTHCHECK has not passed yet", of({ health: "starting" })],
    ["unwatched", "it has none", of()],
    ["healthy", "it has none, and is a part of the healer", of({}, { role: "redis" })],
    ["unwatched", "one who abstains knows as much as the others", { ...of(), fit: false }],
    [
      "stopped",
      "the engine does not answer: the last word stands",
      { ...of(), engineReachable: false, previous: "stopped" },
    ],
  ]);
});

describe("a coordinator that abstains", () => {
  table([
    ["healthy", "keeps what it knew", { fit: false, conclusion: silent, previous: "healthy" }],
    ["silent", "keeps what it knew", { fit: false, previous: "silent" }],
  ]);
});

test("a member of a namespace is stale where it joined this container and started before it, to the nanosecond", () => {
  const owner = container("web", { id: "0123456789abcdef", startedAt: "2026-01-01T00:00:10.5Z" });
  const member = (startedAt: string, networkMode = "container:0123456789ab"): ContainerView =>
    container("a", { networkMode, startedAt });
  assert.ok(isStale(member("2026-01-01T00:00:10.499999999Z"), owner));
  assert.ok(!isStale(member("2026-01-01T00:00:10.500000001Z"), owner));
  assert.ok(!isStale(member("2026-01-01T00:00:10.5Z"), owner));
  assert.ok(isStale(member("2026-01-01T00:00:10Z"), owner));
  assert.ok(!isStale(member("2026-01-01T00:00:01Z", "bridge"), owner));
  assert.ok(!isStale(member("2026-01-01T00:00:01Z", "container:other"), owner));
});
