// What the HTTP API asks of the process: the latest picture, the record, and operators' commands on their way to the core.

import type { Queue } from "bullmq";
import type { Clock } from "../agent/io/clock.ts";
import type {
  CommandResult,
  ControlPlane,
  HostSwitch,
  Link,
  OperatorCommand,
  OtherSwarm,
  ProcessFacts,
  SwarmChanged,
} from "./api/plane.ts";
import { ChangeLog } from "./change-log.ts";
import type { ClusterDesk } from "./clusters/desk.ts";
import type { CallEnded } from "./clusters/executor.ts";
import type { CoordinatorConfig } from "./config.ts";
import { wordsOf } from "./core/clusters/cluster.ts";
import type { ChangeEnded } from "./core/election-shape.ts";
import type { CoreEvent, MeshEvent } from "./core/event.ts";
import type { MemberChange } from "./core/member-set.ts";
import type { MoveCommand } from "./core/migration/moves.ts";
import { isContainerCase } from "./core/migration/order.ts";
import type { RecoveryRecord } from "./core/recovery-record.ts";
import type { ScalingState } from "./core/scaling/scaler.ts";
import type { CoordinatorSummary } from "./core/summary.ts";
import type { Symptom } from "./doctor/ailments.ts";
import { ofSettings } from "./doctor/settings.ts";
import { ofSurroundings } from "./doctor/surroundings.ts";
import { isCodedError } from "../proto/coded-error.ts";
import type { NodeSwitch, Switched } from "./docker/availability.ts";
import type { SwarmReader, SwarmReading } from "./docker/swarm.ts";
import type { VerbEngine } from "./docker/swarm-verbs.ts";
import { coded } from "./errors.ts";
import { EventFeed } from "./event-feed.ts";
import type { Mesh } from "./io/mesh.ts";
import { marksOf, type Marks } from "./core/marks.ts";
import type { EventAsk, ListedEvent, RecoveryAsk } from "./io/record-asks.ts";
import type { Documents } from "./io/shelf.ts";
import type { Tally } from "./metrics/tally.ts";
import type { Notifier } from "./notify/notifier.ts";
import { PendingChange } from "./pending-change.ts";
import type { QueueRoom } from "./queue-room.ts";
import type { RecoveryBook } from "./recovery-book.ts";
import type { Reign } from "./reign.ts";
import type { ScalingLoop } from "./scaling-loop.ts";
import { version } from "./version.ts";

export interface PlaneParts {
  readonly config: CoordinatorConfig;
  readonly clock: Clock;
  readonly mesh: Mesh;
  /** Unix time in ms. */
  readonly startedAt: number;
  readonly reign: Pick<Reign, "since">;
  readonly queues: QueueRoom;
  readonly book: RecoveryBook;
  readonly notifier: Notifier;
  readonly tally: Tally;
  readonly swarm: SwarmReader;
  readonly nodeSwitch: NodeSwitch;
  readonly scaling: Pick<ScalingLoop, "state">;
  readonly engines: readonly VerbEngine[];
  readonly otherSwarms: readonly OtherSwarm[];
  readonly clusters: () => ClusterDesk;
  readonly publish: (event: CoreEvent) => void;
}

export class Plane implements ControlPlane {
  readonly #parts: PlaneParts;
  readonly #feed: EventFeed;
  readonly #change = new PendingChange();
  readonly #log: ChangeLog;
  #examination: Promise<readonly Symptom[]> | undefined;

  constructor(parts: PlaneParts) {
    this.#parts = parts;
    this.#feed = new EventFeed(() => parts.queues.store);
    this.#log = new ChangeLog(parts.publish);
  }

  onEvent(event: MeshEvent): void {
    this.#feed.onEvent(event);
  }

  summary(): CoordinatorSummary {
    const { summary } = this.#parts.mesh;
    if (summary === undefined) throw coded("HM_STARTING", "the mesh has not given a picture yet");
    return summary;
  }

  readiness(): { readonly ready: boolean; readonly reasons: readonly string[] } {
    const { summary } = this.#parts.mesh;
    if (summary === undefined) return { ready: false, reasons: ["it is starting"] };
    const reasons: string[] = [];
    if (summary.leader === "") reasons.push("no leader is known");
    if (!summary.votes) reasons.push("it does not vote: its DATA_DIR takes nothing");
    for (const { host, reachable, reason } of summary.engines) {
      if (!reachable) reasons.push(`the engine of ${host} does not answer: ${reason}`);
    }
    if (summary.redisByQuorum === "unreachable") reasons.push("a quorum cannot reach Redis");
    return { ready: reasons.length === 0, reasons };
  }

  facts(): ProcessFacts {
    const { startedAt, reign } = this.#parts;
    return { version, startedAt, leaderSince: reign.since };
  }

  members(): readonly { readonly id: string; readonly url: string }[] {
    const { urlOf } = this.#parts.config.http;
    return this.summary().set.members.map(({ id, host }) => ({ id, url: urlOf(id, host) }));
  }

