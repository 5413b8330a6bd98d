// Judges workers: gathers what is known of one, concludes, decides, and tells what is new.

import {
  after,
  type CoordinatorId,
  type Duration,
  type Instant,
  type WorkerId,
} from "../../proto/units.ts";
import type { Census } from "./census.ts";
import { decide } from "./decide.ts";
import type { Decision } from "./decision.ts";
import type { CoordinatorOutput } from "./exchange.ts";
import { Hearing, type Heard } from "./hearing.ts";
import type { Hosts } from "./hosts.ts";
import type { Intent } from "./intent.ts";
import type { LedgerPage } from "./ledger.ts";
import type { Pinger } from "./pinger.ts";
import type { Standings } from "./standings.ts";
import { conclude } from "./verdict.ts";
import type { Eyes } from "./vigil.ts";

export type WardOutput =
  /** Not watched any more. */
  | { readonly kind: "forgotten"; readonly worker: WorkerId }
  /** By its restart policy, which counts toward quarantine. */
  | { readonly kind: "engine-restarted-it"; readonly worker: WorkerId }
  | CoordinatorOutput
  | { readonly kind: "decided"; readonly decision: Decision };

/** Workers that are not simply healthy are judged again this often: holds and start periods end without an input. */
const rejudgeEvery: Duration = 100;

export interface DocketSources {
  readonly self: CoordinatorId;
  readonly stopHold: Duration;
  readonly census: Census;
  readonly pinger: Pinger;
  readonly standings: Standings;
  readonly intent: Intent;
  readonly hosts: Hosts;
}

export class Docket implements Eyes {
  verdicts = 0;
  readonly #sources: DocketSources;
  readonly #hearing = new Hearing();
  /** To be judged at the next tick, after the sockets were drained. */
  readonly #dirty = new Set<WorkerId>();
  /** Judged again and again until they are healthy. */
  readonly #uneasy = new Set<WorkerId>();
  /** What a decision waits for: judged anew then, before it is acted on, for the end of one wait may begin another. */
  readonly #waits = new Map<WorkerId, Instant>();
  #rejudgeAt: Instant;
  #fit = false;

  constructor(sources: DocketSources, now: Instant) {
    this.#sources = sources;
    this.#rejudgeAt = now;
  }

  wonder(worker: WorkerId, now: Instant): void {
    const { pinger, standings } = this.#sources;
    if (pinger.path(worker, now)?.standing !== "up") standings.wonder(worker, now);
  }

  isBlindTo(worker: WorkerId, now: Instant): boolean {
    const { pinger, standings } = this.#sources;
    const path = pinger.path(worker, now);
    if (path === undefined || path.standing === "up") return false;
    return !this.#fit || standings.countHeardElsewhere([worker], now) > 0;
  }

  /** True where it changed. */
  setFit(fit: boolean): boolean {
    const changed = fit !== this.#fit;
    this.#fit = fit;
    return changed;
  }

  mark(worker: WorkerId): void {
    this.#dirty.add(worker);
  }

  markAll(workers: Iterable<WorkerId>): void {
    for (const worker of workers) this.#dirty.add(worker);
  }

  /** By Redis's word. */
  remember(heard: readonly Heard[]): void {
    this.#hearing.remember(heard);
  }

  markUneasy(): void {
    for (const worker of this.#uneasy) this.#dirty.add(worker);
  }

  forget(worker: WorkerId): void {
    this.#dirty.delete(worker);
    this.#uneasy.delete(worker);
    this.#waits.delete(worker);
  }

  nextDeadline(now: Instant): Instant | undefined {
    if (this.#dirty.size > 0) return now;
    return this.#uneasy.size > 0 ? this.#rejudgeAt : undefined;
  }

  /** Judges what was marked; `page` finds a worker's page. */
  onTick(page: (worker: WorkerId) => LedgerPage | undefined, now: Instant): WardOutput[] {
    if (now >= this.#rejudgeAt) {
      this.#rejudgeAt = after(now, rejudgeEvery);
      this.markUneasy();
    }
    for (const [worker, until] of this.#waits) if (until <= now) this.#dirty.add(worker);
    const outputs: WardOutput[] = [];
    for (const worker of this.#dirty) {
      this.#dirty.delete(worker);
      const known = page(worker);
      if (known !== undefined) outputs.push(...this.judge(known, now));
    }
    return outputs;
  }

  judge(page: LedgerPage, now: Instant): WardOutput[] {
    const { worker } = page;
    const { intent, census, stopHold } = this.#sources;
    const outputs: WardOutput[] = [];
    const goneContainer = census.lastSeen(worker);
    const verdict = conclude(this.#factsOf(page, now));
    const isNew = verdict.kind !== page.verdict.kind;
    if (isNew) {
      page.verdictSince = now;
      this.verdicts++;
    }
    page.verdict = verdict;
    if (isNew) outputs.push(verdictChanged(page));
    const about = {
      spec: page.spec,
      intent,
      since: page.verdictSince,
      goneContainer,
      projectExists: census.hasProject(worker),
      commonCause: page.commonCause,
      stopHold,
    };
    const decision = decide(verdict, about, now);
    if (decision.kind === "leave" && verdict.kind === "healthy") this.#uneasy.delete(worker);
    else this.#uneasy.add(worker);
    if (decision.kind === "act" && decision.notBefore > now)
      this.#waits.set(worker, decision.notBefore);
    else this.#waits.delete(worker);
    const key = keyOf(page, decision);
    if (key === page.decisionKey) return outputs;
    page.decisionKey = key;
    outputs.push({ kind: "decided", decision });
    return outputs;
  }

  #factsOf(page: LedgerPage, now: Instant): Parameters<typeof conclude>[0] {
    const { self, pinger, standings, hosts, census } = this.#sources;
    const { spec, worker } = page;
    const path = pinger.path(worker, now);
    // One that was restarted while the worker was silent knows from the others, or from Redis, that there is somebody to hear.
    page.everHeard ||= standings.wasHeardElsewhere(worker) || this.#hearing.wasHeard(page);
    return {
      spec,
      me: self,
      fit: this.#fit,
      engineReachable: hosts.isReachable(spec.container?.host ?? ""),
      goneContainer: census.lastSeen(worker),
      conclusion:
        path === undefined
          ? { kind: "undecided", reason: "it is not asked" }
          : standings.conclude(worker, path, this.#fit, now),
      health: page.health,
      obituary: page.obituary,
      everHeard: page.everHeard,
      heardSinceStart: page.heardSinceStart,
      runningFor: page.runningFor(now),
      agentSeen: page.agentSeen,
      previous: page.verdict.kind,
    };
  }
}

/** The same key means the same decision: it is told once. */
function keyOf(page: LedgerPage, decision: Decision): string {
  const { startedAt = "", id = "" } = page.spec.container ?? {};
  const about =
    decision.kind === "act"
      ? `${decision.action} ${Math.round(decision.notBefore)} ${decision.waitReason}`
      : decision.reason;
  return `${decision.kind} ${decision.verdict.kind} ${id} ${startedAt} ${about}`;
}

function verdictChanged({ worker, verdict }: LedgerPage): WardOutput {
  const text = `${verdict.kind}: ${verdict.reason}`;
  const { evidence } = verdict;
  return {
    kind: "publish",
    event: { kind: "verdict-changed", worker, recovery: "", text, evidence, notify: false },
  };
}
