// What the coordinators told each other of their standings, and what follows from all of them together (design rule 2).

import type { Doubt, Report, StandingKind, StandingReport } from "../../proto/messages.ts";
import {
  after,
  earliest,
  elapsed,
  instant,
  type CoordinatorId,
  type Duration,
  type Instant,
  type WorkerId,
} from "../../proto/units.ts";
import { heardAgo, type PathView } from "./path.ts";
import { conclude, type Conclusion, type Opinion } from "./quorum.ts";
import { StandingMail, type Letter } from "./standing-mail.ts";

export interface StandingsConfig {
  readonly self: CoordinatorId;
  /** All configured ones, this one included; until `onMembers`. */
  readonly coordinators: readonly CoordinatorId[];
  readonly heartbeatInterval: Duration;
}

/** One's own path to a worker; undefined when it is not watched. Plain reading: `Pinger.path`. */
export type OwnPath = (worker: WorkerId, now: Instant) => PathView | undefined;

/** What another coordinator said last of a worker. */
interface Heard {
  standing: StandingKind;
  arrivedAt: Instant;
  /** When the question was asked that it answered; undefined for an unasked report. */
  askedAt: Instant | undefined;
  /** When it heard the worker, by our clock and no earlier than in truth; undefined when never. */
  heardAt: Instant | undefined;
  refused: number;
}

interface Matter {
  readonly heard: Map<CoordinatorId, Heard>;
  /** Our last questions of it, newest last; each repetition has a nonce of its own, or an old answer would pass for a new one. */
  questions: { readonly nonce: number; readonly askedAt: Instant }[];
  /** We doubt it ourselves and said so: the question is repeated until we hear the worker. */
  isAsking: boolean;
}

/** Refreshes within the time that a report stays fresh: at 30 % loss one of 120 questions is then without a fresh answer. */
const refreshesWhileFresh = 4;
/** Questions whose answers are still recognised as such. */
const questionsRemembered = 8;
/** Workers refreshed at a time; more take turns, so that a dead data centre costs 500 datagrams a second and peer and no more. */
const refreshedAtOnce = 480;

/**
 * Contract: `Pinger`'s `ask-peers` goes to `ask`, its `standing-changed` to `onOwnChanged`; `onDoubt` returns whom to hasten; `letters` are
 * sent as they come when `nextDeadline()` is reached. Conclusions are taken after the socket was drained.
 */
export class Standings {
  readonly #config: StandingsConfig;
  readonly #own: OwnPath;
  readonly #mail: StandingMail;
  #coordinators: readonly CoordinatorId[];
  readonly #freshFor: Duration;
  readonly #matters = new Map<WorkerId, Matter>();
  /** What is refreshed, in turn: workers that we or others doubt. */
  readonly #open = new Set<WorkerId>();
  readonly #unfit = new Set<CoordinatorId>();
  #isFit = true;
  #refreshDue: Instant | undefined;

  constructor(config: StandingsConfig, own: OwnPath) {
    this.#config = config;
    this.#own = own;
    this.#coordinators = config.coordinators;
    this.#mail = new StandingMail(this.#others());
    this.#freshFor = Math.max(300, 3 * config.heartbeatInterval);
  }