  knownRecovery(id: string): RecoveryRecord | undefined {
    return this.#parts.book.known(id);
  }

  command(command: OperatorCommand, by: string): Promise<CommandResult> {
    const result = this.#take(command, by);
    const { kind: verb, worker } = command;
    const asked = { actor: by, verb, subject: worker, worker };
    if (result.kind === "done") this.#log.done(asked, result.text);
    else this.#log.refused(asked, result.kind === "refused" ? result.text : result.kind);
    return Promise.resolve(result);
  }

  async changeCoordinators(change: MemberChange, by: string): Promise<Omit<ChangeEnded, "kind">> {
    const ended = await this.#change.ask(change, (input) => {
      this.#parts.mesh.push(input);
    });
    const subject = change.kind === "add" ? change.member.id : change.id;
    const asked = { actor: by, verb: `${change.kind}-coordinator`, subject };
    if (ended.how === "made") this.#log.done(asked, ended.text);
    else this.#log.refused(asked, ended.text);
    return ended;
  }

  links(): readonly Link[] {
    const { mesh, config } = this.#parts;
    const others = mesh.summary?.set.members.filter(({ id }) => id !== config.id) ?? [];
    return others.map((member) => ({ ...member, isCut: mesh.cutLinks.has(member.id) }));
  }

  cutLink(id: string, isCut: boolean, by: string): void {
    const { mesh, config } = this.#parts;
    if (mesh.cutLinks.has(id) === isCut) return;
    mesh.cutLink(id, isCut);
    const verb = isCut ? "cut" : "restored";
    const asked = { actor: by, verb: `${verb}-link`, subject: id };
    this.#log.done(asked, `${verb} the link between ${config.id} and ${id}`, "link-changed");
  }

  async switchHost(ask: HostSwitch, by: string): Promise<Switched> {
    const { node, name, wanted, reason, engine } = ask;
    const verb = wanted === "drain" ? "drain-host" : "activate-host";
    const asked = { actor: by, verb, subject: name };
    try {
      const switched = await this.#parts.nodeSwitch.set(node, wanted, engine);
      const { before } = switched;
      const why = reason === "" ? "" : `: ${reason}`;
      const told = { ...asked, before, after: wanted };
      if (before === wanted) this.#log.done(told, `host ${name} was ${wanted} already${why}`);
      else {
        const text = `switched host ${name} from ${before} to ${wanted}${why}`;
        this.#log.done(told, text, "host-switched");
      }
      return switched;
    } catch (error) {
      if (isCodedError(error)) this.#log.refused({ ...asked, after: wanted }, error.detail);
      throw error;
    }
  }

  onChangeEnded(ended: ChangeEnded): void {
    this.#change.onEnded(ended);
  }

  async listRecoveries(ask: RecoveryAsk): Promise<readonly RecoveryRecord[]> {
    const { book, queues } = this.#parts;
    try {
      return await queues.store.listRecoveries(ask);
    } catch (error) {
      // What this process saw itself is better than nothing, but only the first page can be told so.
      if (ask.before !== undefined) throw error;
      const known = book.list().filter((one) => !ask.worker || one.worker === ask.worker);
      return known.slice(0, ask.limit);
    }
  }

  async getRecovery(id: string): Promise<RecoveryRecord | undefined> {
    return this.#parts.book.get(id) ?? (await this.#parts.queues.store.getRecovery(id));
  }

  listEvents(ask: EventAsk): Promise<readonly ListedEvent[]> {
    return this.#parts.queues.store.listEvents(ask);
  }

  subscribe(onEvent: (event: MeshEvent) => void): Promise<() => void> {
    return this.#feed.subscribe(onEvent);
  }

  async marks(): Promise<Marks> {
    return marksOf(await this.#parts.queues.workerRecords(), this.summary());
  }

  restore({ silences, quarantines }: Marks, text: string, by: string): void {
    const { mesh } = this.#parts;
    for (const { worker, reason, for: lasts } of silences) {
      const command = { kind: "restore-silence" as const, worker, by, reason, for: lasts };
      mesh.push({ kind: "operator-asked", command });
    }
    for (const { worker, ago } of quarantines) {
      const reason = "a backup";
      const command = { kind: "restore-quarantine" as const, worker, by, reason, ago };
      mesh.push({ kind: "operator-asked", command });
    }
    this.#log.done({ actor: by, verb: "restore", subject: "backup" }, text, "restored");
  }

  shelf<Document>(kind: string): Documents<Document> {
    return this.#parts.queues.shelf(kind);
  }

  swarm(): Promise<SwarmReading> {
    return this.#parts.swarm.read();
  }

  swarms(): readonly OtherSwarm[] {
    return this.#parts.otherSwarms;
  }

  engines(): readonly VerbEngine[] {
    return this.#parts.engines;
  }

  onSwarmChange({ outcome, ...rest }: SwarmChanged, by: string): void {
    const asked = { ...rest, actor: by };
    if (typeof outcome === "string") {
      this.#log.refused(asked, outcome);
      return;
    }
    const { text, before, after } = outcome;
    this.#log.done({ ...asked, before, after }, text, "swarm-changed");
  }

  scaling(service: string): Promise<ScalingState | undefined> {
    return this.#parts.scaling.state(service);
  }

  clusters(): ClusterDesk {
    return this.#parts.clusters();
  }

  onClusterEnded({ cluster, index, entry }: CallEnded): void {
    const { call, by, before, after, text, state } = entry;
    const asked = { actor: by, verb: call.kind, subject: cluster, before, after };
    const words = `log entry ${index} of cluster ${cluster}: ${wordsOf(call)}: ${text}`;
    if (state === "done") this.#log.done(asked, words, "cluster-changed");
    else this.#log.refused(asked, words);
  }

  move(command: MoveCommand): void {
    this.#parts.mesh.push({ kind: "move-asked", command });
    const { by, kind: verb, service: subject } = command;
    this.#log.done({ actor: by, verb, subject }, `${verb} of ${subject} is asked for`);
  }

  leaderUrl(): string | undefined {
    const { mesh, config } = this.#parts;
    const { leader = "", set } = mesh.summary ?? {};
    const host = set?.members.find(({ id }) => id === leader)?.host;
    return host === undefined ? undefined : config.http.urlOf(leader, host);
  }

  /** Who asks meanwhile gets the same answer. */
  examine(): Promise<readonly Symptom[]> {
    this.#examination ??= this.#examine().finally(() => {
      this.#examination = undefined;
    });
    return this.#examination;
  }

  async #examine(): Promise<readonly Symptom[]> {
    const { config, mesh, queues } = this.#parts;
    const members = mesh.summary?.set.members ?? [];
    const around = await ofSurroundings({
      redis: queues.address,
      engines: config.docker.engines,
      dataDir: config.dataDir,
      members: members.map(({ id, host }) => ({ name: id, host })),
    });
    return [...ofSettings(config), ...around];
  }

  boardQueues(): readonly Queue[] {
    return this.#parts.queues.queues;
  }

  tally(): Tally {
    return this.#parts.tally;
  }

  recording(): Promise<Buffer | undefined> {
    return this.#parts.mesh.recording();
  }

  notifyTest(): Promise<
    readonly { readonly channel: string; readonly ok: boolean; readonly text: string }[]
  > {
    return this.#parts.notifier.test();
  }

  #take(command: OperatorCommand, by: string): CommandResult {
    const { mesh } = this.#parts;
    const { summary } = mesh;
    if (summary?.role !== "leader" || summary.leaseFor <= 0) return { kind: "not-leader" };
    const is = ({ id }: { readonly id: string }): boolean => id === command.worker;
    const subject = summary.workers.find(is) ?? summary.services.find(is);
    if (subject === undefined) return { kind: "unknown-worker" };
    const refusal = refusalOf(command, subject);
    if (refusal !== undefined) return { kind: "refused", text: refusal };
    const { kind, worker: id } = command;
    const reason = "reason" in command ? command.reason : "";
    const lasts = kind === "silence" ? { for: command.duration } : {};
    mesh.push({ kind: "operator-asked", command: { kind, worker: id, by, reason, ...lasts } });
    return { kind: "done", text: doneText(command) };
  }
}

