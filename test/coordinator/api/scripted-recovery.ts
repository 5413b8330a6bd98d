// The one recovery of the scripted plane: its first try acts.

import type { RecoveryRecord } from "../../../coordinator/core/recovery-record.ts";
import { term } from "../../../proto/units.ts";

export const recoveryRecord: RecoveryRecord = {
  id: "3.7.ff",
  worker: "h1/web-2",
  token: { worker: "h1/web-2", epoch: 3, term: term(7) },
  action: "kill-start",
  verdict: "silent",
  reason: "a quorum hears nothing",
  evidence: [{ kind: "silence", by: "c1", text: "9 datagrams unanswered" }],
  detectedAt: 1_700_000_000_000,
  decidedAt: 1_700_000_000_010,
  enqueuedAt: 1_700_000_000_020,
  tries: [
    {
      number: 1,
      runner: "c2",
      startedAt: 1_700_000_000_030,
      actedAt: 1_700_000_000_330,
      verifiedAt: 0,
      failedAt: 0,
      reason: "",
      counts: true,
    },
  ],
  maxTries: 3,
  verifiedAt: 0,
  recoveredAt: 0,
  endedAt: 0,
  outcome: "running",
  outcomeReason: "",
  runner: "c2",
};
