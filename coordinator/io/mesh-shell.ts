// Performs what the core decides on the mesh: datagrams, checks, the durable vote. Runs in the mesh thread; thin by intent.

import { isIP } from "node:net";
import { checkHttp, anySuccess } from "../../agent/io/checks/http.ts";
import { checkTcp } from "../../agent/io/checks/tcp.ts";
import { SuspendWatch, systemClock } from "../../agent/io/clock.ts";
import { Driver } from "../../agent/io/driver.ts";
import { Resolver } from "../../agent/io/resolver.ts";
import { MeshSocket } from "../../agent/io/socket.ts";
import { isCoded } from "../../proto/coded-error.ts";
import { encodeMessage } from "../../proto/codec.ts";
import type { KeyRing } from "../../proto/key-ring.ts";
import type { Machine } from "../../proto/machine.ts";
import type { Member, Message } from "../../proto/messages.ts";
import { Random } from "../../proto/random.ts";
import { DropCounts, receive } from "../../proto/receive.ts";
import { createSeal, type Seal } from "../../proto/seal.ts";
import { after, type Instant } from "../../proto/units.ts";
import { Coordinator, type CoordinatorConfig } from "../core/coordinator.ts";
import type { CoordinatorInput, CoordinatorOutput } from "../core/exchange.ts";
import type { CoordinatorSummary } from "../core/summary.ts";
import type { CheckSpec } from "../core/worker.ts";
import { openBallotStore, type BallotStore } from "./ballot-store.ts";
import { knock } from "./knock.ts";
import { LeaseBoard } from "./lease-board.ts";
import type { ActingOutput, MeshSetup } from "./mesh-protocol.ts";
import { PeerAddresses } from "./peer-addresses.ts";
import { Recorder, type RecordedBlock } from "./recorder.ts";
import { WorkerSockets } from "./worker-sockets.ts";

export interface MeshShellEvents {
  /** Outputs for the main thread, in order; `now` is the core's instant. */
  readonly onOutputs: (outputs: readonly ActingOutput[], now: Instant) => void;
  readonly onLog: (level: "warn" | "error", text: string) => void;
  /** Of the flight recorder. */
  readonly onRecorded: (block: RecordedBlock) => void;
}

/** How often the machine's sleep is looked for. */
const suspendEvery = 500;

export class MeshShell {
  readonly #setup: MeshSetup;
  readonly #events: MeshShellEvents;
  readonly #store: BallotStore;
  readonly #socket: MeshSocket;
  readonly #workerSockets: WorkerSockets;
  readonly #peers: PeerAddresses;
  readonly #names: Resolver;
  /** Hosts of WORKERS and HOSTS that are no addresses; every other one is. */
  readonly #isName: ReadonlySet<string>;
  readonly #drops = new DropCounts();
  /** Coordinators whose link a test has cut. */
  #cut: ReadonlySet<string> = new Set();
  #seal: Seal | undefined;
  #core: Coordinator | undefined;
  #recorder: Recorder | undefined;
  #driver: Driver<CoordinatorInput, CoordinatorOutput> | undefined;
  #suspendTimer: NodeJS.Timeout | undefined;

