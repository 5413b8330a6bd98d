// A mesh in virtual time: real pingers, standings and self-health of some coordinators, simulated workers and a lossy network.

import { placeOf } from "../../../coordinator/core/phase.ts";
import { Pinger } from "../../../coordinator/core/pinger.ts";
import type { PingerOutput } from "../../../coordinator/core/pinger-output.ts";
import type { PathSettings } from "../../../coordinator/core/path.ts";
import type { Conclusion } from "../../../coordinator/core/quorum.ts";
import { SelfHealth } from "../../../coordinator/core/self-health.ts";
import { Standings } from "../../../coordinator/core/standings.ts";
import type { Letter } from "../../../coordinator/core/standing-mail.ts";
import { Random } from "../../../proto/random.ts";
import { earliest, instant, type Instant } from "../../../proto/units.ts";

export interface Weather {
  /** In each direction, 0–1. */
  loss: number;
  /** One way, ms, and how much it varies upwards. */
  delay: number;
  jitter: number;
  /** The share of half seconds in which a path, in one direction and for itself, carries nothing. */
  bursts: number;
}

export const defaults: PathSettings = {
  checkInterval: 1000,
  timeout: 500,
  maxFailedAttempts: 3,
  attempts: "datagram",
};
export const fast: PathSettings = {
  checkInterval: 500,
  timeout: 250,
  maxFailedAttempts: 4,
  attempts: "datagram",
};

export const gentle: PathSettings = {
  checkInterval: 5000,
  timeout: 2000,
  maxFailedAttempts: 3,
  attempts: "datagram",
};

export interface MeshOptions {
  readonly seed: number;
  readonly workers: number;
  readonly coordinators?: number;
  readonly settings?: PathSettings;
  readonly weather?: Partial<Weather>;
  /** HEARTBEAT_INTERVAL and LEADER_TIMEOUT; 100 and 750 ms unless given. */
  readonly heartbeat?: { readonly interval: number; readonly timeout: number };
  /** Whether the coordinators' phases share an origin; they do unless told. */
  readonly isStaggered?: boolean;
}

export interface Happening {
  readonly at: number;
  readonly by: string;
  readonly worker: string;
  readonly conclusion: Conclusion;
}

export interface Worker {
  readonly id: string;
  isDead: boolean;
  pausedUntil: number;
  /** What waits in its socket while it is paused. */
  waiting: (() => void)[];
}

export class Coordinator {
  readonly id: string;
  /** Its monotonic clock is ahead of the mesh's time by this. */
  readonly offset: number;
  readonly pinger: Pinger;
  readonly standings: Standings;
  readonly health: SelfHealth;
  stalledUntil = 0;
  backlog: (() => void)[] = [];
  readonly down = new Set<string>();
  readonly last = new Map<string, Conclusion["kind"]>();
  heardPeerAt = 0;
  healthDue = 0;

  constructor(index: number, ids: readonly string[], options: MeshOptions, random: Random) {
    this.id = ids[index]!;
    this.offset = 1000 + 77_777.7 * index;
    const settings = options.settings ?? defaults;
    const origin = options.isStaggered === false ? random.between(0, 1e6) : this.offset;
    this.pinger = new Pinger(
      { coordinatorIndex: index, coordinatorCount: ids.length, phaseOrigin: instant(origin) },
      random.fork(),
    );
    this.standings = new Standings(
      { self: this.id, coordinators: ids, heartbeatInterval: options.heartbeat?.interval ?? 100 },
      (worker, now) => this.pinger.path(worker, now),
    );
    this.health = new SelfHealth({
      coordinatorCount: ids.length,
      checkInterval: settings.checkInterval,
      timeout: settings.timeout,
    });
    this.health.onPeers(true);
  }
}

interface Event {
  at: number;
  order: number;
  run: () => void;
}

export class VirtualMesh {
  readonly #heartbeat: { readonly interval: number; readonly timeout: number };
  now = 0;
  readonly random: Random;
  readonly coordinators: Coordinator[];
  readonly workers: Worker[];
  readonly weather: Weather;
  /** Pairs that are cut, `c1>w3` or `c1>c2`, each direction by itself. */
  readonly cuts = new Set<string>();
  readonly happenings: Happening[] = [];
  /** Times of each PING sent, where wanted. */
  pingTimes: { at: number; by: string; worker: string }[] | undefined;
  datagrams = 0;
  letters = 0;
  standingsSeen: { at: number; by: string; worker: string; standing: string }[] = [];
  readonly #events: Event[] = [];
  readonly #seed: number;
  #order = 0;

