// All watched workers: who they are, how they are asked, what is concluded of each, and what that asks for.

import type { AgentHealth, Announce, Doubt, Obituary, Pong, Report } from "../../proto/messages.ts";
import type { Random } from "../../proto/random.ts";
import {
  after,
  earliest,
  type CoordinatorId,
  type Duration,
  type Instant,
  type WorkerId,
} from "../../proto/units.ts";
import { Census, type CensusConfig } from "./census.ts";
import { isStoppedByHand } from "./decide.ts";
import { Docket, type WardOutput } from "./docket.ts";
import type { EngineNews } from "./engine-news.ts";
import { EngineDesk } from "./engine-desk.ts";
import { Farewells } from "./farewells.ts";
import type { Heard } from "./hearing.ts";
import { Hosts } from "./hosts.ts";
import { Intent } from "./intent.ts";
import type { JobNews } from "./job.ts";
import { LedgerPage } from "./ledger.ts";
import { NonceBook } from "./nonce-book.ts";
import { OwnHands } from "./own-hands.ts";
import { isAnswering, pathSettingsOf } from "./path.ts";
import { Pinger } from "./pinger.ts";
import type { PingerConfig, PingerOutput } from "./pinger-output.ts";
import { questionOf } from "./question.ts";
import { isSameProbe } from "./same-spec.ts";
import { Standings } from "./standings.ts";
import { isDeath, Vigil, type LifeAwaited } from "./vigil.ts";
import type { WorkerSpec } from "./worker.ts";

export interface WardsConfig {
  readonly self: CoordinatorId;
  readonly coordinators: readonly CoordinatorId[];
  readonly heartbeatInterval: Duration;
  readonly pinger: PingerConfig;
  readonly census: CensusConfig;
  readonly stopHold: Duration;
  readonly backoff: Duration;
}

const staleAfter: Duration = 300;
const tidyEvery: Duration = 10_000;

export class Wards {
  readonly counters = { strangers: 0, unknownNonces: 0 };
  readonly census: Census;
  readonly pinger: Pinger;
  readonly standings: Standings;
  readonly #intent: Intent;
  readonly #vigil = new Vigil();
  readonly #hands: OwnHands;
  readonly #farewells = new Farewells();
  readonly #pages = new Map<WorkerId, LedgerPage>();
  readonly #nonces = new NonceBook();
  readonly hosts = new Hosts();
  readonly #desk: EngineDesk;
  readonly #docket: Docket;
  #tidyAt: Instant;
  #out: WardOutput[] = [];