  /** From now on these count, and no word of another does. */
  onMembers(ids: readonly CoordinatorId[]): void {
    this.#coordinators = ids;
    this.#mail.setOthers(this.#others());
    for (const { heard } of this.#matters.values()) {
      for (const by of heard.keys()) if (!ids.includes(by)) heard.delete(by);
    }
    for (const id of this.#unfit) if (!ids.includes(id)) this.#unfit.delete(id);
  }

  /** Our own fitness; while unfit our reports say `abstain`, with what we heard. */
  setFit(isFit: boolean): void {
    this.#isFit = isFit;
  }

  /** From another coordinator's heartbeat. */
  onFitness(from: CoordinatorId, isFit: boolean): void {
    if (isFit) this.#unfit.delete(from);
    else this.#unfit.add(from);
  }

  /** Our first doubt: the others are told, and asked what they hear. */
  ask(worker: WorkerId, nonce: number, now: Instant): void {
    const matter = this.#matter(worker);
    matter.isAsking = true;
    this.#question(worker, matter, nonce, now);
    this.#openUp(worker, now);
  }

  /** We hear nothing of it where we should, though we have no right to doubt it yet: the others are asked what they hear. */
  wonder(worker: WorkerId, now: Instant): void {
    this.ask(worker, (this.#matter(worker).questions.at(-1)?.nonce ?? 0) + 1, now);
  }

  /** Our own standing changed. What others have to know is told at once: the end of a doubt, and `down`. */
  onOwnChanged(worker: WorkerId, standing: StandingKind, now: Instant): void {
    if (standing === "doubt") return;
    if (standing === "down") {
      this.#matter(worker).isAsking = true;
      this.#openUp(worker, now);
      this.#mail.reportAll(worker, now);
      return;
    }
    const matter = this.#matters.get(worker);
    if (matter === undefined) return;
    if (matter.isAsking || this.#open.has(worker)) this.#mail.reportAll(worker, now);
    matter.isAsking = false;
    this.#mail.dropQuestion(worker);
  }

  /** Another coordinator asks. Each question is answered; the workers returned are asked at once (`Pinger.hasten`). */
  onDoubt(from: CoordinatorId, doubt: Doubt, now: Instant): readonly WorkerId[] {
    if (!this.#isOther(from)) return [];
    const known: WorkerId[] = [];
    for (const { worker, nonce } of doubt.questions) {
      if (this.#own(worker, now) === undefined) continue;
      known.push(worker);
      const matter = this.#matter(worker);
      const before = matter.heard.get(from);
      // Whoever is down keeps asking; its question takes nothing back.
      if (before?.standing !== "down" || !this.#isYoung(before, now)) {
        matter.heard.set(from, {
          standing: "doubt",
          arrivedAt: now,
          askedAt: undefined,
          heardAt: before?.heardAt,
          refused: before?.refused ?? 0,
        });
      }
      this.#mail.answer(from, worker, nonce, now);
      this.#openUp(worker, now);
    }
    return known;
  }

  /** The workers whose picture it changed, to be concluded anew. */
  onReport(from: CoordinatorId, report: Report, now: Instant): readonly WorkerId[] {
    if (!this.#isOther(from)) return [];
    const changed: WorkerId[] = [];
    for (const entry of report.reports) {
      if (this.#own(entry.worker, now) === undefined) continue;
      const matter = this.#matter(entry.worker);
      if (matter.heard.get(from)?.standing !== entry.standing) changed.push(entry.worker);
      matter.heard.set(from, {
        standing: entry.standing,
        arrivedAt: now,
        askedAt: matter.questions.find((question) => question.nonce === entry.nonce)?.askedAt,
        heardAt: entry.heardAgo < 0 ? undefined : after(now, -entry.heardAgo),
        refused: entry.refused,
      });
      if (entry.standing === "down" || entry.standing === "doubt") this.#openUp(entry.worker, now);
    }
    return changed;
  }

  /** `fit`: whether this coordinator may judge; one that may not concludes nothing but that it, or another, hears the worker. */
  conclude(worker: WorkerId, own: PathView, fit: boolean, now: Instant): Conclusion {
    const opinions: Opinion[] = [
      {
        by: this.#config.self,
        standing: fit ? own.standing : "abstain",
        isFresh: true,
        heardAgo: orNever(heardAgo(own, now)),
        refused: own.refused,
      },
    ];
    const matter = this.#matters.get(worker);
    for (const [by, heard] of matter?.heard ?? []) {
      opinions.push({
        by,
        standing: this.#unfit.has(by) ? "abstain" : heard.standing,
        isFresh: this.#isFresh(heard, now),
        heardAgo: heard.heardAt === undefined ? Infinity : elapsed(heard.heardAt, now),
        refused: heard.refused,
      });
    }
    const conclusion = conclude(opinions, this.#coordinators.length, own.witnessFor);
    if (fit || conclusion.kind === "heard") return conclusion;
    if (own.standing === "up") return { kind: "heard", by: [this.#config.self] };
    return { kind: "undecided", reason: "this coordinator abstains" };
  }

  /** How many of these another coordinator hears by a fresh report (for self-health). */
  countHeardElsewhere(workers: Iterable<WorkerId>, now: Instant): number {
    let count = 0;
    for (const worker of workers) {
      for (const [by, heard] of this.#matters.get(worker)?.heard ?? []) {
        const isHeard = heard.standing === "up" && !this.#unfit.has(by);
        if (!isHeard || !this.#isFresh(heard, now)) continue;
        count++;
        break;
      }
    }
    return count;
  }

  /** Whether another coordinator has heard the worker as it stands there now, however long ago. */
  wasHeardElsewhere(worker: WorkerId): boolean {
    for (const { heardAt } of this.#matters.get(worker)?.heard.values() ?? []) {
      if (heardAt !== undefined) return true;
    }
    return false;
  }

  /** When the question was asked that its last word answered, which therefore is no older; undefined where it answered none. */
  askedAt(worker: WorkerId, by: CoordinatorId): Instant | undefined {
    return this.#matters.get(worker)?.heard.get(by)?.askedAt;
  }

  /** What each other coordinator said last, for people. */
  saidOf(worker: WorkerId): Readonly<Record<CoordinatorId, StandingKind>> {
    const matter = this.#matters.get(worker);
    if (matter === undefined) return nothingSaid;
    const said: Record<CoordinatorId, StandingKind> = {};
    for (const [by, heard] of matter.heard) said[by] = heard.standing;
    return said;
  }

  /** It is not watched any more, or another container stands there now: what was said of the old one is forgotten. */
  forget(worker: WorkerId): void {
    this.#matters.delete(worker);
    this.#open.delete(worker);
    this.#mail.drop(worker);
  }

  /** We were stalled or jumped: what waited in our socket is older than it looks. Life that was witnessed stays. */
  distrust(): void {
    for (const matter of this.#matters.values()) {
      for (const heard of matter.heard.values()) {
        heard.arrivedAt = instant(-Infinity);
        heard.askedAt = undefined;
      }
      matter.questions = [];
    }
  }

  nextDeadline(): Instant | undefined {
    return earliest(this.#mail.due, this.#refreshDue);
  }

  /** What is due to be sent. */
  letters(now: Instant): readonly Letter[] {
    if (this.#refreshDue !== undefined && now >= this.#refreshDue) this.#refresh(now);
    if (this.#mail.due === undefined || now < this.#mail.due) return [];
    return this.#mail.take((worker, nonce) => this.#report(worker, nonce, now));
  }

  #report(worker: WorkerId, nonce: number, now: Instant): StandingReport | undefined {
    const own = this.#own(worker, now);
    if (own === undefined) return undefined;
    return {
      worker,
      nonce,
      standing: this.#isFit ? own.standing : "abstain",
      heardAgo: Math.round(heardAgo(own, now)),
      unanswered: own.unanswered,
      failedAttempts: own.failedAttempts,
      refused: own.refused,
      ...(own.grant !== undefined && { grant: own.grant }),
    };
  }

  /** Repeats questions and reports while they matter, the longest waiting first. */
  #refresh(now: Instant): void {
    this.#refreshDue = undefined;
    let left = Math.min(refreshedAtOnce, this.#open.size);
    for (const worker of this.#open) {
      if (left-- === 0) break;
      this.#open.delete(worker);
      const matter = this.#matter(worker);
      const own = this.#own(worker, now);
      if (own === undefined) {
        this.forget(worker);
        continue;
      }
      const last = matter.questions.at(-1)?.nonce ?? 0;
      if (matter.isAsking) this.#question(worker, matter, last + 1, now);
      const isDoubtedElsewhere = this.#isDoubtedElsewhere(matter, now);
      // One who hears it tells those who do not; one who does not says so once it is sure.
      if (own.standing === "down" || isDoubtedElsewhere) this.#mail.reportAll(worker, now);
      if (matter.isAsking || isDoubtedElsewhere) this.#openUp(worker, now);
    }
    if (this.#open.size > 0) this.#refreshDue ??= this.#nextRefresh(now);
  }

  #question(worker: WorkerId, matter: Matter, nonce: number, now: Instant): void {
    matter.questions.push({ nonce, askedAt: now });
    if (matter.questions.length > questionsRemembered) matter.questions.shift();
    this.#mail.askAll(worker, nonce, now);
  }

  #isDoubtedElsewhere(matter: Matter, now: Instant): boolean {
    for (const heard of matter.heard.values()) {
      const doubts = heard.standing === "doubt" || heard.standing === "down";
      if (doubts && this.#isYoung(heard, now)) return true;
    }
    return false;
  }

  #isYoung(heard: Heard, now: Instant): boolean {
    return elapsed(heard.arrivedAt, now) < this.#freshFor;
  }

  /** Young, or the answer to a question that we asked not long ago: such an answer cannot be older than its question. */
  #isFresh(heard: Heard, now: Instant): boolean {
    if (this.#isYoung(heard, now)) return true;
    return heard.askedAt !== undefined && elapsed(heard.askedAt, now) < 2 * this.#freshFor;
  }

  #openUp(worker: WorkerId, now: Instant): void {
    this.#open.add(worker);
    this.#refreshDue ??= this.#nextRefresh(now);
  }

  #nextRefresh(now: Instant): Instant {
    return after(now, this.#freshFor / refreshesWhileFresh);
  }

  #matter(worker: WorkerId): Matter {
    let matter = this.#matters.get(worker);
    if (matter === undefined) {
      matter = { heard: new Map(), questions: [], isAsking: false };
      this.#matters.set(worker, matter);
    }
    return matter;
  }

  #others(): readonly CoordinatorId[] {
    return this.#coordinators.filter((id) => id !== this.#config.self);
  }

  #isOther(from: CoordinatorId): boolean {
    return from !== this.#config.self && this.#coordinators.includes(from);
  }
}

const nothingSaid: Readonly<Record<CoordinatorId, StandingKind>> = Object.freeze({});
const orNever = (ago: Duration): Duration => (ago < 0 ? Infinity : ago);
