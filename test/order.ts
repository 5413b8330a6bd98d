// Which test files begin first: those that take longest, so that none of them runs alone at the end.

import assert from "node:assert/strict";

/** About how many seconds files take, several at a time on two processors; others take less. */
const seconds: Readonly<Record<string, number>> = {
  "test/e2e/scaling.real.test.ts": 210,
  "test/compose/commands.real.test.ts": 126,
  "test/e2e/chaos/chaos.real.test.ts": 124,
  "test/e2e/pages-people.real.test.ts": 105,
  "test/e2e/pages-look.real.test.ts": 105,
  "test/e2e/moves-setbacks.real.test.ts": 80,
  "test/e2e/fence.real.test.ts": 50,
  "test/e2e/setbacks.real.test.ts": 50,
  "test/e2e/routed.real.test.ts": 50,
  "test/e2e/hosts.real.test.ts": 50,
  "test/e2e/backup.real.test.ts": 36,
  "test/e2e/healer.real.test.ts": 60,
  "test/e2e/intent.real.test.ts": 50,
  "test/e2e/patience.real.test.ts": 45,
  "test/e2e/loss.real.test.ts": 35,
  "test/compose/project.real.test.ts": 75,
  "test/compose/prometheus.real.test.ts": 50,
  "test/e2e/clusters-once.real.test.ts": 150,
  "test/e2e/clusters.real.test.ts": 70,
  "test/coordinator/docker/act.real.test.ts": 67,
  "test/sim/seeds.real.test.ts": 66,
  "test/e2e/brake.real.test.ts": 45,
  "test/e2e/policies.real.test.ts": 25,
  "test/e2e/engine.real.test.ts": 35,
  "test/e2e/moves.real.test.ts": 58,
  "test/e2e/limits.real.test.ts": 30,
  "test/e2e/coordinators.real.test.ts": 30,
  "test/e2e/recorder.real.test.ts": 35,
  "test/e2e/wire.real.test.ts": 33,
  "test/e2e/actions.real.test.ts": 30,
  "test/e2e/plain-engines.real.test.ts": 55,
  "test/e2e/moves-fenced.real.test.ts": 45,
  "test/e2e/kinds.real.test.ts": 30,
  "test/e2e/people.real.test.ts": 25,
  "test/e2e/hostile.real.test.ts": 24,
  "test/sim/mutants.real.test.ts": 25,
  "test/e2e/revival.real.test.ts": 25,
  "test/sim/scenarios.real.test.ts": 5,
  "test/coordinator/core/election-safety.test.ts": 5,
  "test/coordinator/core/detection.test.ts": 5,
  "test/tidy.test.ts": 5,
  "test/coordinator/core/loss.test.ts": 4,
  "test/coordinator/core/coordinator-faults.test.ts": 4,
  "test/sim/explorer.test.ts": 4,
  "test/coordinator/event-feed.test.ts": 3,
  "test/coordinator/notify/notifier.test.ts": 3,
  "test/coordinator/core/hostile.test.ts": 3,
  "test/coordinator/core/election.test.ts": 3,
  "test/coordinator/cli/run.test.ts": 3,
  "test/coordinator/api/routes.test.ts": 3,
  "test/coordinator/cli/coordinators.test.ts": 2,
  "test/coordinator/api/forward.test.ts": 2,
  "test/coordinator/notify/channels.test.ts": 2,
  "test/coordinator/core/election-failover.test.ts": 2,
  "test/coordinator/api/access.test.ts": 2,
  "test/agent/io/files-and-names.test.ts": 2,
  "test/coordinator/core/coordinator.property.test.ts": 2,
  "test/coordinator/api/events.test.ts": 2,
  "test/proto/text.test.ts": 2,
};

export const isLong = (file: string): boolean => Object.hasOwn(seconds, file);

/** @param files all test files there are */
export function longestFirst(files: readonly string[]): readonly string[] {
  for (const file of Object.keys(seconds)) {
    assert.ok(files.includes(file), `test/order.ts names ${file}, which is no test file`);
  }
  return files.toSorted((a, b) => (seconds[b] ?? 0) - (seconds[a] ?? 0) || (a < b ? -1 : 1));
}
