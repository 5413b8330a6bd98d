// All that is watched, workers and hosts: what is heard goes to whom it concerns, and a host's death to its workers.

import type { Announce, Doubt, Heartbeat, Pong, Report } from "../../proto/messages.ts";
import type { NamedAddress } from "../../proto/config-parse.ts";
import type { Random } from "../../proto/random.ts";
import { earliest, type CoordinatorId, type Duration, type Instant } from "../../proto/units.ts";
import type { WardOutput } from "./docket.ts";
import type { CoordinatorOutput, NewsInput } from "./exchange.ts";
import { grantEvery, type FenceConfig, type FenceView } from "./hosts/fence.ts";
import { HostWatch } from "./hosts/watch.ts";
import type { HostOutput } from "./hosts/watch-shape.ts";
import type { JobNews } from "./job.ts";
import { Moves, type MovesConfig } from "./migration/moves.ts";
import { PlainMoves } from "./migration/plain-moves.ts";
import type { SelfHealth } from "./self-health.ts";
import type { Wards, WardsConfig } from "./wards.ts";

export interface HostsConfig {
  /** HOSTS. */
  readonly listed: readonly NamedAddress[];
  /** AGENT_PORT: where the agents of Swarm nodes answer. */
  readonly port: number;
  /** The defaults where not given, as in a recording of a release that knew no fences. */
  readonly fence?: FenceConfig;
}

/** How services of a Swarm are moved. */
export type MigrationConfig = Omit<MovesConfig, "settings">;

type LookoutNews = Extract<
  NewsInput,
  | { kind: "swarm-nodes" | "host-knocked" | "swarm-read" | "move-asked" }
  | { kind: "worker-refused" | "check-finished" | "life-awaited" | "window-opened" }
>;

export type LookoutOutput = WardOutput | Extract<CoordinatorOutput, { kind: "read-swarm" }>;

interface LookoutConfig {
  readonly wards: WardsConfig;
  readonly hosts?: HostsConfig;
  readonly migration?: MigrationConfig;
}

export class Lookout {
  readonly hosts: HostWatch;
  readonly moves: Moves;
  readonly plain: PlainMoves;
  readonly #wards: Wards;

  constructor(
    { wards: config, hosts, migration = nothingSaid }: LookoutConfig,
    wards: Wards,
    random: Random,
    now: Instant,
  ) {
    this.#wards = wards;
    const { self, coordinators, heartbeatInterval, pinger, census } = config;
    const { listed, port } = hosts ?? { listed: [], port: census.defaults.port };
    const checkInterval = Math.min(census.defaults.checkInterval, grantEvery);
    const settings = { ...census.defaults, checkInterval };
    const fence = hosts?.fence ?? { after: 5_000, saysGoodbye: true };
    this.hosts = new HostWatch(
      { self, coordinators, heartbeatInterval, pinger, settings, listed, port, fence },
      (engine) => wards.hosts.workersHeardAt(engine),
      random,
      now,
    );
    const fenceOf = (host: string, at: Instant): FenceView => this.hosts.fence(host, at);
    this.moves = new Moves(
      { ...migration, settings },
      { hosts: () => this.hosts.verdictsNow(), fence: fenceOf },
    );
    this.plain = new PlainMoves(census.defaults, {
      hosts: (at) => this.hosts.summary(at),
      fence: fenceOf,
      containers: () => wards.census.containers(),
      engines: () => wards.hosts.list(),
    });
  }

  /** Many times a second: whatever the verdicts of hosts mean for services. */
  onBeat(now: Instant): readonly LookoutOutput[] {
    return [...this.moves.onBeat(now), ...this.plain.onBeat(now)];
  }

  onJobNews(news: JobNews, now: Instant): void {
    this.#wards.onJobNews(news, now);
    this.moves.onJobNews(news.token.worker, now);
  }

  onTick(lateness: Duration, now: Instant): readonly WardOutput[] {
    // Hosts first: what explains the failure of a worker is known before it is acted on.
    const ofHosts = this.#fromHosts(this.hosts.onTick(lateness, now), now);
    const ofWorkers = this.#wards.onTick(lateness, now);
    return ofHosts.length === 0 ? ofWorkers : [...ofHosts, ...ofWorkers];
  }

