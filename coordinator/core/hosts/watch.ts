// All watched hosts: asked, doubted and judged by the same rules as workers, with what else can show that a machine lives.

import type { Announce, Doubt, Pong, Report } from "../../../proto/messages.ts";
import type { Random } from "../../../proto/random.ts";
import {
  after,
  earliest,
  type CoordinatorId,
  type Duration,
  type Instant,
} from "../../../proto/units.ts";
import type { CoreEvent } from "../event.ts";
import { NonceBook } from "../nonce-book.ts";
import { heardAgo, type PathView } from "../path.ts";
import { Pinger } from "../pinger.ts";
import type { PingerOutput } from "../pinger-output.ts";
import { Standings } from "../standings.ts";
import type { Finding } from "../worker.ts";
import type { FenceView } from "./fence.ts";
import { findingsOf } from "./findings.ts";
import { Granting } from "./granting.ts";
import type { HostId, HostNow, HostSpec, HostSummary, HostVerdict, SwarmNodes } from "./host.ts";
import type { KnockAnswer } from "./knocks.ts";
import { HostNews } from "./news.ts";
import { byAddress, HostPage } from "./page.ts";
import { HostRoll } from "./roll.ts";
import { changed, shownOf, summaryOf } from "./shown.ts";
import { Unlisted } from "./unlisted.ts";
import { concludeHost } from "./verdict.ts";
import type { HostOutput, HostWatchConfig, WorkersHeard } from "./watch-shape.ts";

const staleAfter: Duration = 300;
/** Hosts that are not simply healthy are asked about and judged again this often: signs of life age without an input. */
const rejudgeEvery: Duration = 100;

export class HostWatch {
  readonly counters = { "host-strangers": 0, "host-knocks": 0, "host-verdicts": 0 };
  readonly pinger: Pinger;
  readonly standings: Standings;
  readonly #config: HostWatchConfig;
  readonly #random: Random;
  readonly #workersHeard: WorkersHeard;
  readonly #roll: HostRoll;
  readonly #pages = new Map<HostId, HostPage>();
  readonly #nonces = new NonceBook();
  readonly #news = new HostNews();
  readonly #unlisted = new Unlisted();
  /** To be told of each new set of coordinators, which grants name. */
  readonly granting: Granting;
  #byAddress: ReadonlyMap<string, HostPage | undefined> = new Map();
  readonly #dirty = new Set<HostPage>();
  readonly #uneasy = new Set<HostPage>();
  #rejudgeAt: Instant;
  #fit = false;
  #out: HostOutput[] = [];

  constructor(config: HostWatchConfig, workersHeard: WorkersHeard, random: Random, now: Instant) {
    this.#config = config;
    this.#random = random;
    this.#workersHeard = workersHeard;
    this.#roll = new HostRoll(config.listed, config.port);
    this.pinger = new Pinger(config.pinger, random.fork());
    const { self, coordinators, heartbeatInterval } = config;
    const own = (host: HostId, at: Instant): PathView | undefined => this.#viewOf(host, at);
    this.standings = new Standings({ self, coordinators, heartbeatInterval }, own);
    this.granting = new Granting(config, random.fork());
    this.#rejudgeAt = now;
    this.#sync(now);
  }

  /** No host is watched. */
  get isIdle(): boolean {
    return this.#pages.size === 0;
  }

  has(host: HostId): boolean {
    return this.#pages.has(host);
  }

