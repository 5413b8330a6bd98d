// A service as a move leaves it, for tests of what comes after.

import { planAway } from "../../../../coordinator/core/migration/away.ts";
import type { OutHost } from "../../../../coordinator/core/migration/order.ts";
import type { SwarmService, SwarmView } from "../../../../coordinator/core/migration/swarm-view.ts";
import { settleChange, type ServiceChange } from "../../../../coordinator/core/migration/undo.ts";
import { settings } from "./planned.ts";

export const out = (name: string, cause: OutHost["cause"] = "dead"): OutHost => ({
  id: `id-${name}`,
  name,
  cause,
});

/** What an update of it leaves. */
export const updated = (
  service: SwarmService,
  { constraints, labels, updateConfig }: ServiceChange,
): SwarmService => ({
  ...service,
  version: service.version + 1,
  constraints,
  labels,
  updateConfig: updateConfig ?? undefined,
});

/** Moved away from these hosts, its update settings still those of the move. Throws where it stays. */
export function movedAway(
  view: SwarmView,
  name: string,
  ...hosts: readonly OutHost[]
): SwarmService {
  const service = view.services.find((one) => one.name === name);
  const plan = service && planAway(view, hosts, settings).get(service.id);
  if (service === undefined || plan?.kind !== "move") throw new Error(`${name} does not move`);
  const { labels, constraints, updateConfig } = plan.plan.change;
  return updated(service, { constraints, updateConfig, labels: { ...service.labels, ...labels } });
}

/** The same, once that is over. */
export function settled(service: SwarmService): SwarmService {
  const change = settleChange(service);
  if (change === undefined) throw new Error(`${service.name} has nothing to settle`);
  return updated(service, change);
}
