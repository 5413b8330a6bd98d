// A Swarm of three hosts for tests of the API: something moves, something stays, something is not touched.

import { journalText } from "../../../coordinator/core/migration/journal.ts";
import type { SwarmReading } from "../../../coordinator/docker/swarm.ts";
import { service, task, tasksOn, typed, view } from "../core/migration/swarm-script.ts";

/** The engines of `summaryOf()` see h1; the others are told by it. */
export function smallSwarm(): SwarmReading {
  const hosts = [
    typed("h1", "primary", { role: "manager" }),
    typed("h2", "secondary"),
    typed("h3", "tertiary", { state: "down" }),
  ];
  const tied = ["node.labels.type==primary"];
  const web = service("web", { replicas: 2, constraints: tied });
  const db = service("db", {
    constraints: tied,
    mounts: [{ type: "volume", source: "data", driver: "", driverOptions: {} }],
    labels: { "heartmesh.volums": "shared" },
  });
  // Was on h1 once, and must not run twice.
  const journal = { from: "id-h1", before: tied, after: [], update: null };
  const cache = service("cache", {
    labels: { "heartmesh.moved": journalText(journal) },
    containerLabels: { "heartmesh.fence": "" },
  });
  return {
    kind: "swarm",
    by: "h1",
    engines: [{ engine: "h1", nodeId: "id-h1" }],
    view: view(
      hosts,
      [web, db, cache],
      [
        ...tasksOn(web, "h1", "h1"),
        ...tasksOn(db, "h1"),
        ...tasksOn(cache, "h2"),
        // Given up by Swarm, and never heard to have ended.
        task(cache, 1, "h3", { desired: "shutdown" }),
      ],
    ),
  };
}
