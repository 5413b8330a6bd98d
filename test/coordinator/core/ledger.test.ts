// What is known of a worker, and what a new start of its container makes old.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LedgerPage } from "../../../coordinator/core/ledger.ts";
import type { WorkerSpec } from "../../../coordinator/core/worker.ts";
import type { AgentHealth } from "../../../proto/messages.ts";
import { instant } from "../../../proto/units.ts";
import { container, spec } from "./recovery-specs.ts";

const seen = (startedAt: string, over: Partial<WorkerSpec> = {}): WorkerSpec =>
  spec("h1/web", {
    container: container("web", { state: "running", startedAt }),
    probe: { kind: "agent", address: "10.0.0.2", port: 8888 },
    ...(over as object),
  });
const says = (state: AgentHealth["state"], checkedAgo: number): AgentHealth => ({
  state,
  checkedAgo,
  reason: "",
});

describe("a new start", () => {
  test("makes old what was heard, said and seen before it", () => {
    const page = new LedgerPage(seen("1"), instant(0));
    page.agentName = "web";
    page.onHeard();
    page.onHealth(says("unhealthy", 10), instant(100));
    page.obituary = "pid 7 exited";
    assert.equal(page.onSpec(seen("2"), instant(1_000)), true);
    assert.equal(page.health, undefined);
    assert.equal(page.obituary, undefined);
    assert.equal(page.agentName, "");
    assert.deepEqual([page.everHeard, page.heardSinceStart], [true, false]);
    assert.equal(page.runningFor(instant(1_500)), 500);
  });

  test("is another container, too; the same start seen again, or none at all, is no new one", () => {
    const page = new LedgerPage(seen("1"), instant(0));
    assert.equal(page.onSpec(seen("1"), instant(1)), false);
    const stopped = seen("1", { container: container("web", { startedAt: "1" }) });
    assert.equal(page.onSpec(stopped, instant(2)), false);
    assert.equal(page.onSpec(seen("1", { container: undefined }), instant(3)), false);
    const recreated = container("web", { id: "new", startedAt: "1" });
    assert.equal(page.onSpec(seen("1", { container: recreated }), instant(4)), true);
  });

  test("is not judged by a check that began before it", () => {
    const page = new LedgerPage(seen("1"), instant(0));
    page.onSpec(seen("2"), instant(1_000));
    const judgedBy = (health: AgentHealth, at: number): string => {
      page.onHealth(health, instant(at));
      return page.health?.state ?? "nothing";
    };
    assert.equal(judgedBy(says("healthy", 400), 1_300), "nothing");
    assert.equal(judgedBy(says("healthy", 300), 1_300), "healthy");
    assert.equal(judgedBy(says("unchecked", 0), 1_000), "unchecked");
  });

  test("is old when it has lasted longer than any action that made it", () => {
    const page = new LedgerPage(seen("1"), instant(0));
    assert.equal(page.isOldStart("1", instant(5_000)), false);
    assert.equal(page.isOldStart("1", instant(5_001)), true);
    assert.equal(page.isOldStart("2", instant(60_000)), false);
  });
});

test("only a change of health is news, and only the first answer of a life", () => {
  const page = new LedgerPage(seen("1"), instant(0));
  const states = ["healthy", "healthy", "unhealthy", "healthy"] as const;
  const news = states.map((state, i) => page.onHealth(says(state, 1), instant(i)));
  assert.deepEqual(news, [true, false, true, true]);
  assert.deepEqual([page.onHeard(), page.onHeard()], [true, false]);
  page.onSpec(seen("2"), instant(10));
  assert.equal(page.onHeard(), true);
});

test("a worker is mute while nothing of it was ever heard and no agent of it was ever seen", () => {
  const page = new LedgerPage(seen("1"), instant(0));
  assert.equal(page.isMute, true);
  page.onHeard();
  assert.equal(page.isMute, false);
  const agent = container("web-agent");
  const other = new LedgerPage(seen("1", { agent }), instant(0));
  other.onSpec(seen("1"), instant(1));
  assert.equal(other.agentSeen, agent);
  assert.equal(other.isMute, false);
});
