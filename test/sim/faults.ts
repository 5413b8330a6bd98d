// The faults of a run, drawn one after the other; each heals by itself, and all at the end.

import type { SimCluster, SimCoordinator, SimWorker } from "./cluster.ts";
import type { SimEngine } from "./engine.ts";
import type { FaultKind } from "./fault-kinds.ts";
import type { Laws } from "./laws.ts";
import { Lasting } from "./lasting.ts";
import { applyRedisFault } from "./redis-faults.ts";

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
  readonly #lasting: Lasting;
  #diskLostAt = -Infinity;

  constructor(cluster: SimCluster, laws: Laws) {
    this.#cluster = cluster;
    this.#laws = laws;
    this.#lasting = new Lasting(cluster);
  }

  /** Everything that does not heal by itself is made whole. */
  healAll(): void {
    this.#lasting.endAll();
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
    if (kind === "workers-crash") {
      this.#crashMany(whom, strength);
      return;
    }
    if (!isMute) this.#laws.onDisturbance(2 * lasts);
    if (!/^(worker|agent)/.test(kind)) this.#laws.onConfusion(2 * lasts);
    const isSeen = kind === "worker-crash" || kind === "worker-hang";
    if (isSeen && this.#cluster.isWell(worker)) this.#laws.measures.onFailure(world.now, worker.id);
    if (kind.startsWith("worker") || kind.startsWith("agent"))
      this.#onWorker(kind, worker, strength);
    else if (kind.startsWith("engine")) this.#onEngine(kind, engine, lasts);
    else if (kind.startsWith("redis"))
      applyRedisFault(kind, lasts, this.#cluster, this.#laws, this.#lasting);
    else if (kind.startsWith("runner")) this.#onRunner(kind, lasts, strength);
    else if (kind.startsWith("cut"))
      this.#onLinks(kind, { coordinator, worker, engine }, lasts, strength);
    else this.#onCoordinator(kind, coordinator, lasts, strength);
  }

  /** By one cause that nobody can see. */
  #crashMany(whom: number, strength: number): void {
    const { workers, world } = this.#cluster;
    const from = Math.floor(whom * workers.length);
    const count = Math.ceil((0.3 + 0.7 * strength) * workers.length);
    for (let index = 0; index < count; index++) {
      const worker = workers[(from + index) % workers.length];
      if (worker === undefined) continue;
      world.after(world.random.between(0, 1_500), () => {
        worker.engine.end(worker.container, 139);
      });
    }
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
        this.#cluster.stopWorker(worker);
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

  #pause(worker: SimWorker, ms: number): void {
    const unpause = this.#cluster.pauseWorker(worker);
    if (unpause !== undefined) this.#lasting.start(ms, unpause);
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
      case "coordinators-change":
        this.#change(one, lasts, strength);
        return;
      case "coordinators-stall":
        this.#stallAgain(strength < 0.5 ? this.#cluster.coordinators : [one], lasts);
        return;
      case "leader-worn":
      case "disk-lost": {
        const leader = this.#cluster.coordinators.find(({ id }) => id === this.#laws.leaseHolder);
        if (leader !== undefined) this.#wearOut(leader, one, kind, strength);
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
        this.#lasting.start(lasts, () => {
          one.disk.state = "fine";
        });
        return;
      case "loss-burst": {
        const before = network.weather.loss;
        network.weather.loss = Math.max(before, 0.3 + 0.7 * strength);
        this.#lasting.start(Math.min(lasts, 1_500), () => {
          network.weather.loss = Math.min(before, network.weather.loss);
        });
        return;
      }
      default:
        world.tell(`no such fault: ${kind}`);
    }
  }

  /** Starved: it gets a moment now and then. */
  #stallAgain(whom: readonly SimCoordinator[], lasts: number): void {
    const { world } = this.#cluster;
    for (let begin = 0; begin < lasts;) {
      const stall = world.random.between(150, 1_200);
      world.after(begin, () => {
        for (const { process } of whom) for (const loop of process?.loops ?? []) loop.block(stall);
      });
      begin += stall + world.random.between(1, 60);
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
          this.#lasting.cut([one.id, "redis"], ["redis", one.id], lasts);
        else {
          by.kill();
          this.#cluster.restartSoon(one, lasts / 4);
        }
      });
    };
  }

  /** Whoever leads is asked to add it or to remove it, now and then while cut off, and to remove another right after. */
  #change(one: SimCoordinator, lasts: number, strength: number): void {
    const { coordinators, world } = this.#cluster;
    const leader = this.#laws.leaseHolder;
    if (strength > 0.6) {
      for (const { id } of coordinators) {
        if (id !== leader) this.#lasting.cut([leader, id], [id, leader], lasts);
      }
    }
    this.#laws.changeCoordinators(one.id);
    if ((strength * 10) % 1 < 0.5) return;
    const others = coordinators.filter(({ id }) => id !== one.id && id !== leader);
    world.after(20, () => {
      this.#laws.changeCoordinators(others[0]?.id ?? one.id);
    });
  }

  /** Somebody who has not heard the leader for long stands at once when the leader's own end comes. */
  #wearOut(leader: SimCoordinator, whom: SimCoordinator, kind: FaultKind, strength: number): void {
    if (leader === whom) return;
    this.#lasting.cut([leader.id, whom.id], [whom.id, leader.id], 6_000);
    this.#cluster.world.after(1_000 + 3_000 * strength, () => {
      for (const other of this.#cluster.coordinators) {
        if (other === leader) continue;
        this.#lasting.cut([leader.id, other.id], [other.id, leader.id], 2_000);
        // One that has just promised, and starts anew.
        if (other === whom || (kind === "leader-worn" && strength < 0.5)) continue;
        other.process?.kill();
        if (kind === "disk-lost") this.#loseDisk(other);
        this.#cluster.restartSoon(other, -50);
      }
    });
  }

  /** One at a time: of two that know nothing any more nobody is left to ask. */
  #loseDisk(one: SimCoordinator): void {
    const { now } = this.#cluster.world;
    if (now < this.#diskLostAt + 20_000) return;
    this.#diskLostAt = now;
    one.disk.ballot = undefined;
    this.#laws.onDiskLost(one.id);
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
        this.#lasting.start(lasts, () => {
          engine.slowness = 1;
        });
        return;
      case "engine-lost-answers":
        engine.lostAnswers = 0.5;
        this.#lasting.start(lasts, () => {
          engine.lostAnswers = 0;
        });
        return;
      case "engine-lost-events":
        engine.eventFaults = { lost: 0.5, repeated: 0.3 };
        this.#lasting.start(lasts, () => {
          engine.eventFaults = { lost: 0, repeated: 0 };
        });
        return;
      default:
    }
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
        if (strength < 0.5) this.#lasting.cut([id, other], [other, id], lasts);
        else
          for (const peer of coordinators) this.#lasting.cut([id, peer.id], [peer.id, id], lasts);
        return;
      case "cut-one-way":
        if (strength < 0.5) this.#lasting.cut([id, other], undefined, lasts);
        else
          for (const peer of coordinators)
            if (peer.id !== id) this.#lasting.cut([peer.id, id], undefined, lasts);
        return;
      case "cut-worker":
        this.#lasting.cut([id, between.worker.name], [between.worker.name, id], lasts);
        return;
      case "cut-redis":
        this.#lasting.cut([id, "redis"], ["redis", id], lasts);
        return;
      case "cut-engine":
        this.#lasting.cut([id, between.engine.host], [between.engine.host, id], lasts);
        return;
      default:
    }
  }
}