function refusalOf(
  { kind }: OperatorCommand,
  worker: CoordinatorSummary["workers" | "services"][number],
): string | undefined {
  switch (kind) {
    case "revive":
      if (isContainerCase(worker.id)) {
        return `${worker.id} has lost its host, or runs elsewhere; it is moved, not revived`;
      }
      if (!("containerId" in worker)) {
        return `${worker.id} is a service, and none is revived; its Swarm starts its tasks`;
      }
      if (worker.verdict === "paused") return `${worker.id} is paused; unpause it first`;
      if (worker.containerId === "" && worker.verdict !== "gone") {
        return `${worker.id} has no container that heartmesh knows; there is nothing to restart`;
      }
      return worker.recovery !== undefined && worker.recovery.stage !== "waiting"
        ? `a recovery of ${worker.id} is under way: ${worker.recovery.text}`
        : undefined;
    case "unsilence":
      return worker.silencedFor < 0 ? `${worker.id} is not silenced` : undefined;
    case "release-quarantine":
      return worker.quarantinedFor < 0 ? `${worker.id} is not in quarantine` : undefined;
    case "silence":
      return undefined;
  }
}

function doneText(command: OperatorCommand): string {
  switch (command.kind) {
    case "revive":
      return `${command.worker} is being revived${why(command.reason)}`;
    case "silence":
      return `${command.worker} is left alone for ${Math.round(command.duration / 1000)} s${why(command.reason)}`;
    case "unsilence":
      return `${command.worker} is looked after again`;
    case "release-quarantine":
      return `${command.worker} is out of quarantine`;
  }
}

const why = (reason: string): string => (reason === "" ? "" : `: ${reason}`);