  constructor(options: MeshOptions) {
    this.#seed = options.seed;
    this.#heartbeat = options.heartbeat ?? { interval: 100, timeout: 750 };
    this.random = new Random(options.seed);
    this.weather = { loss: 0, delay: 0.2, jitter: 0.1, bursts: 0, ...options.weather };
    const ids = Array.from({ length: options.coordinators ?? 3 }, (_, i) => `c${i + 1}`);
    this.coordinators = ids.map((_, i) => new Coordinator(i, ids, options, this.random.fork()));
    this.workers = Array.from({ length: options.workers }, (_, i) => ({
      id: `host-1/web-${i + 1}`,
      isDead: false,
      pausedUntil: 0,
      waiting: [],
    }));
    for (const c of this.coordinators) {
      for (const worker of this.workers) {
        c.pinger.watch(worker.id, options.settings ?? defaults, this.#clock(c));
      }
    }
  }

  /** Runs until `until` of the mesh's time. */
  run(until: number): void {
    for (;;) {
      const event = this.#events[0];
      let at = event?.at ?? Infinity;
      let due: Coordinator | undefined;
      for (const c of this.coordinators) {
        const wake = this.#wake(c);
        if (wake < at) {
          at = wake;
          due = c;
        }
      }
      if (at > until) break;
      this.now = Math.max(this.now, at);
      if (due !== undefined) this.#step(due);
      else if (event !== undefined) {
        this.#pop();
        event.run();
      }
    }
    this.now = until;
  }

  at(ms: number, run: () => void): void {
    this.#push(ms, run);
  }

  kill(worker: Worker): void {
    worker.isDead = true;
  }

  pause(worker: Worker, forMs: number): void {
    worker.pausedUntil = this.now + forMs;
    this.#push(worker.pausedUntil, () => {
      const { waiting } = worker;
      worker.waiting = [];
      for (const run of waiting) run();
    });
  }

  stall(c: Coordinator, forMs: number): void {
    c.stalledUntil = this.now + forMs;
  }

  cut(from: string, to: string): void {
    this.cuts.add(`${from}>${to}`);
    this.cuts.add(`${to}>${from}`);
  }

  conclusion(c: Coordinator, worker: Worker): Conclusion {
    const now = this.#clock(c);
    const own = c.pinger.path(worker.id, now)!;
    return c.standings.conclude(worker.id, own, c.health.judge(now).fit, now);
  }

  pathOf(c: Coordinator, worker: Worker) {
    return c.pinger.path(worker.id, this.#clock(c))!;
  }

  fitness(c: Coordinator) {
    return c.health.judge(this.#clock(c));
  }

  #clock(c: Coordinator): Instant {
    return instant(this.now + c.offset);
  }

  #wake(c: Coordinator): number {
    const next = earliest(c.pinger.nextDeadline(), c.standings.nextDeadline());
    const wake = Math.min(next === undefined ? Infinity : next - c.offset, c.healthDue);
    return Math.max(wake, c.stalledUntil);
  }

  /** As the driver does it: lateness first, then what waits in the socket, then the deadlines. */
  #step(c: Coordinator): void {
    const now = this.#clock(c);
    const next = c.pinger.nextDeadline();
    const lateness = next === undefined ? 0 : Math.max(0, now - next);
    if (lateness > 0) {
      c.pinger.addLateness(lateness, now);
      if (c.health.onTick(lateness, now)) this.#apply(c, c.pinger.clearDoubt(now));
    }
    const { backlog } = c;
    c.backlog = [];
    for (const run of backlog) run();
    if (lateness > 300) c.standings.distrust();
    this.#apply(c, c.pinger.onTick(now));
    if (this.now >= c.healthDue) {
      c.healthDue = this.now + this.#heartbeat.interval;
      this.#judgeItself(c, now);
    }
    this.#concludeDown(c);
    this.#post(c, c.standings.letters(now));
  }

  #judgeItself(c: Coordinator, now: Instant): void {
    const failing = c.pinger.failing();
    const elsewhere = c.standings.countHeardElsewhere(failing, now);
    c.health.onDoubtShare(failing.size, elsewhere, c.pinger.size, now);
    const others = this.coordinators.filter((other) => other !== c);
    for (const other of others) {
      // Its heartbeat.
      const isFit = other.health.judge(this.#clock(other)).fit;
      this.#transmit(other.id, c.id, () => {
        c.heardPeerAt = this.now;
        c.standings.onFitness(other.id, isFit);
      });
    }
    c.health.onPeers(this.now - c.heardPeerAt < this.#heartbeat.timeout);
    c.standings.setFit(c.health.judge(now).fit);
  }

  #apply(c: Coordinator, outputs: readonly PingerOutput[]): void {
    for (const output of outputs) this.#perform(c, output);
  }

  #perform(c: Coordinator, output: PingerOutput): void {
    const { worker } = output;
    switch (output.kind) {
      case "ping":
        this.pingTimes?.push({ at: this.now, by: c.id, worker });
        this.#ping(c, worker, output.nonce);
        return;
      case "ask-peers":
        c.standings.ask(worker, output.nonce, this.#clock(c));
        return;
      case "standing-changed":
        this.standingsSeen.push({ at: this.now, by: c.id, worker, standing: output.standing });
        c.standings.onOwnChanged(worker, output.standing, this.#clock(c));
        if (output.standing === "down") c.down.add(worker);
        else c.down.delete(worker);
        return;
      case "check":
        throw new Error("no checks here");
    }
  }

  #ping(c: Coordinator, id: string, nonce: number): void {
    const worker = this.workers[Number(id.slice(id.lastIndexOf("-") + 1)) - 1]!;
    const answer = (): void => {
      if (worker.isDead) return;
      if (this.now < worker.pausedUntil) {
        worker.waiting.push(answer);
        return;
      }
      this.#transmit(id, c.id, () => {
        this.#apply(c, c.pinger.onPong(id, nonce, this.#clock(c)).outputs);
      });
    };
    this.#transmit(c.id, id, answer);
  }

  #post(c: Coordinator, letters: readonly Letter[]): void {
    for (const { to, message } of letters) {
      this.letters++;
      const other = this.coordinators.find((candidate) => candidate.id === to)!;
      this.#transmit(c.id, to, () => {
        const now = this.#clock(other);
        if (message.kind === "report") other.standings.onReport(c.id, message, now);
        else {
          for (const worker of other.standings.onDoubt(c.id, message, now)) {
            this.#apply(other, other.pinger.hasten(worker, now));
          }
        }
        this.#concludeDown(other);
      });
    }
  }

  #transmit(from: string, to: string, deliver: () => void): void {
    this.datagrams++;
    const { delay, jitter, loss, bursts } = this.weather;
    if (this.cuts.has(`${from}>${to}`) || this.random.float() < loss) return;
    if (bursts > 0 && placeOf(`${this.#seed} ${from}>${to} ${Math.floor(this.now / 500)}`) < bursts)
      return;
    const receiver = this.coordinators.find((c) => c.id === to);
    this.#push(this.now + delay + this.random.between(0, jitter), () => {
      if (receiver !== undefined && this.now < receiver.stalledUntil)
        receiver.backlog.push(deliver);
      else deliver();
    });
  }

  #concludeDown(c: Coordinator): void {
    for (const id of c.down) {
      const worker = this.workers.find((candidate) => candidate.id === id)!;
      const conclusion = this.conclusion(c, worker);
      if (c.last.get(id) === conclusion.kind) continue;
      c.last.set(id, conclusion.kind);
      this.happenings.push({ at: this.now, by: c.id, worker: id, conclusion });
    }
  }

  #push(at: number, run: () => void): void {
    const events = this.#events;
    const event = { at, order: this.#order++, run };
    let place = events.length;
    events.push(event);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(event, events[parent]!)) break;
      events[place] = events[parent]!;
      place = parent;
    }
    events[place] = event;
  }

  #pop(): void {
    const events = this.#events;
    const moved = events.pop()!;
    if (events.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= events.length) break;
      if (child + 1 < events.length && isBefore(events[child + 1]!, events[child]!)) child++;
      if (!isBefore(events[child]!, moved)) break;
      events[place] = events[child]!;
      place = child;
    }
    events[place] = moved;
  }
}

const isBefore = (a: Event, b: Event): boolean =>
  a.at < b.at || (a.at === b.at && a.order < b.order);

/** The first `silent` that `by` concluded of `worker` at or after `from`. */
export function silentAt(mesh: VirtualMesh, worker: string, from: number): number | undefined {
  return mesh.happenings.find(
    (h) => h.worker === worker && h.at >= from && h.conclusion.kind === "silent",
  )?.at;
}
