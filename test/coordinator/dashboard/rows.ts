// Rows of workers as the live picture tells them, for the tests of pages' words.

import type { WorkerRow } from "../../../proto/rest.ts";

export const row = (id: string, changed: Partial<WorkerRow> = {}): WorkerRow => ({
  id,
  role: "worker",
  verdict: "healthy",
  reason: "it answers",
  host: id.split("/")[0] ?? "",
  probe: "agent 172.18.0.2:8888",
  roundTripMs: 0.4,
  loss: 0,
  load: null,
  standings: {},
  recovery: null,
  quarantinedAtMs: null,
  silencedUntilMs: null,
  silenceReason: "",
  revivalsInWindow: 0,
  ...changed,
});
