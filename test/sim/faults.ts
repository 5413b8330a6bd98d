// The faults of a run, drawn one after the other; each heals by itself, and all at the end.

import type { SimCluster, SimCoordinator, SimWorker } from "./cluster.ts";
import type { SimEngine } from "./engine.ts";
import type { FaultKind } from "./fault-kinds.ts";
import type { Laws } from "./laws.ts";

export interface PlannedFault {
  readonly at: number;
  readonly kind: FaultKind;
  /** In [0, 1): whom it hits, and how hard. */
  readonly whom: number;
  readonly strength: number;
}

const pick = <Value>(list: readonly Value[], share: number): Value | undefined =>
  list[Math.floor(share * list.length)];

export class Faults {
  readonly #cluster: SimCluster;
  readonly #laws: Laws;
  /** What ends each fault that lasts. */
  readonly #healing = new Set<() => void>();

  constructor(cluster: SimCluster, laws: Laws) {
    this.#cluster = cluster;
    this.#laws = laws;
  }

  /** Everything that does not heal by itself is made whole. */
  healAll(): void {
    for (const heal of [...this.#healing]) heal();
    const { coordinators, world, redis, engines, workers } = this.#cluster;
    for (const one of coordinators) {
      if (one.process?.alive !== true) this.#cluster.restartSoon(one, 0);
      one.process?.killAfter(Infinity);
      one.disk.state = "fine";
    }
    if (!redis.isUp) redis.start(0);
    redis.hungUntil = 0;
    for (const engine of engines.values()) engine.hungUntil = Math.min(engine.hungUntil, world.now);
    for (const worker of workers) worker.livesFor = undefined;
  }

  apply({ kind, whom, strength }: PlannedFault): void {
    const { coordinators, workers, engines, world } = this.#cluster;
    // The leader more often than others: most depends on it.
    const leader = coordinators.find(({ id }) => id === this.#laws.leaseHolder);
    const coordinator =
      (strength * 1_000) % 1 < 0.4
        ? (leader ?? pick(coordinators, whom))
        : pick(coordinators, whom);
    const worker = pick(workers, whom);
    const engine = pick([...engines.values()], whom);
    if (coordinator === undefined || worker === undefined || engine === undefined) return;
    world.tell(`FAULT ${kind} ${whom.toFixed(3)} ${strength.toFixed(3)}`);
    const lasts = 200 + strength ** 2 * 8_000;
    const isMute =
      kind.startsWith("worker") || kind.startsWith("agent") || kind.startsWith("engine");
    if (!isMute) this.#laws.onDisturbance(2 * lasts);
    if (kind.startsWith("worker") || kind.startsWith("agent"))
      this.#onWorker(kind, worker, strength);
    else if (kind.startsWith("engine")) this.#onEngine(kind, engine, lasts);
    else if (kind.startsWith("redis")) this.#onRedis(kind, lasts);
    else if (kind.startsWith("runner")) this.#onRunner(kind, lasts, strength);
    else if (kind.startsWith("cut"))
      this.#onLinks(kind, { coordinator, worker, engine }, lasts, strength);
    else this.#onCoordinator(kind, coordinator, lasts, strength);
  }

  #onWorker(kind: FaultKind, worker: SimWorker, strength: number): void {
    const { container, agent, engine } = worker;
    switch (kind) {
      case "worker-crash":
        engine.end(container, 139);
        return;
      case "worker-hang":
        // Of one that nobody asks nobody can know that it hangs.
        if (container.state === "running" && worker.arrangement !== "engine-only")
          container.isHung = true;
        return;
      case "worker-hang-then-pause":
        if (container.state !== "running" || worker.arrangement === "engine-only") return;
        container.isHung = true;
        this.#cluster.world.after(1_500 + 2_500 * strength, () => {
          this.#pause(worker, 6_000);
        });
        return;
      case "worker-stop":
        engine.inLine(container, (done) => {
          // Whoever does not hear of the kill takes it for a crash.
          const isHeard = engine.eventFaults.lost === 0;
          if (container.state === "running" && isHeard) {
            worker.stoppedAt = this.#cluster.world.now;
          }
          container.isStoppedByHand = true;
          engine.stop(container, 10_000, done);
        });
        return;
      case "worker-crash-loop":
        worker.livesFor = strength < 0.5 ? 50 + strength * 6_000 : 5_200 + strength * 1_000;
        engine.end(container, 1);
        return;
      case "worker-pause":
        this.#pause(worker, 500 + strength * 15_000);
        return;
      case "worker-silence":
        this.#laws.silence(worker, 5_000 + strength * 20_000);
        return;
      case "agent-kill":
        if (agent !== undefined) engine.end(agent, 137);
        return;
      case "agent-freeze":
        if (agent !== undefined) this.#cluster.agents.get(agent)?.freeze(strength * 8_000);
        return;
      default:
    }
  }

