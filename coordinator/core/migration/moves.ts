// The moves of a Swarm's services: who is out, when the Swarm is looked at, and what each service needs, as decisions like those on workers.

import {
  after,
  earliest,
  elapsed,
  instant,
  type Duration,
  type Instant,
  type WorkerId,
} from "../../../proto/units.ts";
import type { Decision, Evidence, Verdict } from "../decision.ts";
import { eventOf, type CoreEvent } from "../event.ts";
import type { FenceView } from "../hosts/fence.ts";
import type { HostId, HostNow, HostVerdictKind } from "../hosts/host.ts";
import type { Target } from "../job.ts";
import type { WorkerSettings, WorkerSpec } from "../worker.ts";
import { caseOfService, isContainerCase, keyOfOut, type OutHost } from "./order.ts";
import { readJournal } from "./undo.ts";
import type { SwarmService, SwarmView } from "./swarm-view.ts";
import { failbackWait, wishesOf, type BackHost, type Wish, type WishConfig } from "./wishes.ts";

export interface MovesConfig extends WishConfig {
  readonly failbackAfter: Duration;
  /** Defaults of workers, which hold for services as well: tries, caps, windows. */
  readonly settings: WorkerSettings;
}

export interface MovesWorld {
  hosts(): Iterable<HostNow>;
  fence(host: HostId, now: Instant): FenceView;
}

/** What a manager told, or why none can. */
export type SwarmPicture =
  | { readonly kind: "swarm"; readonly view: SwarmView; readonly by: string }
  | { readonly kind: "none" | "no-quorum" | "refused" | "silent"; readonly text: string };

export type MoveCommand =
  | { readonly kind: "failback"; readonly service: string; readonly by: string }
  /** A person's word that what is fenced has ended where it ran. Of a container `service` is its case. */
  | { readonly kind: "vouch"; readonly service: string; readonly by: string };

export type MovesOutput =
  | { readonly kind: "read-swarm" }
  | { readonly kind: "decided"; readonly decision: Decision }
  | { readonly kind: "forgotten"; readonly worker: WorkerId }
  | { readonly kind: "publish"; readonly event: CoreEvent };

/** Between two looks at a Swarm where nothing is amiss; while a host is out; and while a service is being moved. */
const lookEvery: Duration = 10_000;
const lookOften: Duration = 1_000;
/** So long after a host fell out, or came back, the Swarm is looked at often. */
const busyAfter: Duration = 60_000;
/** A reading takes at most 8 s. */
const answerBy: Duration = 12_000;
/** A picture that was read before a host fell out may not show what is lost: soon again. */
const lookAgain: Duration = 100;
/** A look costs the mesh's thread 0.2 to 0.6 ms for each service that moves (measured): the more move, the rarer it is. */
const lookPerMove: Duration = 5;
/** What need not move for it is restored this long after its host is back; later where no agent says that it is well. */
const steadyAfter: Duration = 5_000;
const steadyUnheard: Duration = 30_000;
/** A host's deaths are held against it for so long, in terms of FAILBACK_AFTER. */
const deathsKept = 20;
/** A person's word holds for so long. */
export const commandHolds: Duration = 600_000;
/** For images to be pulled, and for health checks to pass. */
const moveTakes: Duration = 120_000;

interface Known {
  readonly service: SwarmService;
  decision: Decision;
  /** What the decision says, to tell a change. */
  said: string;
}

interface Wellness {
  /** Undefined while it is not well. */
  since: Instant | undefined;
  deaths: Instant[];
  verdict: HostVerdictKind;
}

/** What is told of a person's word. */
export function requestOf(worker: WorkerId, { kind, by }: MoveCommand): CoreEvent {
  const text =
    kind === "failback"
      ? `${by} wants it back where it was`
      : `${by} says that it has ended where it ran`;
  return eventOf(worker, "move-requested", text);
}

/** What moves, as the worker that it is for its recovery: nobody asks it anything. */
export const specOfCase = (id: WorkerId, settings: WorkerSettings): WorkerSpec => ({
  id,
  role: "worker",
  container: undefined,
  agent: undefined,
  dependants: [],
  probe: { kind: "engine-only" },
  settings: { ...settings, dependsOn: [] },
});

