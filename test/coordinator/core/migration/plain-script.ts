// Containers that may move, on engines h1, h2 … without a Swarm, and what a coordinator knows of their hosts.

import type { HostSummary, HostVerdictKind } from "../../../../coordinator/core/hosts/host.ts";
import { descentText, type Descent } from "../../../../coordinator/core/migration/lineage.ts";
import type { Belongings } from "../../../../coordinator/core/migration/belongings.ts";
import type { PlainPicture } from "../../../../coordinator/core/migration/plain-plan.ts";
import type { ContainerView } from "../../../../coordinator/core/worker.ts";
import { container } from "../recovery-specs.ts";

const nothing: Belongings = { image: "web:1", mounts: [], ports: [], ties: [] };

/** Running there; its id is `<host>-<name>`. */
export function movable(
  host: string,
  name: string,
  some: Partial<ContainerView> = {},
  own: Partial<Belongings> = {},
): ContainerView {
  const { labels, ...rest } = some;
  return container(name, {
    host,
    id: `${host}-${name}`,
    state: "running",
    labels: { role: "node", "heartmesh.migrate": "true", ...labels },
    belongings: { ...nothing, ...own },
    ...rest,
  });
}

/** What a move made of it on another host. */
export function copyOf(
  old: ContainerView,
  host: string,
  some: Partial<ContainerView> = {},
  descent: Partial<Descent> = {},
): ContainerView {
  const own = { origin: old.id, from: old.host, generation: 1, madeAt: 1_000, ...descent };
  const labels = { ...old.labels, "heartmesh.moved": descentText(own) };
  return { ...old, host, id: `${host}-${old.name}`, labels, ...some };
}

export const hostOf = (
  id: string,
  verdict: HostVerdictKind = "healthy",
  some: Partial<HostSummary> = {},
): HostSummary => ({
  id,
  address: "10.0.0.1",
  port: 8888,
  verdict,
  reason: "",
  evidence: [],
  since: 0,
  standing: verdict === "dead" ? "down" : "up",
  standings: {},
  heardAgo: 0,
  roundTrip: 1,
  loss: 0,
  load: undefined,
  capacity: undefined,
  fence: undefined,
  fenceView: { kind: "unsure", text: "nobody knows" },
  node: undefined,
  ...some,
});

/** Each engine answers but those of dead hosts. */
export const pictureOf = (
  containers: readonly ContainerView[],
  hosts: readonly HostSummary[],
): PlainPicture => ({
  containers,
  hosts,
  engines: hosts.map(({ id, verdict }) => ({ host: id, reachable: verdict !== "dead" })),
});
