// An agent at work: the machine, its socket, its checks and its seal, wired. The sidecar and the library are both made of it.

import { availableParallelism, freemem, hostname, loadavg, totalmem } from "node:os";
import { encodeMessage } from "../proto/codec.ts";
import type { Capacity, Message, PongFence } from "../proto/messages.ts";
import { Random } from "../proto/random.ts";
import { DropCounts, receive } from "../proto/receive.ts";
import { createSeal, type Seal } from "../proto/seal.ts";
import { incarnation, type Duration, type Instant } from "../proto/units.ts";
import { CheckRunner, checkFunction } from "./check-runner.ts";
import type { AgentConfig } from "./config.ts";
import { Agent, type AgentInput, type AgentOutput } from "./core/agent.ts";
import type { FenceKeeper } from "./fence-keeper.ts";
import { freshBootId, freshSeed } from "./io/chance.ts";
import { systemClock } from "./io/clock.ts";
import { Driver } from "./io/driver.ts";
import { KeyFile } from "./io/key-file.ts";
import { LoadGauge } from "./io/load-gauge.ts";
import { silentLog, type Log } from "./io/log.ts";
import { ProcessWatch } from "./io/process-watch.ts";
import { Resolver } from "./io/resolver.ts";
import { MeshSocket } from "./io/socket.ts";

export interface RunOptions {
  readonly log?: Log;
  /** Whether the agent alone keeps the process alive; true where not given. */
  readonly keepAlive?: boolean;
}

/** What was sent and received, and what was dropped, by reason. */
export type AgentCounters = Readonly<Record<string, number>>;

/** So long the farewell may take; then the agent stops without it. */
const farewellBound: Duration = 150;

export class RunningAgent {
  readonly #config: AgentConfig;
  readonly #name: string;
  readonly #log: Log;
  readonly #machine: Agent;
  readonly #driver: Driver<AgentInput, AgentOutput>;
  readonly #socket: MeshSocket;
  readonly #resolver: Resolver;
  readonly #checks: CheckRunner | undefined;
  readonly #watch: ProcessWatch | undefined;
  readonly #keyFile: KeyFile | undefined;
  readonly #drops = new DropCounts();
  readonly #gauge = new LoadGauge(systemClock);
  readonly #seed = freshSeed();
  #fence: FenceKeeper | undefined;
  #seal: Seal | undefined;
  #stopping: Promise<void> | undefined;
  #onFarewell: (() => void) | undefined;