  #pause({ container, engine }: SimWorker, ms: number): void {
    if (container.state !== "running") return;
    container.state = "paused";
    engine.emit(container, "pause");
    const { life } = container;
    this.#lasting(ms, () => {
      if (container.life !== life || container.state !== "paused") return;
      container.state = "running";
      engine.emit(container, "unpause");
    });
  }

  #onCoordinator(kind: FaultKind, one: SimCoordinator, lasts: number, strength: number): void {
    const { world, network } = this.#cluster;
    const { process } = one;
    switch (kind) {
      case "coordinator-kill":
        process?.kill();
        this.#cluster.restartSoon(one, lasts - 200);
        return;
      case "coordinator-kill-between-effects":
        process?.killAfter(Math.floor(strength * 200));
        this.#cluster.restartSoon(one, 1_000 + lasts);
        return;
      case "coordinator-freeze":
        process?.freeze(lasts);
        return;
      case "coordinators-freeze":
        for (const each of this.#cluster.coordinators) each.process?.freeze(lasts / 3);
        return;
      case "leader-worn": {
        const leader = this.#cluster.coordinators.find(({ id }) => id === this.#laws.leaseHolder);
        if (leader !== undefined) this.#wearOut(leader, one, strength);
        return;
      }
      case "coordinator-sleep":
        process?.sleep(lasts);
        return;
      case "coordinator-stall":
        pick(process?.loops ?? [], strength)?.block(lasts / 8);
        return;
      case "coordinator-term":
        this.#cluster.stopCoordinator(one);
        this.#cluster.restartSoon(one, 13_000);
        return;
      case "wall-jump":
        if (process !== undefined) process.wallError += (strength - 0.5) * 20_000;
        return;
      case "disk-failing":
      case "disk-slow":
        one.disk.state = kind === "disk-slow" ? "slow" : "failing";
        this.#lasting(lasts, () => {
          one.disk.state = "fine";
        });
        return;
      case "loss-burst": {
        const before = network.weather.loss;
        network.weather.loss = Math.max(before, 0.3 + 0.7 * strength);
        this.#lasting(Math.min(lasts, 1_500), () => {
          network.weather.loss = Math.min(before, network.weather.loss);
        });
        return;
      }
      default:
        world.tell(`no such fault: ${kind}`);
    }
  }

  /** In the middle of an action, whoever makes the next one. */
  #onRunner(kind: FaultKind, lasts: number, strength: number): void {
    this.#laws.onNextWrite = (by) => {
      const one = this.#cluster.coordinators.find(({ process }) => process === by);
      if (one === undefined) return;
      this.#laws.onDisturbance(2 * lasts);
      // Right behind this call, or a little later in the action.
      this.#cluster.world.after(strength < 0.5 ? 0 : strength * 300, () => {
        if (kind === "runner-freeze") by.freeze(1_000 + lasts);
        else if (kind === "runner-cut-redis")
          this.#cut([one.id, "redis"], ["redis", one.id], lasts);
        else {
          by.kill();
          this.#cluster.restartSoon(one, lasts / 4);
        }
      });
    };
  }

  /** Somebody who has not heard the leader for long stands at once when the leader's own end comes. */
  #wearOut(leader: SimCoordinator, whom: SimCoordinator, strength: number): void {
    if (leader === whom) return;
    this.#cut([leader.id, whom.id], [whom.id, leader.id], 6_000);
    this.#cluster.world.after(1_000 + 3_000 * strength, () => {
      for (const other of this.#cluster.coordinators) {
        if (other === leader) continue;
        this.#cut([leader.id, other.id], [other.id, leader.id], 2_000);
        // One that has just promised, and starts anew.
        if (other === whom || strength < 0.5) continue;
        other.process?.kill();
        this.#cluster.restartSoon(other, -50);
      }
    });
  }

  #onEngine(kind: FaultKind, engine: SimEngine, lasts: number): void {
    const { world } = this.#cluster;
    switch (kind) {
      case "engine-restart":
        if (engine.isUp) engine.restart(500 + lasts);
        return;
      case "engine-hang":
        engine.hungUntil = world.now + 2 * lasts;
        return;
      case "engine-slow":
        engine.slowness = 6;
        this.#lasting(lasts, () => {
          engine.slowness = 1;
        });
        return;
      case "engine-lost-answers":
        engine.lostAnswers = 0.5;
        this.#lasting(lasts, () => {
          engine.lostAnswers = 0;
        });
        return;
      case "engine-lost-events":
        engine.eventFaults = { lost: 0.5, repeated: 0.3 };
        this.#lasting(lasts, () => {
          engine.eventFaults = { lost: 0, repeated: 0 };
        });
        return;
      default:
    }
  }

  #onRedis(kind: FaultKind, lasts: number): void {
    const { redis } = this.#cluster;
    if (kind === "redis-hang") {
      redis.hang(lasts);
      return;
    }
    if (!redis.isUp) return;
    redis.kill();
    const lost = kind === "redis-roll-back" ? 1_000 : 0;
    this.#lasting(lasts, () => {
      if (redis.isUp) return;
      redis.start(lost);
      if (lost > 0) this.#laws.onRedisForgot();
    });
  }

  #onLinks(
    kind: FaultKind,
    between: {
      readonly coordinator: SimCoordinator;
      readonly worker: SimWorker;
      readonly engine: SimEngine;
    },
    lasts: number,
    strength: number,
  ): void {
    const { coordinators } = this.#cluster;
    const { id } = between.coordinator;
    const other = pick(coordinators, (strength * 7) % 1)?.id ?? id;
    switch (kind) {
      case "cut-coordinators":
        if (strength < 0.5) this.#cut([id, other], [other, id], lasts);
        else for (const peer of coordinators) this.#cut([id, peer.id], [peer.id, id], lasts);
        return;
      case "cut-one-way":
        if (strength < 0.5) this.#cut([id, other], undefined, lasts);
        else
          for (const peer of coordinators)
            if (peer.id !== id) this.#cut([peer.id, id], undefined, lasts);
        return;
      case "cut-worker":
        this.#cut([id, between.worker.name], [between.worker.name, id], lasts);
        return;
      case "cut-redis":
        this.#cut([id, "redis"], ["redis", id], lasts);
        return;
      case "cut-engine":
        this.#cut([id, between.engine.host], [between.engine.host, id], lasts);
        return;
      default:
    }
  }

  #cut(
    one: readonly [string, string],
    other: readonly [string, string] | undefined,
    ms: number,
  ): void {
    const { network } = this.#cluster;
    const links = other === undefined ? [one] : [one, other];
    for (const [from, to] of links) network.cut(from, to);
    this.#lasting(ms, () => {
      for (const [from, to] of links) network.heal(from, to);
    });
  }

  #lasting(ms: number, heal: () => void): void {
    const end = (): void => {
      if (this.#healing.delete(end)) heal();
    };
    this.#healing.add(end);
    this.#cluster.world.after(ms, end);
  }
}
