// The moves of containers between engines without a Swarm: which of them have lost their host, and which give way to the one that was made in their stead.

import {
  after,
  elapsed,
  instant,
  type Duration,
  type Instant,
  type WorkerId,
} from "../../../proto/units.ts";
import type { Decision, Evidence, Verdict } from "../decision.ts";
import { longestOf, type FenceView } from "../hosts/fence.ts";
import type { HostSummary } from "../hosts/host.ts";
import type { Target } from "../job.ts";
import { parseWorkerLabels } from "../labels.ts";
import type { ContainerView, WorkerSettings, WorkerSpec } from "../worker.ts";
import { isYounger, lineagesOf, type Lineage } from "./lineage.ts";
import {
  commandHolds,
  requestOf,
  specOfCase,
  type MoveCommand,
  type MovesOutput,
} from "./moves.ts";
import { caseOfContainer, type Place } from "./order.ts";
import { deadBy, plansOf, type PlainPicture, type PlainPlan } from "./plain-plan.ts";
import { callOf } from "./wishes.ts";

export interface PlainWorld {
  /** Of all engines, as they were last seen. */
  containers(): Iterable<ContainerView>;
  engines(): readonly { readonly host: string; readonly reachable: boolean }[];
  hosts(now: Instant): readonly HostSummary[];
  /** Whether what is fenced on that host has ended. */
  fence(host: string, now: Instant): FenceView;
}

const lookEvery: Duration = 250;
/** What ended so shortly before its engine fell silent ended with its host: a machine that is switched off ends its containers first. */
const endsWithHost: Duration = 30_000;

interface Known {
  readonly container: ContainerView;
  readonly decision: Decision;
  /** What the decision says, to tell a change. */
  readonly said: string;
}

export class PlainMoves {
  readonly #settings: WorkerSettings;
  readonly #world: PlainWorld;
  readonly #known = new Map<WorkerId, Known>();
  /** A person's word that it has ended where it ran, and until when it holds. */
  readonly #vouched = new Map<WorkerId, Instant>();
  /** When each engine answered last, and when each of its containers was last seen running. */
  readonly #answered = new Map<string, Instant>();
  readonly #ran = new Map<string, Instant>();
  #isLeading = false;
  #lookAt = instant(Number.NEGATIVE_INFINITY);
  #outputs: MovesOutput[] = [];

  /** @param settings the defaults of workers */
  constructor(settings: WorkerSettings, world: PlainWorld) {
    this.#settings = settings;
    this.#world = world;
  }

