// What each service of a Swarm has to do when several hosts are out at once: one plan for each host, one on top of the other.

import type { HostLabel } from "./host-label.ts";
import type { OutHost } from "./order.ts";
import { planHost, type PlannedChange, type ServiceMove, type ServiceStay } from "./plan.ts";
import type { SwarmHost, SwarmService, SwarmView } from "./swarm-view.ts";

export interface MoveLabelsOfHosts {
  /** PRIMARY_LABEL and SECONDARY_LABEL. */
  readonly primary: HostLabel;
  readonly secondary: HostLabel;
}

/** A move that leaves every host that is out. */
export interface MoveAway {
  readonly kind: "move";
  readonly service: SwarmService;
  /** Of the last host that it leaves; what it says of constraints holds for all. */
  readonly plan: ServiceMove;
  /** Those that it leaves. */
  readonly from: readonly OutHost[];
  /** Replicas that are lost. */
  readonly lost: number;
}

export interface StayThere {
  readonly kind: "stay";
  readonly service: SwarmService;
  readonly plan: ServiceStay;
  readonly from: OutHost;
}

/** What the mesh knows of dead hosts before Swarm does: nothing is placed on one. */
export function withoutDead(view: SwarmView, out: readonly OutHost[]): SwarmView {
  const dead = new Set(out.filter(({ cause }) => cause === "dead").map(({ id }) => id));
  const hosts = view.hosts.map((host): SwarmHost =>
    dead.has(host.id) && host.state === "ready" ? { ...host, state: "down" } : host,
  );
  return { ...view, hosts };
}

/** Of the services that lose something, by their ids. */
export function planAway(
  asked: SwarmView,
  out: readonly OutHost[],
  labels: MoveLabelsOfHosts,
): ReadonlyMap<string, MoveAway | StayThere> {
  const services = new Map<string, MoveAway | StayThere>();
  let view = withoutDead(asked, out);
  for (const one of out) {
    const host = view.hosts.find(({ id }) => id === one.id);
    if (host === undefined) continue;
    const plan = planHost(view, { host, cause: one.cause, ...labels });
    const changed = new Map<string, SwarmService>();
    for (const next of plan.services) {
      if (next.action === "untouched") continue;
      const { service } = next;
      const before = services.get(service.id);
      if (next.action === "stay") {
        // What stays on one of several hosts stays as a whole: nobody has a place for all of it.
        services.set(service.id, { kind: "stay", service, plan: next, from: one });
        continue;
      }
      if (before?.kind === "stay") continue;
      const from = [...(before?.from ?? []), one];
      const lost = (before?.lost ?? 0) + next.lost;
      services.set(service.id, {
        kind: "move",
        service,
        plan: next,
        from,
        lost,
      });
      changed.set(service.id, asChanged(service, next.change));
    }
    view = { ...view, services: view.services.map((each) => changed.get(each.id) ?? each) };
  }
  return services;
}

/** The service as it will be, for the plans that come on top. */
const asChanged = (service: SwarmService, change: PlannedChange): SwarmService => ({
  ...service,
  constraints: change.constraints,
  labels: { ...service.labels, ...change.labels },
  updateConfig: change.updateConfig,
});