  constructor(config: AgentConfig, { log = silentLog, keepAlive = true }: RunOptions = {}) {
    this.#config = config;
    this.#name = config.name ?? hostname();
    this.#log = log;
    const check = checkFunction(config);
    this.#machine = this.#buildMachine(check !== undefined);
    this.#driver = this.#buildDriver(keepAlive);
    this.#socket = new MeshSocket({
      host: config.host,
      port: config.port,
      keepAlive,
      receiveBuffer: 256 * 1024,
      onDatagram: (bytes, address, port) => {
        this.#onDatagram(bytes, address, port);
      },
    });
    this.#resolver = new Resolver({ names: config.coordinators, keepAlive });
    if (check !== undefined) {
      this.#checks = new CheckRunner(check, (id, result) => {
        this.#driver.push({ kind: "check-finished", id, result });
      });
    }
    this.#watch = this.#buildWatch(keepAlive);
    this.#keyFile = this.#buildKeyFile();
  }

  /** Rejects where the port cannot be had. */
  async start(): Promise<{ readonly port: number }> {
    const { ring, cluster } = this.#config;
    // Before anything is heard: what must not run any more is stopped first thing.
    this.#fence = await this.#startFence();
    this.#seal = await createSeal({ ring, cluster, boot: freshBootId() });
    const { port } = await this.#socket.open();
    this.#resolver.start();
    this.#keyFile?.start();
    this.#driver.push({ kind: "opened", port });
    this.#driver.start();
    this.#watch?.start();
    this.#log.info("the agent answers", {
      worker: this.#name,
      port,
      seed: this.#seed,
      insecure: ring.insecure,
    });
    return { port };
  }

  /** Says farewell, then closes everything; within 200 ms. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** The worker's own word on its health; unhealthy wins over every check until it says healthy again. */
  report(healthy: boolean, reason: string): void {
    this.#driver.push({ kind: "health-reported", healthy, reason });
  }

  reloadKeys(): void {
    this.#keyFile?.reload();
  }

  get counters(): AgentCounters {
    return {
      ...this.#socket.counters,
      "dropped-socket-full": this.#socket.overflowed(),
      "dropped-text-too-often": this.#machine.textsRefused,
      ...this.#drops.counters,
    };
  }

  async #stop(): Promise<void> {
    this.#watch?.stop();
    if (this.#seal !== undefined) {
      await new Promise<void>((resolve) => {
        const bound = setTimeout(resolve, farewellBound);
        this.#onFarewell = () => {
          clearTimeout(bound);
          resolve();
        };
        this.#driver.push({ kind: "stop-requested" });
      });
    }
    this.#driver.stop();
    this.#fence?.stop();
    this.#checks?.stop();
    this.#keyFile?.stop();
    this.#resolver.stop();
    await this.#socket.close();
    this.#log.info("the agent has stopped", { counters: this.counters });
  }

  /** Of a host alone: a worker's agent does not pay for it. */
  async #startFence(): Promise<FenceKeeper | undefined> {
    const { scope, check, dataDir } = this.#config;
    if (scope !== "host" || check.kind !== "engine") return undefined;
    const { FenceKeeper: Keeper } = await import("./fence-keeper.ts");
    const { socketPath } = check;
    const keeper = new Keeper({ socketPath, directory: dataDir, log: this.#log });
    keeper.start();
    return keeper;
  }

  #buildMachine(hasCheck: boolean): Agent {
    const { coordinators, timing, watchedProcess } = this.#config;
    const setup = {
      identity: { name: this.#name, incarnation: incarnation(systemClock.wall()) },
      isOfHost: this.#config.scope === "host",
      coordinators: coordinators.map(({ name }) => name),
      timing,
      hasCheck,
      watchedProcess,
    };
    return new Agent(setup, new Random(this.#seed));
  }

  #buildDriver(keepAlive: boolean): Driver<AgentInput, AgentOutput> {
    return new Driver({
      machine: this.#machine,
      clock: systemClock,
      timerInput: (lateness): AgentInput => ({ kind: "timer-fired", lateness }),
      perform: (outputs) => {
        for (const output of outputs) this.#perform(output);
      },
      onOverflow: () => {
        this.#drops.add("queue-full");
      },
      capacity: 1024,
      keepAlive,
    });
  }

  #buildWatch(keepAlive: boolean): ProcessWatch | undefined {
    const target = this.#config.watchedProcess;
    if (target === undefined) return undefined;
    return new ProcessWatch({
      target,
      clock: systemClock,
      keepAlive,
      onAppeared: (process) => {
        this.#log.info("the worker's process is there", { process });
        this.#driver.push({ kind: "process-appeared", process });
      },
      onExited: (process: string, at: Instant) => {
        this.#log.warn("the worker's process has exited", { process });
        this.#driver.push({ kind: "process-exited", process, at });
      },
    });
  }

  #buildKeyFile(): KeyFile | undefined {
    const { keyFile, ring } = this.#config;
    if (keyFile === undefined) return undefined;
    return new KeyFile({
      path: keyFile,
      current: ring,
      onRing: (next) => {
        this.#seal?.swapRing(next);
        this.#log.info("the mesh's keys were read again", { keys: next.keys.length });
      },
      onProblem: (problem) => {
        this.#log.error("the mesh's keys cannot be read again; the old ones stay", { problem });
      },
    });
  }

  #onDatagram(bytes: Buffer, address: string, port: number): void {
    const from = { address, port };
    if (isTextPing(bytes)) {
      const text = bytes.toString("latin1");
      this.#driver.push({ kind: "text-ping-received", from, text }, true);
      return;
    }
    if (this.#seal === undefined) return;
    const received = receive(this.#seal, bytes);
    if (!received.ok) {
      this.#drops.add(received.failure);
      return;
    }
    const { sender, message } = received.value;
    if (message.kind !== "ping") {
      this.#drops.add("unexpected");
      return;
    }
    const [load = 0] = loadavg();
    const { nonce } = message;
    const fence = this.#fence?.onPing(sender, message);
    const own = this.#config.scope === "host" ? aboutHost(fence) : aboutWorker(this.#gauge.read());
    this.#driver.push(
      { kind: "ping-received", coordinator: sender, from, nonce, load, ...own },
      true,
    );
  }

  #perform(output: AgentOutput): void {
    switch (output.kind) {
      case "send":
        this.#send(output.message, output.to.address, output.to.port);
        return;
      case "send-to-coordinator": {
        const to = this.#resolver.addressOf(output.coordinator) ?? output.heardFrom;
        if (to === undefined) this.#drops.add("unresolved");
        else this.#send(output.message, to.address, to.port);
        return;
      }
      case "send-text":
        this.#socket.send(Buffer.from(output.text, "latin1"), output.to.port, output.to.address);
        return;
      case "begin-check":
        this.#checks?.begin(output.id);
        return;
      case "abandon-check":
        this.#checks?.abandon(output.id);
        return;
      case "finish":
        this.#onFarewell?.();
        return;
    }
  }

  #send(message: Message, address: string, port: number): void {
    if (this.#seal === undefined) return;
    if (message.kind !== "pong") this.#log.debug(`said ${message.kind}`, { address, port });
    this.#socket.send(this.#seal.seal(encodeMessage(this.#name, message)), port, address);
  }
}

/** Of the whole machine: none of these is what a container's limits leave. On Linux `freemem` is MemAvailable. */
const capacityOf = (): Capacity => ({
  processors: availableParallelism(),
  memory: totalmem(),
  available: freemem(),
});

const aboutWorker = (workerLoad: number | undefined): { workerLoad?: number } =>
  workerLoad === undefined ? {} : { workerLoad };

function aboutHost(fence: PongFence | undefined): { capacity: Capacity; fence?: PongFence } {
  const capacity = capacityOf();
  return fence === undefined ? { capacity } : { capacity, fence };
}

/** `PING`, with or without a line's end: a person's, and no mesh datagram, which begins with its version. */
function isTextPing(bytes: Buffer): boolean {
  return bytes.length <= 6 && /^PING\r?\n?$/.test(bytes.toString("latin1"));
}