export class Moves {
  readonly #config: MovesConfig;
  readonly #world: MovesWorld;
  readonly #known = new Map<WorkerId, Known>();
  readonly #wellness = new Map<string, Wellness>();
  readonly #vouched = new Map<string, Instant>();
  readonly #called = new Map<string, Instant>();
  #out: readonly OutHost[] = [];
  #isLeading = false;
  #lookAt: Instant | undefined;
  #askedAt: Instant | undefined;
  #changedAt = instant(Number.NEGATIVE_INFINITY);
  #isMute = false;
  #outputs: MovesOutput[] = [];

  constructor(config: MovesConfig, world: MovesWorld) {
    this.#config = config;
    this.#world = world;
  }

  setLeading(isLeading: boolean, now: Instant): void {
    this.#isLeading = isLeading;
    this.#askedAt = undefined;
    this.#isMute = false;
    this.#lookAt = isLeading ? now : undefined;
    // Whoever leads next decides anew; a decision made before is told again.
    if (isLeading) for (const known of this.#known.values()) known.said = "";
  }

  /** To be called often: the verdicts of hosts are compared with those of the last call. */
  onBeat(now: Instant): readonly MovesOutput[] {
    const out: OutHost[] = [];
    let isSwarm = false;
    for (const { node, verdict } of this.#world.hosts()) {
      if (node === undefined) continue;
      isSwarm = true;
      this.#note(node.id, verdict, now);
      const { id, hostname: name } = node;
      if (verdict === "dead") out.push({ id, name, cause: "dead" });
      else if (verdict === "draining") out.push({ id, name, cause: "drain" });
    }
    const isChanged = keyOfOut(out) !== keyOfOut(this.#out);
    this.#out = out;
    if (!this.#isLeading || !isSwarm) return this.#taken();
    if (isChanged) {
      this.#lookAt = now;
      this.#changedAt = now;
    }
    this.#look(now);
    return this.#taken();
  }

  onPicture(picture: SwarmPicture, now: Instant): readonly MovesOutput[] {
    this.#askedAt = undefined;
    if (!this.#isLeading) return [];
    if (picture.kind === "swarm") {
      if (this.#isMute) this.#say("swarm-back", `the Swarm tells again, by ${picture.by}`);
      this.#isMute = false;
      this.#decide(picture.view, now);
    } else this.#onMute(picture);
    const moving = this.#moving();
    const isBusy = elapsed(this.#changedAt, now) < busyAfter || moving > 0;
    const often = Math.max(lookOften, moving * lookPerMove);
    const next = after(now, isBusy ? often : lookEvery);
    this.#lookAt = earliest(this.#lookAt, next);
    return this.#taken();
  }

  /** News of a job of one of the services: what comes of it is seen in the next picture. */
  onJobNews(worker: WorkerId, now: Instant): void {
    if (!this.#known.has(worker)) return;
    this.#lookAt = after(now, Math.max(lookAgain, this.#moving() * lookPerMove));
  }

  onCommand(command: MoveCommand, now: Instant): readonly MovesOutput[] {
    if (isContainerCase(command.service)) return [];
    const words = command.kind === "failback" ? this.#called : this.#vouched;
    words.set(command.service, after(now, commandHolds));
    const event = requestOf(caseOfService(command.service), command);
    if (this.#isLeading) this.#outputs.push({ kind: "publish", event });
    this.#lookAt = now;
    return this.#taken();
  }

  /** Of services that are, or were lately, not simply well. */
  *decisions(): Iterable<Decision> {
    for (const { decision } of this.#known.values()) yield decision;
  }

  spec(worker: WorkerId): WorkerSpec | undefined {
    if (!this.#known.has(worker)) return undefined;
    return specOfCase(worker, { ...this.#config.settings, startPeriod: moveTakes });
  }

  target(worker: WorkerId): Target | undefined {
    const known = this.#known.get(worker);
    if (known === undefined) return undefined;
    const { id, name } = known.service;
    return { host: "", containerId: id, name, startedAt: "" };
  }

  #look(now: Instant): void {
    const isLost = this.#askedAt !== undefined && elapsed(this.#askedAt, now) >= answerBy;
    if (this.#askedAt !== undefined && !isLost) return;
    if (!isLost && (this.#lookAt === undefined || now < this.#lookAt)) return;
    this.#askedAt = now;
    this.#lookAt = undefined;
    this.#outputs.push({ kind: "read-swarm" });
  }

  #decide(view: SwarmView, now: Instant): void {
    const present = new Set<WorkerId>();
    const wishes = wishesOf({
      view,
      out: this.#out,
      config: this.#config,
      fence: ({ id, name }) => this.#world.fence(this.#hostOf(id) ?? name, now),
      vouched: live(this.#vouched, now),
      called: live(this.#called, now),
      back: (id) => this.#backOf(id),
      now,
    });
    for (const wish of wishes) {
      const worker = caseOfService(wish.service.name);
      present.add(worker);
      this.#become(worker, wish);
    }
    for (const worker of [...this.#known.keys()]) {
      if (present.has(worker)) continue;
      this.#known.delete(worker);
      this.#outputs.push({ kind: "forgotten", worker });
    }
  }

  #become(worker: WorkerId, wish: Wish): void {
    const before = this.#known.get(worker);
    const decision = decisionOf(worker, wish, this.#out);
    const isPlain = decision.kind === "leave" && decision.verdict.kind === "healthy";
    // Most services never need anything, and nothing is kept of them.
    if (before === undefined && isPlain) return;
    const said = JSON.stringify([decision, readJournal(wish.service)?.after]);
    if (before?.said === said) {
      this.#known.set(worker, { ...before, service: wish.service });
      return;
    }
    this.#known.set(worker, { service: wish.service, decision, said });
    this.#outputs.push({ kind: "decided", decision });
    if (wish.kind === "leave" && wish.verdict === "healthy") this.#called.delete(wish.service.name);
  }

  #onMute({ kind, text }: Exclude<SwarmPicture, { kind: "swarm" }>): void {
    if (this.#isMute || kind === "none") return;
    this.#isMute = true;
    const held = this.#out.length === 0 ? "" : "; nothing is moved until then";
    this.#say("swarm-lost", `no manager of the Swarm tells what runs where: ${text}${held}`);
  }

  #say(kind: "swarm-lost" | "swarm-back", text: string): void {
    this.#outputs.push({ kind: "publish", event: eventOf("", kind, text, { notify: true }) });
  }

  /** How many services are to be moved, or are being moved. */
  #moving(): number {
    let count = 0;
    for (const { decision } of this.#known.values()) if (decision.kind === "act") count++;
    return count;
  }

  #note(id: string, verdict: HostVerdictKind, now: Instant): void {
    const known: Wellness = this.#wellness.get(id) ?? {
      since: undefined,
      deaths: [],
      verdict: "unknown",
    };
    if (verdict === "dead" && known.verdict !== "dead") {
      const kept = this.#config.failbackAfter * deathsKept;
      known.deaths = [...known.deaths.filter((at) => elapsed(at, now) < kept), now];
    }
    known.verdict = verdict;
    const isWell = verdict === "healthy" || verdict === "unknown" || verdict === "agent-lost";
    known.since = isWell ? (known.since ?? now) : undefined;
    this.#wellness.set(id, known);
  }

  #backOf(id: string): BackHost | undefined {
    const known = this.#wellness.get(id);
    if (known?.since === undefined) return undefined;
    const wait = failbackWait(this.#config.failbackAfter, known.deaths.length);
    return {
      steadyFrom: after(known.since, known.verdict === "healthy" ? steadyAfter : steadyUnheard),
      trustedFrom: after(known.since, wait),
    };
  }

  #hostOf(node: string): HostId | undefined {
    for (const host of this.#world.hosts()) if (host.node?.id === node) return host.id;
    return undefined;
  }

  #taken(): readonly MovesOutput[] {
    if (this.#outputs.length === 0) return [];
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }
}

function decisionOf(worker: WorkerId, wish: Wish, out: readonly OutHost[]): Decision {
  const evidence: readonly Evidence[] = out.map(({ name, cause }) => ({
    kind: "swarm",
    by: name,
    text: cause === "dead" ? "the mesh concludes that it is dead" : "its availability is drain",
  }));
  const verdict = (reason: string): Verdict => ({ worker, kind: wish.verdict, reason, evidence });
  if (wish.kind === "leave") {
    const { verdictReason, reason, isTheirs, awaitsWord } = wish;
    return {
      ...{ kind: "leave", worker, verdict: verdict(verdictReason), reason },
      ...(isTheirs === undefined ? {} : { isTheirs }),
      ...(awaitsWord === undefined ? {} : { awaitsWord }),
    };
  }
  const { notBefore, waitReason, commonCause, move } = wish;
  return {
    kind: "act",
    worker,
    verdict: verdict(wish.reason),
    action: "move",
    notBefore,
    waitReason,
    commonCause,
    move,
  };
}

function live(words: Map<string, Instant>, now: Instant): ReadonlySet<string> {
  for (const [service, until] of words) if (now >= until) words.delete(service);
  return new Set(words.keys());
}