  constructor(config: WardsConfig, random: Random, now: Instant) {
    this.census = new Census(config.census, now, (host) => this.hosts.isDead(host));
    this.pinger = new Pinger(config.pinger, random);
    const { self, coordinators, heartbeatInterval, stopHold } = config;
    const pathOf = this.pinger.path.bind(this.pinger);
    this.standings = new Standings({ self, coordinators, heartbeatInterval }, pathOf);
    this.#intent = new Intent({ stopHold, backoff: config.backoff });
    this.#desk = new EngineDesk({ census: this.census, hosts: this.hosts, intent: this.#intent });
    this.#hands = new OwnHands(this.#intent);
    this.#docket = new Docket(
      {
        self,
        stopHold,
        census: this.census,
        pinger: this.pinger,
        standings: this.standings,
        intent: this.#intent,
        hosts: this.hosts,
      },
      now,
    );
    this.#tidyAt = after(now, tidyEvery);
    this.#syncWorkers(now);
  }

  page(worker: WorkerId): LedgerPage | undefined {
    return this.#pages.get(worker);
  }

  pages(): IterableIterator<LedgerPage> {
    return this.#pages.values();
  }

  setFit(fit: boolean): readonly WardOutput[] {
    if (!this.#docket.setFit(fit)) return [];
    this.standings.setFit(fit);
    this.#docket.markAll(this.#pages.keys());
    return this.#taken();
  }

  onTick(lateness: Duration, now: Instant): readonly WardOutput[] {
    // A stall longer than a report stays fresh: what waited in our socket is older than it looks.
    if (lateness > staleAfter) this.standings.distrust();
    this.pinger.addLateness(lateness, now);
    this.#perform(this.pinger.onTick(now), now);
    if (!this.#vigil.isIdle) this.#out.push(...this.#vigil.onTick(this.#docket, now));
    if (now >= this.#tidyAt) {
      this.#tidyAt = after(now, tidyEvery);
      this.census.tidy(now);
      this.#syncWorkers(now);
    }
    this.#judged(
      this.#docket.onTick((worker) => this.#pages.get(worker), now),
      now,
    );
    this.#out.push(...this.standings.letters(now));
    return this.#taken();
  }

  nextDeadline(now: Instant): Instant | undefined {
    return earliest(
      this.pinger.nextDeadline(),
      this.standings.nextDeadline(),
      this.#vigil.isIdle ? undefined : this.#vigil.nextDeadline(),
      this.#docket.nextDeadline(now),
      this.#tidyAt,
    );
  }

  onPong(pong: Pong, now: Instant): readonly WardOutput[] {
    const worker = this.#nonces.take(pong.nonce);
    const page = worker === undefined ? undefined : this.#pages.get(worker);
    if (page === undefined) {
      this.counters.unknownNonces++;
      return [];
    }
    if (page.agentName !== pong.name && !this.#acceptName(page, pong.name)) return [];
    const answer = this.pinger.onPong(page.worker, pong.nonce, now, pong.incarnation);
    if (!answer.accepted) return [];
    if (pong.lag > 0) this.pinger.extend(page.worker, pong.lag);
    if (answer.outputs.length > 0) this.#perform(answer.outputs, now);
    this.#hear(page, pong.health, now);
    return this.#out.length > 0 ? this.#taken() : [];
  }

  onAnnounce(message: Announce, address: string, now: Instant): readonly WardOutput[] {
    if (message.leaving) {
      const worker = this.census.workerCalled(message.name) ?? "";
      this.#out.push(...this.#farewells.onLeaving(message, worker));
      if (worker.startsWith("unmapped/")) this.census.onLeft(message.name, now);
      this.#syncWorkers(now);
      return this.#taken();
    }
    const { name, port, health } = message;
    const moved = this.census.movedBy(name, address, port);
    const isThere = moved && isAnswering(this.pinger.path(moved.id, now), moved.settings, now);
    if (isThere !== true && this.census.onSighting({ name, address, port, at: now }, now))
      this.#syncWorkers(now);
    const page = this.#pages.get(this.census.workerCalled(name) ?? "");
    // A change of health is said at once; judged only for a worker whose answers are accepted.
    if (page?.agentName === name && page.onHealth(health, now)) this.#judge(page, now);
    return this.#taken();
  }

  onObituary(message: Obituary, now: Instant): readonly WardOutput[] {
    const page = this.#pages.get(this.census.workerCalled(message.name) ?? "");
    if (page === undefined || page.obituary !== undefined) return [];
    if (after(now, -message.ago) < page.livesSince) return []; // Of an earlier life.
    page.obituary = `${message.process} exited`;
    this.#judge(page, now);
    return this.#taken();
  }

  onRefused(worker: WorkerId, now: Instant): readonly WardOutput[] {
    this.#perform(this.pinger.onRefused(worker, now), now);
    return this.#taken();
  }

  onCheckFinished(
    worker: WorkerId,
    nonce: number,
    ok: boolean,
    now: Instant,
  ): readonly WardOutput[] {
    this.#nonces.take(nonce);
    const page = this.#pages.get(worker);
    this.#perform(this.pinger.onCheckResult(worker, nonce, ok, now), now);
    if (page !== undefined && ok) {
      if (page.onHeard()) this.#docket.mark(worker);
      this.#out.push(...this.#vigil.onCheckPassed(page.spec));
      this.#verifyOn(worker, now);
    }
    return this.#taken();
  }

  onDoubt(from: CoordinatorId, message: Doubt, now: Instant): readonly WardOutput[] {
    for (const worker of this.standings.onDoubt(from, message, now)) {
      this.#perform(this.pinger.hasten(worker, now), now);
    }
    return this.#taken();
  }

  onReport(from: CoordinatorId, message: Report, now: Instant): readonly WardOutput[] {
    for (const worker of this.standings.onReport(from, message, now)) this.#docket.mark(worker);
    return this.#taken();
  }

  onEngineNews(news: EngineNews, now: Instant): readonly WardOutput[] {
    const { restarted, touched } = this.#desk.onNews(news, now);
    if (restarted !== undefined && this.#pages.has(restarted)) {
      this.#out.push({ kind: "engine-restarted-it", worker: restarted });
    }
    if (touched.kind === "host") this.markHost(touched.host, now);
    // A stop anywhere in the project may move a hold.
    if (touched.kind === "holds") this.#docket.markUneasy();
    this.#syncWorkers(now);
    return this.#taken();
  }

  /** A coordinator of that project was itself told to stop: somebody may be taking the project down. */
  onStopAsked(project: string, now: Instant): void {
    this.#intent.onSuspendProject(project, now);
  }

  onJobNews(news: JobNews, now: Instant): void {
    const page = this.#pages.get(news.token.worker);
    if (page !== undefined) this.#hands.onJobNews(page, news, now);
  }

  onJump(now: Instant): readonly WardOutput[] {
    this.#perform(this.pinger.clearDoubt(now), now);
    this.standings.distrust();
    return this.#taken();
  }

  awaitLife(asked: LifeAwaited, now: Instant): readonly WardOutput[] {
    const { worker, startedAt, isSuccessor } = asked;
    const page = this.#pages.get(worker);
    const isOld = startedAt === "" || page?.isOldStart(startedAt, now) === true;
    const isAgents = isSuccessor !== true && isOld;
    const until = this.#vigil.awaitLife({ ...asked, isAgents }, now);
    this.#perform(this.pinger.verify(worker, until, now), now);
    if (page !== undefined) this.#out.push(...this.#vigil.onSpec(page.spec, page.isMute));
    this.#endVigils(worker, now);
    return this.#taken();
  }

  openWindow(id: number, worker: WorkerId, window: Duration, now: Instant): readonly WardOutput[] {
    this.#vigil.openWindow(id, worker, window, now);
    const page = this.#pages.get(worker);
    if (page !== undefined) this.#judge(page, now);
    // It may have died between its first life and this.
    this.#endVigils(worker, now);
    return this.#taken();
  }

  /** What Redis remembers, at start. */
  onHeardBefore(heard: readonly Heard[]): void {
    this.#docket.remember(heard);
    this.#docket.markAll(this.#pages.keys());
  }

  #acceptName(page: LedgerPage, name: string): boolean {
    const owner = this.census.ownerOf(name);
    if (owner !== undefined && owner !== page.worker) {
      this.counters.strangers++;
      return false;
    }
    page.agentName = name;
    return true;
  }

  #hear(page: LedgerPage, health: AgentHealth, now: Instant): void {
    const isFirst = page.onHeard();
    this.hosts.onWorkerHeard(page.spec.container?.host ?? "", now);
    if (page.isNewVoice()) {
      this.#out.push({ kind: "save-heard", heard: { worker: page.worker, voice: page.voice } });
    }
    const isNews = page.onHealth(health, now);
    if (isFirst || isNews) this.#judge(page, now);
    if (this.#vigil.isIdle) return;
    this.#out.push(...this.#vigil.onHealth(page.spec, health, now));
    this.#verifyOn(page.worker, now);
  }

  /** Heard, and not yet alive by the engine's picture or its own check: asked on quickly. */
  #verifyOn(worker: WorkerId, now: Instant): void {
    const until = this.#vigil.isIdle ? undefined : this.#vigil.waitsFor(worker);
    if (until !== undefined) this.#perform(this.pinger.verify(worker, until, now), now);
  }

  /** What stopped while its engine was on its way down has the engine as its cause. */
  markHost(host: string, now: Instant): void {
    for (const page of this.#pages.values()) {
      if (page.spec.container?.host !== host) continue;
      page.onHostChanged(this.hosts.causeOf(page.spec.container, false, now));
      this.#docket.mark(page.worker);
    }
  }

  /** The census changed: pages, paths and verdicts follow. */
  #syncWorkers(now: Instant): void {
    const { workers } = this.census;
    for (const worker of this.#pages.keys()) {
      if (!workers.has(worker)) this.#forget(worker);
    }
    for (const spec of workers.values()) {
      const page = this.#pages.get(spec.id);
      if (page?.spec !== spec) this.#syncWorker(spec, page, now);
    }
  }

  #syncWorker(spec: WorkerSpec, known: LedgerPage | undefined, now: Instant): void {
    const page = known ?? new LedgerPage(spec, now);
    if (known === undefined) this.#pages.set(spec.id, page);
    const before = page.spec;
    const isNewLife = page.onSpec(spec, now);
    const settings = pathSettingsOf(spec);
    if (settings === undefined) this.pinger.unwatch(spec.id);
    else this.pinger.watch(spec.id, settings, now);
    if (isNewLife || !isSameProbe(before.probe, spec.probe)) {
      this.#perform(this.pinger.forgetPath(spec.id, now), now);
      this.standings.forget(spec.id);
      this.#verifyOn(spec.id, now);
    }
    if (isNewLife || known === undefined || before.container?.state !== spec.container?.state) {
      page.commonCause = this.hosts.causeOf(spec.container, known === undefined, now);
    }
    this.#out.push(...this.#vigil.onSpec(spec, page.isMute));
    this.#judge(page, now);
  }

  #forget(worker: WorkerId): void {
    this.#pages.delete(worker);
    this.#docket.forget(worker);
    this.pinger.unwatch(worker);
    this.standings.forget(worker);
    this.#out.push({ kind: "worker-settled", worker }, { kind: "forgotten", worker });
  }

  #perform(outputs: readonly PingerOutput[], now: Instant): void {
    for (const output of outputs) {
      switch (output.kind) {
        case "ping":
        case "check":
          this.#ask(output, now);
          break;
        case "ask-peers":
          this.standings.ask(output.worker, output.nonce, now);
          break;
        case "standing-changed":
          this.standings.onOwnChanged(output.worker, output.standing, now);
          this.#docket.mark(output.worker);
          if (output.standing === "up") {
            this.#out.push({ kind: "worker-settled", worker: output.worker });
          }
          break;
      }
    }
  }

  #ask(question: Extract<PingerOutput, { kind: "ping" | "check" }>, now: Instant): void {
    const output = questionOf(question, this.#pages.get(question.worker)?.spec.probe);
    if (output?.kind === "ping-worker") this.#nonces.put(output.nonce, output.worker, now);
    if (output !== undefined) this.#out.push(output);
  }

  #judge(page: LedgerPage, now: Instant): void {
    // Our tick is late, and with it what waited in our socket: judged when the tick, which comes next, has said so.
    if (now - (this.nextDeadline(now) ?? now) > staleAfter) this.#docket.mark(page.worker);
    else this.#judged(this.#docket.judge(page, now), now);
  }

  #judged(outputs: readonly WardOutput[], now: Instant): void {
    for (const output of outputs) {
      this.#out.push(output);
      if (output.kind === "decided") this.#endVigils(output.decision.worker, now);
    }
  }

  #endVigils(worker: WorkerId, now: Instant): void {
    const page = this.#pages.get(worker);
    if (page === undefined || this.#vigil.isIdle) return;
    const { spec, verdict } = page;
    if (!isDeath(verdict.kind)) return;
    const isSeen = verdict.kind === "stopped" || verdict.kind === "gone";
    const how = isStoppedByHand(this.#intent, spec, now) ? "stopped" : isSeen ? "died" : "unwell";
    this.#out.push(...this.#vigil.onVerdict(spec, verdict.kind, how, now));
  }

  #taken(): readonly WardOutput[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }
}
