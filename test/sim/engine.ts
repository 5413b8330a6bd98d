// A Docker engine: containers that start, die, are stopped by signals and restarted by policy; calls that take time, fail or are lost; events.

import type { World } from "./world.ts";
import { newNamespace, type Network } from "./network.ts";
import { wallBegin } from "./process.ts";

export interface ContainerAsk {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly address: string;
  /** `bridge`, or `container:<id>`. */
  readonly networkMode: string;
  readonly restartPolicy: "no" | "always" | "unless-stopped" | "on-failure";
}

export interface SimContainer extends ContainerAsk {
  readonly id: string;
  state: "created" | "running" | "paused" | "restarting" | "exited";
  startedAt: string;
  exitCode: number;
  restartCount: number;
  /** Raised at each start and each end. */
  life: number;
  /** Real time of the last start. */
  runsSince: number;
  /** A person stopped it: its restart policy waits for a person as well. */
  isStoppedByHand: boolean;
  /** Its process ignores SIGTERM. */
  isHung: boolean;
  /** Whoever changes it now; further changes wait in line. */
  line: (() => void)[];
  isBusy: boolean;
}

export interface EngineHooks {
  /** Its process begins. */
  readonly onStarted: (container: SimContainer) => void;
  readonly onEnded: (container: SimContainer) => void;
}

export interface EngineEventLine {
  readonly text: string;
  readonly at: number;
}

/** Far more than are open at a time: the oldest have ended long ago. */
const connectionsKept = 2_000;
/** What an engine keeps for a replay. */
const eventsKept = 256;

export class SimEngine {
  readonly world: World;
  readonly host: string;
  readonly containers = new Map<string, SimContainer>();
  readonly history: EngineEventLine[] = [];
  readonly subscribers = new Set<(line: EngineEventLine) => void>();
  isUp = true;
  hungUntil = 0;
  /** Share of events that no subscriber hears, and that are told twice. */
  eventFaults = { lost: 0, repeated: 0 };
  /** Share of calls whose answer is lost though they were carried out. */
  lostAnswers = 0;
  /** Times of its own work are multiplied by it. */
  slowness = 1;
  runMark = "run-1";
  readonly #network: Network;
  readonly #hooks: EngineHooks;
  #onDown: (() => void)[] = [];
  #next = 1;
  #nano = 0;

  constructor(world: World, host: string, network: Network, hooks: EngineHooks) {
    this.world = world;
    this.host = host;
    this.#network = network;
    this.#hooks = hooks;
  }