  nextDeadline(now: Instant): Instant | undefined {
    return earliest(this.#wards.nextDeadline(now), this.hosts.nextDeadline(now));
  }

  setFit(fit: boolean): readonly WardOutput[] {
    this.hosts.setFit(fit);
    return this.#wards.setFit(fit);
  }

  onPong(pong: Pong, address: string, now: Instant): readonly WardOutput[] {
    const ofHosts = this.hosts.onPong(pong, address, now);
    return ofHosts === undefined ? this.#wards.onPong(pong, now) : this.#fromHosts(ofHosts, now);
  }

  onAnnounce(message: Announce, address: string, now: Instant): readonly WardOutput[] {
    if (message.ofHost !== true) return this.#wards.onAnnounce(message, address, now);
    return this.#fromHosts(this.hosts.onAnnounce(message, address, now), now);
  }

  #onRefused(whom: string, now: Instant): readonly WardOutput[] {
    return this.hosts.has(whom)
      ? this.#fromHosts(this.hosts.onRefused(whom, now), now)
      : this.#wards.onRefused(whom, now);
  }

  onDoubt(from: CoordinatorId, message: Doubt, now: Instant): readonly WardOutput[] {
    const ofHosts = this.hosts.onDoubt(from, message, now);
    return [...this.#fromHosts(ofHosts, now), ...this.#wards.onDoubt(from, message, now)];
  }

  onReport(from: CoordinatorId, message: Report, now: Instant): readonly WardOutput[] {
    this.hosts.onReport(from, message, now);
    return this.#wards.onReport(from, message, now);
  }

  onHeartbeat(from: CoordinatorId, { fit, leading }: Heartbeat, now: Instant): void {
    this.#wards.standings.onFitness(from, fit);
    this.hosts.standings.onFitness(from, fit);
    if (leading) this.hosts.onLeaderHeard(now);
  }

  onJump(now: Instant): readonly WardOutput[] {
    return [...this.#fromHosts(this.hosts.onJump(now), now), ...this.#wards.onJump(now)];
  }

  onNews(news: LookoutNews, now: Instant): readonly LookoutOutput[] {
    switch (news.kind) {
      case "worker-refused":
        return this.#onRefused(news.worker, now);
      case "check-finished":
        return this.#wards.onCheckFinished(news.worker, news.nonce, news.ok, now);
      case "life-awaited":
        return this.#wards.awaitLife(news, now);
      case "window-opened":
        return this.#wards.openWindow(news.id, news.worker, news.window, now);
      case "swarm-nodes":
        return this.#fromHosts(this.hosts.onNodes(news, now), now);
      case "host-knocked":
        this.hosts.onKnocked(news.host, news.nonce, news.answer, now);
        return nothing;
      case "swarm-read":
        return this.moves.onPicture(news.picture, now);
      case "move-asked":
        return [
          ...this.moves.onCommand(news.command, now),
          ...this.plain.onCommand(news.command, now),
        ];
    }
  }

  /** This coordinator stops on purpose. */
  sayGoodbye(now: Instant): readonly WardOutput[] {
    return this.#fromHosts(this.hosts.sayGoodbye(now), now);
  }

  setLeading(isLeading: boolean, now: Instant): readonly WardOutput[] {
    this.moves.setLeading(isLeading, now);
    this.plain.setLeading(isLeading, now);
    return this.#fromHosts(this.hosts.setLeading(isLeading), now);
  }

  onMembers(ids: readonly CoordinatorId[], phase: number): void {
    for (const { standings, pinger } of [this.#wards, this.hosts]) {
      standings.onMembers(ids);
      pinger.phase = phase;
    }
  }

  /** Each kind for itself: many workers that are heard do not make up for hosts that are not. */
  tellDoubts(self: SelfHealth, now: Instant): void {
    for (const what of ["workers", "hosts"] as const) {
      const { pinger, standings } = what === "hosts" ? this.hosts : this.#wards;
      const failing = pinger.failing();
      if (failing.size === 0) continue;
      const elsewhere = standings.countHeardElsewhere(failing, now);
      self.onDoubtShare(failing.size, elsewhere, pinger.size, now, what);
    }
  }

  /** A host is one cause for all its workers (design rule 11), and nothing is revived on a dead one. */
  #fromHosts(outputs: readonly HostOutput[], now: Instant): readonly WardOutput[] {
    if (outputs.length === 0) return nothing;
    const rest: WardOutput[] = [];
    for (const output of outputs) {
      if (output.kind !== "host-judged") {
        rest.push(output);
        continue;
      }
      for (const engine of output.engines) {
        this.#wards.hosts.setDead(engine, output.isDead);
        this.#wards.markHost(engine, now);
      }
    }
    return rest;
  }
}

const nothing: readonly WardOutput[] = [];

const nothingSaid: MigrationConfig = {
  primary: { key: "", value: "" },
  secondary: { key: "", value: "" },
  failback: "manual",
  failbackAfter: 0,
};
