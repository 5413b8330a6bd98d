// From a verdict to what is done about it, when, and why not.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decide, type Circumstances } from "../../../coordinator/core/decide.ts";
import type { Evidence, VerdictKind } from "../../../coordinator/core/decision.ts";
import type { Judgement } from "../../../coordinator/core/intent.ts";
import type {
  ContainerView,
  WorkerSettings,
  WorkerSpec,
} from "../../../coordinator/core/worker.ts";
import { instant } from "../../../proto/units.ts";
import { container, spec } from "./recovery-specs.ts";

const now = instant(10_000);
const since = instant(8_000);
const view = (name: string, over: Partial<ContainerView> = {}): ContainerView =>
  container(name, { state: "running", startedAt: "2026-01-01T00:00:10Z", ...over });

interface Given {
  readonly spec?: Partial<Omit<WorkerSpec, "settings">> & { settings?: Partial<WorkerSettings> };
  readonly judgement?: Judgement;
  readonly about?: Partial<Circumstances>;
  readonly evidence?: readonly Evidence[];
}

const crash: Judgement = { kind: "crash", notBefore: instant(9_000), waitReason: "" };

/** `action at` in ms, or `left: why`. */
function decided(
  kind: VerdictKind,
  { judgement = crash, about, evidence = [], ...given }: Given = {},
): string {
  const decision = decide(
    { worker: "h1/web", kind, reason: "r", evidence },
    {
      spec: spec("h1/web", { container: view("web"), ...given.spec }),
      intent: { judge: (judged) => ({ ...judgement, waitReason: judged.name }) as Judgement },
      since,
      goneContainer: undefined,
      projectExists: true,
      commonCause: "",
      stopHold: 3_000,
      ...about,
    },
    now,
  );
  assert.equal(decision.worker, "h1/web");
  assert.equal(decision.verdict.kind, kind);
  if (decision.kind === "leave") return `left: ${decision.reason}`;
  return `${decision.action} at ${decision.notBefore}`;
}

describe("a stopped worker", () => {
  const stopped = { container: view("web", { state: "exited" }) };

  test("that crashed is started, at once", () => {
    assert.equal(decided("stopped", { spec: stopped }), "start at 9000");
  });

  test("that somebody stopped, or that the engine may start first, is started when that is over", () => {
    for (const kind of ["held", "engine-first"] as const) {
      const judgement: Judgement = { kind, until: instant(12_000), reason: "wait" };
      assert.equal(decided("stopped", { spec: stopped, judgement }), "start at 12000");
    }
  });

  test("whose stop is respected is left", () => {
    const judgement: Judgement = { kind: "respected", reason: "their wish" };
    assert.equal(decided("stopped", { spec: stopped, judgement }), "left: their wish");
  });
});

