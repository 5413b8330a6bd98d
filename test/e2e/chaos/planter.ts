// Plants the faults of a schedule on a real mesh, and takes back what does not end by itself.

import { closeSync, openSync, rmSync } from "node:fs";
import { pidWithoutEngine } from "../../lab/containers.ts";
import { Loss, type LossyPlace } from "../../lab/loss.ts";
import { run } from "../../lab/engine.ts";
import { lossProbability, type FaultKind } from "./faults.ts";
import { chaosWorkers, type ChaosMesh } from "./mesh.ts";
import { partition, type Rule } from "./partition.ts";
import type { ScheduledFault } from "./schedule.ts";

/** Takes a fault back; a no-op where it is over at once. */
export type Undo = () => Promise<void>;

export interface Planted {
  /** Who it was: the leader by its name. */
  readonly target: string;
  readonly undo: Undo;
}

const nothing: Undo = () => Promise.resolve();

/** Leader or not: who leads is asked for no longer than this before anybody is taken. */
const findsLeader = 1_000;

export class Planter {
  readonly #mesh: ChaosMesh;
  /** Whose end is our doing. */
  readonly #ended = new Set<string>();
  readonly surprises: string[] = [];

  constructor(mesh: ChaosMesh) {
    this.#mesh = mesh;
    for (const id of mesh.trio.ids) this.#watch(id);
  }