  constructor(setup: MeshSetup, events: MeshShellEvents) {
    this.#setup = setup;
    this.#events = events;
    this.#store = openBallotStore(setup.dataDir);
    const onDatagram = this.#onDatagram.bind(this);
    this.#socket = new MeshSocket({ host: setup.host, port: setup.port, onDatagram });
    this.#workerSockets = new WorkerSockets({
      onDatagram,
      onRefused: (worker) => this.#driver?.push({ kind: "worker-refused", worker }),
    });
    this.#peers = new PeerAddresses(() => systemClock.now());
    const given = [...setup.core.wards.census.statics, ...(setup.core.hosts?.listed ?? [])];
    const statics = given.filter(({ host }) => isIP(host) === 0);
    this.#isName = new Set(statics.map(({ host }) => host));
    this.#names = new Resolver({
      names: statics.map(({ host, port }) => ({ name: host, host, port })),
    });
  }

  /** Rejects where the port cannot be bound. */
  async start(): Promise<{ readonly port: number; readonly damage: readonly string[] }> {
    const setup = this.#setup;
    const { ballot, damage } = this.#store.read();
    this.#seal = await createSeal({ cluster: setup.clusterId, boot: setup.boot, ring: setup.ring });
    const { port } = await this.#socket.open();
    const core = withPhaseOrigin(setup.core);
    const now = systemClock.now();
    this.#core = new Coordinator(core, ballot, new Random(setup.seed), now);
    const leased = this.#withLease(this.#core);
    this.#recorder = this.#startRecorder(this.#core, core);
    this.#recorder?.start(ballot, setup.seed, now);
    this.#driver = new Driver<CoordinatorInput, CoordinatorOutput>({
      machine: this.#recorder?.noting(leased) ?? leased,
      clock: systemClock,
      timerInput: (lateness) => ({ kind: "timer-fired", lateness }),
      perform: this.#perform.bind(this),
      onOverflow: () => this.#driver?.push({ kind: "datagrams-dropped" }),
    });
    this.#setPeers(this.#core.members);
    this.#warnOfOldList(this.#core.members);
    this.#peers.start();
    this.#names.start();
    this.#driver.start();
    const suspended = new SuspendWatch(systemClock);
    this.#suspendTimer = setInterval(() => {
      const slept = suspended.suspendedFor();
      if (slept > 0) this.#driver?.push({ kind: "clock-jumped", slept });
    }, suspendEvery);
    return { port, damage };
  }

  /** What the main thread reads of the lease is never older than the last step. */
  #withLease(core: Coordinator): Machine<CoordinatorInput, CoordinatorOutput> {
    const board = new LeaseBoard(() => systemClock.wall(), this.#setup.leaseBoard);
    return {
      step: (input, now) => {
        const outputs = core.step(input, now);
        // The one input that comes ten thousand times a second changes no lease.
        if (input.kind === "datagram-received" && input.message.kind === "pong") return outputs;
        // By the clock as it is after the step: one instant serves all the steps of a turn.
        board.write((core.leaseUntil(now) ?? now) - systemClock.now());
        return outputs;
      },
      nextDeadline: () => core.nextDeadline(),
    };
  }

  get recorder(): Recorder | undefined {
    return this.#recorder;
  }

  #startRecorder(core: Coordinator, config: CoordinatorConfig): Recorder | undefined {
    if (this.#setup.recordSpan === 0) return undefined;
    return new Recorder({
      core,
      config,
      wall: () => systemClock.wall(),
      onBlock: this.#events.onRecorded,
      onProblem: (problem) => {
        this.#events.onLog("error", `the flight recorder has ended: ${problem}`);
      },
    });
  }

  push(input: CoordinatorInput): void {
    this.#driver?.push(input);
  }

  swapRing(ring: KeyRing): void {
    this.#seal?.swapRing(ring);
  }

  cutLinks(peers: readonly string[]): void {
    this.#cut = new Set(peers);
  }

  summary(): CoordinatorSummary | undefined {
    const picture = this.#core?.summary(systemClock.now());
    if (picture === undefined) return undefined;
    const { sent, received, sendFailed, errors } = this.#socket.counters;
    const mine = {
      "datagrams-sent": sent,
      "datagrams-received": received,
      "datagrams-unsent": sendFailed,
      "socket-errors": errors,
      "dropped-socket-full": this.#socket.overflowed(),
      "inputs-dropped": this.#driver?.dropped ?? 0,
      ...this.#drops.counters,
    };
    return { ...picture, counters: { ...picture.counters, ...mine } };
  }

  async stop(): Promise<void> {
    clearInterval(this.#suspendTimer);
    this.#driver?.stop();
    this.#peers.stop();
    this.#names.stop();
    this.#workerSockets.closeAll();
    await this.#socket.close();
  }

  #onDatagram(bytes: Buffer, address: string, port: number): void {
    if (this.#seal === undefined) return;
    const received = receive(this.#seal, bytes);
    if (!received.ok) {
      this.#drops.add(received.failure);
      return;
    }
    const { sender, message } = received.value;
    if (this.#cut.has(sender)) {
      this.#drops.add("link-cut");
      return;
    }
    if (isOfMesh(message)) this.#peers.onHeard(sender, address, port);
    this.#driver?.push({ kind: "datagram-received", sender, address, port, message }, true);
  }

  #perform(outputs: readonly CoordinatorOutput[], now: Instant): void {
    let acting: ActingOutput[] | undefined;
    for (const output of outputs) {
      switch (output.kind) {
        case "ping-worker":
          this.#ping(output);
          break;
        case "send-peer":
          this.#sendPeer(output.to, output.message);
          break;
        case "reply":
          this.#send(output.message, output.port, output.address);
          break;
        case "check-worker":
          void this.#check(output.worker, output.nonce, output.check, output.timeout);
          break;
        case "knock-host":
          void this.#knock(output);
          break;
        case "worker-settled":
          this.#workerSockets.close(output.worker);
          break;
        case "members-changed":
          this.#setPeers(output.set.members);
          break;
        case "persist":
          // What stands behind a vote that is not durable must not be sent.
          if (!this.#persist(output.ballot)) return;
          break;
        default:
          (acting ??= []).push(output);
      }
    }
    if (acting !== undefined) this.#events.onOutputs(acting, now);
  }

  #persist(ballot: Parameters<BallotStore["write"]>[0]): boolean {
    try {
      this.#store.write(ballot);
      this.#driver?.push({ kind: "persisted" });
      return true;
    } catch (error) {
      const reason = isCoded(error, "HM_DISK") ? error.detail : String(error);
      this.#events.onLog("error", `the vote could not be made durable: ${reason}`);
      this.#driver?.push({ kind: "persist-failed", reason });
      return false;
    }
  }

  #setPeers(members: readonly Member[]): void {
    const others = members.filter(({ id }) => id !== this.#setup.core.election.id);
    this.#peers.setPeers(others.map(({ id, host, port }) => ({ name: id, host, port })));
  }

  #warnOfOldList(members: readonly Member[]): void {
    const [set, list] = [
      members.map(({ id }) => id),
      this.#setup.coordinators.map(({ name }) => name),
    ];
    if (set.toSorted().join() === list.toSorted().join()) return;
    const text = `COORDINATORS names ${list.join(", ")}, but the set was changed to ${set.join(", ")}, which counts; write the same into COORDINATORS`;
    this.#events.onLog("warn", text);
  }

  #ping(output: Extract<CoordinatorOutput, { kind: "ping-worker" }>): void {
    const { worker, nonce, freshSocket, port, grant } = output;
    const address = this.#addressOf(output.address);
    if (address === undefined) return;
    const ping = { kind: "ping", nonce } as const;
    const bytes = this.#sealed(grant === undefined ? ping : { ...ping, grant });
    if (bytes === undefined) return;
    if (freshSocket && this.#workerSockets.send(worker, bytes, port, address)) return;
    this.#socket.send(bytes, port, address);
  }

  #addressOf(host: string): string | undefined {
    return this.#isName.has(host) ? this.#names.addressOf(host)?.address : host;
  }

  #sendPeer(to: string, message: Message): void {
    if (this.#cut.has(to)) return;
    for (const { address, port } of this.#peers.placesOf(to)) this.#send(message, port, address);
  }

  #send(message: Message, port: number, address: string): void {
    const bytes = this.#sealed(message);
    if (bytes !== undefined) this.#socket.send(bytes, port, address);
  }

  #sealed(message: Message): Uint8Array | undefined {
    return this.#seal?.seal(encodeMessage(this.#setup.core.election.id, message));
  }

  async #knock(output: Extract<CoordinatorOutput, { kind: "knock-host" }>): Promise<void> {
    const { host, nonce, port, timeout } = output;
    const at = this.#addressOf(output.address);
    const answer = at === undefined ? "failed" : await knock({ host: at, port, timeout });
    this.#driver?.push({ kind: "host-knocked", host, nonce, answer });
  }

  async #check(worker: string, nonce: number, check: CheckSpec, timeout: number): Promise<void> {
    const answer =
      check.kind === "tcp"
        ? await checkTcp({ host: check.host, port: check.port, timeout })
        : await checkHttp({
            url: check.url,
            status:
              check.status === undefined ? anySuccess : [{ low: check.status, high: check.status }],
            body: check.body === undefined ? undefined : { kind: "contains", text: check.body },
            timeout,
          });
    const reason = answer.ok ? "" : answer.reason;
    this.#driver?.push({ kind: "check-finished", worker, nonce, ok: answer.ok, reason });
  }
}

/** Only what coordinators say to each other tells where they are; a coordinator's agent may answer from another socket. */
function isOfMesh(message: Message): boolean {
  switch (message.kind) {
    case "ping":
    case "pong":
    case "announce":
    case "obituary":
      return false;
    default:
      return true;
  }
}

/** Phases count from 1970, by this thread's own clock, so that the coordinators' questions are staggered between them. */
function withPhaseOrigin(core: CoordinatorConfig): CoordinatorConfig {
  const phaseOrigin = after(systemClock.now(), -systemClock.wall());
  return { ...core, wards: { ...core.wards, pinger: { ...core.wards.pinger, phaseOrigin } } };
}