describe("a lost agent", () => {
  const inside = { networkMode: "container:id-web", startedAt: "2026-01-01T00:00:05Z" };

  test("that died is revived alone, by the same rules as a worker", () => {
    for (const state of ["exited", "restarting"] as const) {
      const agent = view("web-agent", { state });
      assert.equal(decided("agent-lost", { spec: { agent } }), "revive-agent at 9000");
      const judgement: Judgement = { kind: "held", until: instant(12_000), reason: "wait" };
      assert.equal(decided("agent-lost", { spec: { agent }, judgement }), "revive-agent at 12000");
    }
  });

  test("that holds its worker's last namespace is revived after a hold: somebody may be at it", () => {
    const agent = view("web-agent", inside);
    assert.equal(decided("agent-lost", { spec: { agent } }), "revive-agent at 11000");
  });

  test("that runs and is unwell is revived at once", () => {
    const agent = view("web-agent", { health: "unhealthy" });
    assert.equal(decided("agent-lost", { spec: { agent } }), "revive-agent at 10000");
  });

  test("that was removed cannot be revived", () => {
    assert.match(decided("agent-lost"), /^left: its agent's container is gone/);
  });
});

describe("a silent worker", () => {
  test("with an agent's container: that one is restarted first", () => {
    const agent = view("web-agent");
    assert.equal(decided("silent", { spec: { agent } }), "agent-then-worker at 10000");
  });

  test("without one is killed and started", () => {
    assert.equal(decided("silent"), "kill-start at 10000");
  });

  test("without a container is left", () => {
    assert.match(decided("silent", { spec: { container: undefined } }), /^left: no container/);
  });
});

test("an unhealthy worker is restarted at once, where it has a container", () => {
  assert.equal(decided("unhealthy"), "restart at 9000");
  assert.match(decided("unhealthy", { spec: { container: undefined } }), /^left: no container/);
});

test("an unhealthy worker that somebody is stopping is held, or left, as a stopped one is", () => {
  const held: Judgement = { kind: "held", until: instant(12_000), reason: "told to end" };
  assert.equal(decided("unhealthy", { judgement: held }), "restart at 12000");
  const respected: Judgement = { kind: "respected", reason: "told to end" };
  assert.equal(decided("unhealthy", { judgement: respected }), "left: told to end");
});

describe("a healthy worker", () => {
  test("is left, without a word", () => {
    assert.equal(decided("healthy"), "left: ");
    const agent = view("web-agent", { networkMode: "container:id-web" });
    assert.equal(decided("healthy", { spec: { agent } }), "left: ");
  });

  const older = { networkMode: "container:id-web", startedAt: "2026-01-01T00:00:05Z" };
  test("whose dependants hold its last namespace: they are restarted after a hold", () => {
    const dependants = [view("log", older)];
    assert.equal(decided("healthy", { spec: { dependants } }), "restart-dependants at 11000");
    const stopped = [view("log", { ...older, state: "exited" })];
    assert.equal(decided("healthy", { spec: { dependants: stopped } }), "left: ");
  });

  test("that holds the last namespace of its agent is restarted after a hold, though the agent is content", () => {
    const web = view("web", { ...older, networkMode: "container:id-web-agent" });
    const agent = view("web-agent");
    assert.equal(decided("healthy", { spec: { container: web, agent } }), "restart at 11000");
    const fresh = { ...web, startedAt: "2026-01-01T00:00:11Z" };
    assert.equal(decided("healthy", { spec: { container: fresh, agent } }), "left: ");
  });
});

describe("a Swarm's task", () => {
  const task = view("web", { labels: { "com.docker.swarm.task.id": "t1" } });
  const about = (over: Given = {}): Given => ({ ...over, spec: { container: task, ...over.spec } });

  test("that hangs or is silent is killed, also where an agent stands beside it", () => {
    assert.equal(decided("unhealthy", about()), "kill at 10000");
    assert.equal(decided("silent", about()), "kill at 10000");
    assert.equal(decided("silent", about({ spec: { agent: view("a") } })), "kill at 10000");
  });

  test("that was told to end is left to whoever told it, mostly Swarm itself", () => {
    const held: Judgement = { kind: "held", until: instant(12_000), reason: "signal 15" };
    for (const kind of ["unhealthy", "silent"] as const) {
      assert.equal(decided(kind, about({ judgement: held })), "left: it ends: signal 15");
    }
  });

  test("whose HEALTHCHECK fails is killed only where Swarm does nothing", () => {
    const evidence = [{ kind: "engine-health", by: "h1", text: "it fails" }] as const;
    assert.equal(decided("unhealthy", about({ evidence })), "kill at 11000");
  });

  test("that is stopped, gone, or has lost its agent is Swarm's own business", () => {
    const exited = { container: { ...task, state: "exited" } as const };
    assert.match(decided("stopped", about({ spec: exited })), /^left: .*Swarm itself starts/);
    const gone = { container: undefined, settings: { recreate: true } };
    const left = decided("gone", { spec: gone, about: { goneContainer: task } });
    assert.match(left, /^left: .*Swarm itself starts/);
    const agent = view("a", { state: "exited" });
    assert.match(decided("agent-lost", about({ spec: { agent } })), /^left: .*Swarm itself/);
  });

  test("is left for every other verdict, for the same reasons as others", () => {
    for (const kind of ["paused", "partial", "unwatched", "starting", "unknown"] as const) {
      assert.equal(decided(kind, about()), decided(kind), kind);
    }
    const dependants = [view("log", { networkMode: "container:id-web", startedAt: "2025" })];
    assert.equal(decided("healthy", about({ spec: { dependants } })), "left: ");
  });
});

describe("a worker that is gone", () => {
  const gone = { container: undefined, settings: { recreate: true } };
  const about = { goneContainer: view("web") };

  test("is recreated after a hold where it asks for that", () => {
    assert.equal(decided("gone", { spec: gone, about }), "recreate at 11000");
  });

  test("is left where it does not, or went with its whole project", () => {
    assert.match(
      decided("gone", { spec: { container: undefined }, about }),
      /^left: it was removed/,
    );
    const down = { ...about, projectExists: false };
    assert.match(decided("gone", { spec: gone, about: down }), /^left: its whole project/);
  });
});

test("nothing is done for the other verdicts", () => {
  for (const kind of ["paused", "partial", "unwatched"] as const) {
    assert.match(decided(kind), /^left: ./, kind);
  }
  for (const kind of ["starting", "unknown"] as const) assert.equal(decided(kind), "left: ", kind);
});

test("a common cause travels with the decision, so that the brake counts it once", () => {
  const decision = decide(
    { worker: "h1/web", kind: "unhealthy", reason: "r", evidence: [] },
    {
      spec: spec("h1/web", { container: view("web") }),
      intent: { judge: () => crash },
      since,
      goneContainer: undefined,
      projectExists: true,
      commonCause: "engine h1 restarted",
      stopHold: 3_000,
    },
    now,
  );
  assert.equal(decision.kind === "act" && decision.commonCause, "engine h1 restarted");
});
