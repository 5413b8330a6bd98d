// What is to be done for each service of a Swarm, by one picture of it: pure, and judged anew with every picture.

import { instant, type Duration, type Instant } from "../../../proto/units.ts";
import { longestOf, type FenceView } from "../hosts/fence.ts";
import { planAway, type MoveAway, type MoveLabelsOfHosts } from "./away.ts";
import type { MoveOrder, OutHost } from "./order.ts";
import { progressOf } from "./progress.ts";
import { awayFrom, isUnsettled, readJournal, staysWhenBack } from "./undo.ts";
import { isUsable, type SwarmHost, type SwarmService, type SwarmView } from "./swarm-view.ts";

export const failbacks = ["manual", "auto", "never"] as const;
export type Failback = (typeof failbacks)[number];

export interface WishConfig extends MoveLabelsOfHosts {
  readonly failback: Failback;
}

export interface WishAsk {
  readonly view: SwarmView;
  readonly out: readonly OutHost[];
  readonly config: WishConfig;
  /** Whether what is fenced on that host has ended. */
  readonly fence: (host: OutHost) => FenceView;
  /** Services that a person has said may start elsewhere although nobody knows whether they still run; by name. */
  readonly vouched: ReadonlySet<string>;
  /** Services that a person wants back; by name. */
  readonly called: ReadonlySet<string>;
  /** Since when a host is well, by its node's id, and from when on FAILBACK=auto trusts it; undefined while it is not. */
  readonly back: (id: string) => BackHost | undefined;
  readonly now: Instant;
}

export interface BackHost {
  /** Nothing has to move for it: soon. */
  readonly steadyFrom: Instant;
  /** By FAILBACK_AFTER. */
  readonly trustedFrom: Instant;
}

/** `stranded`: with a host that is out. `away`: moved, and not back. */
export type Wish =
  | {
      readonly kind: "act";
      readonly service: SwarmService;
      readonly verdict: "stranded" | "away";
      readonly reason: string;
      readonly move: MoveOrder;
      readonly notBefore: Instant;
      readonly waitReason: string;
      /** Equal for all that one host strands. */
      readonly commonCause: string;
    }
  | {
      readonly kind: "leave";
      readonly service: SwarmService;
      readonly verdict: "stranded" | "away" | "healthy";
      readonly verdictReason: string;
      /** Why nothing is done; empty where nothing needs to be. */
      readonly reason: string;
      /** It does not run as it shall, and nobody but a person does anything about it. */
      readonly isTheirs?: true;
      /** A person's word that it has ended where it ran lets it move. */
      readonly awaitsWord?: true;
    };

/** In the order of the picture. */
export function wishesOf(ask: WishAsk): readonly Wish[] {
  const plans = planAway(ask.view, ask.out, ask.config);
  return ask.view.services.map((service) => {
    const own = plans.get(service.id);
    if (own?.kind === "move") return moveWish(own, ask);
    if (own?.kind === "stay" && service.mode !== "replicated") {
      // Every fit host runs the one already; the other would run anew.
      const verdictReason = own.plan.reason;
      return { kind: "leave", service, verdict: "healthy", verdictReason, reason: "" };
    }
    if (own?.kind === "stay") {
      const verdictReason = `${own.plan.lost} of its replicas are on ${textOf(own.from)}`;
      return {
        kind: "leave",
        service,
        verdict: "stranded",
        verdictReason,
        reason: own.plan.reason,
        isTheirs: true,
      };
    }
    return movedWish(service, ask);
  });
}

function moveWish(move: MoveAway, ask: WishAsk): Wish {
  const { service, from, plan } = move;
  const reason = `${move.lost} of its replicas are on ${from.map(textOf).join(" and ")}`;
  const stranded = (why: string): Extract<Wish, { kind: "leave" }> => ({
    kind: "leave",
    service,
    verdict: "stranded",
    verdictReason: reason,
    reason: why,
  });
  const isDrain = from.every(({ cause }) => cause === "drain");
  // An exclusion says nothing that the drain has not said.
  if (isDrain && plan.choice.way.kind === "exclude" && plan.choice.targets.length > 0) {
    return stranded("Swarm itself moves it off a host that is drained");
  }
  const touched = plan.choice.disturbed.filter((id) => !ask.out.some((host) => host.id === id));
  if (touched.length > 0) {
    const where = [...new Set(touched)].map((id) => nameOf(ask.view, id)).join(", ");
    const why = `its replicas on ${where} are healthy, and would have to move too (heartmesh plan ${from.at(-1)?.name ?? ""})`;
    return { ...stranded(why), isTheirs: true };
  }
  let notBefore = instant(0);
  let waitReason = "";
  if (plan.labels.isFenced && !ask.vouched.has(service.name)) {
    const isCutOff = from.some(({ cause }) => cause === "dead");
    if (isCutOff && !plan.labels.isFenceSeen) {
      const why = `it is fenced by a label of the service, which no agent of a host sees: heartmesh.fence belongs on its containers (labels, not deploy.labels alone)`;
      return { ...stranded(`${why}; ${callOf(service.name)}`), isTheirs: true, awaitsWord: true };
    }
    const views = from.filter(({ cause }) => cause === "dead").map((host) => ask.fence(host));
    const fence = longestOf(views);
    if (fence?.kind === "unsure") {
      const why = `it is fenced, and ${fence.text}; ${callOf(service.name)}`;
      return { ...stranded(why), isTheirs: true, awaitsWord: true };
    }
    if (fence?.kind === "waiting") {
      notBefore = fence.until;
      waitReason = `it is fenced: ${fence.text}`;
    }
  }
  return {
    kind: "act",
    service,
    verdict: "stranded",
    reason,
    move: orderOf(service, "away", ask.out),
    notBefore,
    waitReason,
    commonCause: `host ${from.map(({ name }) => name).join(", ")} is out`,
  };
}