  setLeading(isLeading: boolean, now: Instant): void {
    this.#isLeading = isLeading;
    this.#lookAt = now;
    // Whoever leads next decides anew; a decision made before is told again.
    if (isLeading)
      for (const [worker, known] of this.#known) this.#known.set(worker, { ...known, said: "" });
  }

  /** To be called often. */
  onBeat(now: Instant): readonly MovesOutput[] {
    if (now >= this.#lookAt) {
      this.#lookAt = after(now, lookEvery);
      this.#look(now);
    }
    return this.#taken();
  }

  /** What is about no container comes to nothing. */
  onCommand(command: MoveCommand, now: Instant): readonly MovesOutput[] {
    if (command.kind === "vouch" && this.#known.has(command.service)) {
      this.#vouched.set(command.service, after(now, commandHolds));
      const event = requestOf(command.service, command);
      if (this.#isLeading) this.#outputs.push({ kind: "publish", event });
      this.#lookAt = now;
    }
    return this.#taken();
  }

  /** Of containers that have lost their host, or give way. */
  *decisions(): Iterable<Decision> {
    for (const { decision } of this.#known.values()) yield decision;
  }

  spec(worker: WorkerId): WorkerSpec | undefined {
    const known = this.#known.get(worker);
    return known === undefined ? undefined : specOfCase(worker, this.#settingsOf(known.container));
  }

  /** It names no engine: the one where it ran need not answer for it to be moved. */
  target(worker: WorkerId): Target | undefined {
    const known = this.#known.get(worker);
    if (known === undefined) return undefined;
    const { id, name, startedAt } = known.container;
    return { host: "", containerId: id, name, startedAt };
  }

  #look(now: Instant): void {
    const containers = [...this.#world.containers()].filter(({ belongings }) => belongings);
    if (containers.length === 0 && this.#known.size === 0) return;
    const engines = this.#world.engines();
    const picture = { containers, engines, hosts: this.#world.hosts(now) };
    this.#remember(picture, now);
    if (this.#isLeading) this.#decide(picture, now);
  }

  #remember({ engines }: PlainPicture, now: Instant): void {
    const present = new Set<string>();
    for (const { host, reachable } of engines) if (reachable) this.#answered.set(host, now);
    for (const { id, host, state } of this.#world.containers()) {
      present.add(id);
      if (isUp(state) && this.#answered.get(host) === now) this.#ran.set(id, now);
    }
    for (const id of this.#ran.keys()) if (!present.has(id)) this.#ran.delete(id);
  }

  #decide(picture: PlainPicture, now: Instant): void {
    const isDead = deadBy(picture);
    const decisions = new Map<WorkerId, readonly [ContainerView, Decision]>();
    const lineages = lineagesOf(picture.containers, isDead);
    const stranded = lineages.filter(({ head }) => isDead(head.host) && this.#wasUp(head));
    for (const plan of plansOf(picture, stranded)) {
      const worker = caseOfContainer(plan.container);
      decisions.set(worker, [plan.container, this.#strandedDecision(worker, plan, now)]);
    }
    for (const lineage of lineages) {
      for (const other of isDead(lineage.head.host) ? [] : lineage.others) {
        const worker = caseOfContainer(other);
        decisions.set(worker, [other, awayDecision(worker, other, lineage, picture)]);
      }
    }
    for (const [worker, [container, decision]] of decisions)
      this.#become(worker, container, decision);
    for (const worker of [...this.#known.keys()]) {
      if (decisions.has(worker)) continue;
      this.#known.delete(worker);
      this.#vouched.delete(worker);
      this.#outputs.push({ kind: "forgotten", worker });
    }
  }

  #become(worker: WorkerId, container: ContainerView, decision: Decision): void {
    const said = saidBy(decision);
    const isNews = this.#known.get(worker)?.said !== said;
    this.#known.set(worker, { container, decision, said });
    if (isNews) this.#outputs.push({ kind: "decided", decision });
  }

  /** It ran when its host fell out, or was ended with it. What a person stopped before stays stopped. */
  #wasUp(container: ContainerView): boolean {
    const { id, host, state } = container;
    if (isUp(state)) return true;
    if (state !== "exited" || this.#settingsOf(container).stopPolicy === "respect") return false;
    const [ran, answered] = [this.#ran.get(id), this.#answered.get(host)];
    return ran !== undefined && answered !== undefined && elapsed(ran, answered) <= endsWithHost;
  }

  #strandedDecision(worker: WorkerId, plan: PlainPlan, now: Instant): Decision {
    const { container, targets } = plan;
    const { host } = container;
    const verdict = verdictOf(worker, "stranded", `it ran on ${host}, which is dead`, host);
    const leave = (reason: string) =>
      ({ kind: "leave", worker, verdict, reason, isTheirs: true }) as const;
    if (plan.action === "stay") return leave(whyStays(plan));
    const fence = this.#fenceOf(worker, plan, now);
    if (fence?.kind === "unsure") {
      const why = `it is fenced, and ${fence.text}; ${callOf(worker)}`;
      return { ...leave(why), awaitsWord: true };
    }
    return {
      kind: "act",
      worker,
      verdict,
      action: "move",
      notBefore: fence?.kind === "waiting" ? fence.until : instant(0),
      waitReason: fence?.kind === "waiting" ? `it is fenced: ${fence.text}` : "",
      // As of the workers there: one failure for the brake.
      commonCause: `host ${host} is dead`,
      move: { kind: "carry", container: placeOf(container), to: targets },
    };
  }

  #fenceOf(
    worker: WorkerId,
    { container, labels }: PlainPlan,
    now: Instant,
  ): FenceView | undefined {
    const until = this.#vouched.get(worker);
    const isVouched = until !== undefined && now < until;
    if (!labels.isFenced || isVouched) return undefined;
    return longestOf([this.#world.fence(container.host, now)]);
  }

  #settingsOf({ labels }: ContainerView): WorkerSettings {
    return parseWorkerLabels(labels, this.#settings).settings;
  }

  #taken(): readonly MovesOutput[] {
    if (this.#outputs.length === 0) return [];
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }
}

/** One that gives way: it is removed once its engine answers again and the other one is known to run. */
function awayDecision(
  worker: WorkerId,
  other: ContainerView,
  { head }: Lineage,
  picture: PlainPicture,
): Decision {
  const isThere = (host: string): boolean =>
    picture.engines.some((one) => one.host === host && one.reachable);
  const isBack = isThere(other.host) && !deadBy(picture)(other.host);
  const reason = `it was moved, and ${isRunning(head) ? "runs" : "is"} on ${head.host}`;
  const verdict = verdictOf(worker, "away", reason, head.host);
  const leave: Decision = { kind: "leave", worker, verdict, reason: "" };
  // Of two that say the same of themselves a person made one.
  const isOurs = isYounger(head, other) || isYounger(other, head);
  if (!isBack || !isOurs || !isThere(head.host) || !isRunning(head)) return leave;
  return {
    kind: "act",
    worker,
    verdict: { ...verdict, reason: `${reason}; the old one on ${other.host} is removed` },
    action: "move",
    notBefore: instant(0),
    waitReason: "",
    commonCause: "moved containers are removed where they were",
    move: { kind: "drop", container: placeOf(other), stead: placeOf(head) },
  };
}

const isUp = (state: ContainerView["state"]): boolean =>
  state === "running" || state === "restarting";

/** Also by its engine's own health check, where it has one. */
export const isRunning = ({ state, health }: Pick<ContainerView, "state" | "health">): boolean =>
  state === "running" && (health === "none" || health === "healthy");

const placeOf = ({ host, id, name }: ContainerView): Place => ({ host, id, name });

function verdictOf(
  worker: WorkerId,
  kind: "stranded" | "away",
  reason: string,
  by: string,
): Verdict {
  const text = kind === "stranded" ? "the mesh concludes that it is dead" : "it stands there";
  const evidence: Evidence = { kind: kind === "stranded" ? "silence" : "inspection", by, text };
  return { worker, kind, reason, evidence: [evidence] };
}

/** Which of its hosts is the best may change with each measurement, and is no news. */
function saidBy(decision: Decision): string {
  const move = decision.kind === "act" ? decision.move : undefined;
  const to = move?.kind === "carry" ? move.to.toSorted() : [];
  return JSON.stringify([{ ...decision, move: { ...move, to } }]);
}

function whyStays({ reason, unfit }: PlainPlan): string {
  const why = unfit.map((one) => `${one.host}: ${one.reason}`).join("; ");
  return why === "" ? reason : `${reason} (${why})`;
}