  onTick(lateness: Duration, now: Instant): readonly HostOutput[] {
    if (this.#pages.size === 0) return this.#taken();
    // A stall longer than a report stays fresh: what waited in our socket is older than it looks.
    if (lateness > staleAfter) this.standings.distrust();
    this.pinger.addLateness(lateness, now);
    this.#out.push(...this.granting.goodbyesDue(this.#pages.values(), now));
    this.#perform(this.pinger.onTick(now), now);
    if (now >= this.#rejudgeAt) {
      this.#rejudgeAt = after(now, rejudgeEvery);
      for (const page of this.#uneasy) {
        this.#knock(page, now);
        if (page.fence.isHungry) this.#perform(this.pinger.hasten(page.spec.id, now), now);
        this.#dirty.add(page);
      }
    }
    for (const page of this.#dirty) this.#judge(page, now);
    this.#dirty.clear();
    this.#out.push(...this.standings.letters(now));
    return this.#taken();
  }

  nextDeadline(now: Instant): Instant | undefined {
    if (this.#pages.size === 0) return undefined;
    if (this.#dirty.size > 0) return now;
    const rejudge = this.#uneasy.size > 0 ? this.#rejudgeAt : undefined;
    const goodbye = this.granting.nextDeadline();
    return earliest(this.pinger.nextDeadline(), this.standings.nextDeadline(), rejudge, goodbye);
  }

  /** Undefined where no host was asked with this nonce. */
  onPong(pong: Pong, address: string, now: Instant): readonly HostOutput[] | undefined {
    const page = this.#pages.get(this.#nonces.take(pong.nonce) ?? "");
    if (page === undefined) return undefined;
    const { id } = page.spec;
    if (pong.name !== page.agentName && pong.name !== id && this.#pages.has(pong.name)) {
      // Another host's agent stands at its address.
      this.counters["host-strangers"]++;
      return this.#taken();
    }
    const answer = this.pinger.onPong(id, pong.nonce, now, page.answerer(pong));
    if (!answer.accepted) return this.#taken();
    if (pong.lag > 0) this.pinger.extend(id, pong.lag);
    if (page.onPong(pong, now)) this.#dirty.add(page);
    if (page.fence.isHungry) this.#uneasy.add(page);
    if (page.answeredFrom !== address) {
      page.answeredFrom = address;
      this.#byAddress = byAddress(this.#pages.values());
    }
    this.#perform(answer.outputs, now);
    return this.#taken();
  }

  /**
   * The agent of a host told of itself: its health is said at once, and one that nobody lists is worth a finding. Nobody has asked it
   * lately, or it would not announce itself, so it is asked at once: what it was granted may soon end.
   */
  onAnnounce(message: Announce, address: string, now: Instant): readonly HostOutput[] {
    const { name, health, leaving, incarnation } = message;
    const page = this.#pages.get(name);
    this.#unlisted.onAnnounce(name, address, page === undefined && !leaving, now);
    if (page === undefined) return nothing;
    if (leaving) page.fence.onLeaving(incarnation);
    else this.#perform(this.pinger.hasten(name, now), now);
    if (page.agentName === name && page.health?.state !== health.state && !leaving) {
      page.health = health;
      this.#dirty.add(page);
    }
    return this.#taken();
  }

  /** An authenticated datagram came from this address: whoever lives there, it is not dead. */
  onDatagramFrom(address: string, sender: string, now: Instant): void {
    const page = this.#byAddress.get(address);
    // A dead one has to answer: what is heard may be all that still works, and must not bring it back every few seconds.
    if (page === undefined || page.verdict.kind === "dead") return;
    page.onSign("sends", `datagrams of ${sender} come from it`, now);
  }

  /** Its kernel lives. */
  onRefused(host: HostId, now: Instant): readonly HostOutput[] {
    const page = this.#pages.get(host);
    page?.onSign("answers", "it refuses datagrams to its agent's port", now);
    this.#perform(this.pinger.onRefused(host, now), now);
    return this.#taken();
  }

  onKnocked(host: HostId, nonce: number, answer: KnockAnswer, now: Instant): void {
    const page = this.#pages.get(host);
    if (page === undefined) return;
    const text = page.knocks.onAnswer(nonce, answer);
    if (text !== undefined) page.onSign("answers", text, now);
    this.#dirty.add(page);
  }

  onDoubt(from: CoordinatorId, message: Doubt, now: Instant): readonly HostOutput[] {
    for (const host of this.standings.onDoubt(from, message, now)) {
      this.#perform(this.pinger.hasten(host, now), now);
    }
    return this.#taken();
  }

  onReport(from: CoordinatorId, message: Report, now: Instant): void {
    for (const host of this.standings.onReport(from, message, now)) {
      const page = this.#pages.get(host);
      if (page !== undefined) this.#dirty.add(page);
    }
    for (const { worker, grant } of message.reports) {
      const askedAt = this.standings.askedAt(worker, from);
      this.#pages.get(worker)?.fence.onReport(from, grant, askedAt, now);
    }
  }

  /** This coordinator stops on purpose: agents learn that no grant of it will follow, and why. */
  sayGoodbye(now: Instant): readonly HostOutput[] {
    this.granting.sayGoodbye(now);
    return this.granting.goodbyesDue(this.#pages.values(), now);
  }

  /** Whether what is fenced on a host that vanished has been stopped, by this coordinator's own book. */
  fence(host: HostId, now: Instant): FenceView {
    const page = this.#pages.get(host);
    if (page === undefined)
      return { kind: "unsure", text: `no host that is watched is called ${host}` };
    return this.granting.view(page, now);
  }

  onNodes(news: SwarmNodes, now: Instant): readonly HostOutput[] {
    this.#roll.onNodes(news, now);
    this.#sync(now);
    return this.#taken();
  }

  setFit(fit: boolean): void {
    this.#fit = fit;
    this.standings.setFit(fit);
    for (const page of this.#pages.values()) this.#dirty.add(page);
  }

  setLeading(isLeading: boolean): readonly HostOutput[] {
    return this.#news.setLeading(isLeading).map(published);
  }

  onLeaderHeard(now: Instant): void {
    this.#news.onLeaderHeard(now);
  }

  onJump(now: Instant): readonly HostOutput[] {
    this.#perform(this.pinger.clearDoubt(now), now);
    this.standings.distrust();
    for (const page of this.#pages.values()) page.knocks.forget();
    return this.#taken();
  }

  summary(now: Instant): readonly HostSummary[] {
    return [...this.#pages].map(([id, page]) => {
      const fence = this.granting.view(page, now);
      return summaryOf(page, this.#viewOf(id, now), this.standings.saidOf(id), fence, now);
    });
  }

  /** For whoever asks many times a second. */
  verdictsNow(): readonly HostNow[] {
    return [...this.#pages.values()].map((page) => page.now);
  }

  findings(now: Instant): readonly Finding[] {
    return findingsOf([...this.#pages.values()], this.#unlisted.list(now));
  }

  #viewOf(host: HostId, now: Instant): PathView | undefined {
    const page = this.#pages.get(host);
    const path = page === undefined ? undefined : this.pinger.path(host, now);
    if (page === undefined || path === undefined) return undefined;
    if (path.standing !== "up") page.hearWorkers(this.#workersHeard);
    return page.view(path, this.granting.length, now);
  }

  /** The roll changed: pages and paths follow. */
  #sync(now: Instant): void {
    const { hosts } = this.#roll;
    for (const page of this.#pages.values()) if (!hosts.has(page.spec.id)) this.#forget(page);
    for (const spec of hosts.values()) this.#syncHost(spec, now);
    this.#byAddress = byAddress(this.#pages.values());
  }

  #syncHost(spec: HostSpec, now: Instant): void {
    const page = this.#pages.get(spec.id) ?? new HostPage(spec, now);
    const before = page.spec;
    page.spec = spec;
    this.#dirty.add(page);
    if (!this.#pages.has(spec.id)) {
      this.#pages.set(spec.id, page);
      this.#uneasy.add(page);
      this.pinger.watch(spec.id, { ...this.#config.settings, attempts: "datagram" }, now);
    } else if (before.address !== spec.address || before.port !== spec.port) {
      this.#perform(this.pinger.forgetPath(spec.id, now), now);
      this.standings.forget(spec.id);
    }
  }

  #forget(page: HostPage): void {
    const { id, engines } = page.spec;
    this.#pages.delete(id);
    this.#dirty.delete(page);
    this.#uneasy.delete(page);
    this.pinger.unwatch(id);
    this.standings.forget(id);
    this.#out.push({ kind: "worker-settled", worker: id });
    if (page.verdict.kind === "dead") {
      this.#out.push({ kind: "host-judged", engines, isDead: false });
    }
  }

  #perform(outputs: readonly PingerOutput[], now: Instant): void {
    for (const output of outputs) {
      const { worker: host } = output;
      if (output.kind === "ping") this.#ask(output, now);
      else if (output.kind === "ask-peers") this.standings.ask(host, output.nonce, now);
      else if (output.kind === "standing-changed") {
        const page = this.#pages.get(host);
        if (page !== undefined) this.#onStanding(page, output.standing === "up", now);
      }
    }
  }

  #onStanding(page: HostPage, isUp: boolean, now: Instant): void {
    this.#dirty.add(page);
    this.#uneasy.add(page);
    if (isUp) {
      page.knocks.forget();
      this.#out.push({ kind: "worker-settled", worker: page.spec.id });
    }
    this.#say(page, now);
  }

  #ask(question: Extract<PingerOutput, { kind: "ping" }>, now: Instant): void {
    const { worker, nonce, freshSocket } = question;
    const page = this.#pages.get(worker);
    if (page === undefined || this.granting.isLeaving) return;
    this.#nonces.put(nonce, worker, now);
    this.#out.push(this.granting.ping(page, nonce, freshSocket));
  }

  /** An attempt has failed: its host is asked itself, again and again, until its agent answers. */
  #knock(page: HostPage, now: Instant): void {
    const { id, address } = page.spec;
    const { timeout } = this.#config.settings;
    const path = this.pinger.path(id, now);
    if (!page.everHeard || path === undefined || path.failedAttempts === 0) return;
    if (page.knocks.dueAt(timeout, now) > now) return;
    for (const { port, nonce } of page.knocks.begin(this.#random, now)) {
      this.counters["host-knocks"]++;
      this.#out.push({ kind: "knock-host", host: id, address, port, nonce, timeout });
    }
  }

  /** The others hear of it where our word has changed. */
  #say(page: HostPage, now: Instant): void {
    const standing = this.#viewOf(page.spec.id, now)?.standing ?? "abstain";
    if (standing === page.said) return;
    page.said = standing;
    this.standings.onOwnChanged(page.spec.id, standing, now);
  }

  #judge(page: HostPage, now: Instant): void {
    const { spec } = page;
    const path = this.pinger.path(spec.id, now);
    const view = this.#viewOf(spec.id, now);
    if (path === undefined || view === undefined) return;
    this.#say(page, now);
    page.everHeard ||= this.standings.wasHeardElsewhere(spec.id);
    if (!this.#fit && path.standing !== "up") page.isSilenceMoot = true;
    const conclusion = this.standings.conclude(spec.id, view, this.#fit, now);
    const sign = page.sign(path.witnessFor, now);
    const isHeard = conclusion.kind === "heard" || conclusion.kind === "partial";
    const ago = heardAgo(path, now);
    const verdict = concludeHost({
      spec,
      me: this.#config.self,
      fit: this.#fit,
      conclusion,
      aliveFor: page.aliveFor(isHeard || sign !== undefined, now),
      isSilentHere: path.standing === "down",
      wasHeardLately: ago >= 0 && ago <= path.witnessFor,
      everHeard: page.everHeard,
      health: page.health,
      sign,
      isCalledDown: this.#roll.isCalledDown(spec, now),
      previous: page.verdict,
    });
    const wasDead = page.verdict.kind === "dead";
    page.onVerdict(verdict);
    const isDead = verdict.kind === "dead";
    if (isDead !== wasDead) this.#out.push({ kind: "host-judged", engines: spec.engines, isDead });
    const isEasy = verdict.kind === "healthy" && path.standing === "up" && !page.fence.isHungry;
    if (isEasy) this.#uneasy.delete(page);
    else this.#uneasy.add(page);
    this.#show(page, shownOf(page), now);
  }

  #show(page: HostPage, next: HostVerdict, now: Instant): void {
    const before = page.shown;
    page.shown = next;
    if (next.kind === before.kind) return;
    page.shownSince = now;
    this.counters["host-verdicts"]++;
    const event = changed(page.spec.id, before, next);
    this.#out.push(...this.#news.onVerdict(page.spec.id, event, now).map(published));
  }

  #taken(): readonly HostOutput[] {
    if (this.#out.length === 0) return nothing;
    const out = this.#out;
    this.#out = [];
    return out;
  }
}

const nothing: readonly HostOutput[] = [];

const published = (event: CoreEvent): HostOutput => ({ kind: "publish", event });