/** @param name by which a person calls it */
export const callOf = (name: string): string =>
  `heartmesh migrate ${name} moves it once a person knows that it has ended there`;

/** Of a service that loses nothing. */
function movedWish(service: SwarmService, ask: WishAsk): Wish {
  const { view, out, now } = ask;
  const journal = readJournal(service);
  if (journal === undefined) {
    return {
      kind: "leave",
      service,
      verdict: "healthy",
      verdictReason: "nothing of it is lost",
      reason: "",
    };
  }
  const progress = progressOf(service, view, out);
  const where = progress.places.map((id) => nameOf(view, id)).join(", ");
  const away = (reason: string): Wish => {
    const verdictReason = `it was moved, and runs on ${where === "" ? "no host" : where}`;
    return { kind: "leave", service, verdict: "away", verdictReason, reason };
  };
  if (isUnsettled(service)) {
    if (!progress.isSettled) return away("");
    return actWish(
      service,
      "settle",
      "its move is over, and its own update settings are not restored",
      ask,
    );
  }
  const hosts = awayFrom(journal).flatMap((id) => view.hosts.find((one) => one.id === id) ?? []);
  const backs = hosts.map((host) => (isFit(host, out) ? ask.back(host.id) : undefined));
  const known = backs.filter((one) => one !== undefined);
  if (known.length < backs.length) return away("");
  const names = hosts.map(({ name }) => name).join(", ");
  const returned = names === "" ? "its own placement" : names;
  if (staysWhenBack(service, progress.places, view.hosts)) {
    const from = latest(known.map(({ steadyFrom }) => steadyFrom));
    if (now < from) return away("");
    return actWish(
      service,
      "back",
      `${returned} is back; its own placement allows where it runs`,
      ask,
    );
  }
  if (ask.called.has(service.name)) {
    return actWish(service, "back", `a person wants it back on ${returned}`, ask);
  }
  const { failback } = ask.config;
  if (failback !== "auto") {
    const call = `heartmesh failback ${names === "" ? service.name : names}`;
    return away(`${returned} is back, and FAILBACK is ${failback}: ${call} brings it back`);
  }
  const notBefore = latest(known.map(({ trustedFrom }) => trustedFrom));
  const waitReason = `${returned} is back and must stay well for a while first`;
  const wish = actWish(service, "back", `${returned} is back`, ask);
  return { ...wish, notBefore, waitReason };
}

const actWish = (
  service: SwarmService,
  kind: MoveOrder["kind"],
  reason: string,
  ask: WishAsk,
): Extract<Wish, { kind: "act" }> => ({
  kind: "act",
  service,
  verdict: "away",
  reason,
  move: orderOf(service, kind, ask.out),
  notBefore: instant(0),
  waitReason: "",
  commonCause: "moved services go back",
});

const orderOf = (
  { id, name }: SwarmService,
  kind: MoveOrder["kind"],
  out: readonly OutHost[],
): MoveOrder => ({ service: id, name, kind, out });

const isFit = (host: SwarmHost, out: readonly OutHost[]): boolean =>
  isUsable(host) && !out.some(({ id }) => id === host.id);

const nameOf = ({ hosts }: SwarmView, id: string): string =>
  hosts.find((host) => host.id === id)?.name ?? id;

const textOf = ({ name, cause }: OutHost): string =>
  cause === "dead" ? `${name}, which is dead` : `${name}, which is being drained`;

const latest = (instants: readonly Instant[]): Instant => instant(Math.max(0, ...instants));

/** How long a host must have been well before what FAILBACK=auto brings back goes there: longer with each death that it died lately. */
export const failbackWait = (after: Duration, deaths: number): Duration =>
  after * 2 ** Math.min(6, Math.max(0, deaths - 1));