  /** A connection, which breaks when the engine goes. */
  onNextDown(listener: () => void): void {
    this.#onDown.push(listener);
    if (this.#onDown.length > connectionsKept)
      this.#onDown = this.#onDown.slice(-connectionsKept / 2);
  }

  find(reference: string): SimContainer | undefined {
    const byId = this.containers.get(reference);
    if (byId !== undefined) return byId;
    for (const one of this.containers.values()) if (one.name === reference) return one;
    return undefined;
  }

  create(ask: ContainerAsk): SimContainer {
    const id = `${this.host}-${String(this.#next++).padStart(4, "0")}`.padEnd(64, "0");
    const container: SimContainer = {
      ...ask,
      id,
      state: "created",
      startedAt: "",
      exitCode: 0,
      restartCount: 0,
      life: 0,
      runsSince: 0,
      isStoppedByHand: false,
      isHung: false,
      line: [],
      isBusy: false,
    };
    this.containers.set(id, container);
    this.emit(container, "create");
    return container;
  }

  /** Whose network namespace it stands in. */
  ownerOf(container: SimContainer): SimContainer | undefined {
    const { networkMode } = container;
    return networkMode.startsWith("container:")
      ? this.find(networkMode.slice("container:".length))
      : container;
  }

  /** One change of a container at a time; `change` calls its argument when it is done. */
  inLine(container: SimContainer, change: (done: () => void) => void): void {
    container.line.push(() => {
      container.isBusy = true;
      change(() => {
        container.isBusy = false;
        container.line.shift()?.();
      });
    });
    if (!container.isBusy) container.line.shift()?.();
  }

  /** Runs at once; false where it cannot. */
  run(container: SimContainer): boolean {
    const owner = this.ownerOf(container);
    if (owner === undefined || (owner !== container && owner.state !== "running")) return false;
    container.state = "running";
    container.startedAt = this.#stamp();
    container.exitCode = 0;
    container.life++;
    container.runsSince = this.world.now;
    container.isStoppedByHand = false;
    container.isHung = false;
    if (owner === container) this.#network.namespaces.set(container.address, newNamespace());
    this.emit(container, "start");
    this.#hooks.onStarted(container);
    return true;
  }

  /** Its process is gone, by itself or by a signal. */
  end(container: SimContainer, exitCode: number): void {
    if (container.state !== "running" && container.state !== "paused") return;
    container.state = "exited";
    container.exitCode = exitCode;
    container.life++;
    if (container.networkMode === "bridge") this.#network.namespaces.delete(container.address);
    this.#hooks.onEnded(container);
    this.emit(container, "die", { exitCode: String(exitCode) });
    this.#followPolicy(container);
  }

  /** `docker kill`, and the last resort of stop: `done` when it has ended. */
  kill(container: SimContainer, signal: number, done: () => void): void {
    this.emit(container, "kill", { signal: String(signal) });
    const { life } = container;
    this.later(8, () => {
      if (container.life === life) this.end(container, 128 + signal);
      done();
    });
  }

  /** SIGTERM, and after `grace` ms SIGKILL. */
  stop(container: SimContainer, grace: number, done: () => void): void {
    if (container.state !== "running") {
      done();
      return;
    }
    this.emit(container, "kill", { signal: "15" });
    const { life } = container;
    const finish = (): void => {
      this.emit(container, "stop");
      done();
    };
    const takes = container.isHung ? Infinity : this.world.random.between(5, 60);
    if (takes < grace) {
      this.later(takes, () => {
        if (container.life === life) this.end(container, 0);
        finish();
      });
      return;
    }
    this.later(grace / this.slowness, () => {
      if (container.life === life) this.kill(container, 9, finish);
      else finish();
    });
  }

  start(container: SimContainer, done: (ok: boolean) => void): void {
    this.later(this.world.random.between(120, 320), () => {
      done(container.state === "running" || this.run(container));
    });
  }

  remove(container: SimContainer): void {
    this.containers.delete(container.id);
    this.emit(container, "destroy");
  }

  /** The engine's process ends, and with it all containers; it comes back after a while. */
  restart(away: number): void {
    this.isUp = false;
    const listeners = this.#onDown;
    this.#onDown = [];
    for (const listener of listeners) listener();
    for (const one of this.containers.values()) {
      one.line = [];
      one.isBusy = false;
      if (one.state === "created" || one.state === "exited") continue;
      one.state = "exited";
      one.exitCode = 255;
      one.life++;
      if (one.networkMode === "bridge") this.#network.namespaces.delete(one.address);
      this.#hooks.onEnded(one);
    }
    this.world.after(away, () => {
      this.isUp = true;
      this.runMark = `run-${Math.round(this.world.now)}`;
      this.history.length = 0;
      for (const one of this.containers.values()) {
        const { restartPolicy, isStoppedByHand } = one;
        const returns =
          restartPolicy === "always" || (restartPolicy === "unless-stopped" && !isStoppedByHand);
        if (returns && one.state === "exited") this.run(one);
      }
    });
  }

  /** Unless it is restarted meanwhile, which ends whatever it was doing. */
  later(ms: number, run: () => void): void {
    const { runMark } = this;
    this.world.after(ms * this.slowness, () => {
      if (this.isUp && this.runMark === runMark) run();
    });
  }

  emit(container: SimContainer, action: string, more: Readonly<Record<string, string>> = {}): void {
    if (!this.isUp) return;
    const { id, name, labels } = container;
    const timeNano =
      BigInt(wallBegin) * 1_000_000n +
      BigInt(Math.round(this.world.now * 1e6) + (this.#nano++ % 1000));
    const event = {
      Type: "container",
      Action: action,
      Actor: { ID: id, Attributes: { ...labels, ...more, name } },
    };
    const text = `${JSON.stringify(event).slice(0, -1)},"timeNano":${timeNano}}\n`;
    const line = { text, at: this.world.now };
    this.world.tell(`engine ${this.host}: ${name} ${action} ${JSON.stringify(more)}`);
    this.history.push(line);
    if (this.history.length > eventsKept) this.history.shift();
    for (const subscriber of this.subscribers) subscriber(line);
  }

  /** Docker's own restarts: 100 ms, doubling while a run lasts less than 10 s. */
  #followPolicy(container: SimContainer): void {
    const { restartPolicy, isStoppedByHand, life } = container;
    const wants =
      restartPolicy === "always" ||
      restartPolicy === "unless-stopped" ||
      (restartPolicy === "on-failure" && container.exitCode !== 0);
    if (!wants || isStoppedByHand) return;
    if (this.world.now - container.runsSince > 10_000) container.restartCount = 0;
    container.restartCount++;
    container.state = "restarting";
    const wait = Math.min(60_000, 100 * 2 ** (container.restartCount - 1));
    this.later(wait, () => {
      if (container.life === life && container.state === "restarting" && this.isUp)
        this.run(container);
    });
  }

  /** Later starts compare as later, as the engine's do. */
  #stamp(): string {
    const ms = new Date(wallBegin + Math.floor(this.world.now)).toISOString().slice(0, -1);
    const nano = Math.floor((this.world.now % 1) * 1e6) % 1e6;
    return `${ms}${String(nano).padStart(6, "0")}Z`;
  }
}
