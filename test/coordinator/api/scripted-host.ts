// A dead host, as the scripted picture shows it.

import type { HostSummary } from "../../../coordinator/core/hosts/host.ts";

export const host: HostSummary = {
  id: "h1",
  address: "10.0.0.1",
  port: 8888,
  verdict: "dead",
  reason: "c1 and c2 hear nothing of it",
  evidence: [{ kind: "silence", by: "c1", text: "hears nothing of its agent" }],
  since: 1_000,
  standing: "down",
  standings: { c2: "down" },
  heardAgo: 3_000,
  roundTrip: 0.4,
  loss: 0,
  load: 0.5,
  capacity: { processors: 2, memory: 8e9, available: 4e9 },
  fence: { able: true, state: "held", isGranted: false },
  fenceView: { kind: "stopped", text: "c1 and c2 have granted h2 nothing for 8.0 s" },
  node: undefined,
};
