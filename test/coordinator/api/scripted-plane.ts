// A control plane that answers as told and remembers what it was asked; and a real server on loopback in front of it.

import { readFileSync } from "node:fs";
import type { TestContext } from "node:test";
import type { Queue } from "bullmq";
import { pino, type Logger } from "pino";
import { startHttp, type HttpBounds } from "../../../coordinator/api/server.ts";
import type {
  CommandResult,
  ControlPlane,
  HostSwitch,
  Link,
  OperatorCommand,
  OtherSwarm,
  ProcessFacts,
  SwarmChanged,
} from "../../../coordinator/api/plane.ts";
import { parseConfig } from "../../../coordinator/config.ts";
import { isWanted, type MeshEvent } from "../../../coordinator/core/event.ts";
import type { RecoveryRecord } from "../../../coordinator/core/recovery-record.ts";
import type { ChangeEnded } from "../../../coordinator/core/election-shape.ts";
import type { MoveCommand } from "../../../coordinator/core/migration/moves.ts";
import type { MemberChange } from "../../../coordinator/core/member-set.ts";
import type { ScalingState } from "../../../coordinator/core/scaling/scaler.ts";
import type { OpenRecoverySummary } from "../../../coordinator/core/recovery-summary.ts";
import type { CoordinatorSummary, WorkerSummary } from "../../../coordinator/core/summary.ts";
import type { Symptom } from "../../../coordinator/doctor/ailments.ts";
import { recordingFile } from "../../../coordinator/io/recording.ts";
import type { Switched } from "../../../coordinator/docker/availability.ts";
import type { SwarmReading } from "../../../coordinator/docker/swarm.ts";
import { Tally } from "../../../coordinator/metrics/tally.ts";
import type { Marks } from "../../../coordinator/core/marks.ts";
import type { Documents } from "../../../coordinator/io/shelf.ts";
import type { EventAsk, ListedEvent, RecoveryAsk } from "../../../coordinator/io/record-asks.ts";
import { term } from "../../../proto/units.ts";
import type { VerbEngine } from "../../../coordinator/docker/swarm-verbs.ts";
import { host } from "./scripted-host.ts";
import { recoveryRecord } from "./scripted-recovery.ts";
import { ScriptedShelves } from "./scripted-shelves.ts";
import { ScriptedClusters } from "./scripted-clusters.ts";
import { ScriptedManager } from "./scripted-swarm.ts";
import { smallSwarm } from "./small-swarm.ts";

export const tokens = {
  viewer: "viewer-token-0123456789",
  operator: "operator-token-0123456789",
  admin: "admin-token-0123456789",
} as const;
export const apiTokens = Object.entries(tokens)
  .map(([role, token]) => `${role}:${token}`)
  .join(",");

export const workerSummary = (some: Partial<WorkerSummary> = {}): WorkerSummary => ({
  id: "h1/web-1",
  role: "worker",
  verdict: "healthy",
  reason: "it answers",
  evidence: [{ kind: "pong", by: "c1", text: "healthy 0.2 s ago" }],
  host: "h1",
  containerId: "abc123",
  composeService: "",
  probe: "agent 172.18.0.3:8888",
  standing: "up",
  standings: { c2: "up", c3: "doubt" },
  roundTrip: 0.8,
  loss: 0,
  heardAgo: 120,
  load: 0.4,
  recovery: undefined,
  quarantinedFor: -1,
  silencedFor: -1,
  silenceReason: "",
  revivalsInWindow: 0,
  ...some,
});

export const openRecovery = (some: Partial<OpenRecoverySummary> = {}): OpenRecoverySummary => ({
  ...{ id: "3.7.ff", stage: "acting", tries: 1, maxTries: 3, text: "try 1 acts" },
  ...{ verdict: "silent", action: "kill-start", since: 1_500, dueIn: -1 },
  ...some,
});

/** Of a process that started then, under a leader. */
export const facts: ProcessFacts = {
  ...{ version: "0.1.0", startedAt: 1_699_999_000_000, leaderSince: 1_699_999_900_000 },
};