  /** Resolves when it is in force. Throws where there is nothing to strike: a worker that does not run just now. */
  async plant(fault: ScheduledFault): Promise<Planted> {
    const target = fault.target === "leader" ? await this.#leaderOr(fault.by) : fault.target;
    return { target, undo: await this.#strikes[fault.kind](target, fault.by) };
  }

  readonly #strikes: Readonly<Record<FaultKind, (target: string, by: string) => Promise<Undo>>> = {
    "worker-killed": (worker) => this.#kill(worker),
    "worker-hung": (worker) => this.#freeze([worker]),
    "worker-ill": (worker) => {
      rmSync(`/proc/${this.#pid(worker)}/root/tmp/index.html`);
      return Promise.resolve(nothing);
    },
    "worker-stopped": (worker) => this.#docker("stop", "-t", "1", worker),
    "worker-killed-by-hand": (worker) => this.#docker("kill", worker),
    "worker-paused": (worker) => Promise.resolve(stopped([this.#pid(worker)])),
    "worker-silent": (worker) => this.#freeze([worker, `${worker}-agent`]),
    "worker-cut": async (worker) => {
      const held = this.#hold(worker);
      const packets = "-p udp --dport 8888";
      const lift = await partition([{ namespace: held.namespace, chain: "INPUT", packets }]);
      return () => lift().finally(held.release);
    },
    "worker-half-cut": (worker, by) => this.#halfCut(worker, by),
    "agent-killed": (worker) => this.#kill(`${worker}-agent`),
    "agent-hung": (worker) => this.#freeze([`${worker}-agent`]),
    "coordinator-killed": (id) => this.#killCoordinators([id]),
    "coordinator-frozen": (id) => {
      const { pid } = this.#mesh.trio.coordinator(id);
      return Promise.resolve(stopped([pid]));
    },
    "coordinator-cut": (id) => partition([this.#spokenBy(id), this.#toldTo(id)]),
    "coordinator-mute": (id) => partition([this.#spokenBy(id)]),
    "coordinator-deaf": (id) => partition([this.#toldTo(id)]),
    "link-cut": (both) => {
      const [one = "", other = ""] = both.split("+");
      return partition([this.#toldTo(one, other), this.#toldTo(other, one)]);
    },
    "quorum-killed": (both) => this.#killCoordinators(both.split("+")),
    loss: () => this.#lose(),
    "redis-killed": async () => {
      await this.#mesh.trio.killRedis();
      return () => this.#mesh.trio.startRedis();
    },
    "redis-frozen": () => Promise.resolve(stopped([this.#mesh.trio.redisPid])),
    "engine-restarted": async () => {
      await this.#mesh.engine.restart();
      return nothing;
    },
    "engine-lost-power": async () => {
      await this.#mesh.engine.restart({ kill: true });
      return nothing;
    },
    "engine-frozen": () => {
      this.#mesh.engine.pause();
      return Promise.resolve(() => {
        this.#mesh.engine.resume();
        return Promise.resolve();
      });
    },
  };

  async #leaderOr(id: string): Promise<string> {
    return await this.#mesh.trio.leader(findsLeader).catch(() => id);
  }

  #pid(container: string): number {
    return pidWithoutEngine(this.#mesh.engine, this.#mesh.ids.get(container) ?? "");
  }

  #kill(container: string): Promise<Undo> {
    process.kill(this.#pid(container), "SIGKILL");
    return Promise.resolve(nothing);
  }

  /** For good: only its end helps. */
  #freeze(containers: readonly string[]): Promise<Undo> {
    stopped(containers.map((one) => this.#pid(one)));
    return Promise.resolve(nothing);
  }

  async #docker(...words: readonly string[]): Promise<Undo> {
    const ran = await this.#mesh.engine.docker(...words);
    if (ran.code !== 0) throw new Error(ran.stderr.trim());
    return nothing;
  }

  async #killCoordinators(ids: readonly string[]): Promise<Undo> {
    const { trio } = this.#mesh;
    for (const id of ids) this.#ended.add(id);
    await Promise.all(ids.map((id) => trio.kill(id)));
    return () => {
      for (const id of ids) {
        this.#ended.delete(id);
        trio.startCoordinator(id);
        this.#watch(id);
      }
      return Promise.resolve();
    };
  }

  #watch(id: string): void {
    this.#mesh.trio.coordinator(id).process.once("exit", (code, signal) => {
      if (this.#ended.has(id)) return;
      this.surprises.push(`${id} ended by itself: ${signal ?? String(code)}`);
    });
  }

  /** Called before the mesh is taken down. */
  stopWatching(): void {
    for (const id of this.#mesh.trio.ids) this.#ended.add(id);
  }

  get #home(): string {
    return `/var/run/netns/${this.#mesh.engine.netns}`;
  }

  /** A worker's network, whoever of it lives on: held open, since a pid comes again and a namespace's path is gone with its owner. */
  #hold(worker: string): { readonly namespace: string; readonly release: () => void } {
    const file = openSync(`/proc/${this.#pid(worker)}/ns/net`, "r");
    return {
      namespace: `/proc/${process.pid}/fd/${file}`,
      release: () => {
        closeSync(file);
      },
    };
  }

  #spokenBy(id: string): Rule {
    const packets = `-p udp -m owner --gid-owner ${this.#mesh.trio.group(id)}`;
    return { namespace: this.#home, chain: "OUTPUT", packets };
  }

  /** Datagrams of other coordinators, or of one of them. */
  #toldTo(id: string, by?: string): Rule {
    const { trio } = this.#mesh;
    const from = by === undefined ? "" : ` --sport ${trio.meshPort(by)}`;
    const packets = `-p udp --dport ${trio.meshPort(id)}${from}`;
    return { namespace: this.#home, chain: "INPUT", packets };
  }

  /** One coordinator's datagrams to one worker. */
  async #halfCut(worker: string, by: string): Promise<Undo> {
    const words = ["ip", "-o", "-4", "addr", "show", "eth0"];
    const shown = await run("nsenter", [`--net=/proc/${this.#pid(worker)}/ns/net`, ...words]);
    const address = /inet ([\d.]+)/.exec(shown.stdout)?.[1];
    if (address === undefined) throw new Error(`${worker} has no address: ${shown.stderr}`);
    const { namespace, chain, packets } = this.#spokenBy(by);
    return await partition([{ namespace, chain, packets: `${packets} -d ${address}` }]);
  }

  /** In each direction: PINGs where workers hear them, PONGs and heartbeats where coordinators do. */
  async #lose(): Promise<Undo> {
    const held = chaosWorkers.flatMap(({ name, agent }) => {
      try {
        return agent === "" ? [] : [this.#hold(name)];
      } catch {
        // It does not run just now.
        return [];
      }
    });
    const places: readonly LossyPlace[] = [
      { namespace: this.#home, packets: ["-i docker0 -p udp", "-i lo -p udp"] },
      ...held.map(({ namespace }) => ({ namespace, packets: ["-p udp --dport 8888"] })),
    ];
    const loss = await Loss.begin(places, lossProbability);
    return async () => {
      await loss.lift();
      for (const one of held) one.release();
    };
  }
}

/** Frozen until it is undone, or somebody ends them. */
function stopped(pids: readonly number[]): Undo {
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  return () => {
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGCONT");
      } catch {
        // It has been ended.
      }
    }
    return Promise.resolve();
  };
}
