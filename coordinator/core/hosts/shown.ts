// What is shown and told of a host.

import type { StandingKind } from "../../../proto/messages.ts";
import { elapsed, type CoordinatorId, type Instant } from "../../../proto/units.ts";
import type { Evidence } from "../decision.ts";
import { eventOf, type CoreEvent } from "../event.ts";
import { heardAgo, type PathView } from "../path.ts";
import type { FenceView } from "./fence.ts";
import type { HostId, HostSummary, HostVerdict } from "./host.ts";
import type { HostPage } from "./page.ts";

/** The mesh's verdict, or a person's wish for a host that is not dead. */
export function shownOf({ verdict, spec }: HostPage): HostVerdict {
  if (verdict.kind === "dead" || spec.node?.availability !== "drain") return verdict;
  const asked: Evidence = { kind: "swarm", by: "its Swarm", text: "its availability is drain" };
  return {
    kind: "draining",
    reason: `its Swarm was asked to drain it; otherwise it is ${verdict.kind}`,
    evidence: [asked, ...verdict.evidence],
  };
}

/** A person is told when it dies and when it is back. */
export function changed(
  host: HostId,
  before: HostVerdict,
  { kind, reason, evidence }: HostVerdict,
): CoreEvent {
  const text = `host ${host} is ${kind}: ${reason}`;
  if (kind === "dead") return eventOf("", "host-dead", text, { evidence, notify: true });
  if (before.kind === "dead") return eventOf("", "host-back", text, { evidence, notify: true });
  return eventOf("", "host-changed", text, { evidence });
}

export function summaryOf(
  page: HostPage,
  view: PathView | undefined,
  standings: Readonly<Record<CoordinatorId, StandingKind>>,
  fence: FenceView,
  now: Instant,
): HostSummary {
  const { spec, shown, shownSince, load, capacity } = page;
  return {
    id: spec.id,
    address: spec.address,
    port: spec.port,
    verdict: shown.kind,
    reason: shown.reason,
    evidence: shown.evidence,
    since: elapsed(shownSince, now),
    standing: view?.standing ?? "abstain",
    standings,
    heardAgo: view === undefined ? -1 : heardAgo(view, now),
    roundTrip: view?.roundTrip ?? -1,
    loss: view?.loss ?? -1,
    load,
    capacity,
    fence: page.fence.summary,
    fenceView: fence,
    node: spec.node,
  };
}