export const summaryOf = (some: Partial<CoordinatorSummary> = {}): CoordinatorSummary => ({
  id: "c1",
  role: "leader",
  term: term(7),
  leader: "c1",
  leaseFor: 600,
  fit: true,
  unfitReason: "",
  votes: true,
  peers: [
    { id: "c2", heardAgo: 30, fit: true, redis: "reachable" },
    { id: "c3", heardAgo: -1, fit: false, redis: "unknown" },
  ],
  set: {
    stamp: { term: term(6), version: 2 },
    members: [
      { id: "c1", host: "10.0.0.1", port: 7700 },
      { id: "c2", host: "10.0.0.2", port: 7700 },
      { id: "c3", host: "c3.example", port: 7701 },
    ],
  },
  change: "",
  strangers: [],
  redis: "reachable",
  redisByQuorum: "reachable",
  brake: { tripped: false, failing: 0, total: 3 },
  engines: [{ host: "h1", reachable: true, reason: "" }],
  hosts: [host],
  findings: [{ subject: "h1/web-9", code: "unwatched", text: "nobody can hear it" }],
  services: [],
  movable: [],
  workers: [
    workerSummary(),
    workerSummary({
      id: "h1/web-2",
      verdict: "silent",
      standing: "down",
      roundTrip: -1,
      loss: -1,
      heardAgo: -1,
      recovery: openRecovery(),
      quarantinedFor: 2000,
    }),
    workerSummary({ id: "h2/web-2", host: "h2" }),
  ],
  counters: { "datagrams-received": 12, "dropped-replayed": 3, unknownNonces: 1 },
  heartbeatsMissed: { c2: 4, c3: 0 },
  histograms: {
    roundTrips: { bounds: [1, 5], counts: [3, 1, 1], sum: 21 },
    lateness: { bounds: [1, 5], counts: [0, 0, 0], sum: 0 },
  },
  ...some,
});

export const meshEvent = (some: Partial<MeshEvent> = {}): MeshEvent => ({
  kind: "verdict-changed",
  at: 1_700_000_000_000,
  by: "c1",
  worker: "h1/web-1",
  recovery: "",
  text: "healthy → silent",
  evidence: [],
  notify: false,
  ...some,
});

export class ScriptedPlane implements ControlPlane {
  picture = summaryOf();
  recoveries: RecoveryRecord[] = [recoveryRecord];
  isReady = true;
  leaderAt: string | undefined;
  looksForLeader = 0;
  result: CommandResult = { kind: "done", text: "a recovery began", recovery: "4.7.aa" };
  events: ListedEvent[] = [];
  queues: Queue[] = [];
  recordIsAway = false;
  readonly known: RecoveryRecord[] = [];
  readonly commands: { command: OperatorCommand; by: string }[] = [];
  readonly changes: { change: MemberChange; by: string }[] = [];
  changeEnds: Omit<ChangeEnded, "kind"> = {
    how: "made",
    text: "c4 (10.0.0.4:7700) is added: done",
  };
  readonly switches: { ask: HostSwitch; by: string }[] = [];
  switched: () => Switched = () => ({ before: "active", by: "h1" });
  readonly asked: RecoveryAsk[] = [];
  hasRecorder = true;
  reading: SwarmReading = smallSwarm();
  readonly listeners = new Set<(event: MeshEvent) => void>();
  tests = 0;

  summary(): CoordinatorSummary {
    return this.picture;
  }

  readiness() {
    return { ready: this.isReady, reasons: this.isReady ? [] : ["the disk is full"] };
  }

  facts(): ProcessFacts {
    return facts;
  }

  /** Where the others answer. */
  urls: Record<string, string> = {};

  members(): readonly { readonly id: string; readonly url: string }[] {
    const nowhere = "http://127.0.0.1:1";
    return this.picture.set.members.map(({ id }) => ({ id, url: this.urls[id] ?? nowhere }));
  }

  knownRecovery(id: string): RecoveryRecord | undefined {
    return this.known.find((one) => one.id === id);
  }

  command(command: OperatorCommand, by: string): Promise<CommandResult> {
    this.commands.push({ command, by });
    return Promise.resolve(this.result);
  }

  changeCoordinators(change: MemberChange, by: string): Promise<Omit<ChangeEnded, "kind">> {
    this.changes.push({ change, by });
    return Promise.resolve(this.changeEnds);
  }

  readonly cutLinks = new Set<string>();

  links(): readonly Link[] {
    const others = [
      { id: "c2", host: "127.0.0.1", port: 7702 },
      { id: "c3", host: "127.0.0.1", port: 7703 },
    ];
    return others.map((other) => ({ ...other, isCut: this.cutLinks.has(other.id) }));
  }

  cutLink(id: string, isCut: boolean): void {
    if (isCut) this.cutLinks.add(id);
    else this.cutLinks.delete(id);
  }

  switchHost(ask: HostSwitch, by: string): Promise<Switched> {
    this.switches.push({ ask, by });
    return new Promise((resolve) => {
      resolve(this.switched());
    });
  }

  listRecoveries(ask: RecoveryAsk): Promise<readonly RecoveryRecord[]> {
    this.asked.push(ask);
    return this.#unlessAway(this.recoveries);
  }

  getRecovery(id: string): Promise<RecoveryRecord | undefined> {
    return this.#unlessAway(id === recoveryRecord.id ? recoveryRecord : undefined);
  }

  listEvents(ask: EventAsk): Promise<readonly ListedEvent[]> {
    this.asked.push(ask);
    const older = this.events.filter((one) => ask.before === undefined || one.id < ask.before);
    const wanted = older.filter(({ event }) => isWanted(event, ask));
    return this.#unlessAway(wanted.slice(0, ask.limit));
  }

  subscribe(onEvent: (event: MeshEvent) => void): Promise<() => void> {
    this.listeners.add(onEvent);
    return Promise.resolve(() => this.listeners.delete(onEvent));
  }

  readonly shelves = new ScriptedShelves((value) => this.#unlessAway(value));
  shelf = <Document>(kind: string): Documents<Document> => this.shelves.shelf(kind);

  marked: Marks = {
    silences: [{ worker: "h1/web-1", for: 3_600_000, reason: "by ops (c1): a new disk" }],
    quarantines: [{ worker: "h1/web-2", ago: 2_000 }],
  };
  readonly restored: { marks: Marks; text: string; by: string }[] = [];

  marks(): Promise<Marks> {
    return this.#unlessAway(this.marked);
  }

  restore(marks: Marks, text: string, by: string): void {
    this.restored.push({ marks, text, by });
  }

  swarm(): Promise<SwarmReading> {
    return Promise.resolve(this.reading);
  }

  manager = new ScriptedManager();
  readonly swarmChanges: { changed: SwarmChanged; by: string }[] = [];

  others: OtherSwarm[] = [];

  swarms(): readonly OtherSwarm[] {
    return this.others;
  }

  engines(): readonly VerbEngine[] {
    return [this.manager];
  }

  onSwarmChange(changed: SwarmChanged, by: string): void {
    this.swarmChanges.push({ changed, by });
  }

  scalingState: ScalingState | undefined = {
    ...{ load: 0.9, loadOf: "tasks", replicas: 2, wanted: 4, heldBecause: "" },
    lastChangeAt: 1_700_000_000_000,
  };
  scaling = (): Promise<ScalingState | undefined> => Promise.resolve(this.scalingState);
  readonly containerClusters = new ScriptedClusters();

  clusters(): ScriptedClusters {
    return this.containerClusters;
  }

  readonly moves: MoveCommand[] = [];

  move(command: MoveCommand): void {
    this.moves.push(command);
  }

  leaderUrl(): string | undefined {
    this.looksForLeader++;
    return this.leaderAt;
  }

  symptoms: Symptom[] = [];

  examine = (): Promise<readonly Symptom[]> => Promise.resolve(this.symptoms);
  boardQueues = (): readonly Queue[] => this.queues;
  readonly counted = new Tally();
  channels = [{ channel: "slack", ok: false, text: "answered 500" }];
  tally = (): Tally => this.counted;

  recording(): Promise<Buffer | undefined> {
    return Promise.resolve(this.hasRecorder ? recordingOfNothing : undefined);
  }

  notifyTest() {
    this.tests++;
    return Promise.resolve(this.channels);
  }

  happens(event: MeshEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  #unlessAway<Value>(value: Value): Promise<Value> {
    return this.recordIsAway
      ? Promise.reject(new Error("Redis is not connected"))
      : Promise.resolve(value);
  }
}

/** Of a recorder that has just started. */
export const recordingOfNothing = recordingFile(
  { id: "c1", cluster: "lab", node: "v20.0.0", recordedAt: 1_700_000_000_000 },
  [],
);

export interface TestServer {
  readonly url: string;
  readonly plane: ScriptedPlane;
  /** Also done at the test's end. */
  stop(): Promise<void>;
}

export interface ServerAsk {
  readonly id?: string;
  /** Variables beyond those of a trio with tokens; an empty one removes it. */
  readonly env?: Record<string, string>;
  readonly bounds?: HttpBounds;
  readonly log?: Logger;
}

export async function serve(t: TestContext, ask: ServerAsk = {}): Promise<TestServer> {
  const outcome = parseConfig(
    {
      COORDINATOR_ID: ask.id ?? "c1",
      COORDINATORS: "c1=127.0.0.1:7701,c2=127.0.0.1:7702,c3=127.0.0.1:7703",
      MESH_INSECURE: "1",
      HTTP_HOST: "127.0.0.1",
      API_TOKENS: apiTokens,
      ...ask.env,
    },
    readFileOr,
  );
  if (!outcome.ok) throw new Error(outcome.problems.join("\n"));
  const { config } = outcome;
  const plane = new ScriptedPlane();
  const running = await startHttp(
    { ...config, http: { ...config.http, port: 0 } },
    plane,
    ask.log ?? pino({ level: "silent" }),
    ask.bounds,
  );
  t.after(() => running.stop());
  return { url: running.url, plane, stop: () => running.stop() };
}

function readFileOr(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

export const bearer = (role: keyof typeof tokens): { authorization: string } => ({
  authorization: `Bearer ${tokens[role]}`,
});
