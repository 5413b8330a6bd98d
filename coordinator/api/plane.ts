// What the HTTP API needs of the rest of the process. Whoever composes the coordinator implements it.

import type { Queue } from "bullmq";
import type { Duration, WorkerId } from "../../proto/units.ts";
import type { ClusterDesk } from "../clusters/desk.ts";
import type { ChangeEnded } from "../core/election-shape.ts";
import type { MeshEvent } from "../core/event.ts";
import type { Member } from "../../proto/messages.ts";
import type { MemberChange } from "../core/member-set.ts";
import type { MoveCommand } from "../core/migration/moves.ts";
import type { RecoveryRecord } from "../core/recovery-record.ts";
import type { ScalingState } from "../core/scaling/scaler.ts";
import type { CoordinatorSummary } from "../core/summary.ts";
import type { Symptom } from "../doctor/ailments.ts";
import type { Availability, Switched } from "../docker/availability.ts";
import type { SwarmChange } from "../../proto/swarm-rest.ts";
import type { SwarmReading } from "../docker/swarm.ts";
import type { VerbEngine } from "../docker/swarm-verbs.ts";
import type { Documents } from "../io/shelf.ts";
import type { Tally } from "../metrics/tally.ts";
import type { Marks } from "../core/marks.ts";
import type { EventAsk, ListedEvent, PageAsk } from "../io/record-store.ts";

/** What an operator asks of the leader. */
export type OperatorCommand =
  | { readonly kind: "revive"; readonly worker: WorkerId; readonly reason: string }
  | {
      readonly kind: "silence";
      readonly worker: WorkerId;
      readonly duration: Duration;
      readonly reason: string;
    }
  | { readonly kind: "unsilence"; readonly worker: WorkerId }
  | { readonly kind: "release-quarantine"; readonly worker: WorkerId };

export type CommandResult =
  | {
      readonly kind: "done";
      /** One sentence for a person. */
      readonly text: string;
      /** The recovery that it began. */
      readonly recovery?: string;
    }
  /** Understood, but it makes no sense now (not in quarantine, paused, a recovery runs already). */
  | { readonly kind: "refused"; readonly text: string }
  | { readonly kind: "unknown-worker" }
  /** This coordinator holds no lease (any more). */
  | { readonly kind: "not-leader" };

/** What an operator asks of a node of the Swarm. */
export interface HostSwitch {
  readonly node: string;
  /** For people. */
  readonly name: string;
  readonly wanted: Availability;
  readonly reason: string;
  /** The engine that told of the Swarm. */
  readonly engine: string;
}

export interface Link extends Member {
  readonly isCut: boolean;
}

/** What a person asked of the Swarm. */
export interface SwarmChanged {
  readonly verb: string;
  readonly subject: string;
  /** Of SWARMS; the Swarm of DOCKER_HOST unless given. */
  readonly cluster?: string;
  /** Why it could not be, in words, or what was changed. */
  readonly outcome: SwarmChange | string;
}

/** A Swarm beside the one of DOCKER_HOST. */
export interface OtherSwarm {
  readonly name: string;
  readonly engines: readonly VerbEngine[];
  /** As a manager tells it now. Never rejects; takes up to 8 s where none can. */
  read(): Promise<SwarmReading>;
}

/** What does not stand in the mesh's picture. */
export interface ProcessFacts {
  readonly version: string;
  /** Unix time in ms, as the next. */
  readonly startedAt: number;
  /** Undefined while no leader is known. */
  readonly leaderSince: number | undefined;
}

export interface ControlPlane {
  /** The latest picture; at most a few hundred ms old. */
  summary(): CoordinatorSummary;
  /** Whether this process can do its work; reasons in words where not. */
  readiness(): { readonly ready: boolean; readonly reasons: readonly string[] };
  facts(): ProcessFacts;
  /** The coordinators of the set, and where the HTTP of each answers, without a slash at the end. */
  members(): readonly { readonly id: string; readonly url: string }[];
  /** As far as this process knows it without asking the record. */
  knownRecovery(id: string): RecoveryRecord | undefined;
  /** On the leader. Resolves once the command was taken or refused, not when the recovery ends. `by`: who asks, for the audit. */
  command(command: OperatorCommand, by: string): Promise<CommandResult>;
  /** On the leader. Resolves once the change is made, or cannot be. */
  changeCoordinators(change: MemberChange, by: string): Promise<Omit<ChangeEnded, "kind">>;
  /** Between this coordinator and the others. */
  links(): readonly Link[];
  /** For tests: its datagrams are lost, both ways, until it is restored or this process ends. */
  cutLink(id: string, isCut: boolean, by: string): void;
  /** On the leader. Rejects with a coded error where no manager takes it. */
  switchHost(ask: HostSwitch, by: string): Promise<Switched>;
  /** Newest first, as the next two; may reject while Redis is away. */
  listRecoveries(ask: PageAsk): Promise<readonly RecoveryRecord[]>;
  getRecovery(id: string): Promise<RecoveryRecord | undefined>;
  listEvents(ask: EventAsk): Promise<readonly ListedEvent[]>;
  /** Each event of the mesh from the moment on when this resolves, with what ends it. Never rejects; while Redis is away, only this process's own. */
  subscribe(onEvent: (event: MeshEvent) => void): Promise<() => void>;
  /** Silences and quarantines in force, of workers that are not watched at the moment too. May reject while Redis is away. */
  marks(): Promise<Marks>;
  /** On the leader: puts these in force, and tells of a backup that was restored. */
  restore(marks: Marks, text: string, by: string): void;
  /** What people gave of that kind, in plural: `templates`. */
  shelf<Document>(kind: string): Documents<Document>;
  /** The Swarm as a manager tells it now. Never rejects; takes up to 8 s where none can. */
  swarm(): Promise<SwarmReading>;
  /** Those of SWARMS, which only the API manages. */
  swarms(): readonly OtherSwarm[];
  /** Those of DOCKER_HOST. */
  engines(): readonly VerbEngine[];
  /** On the leader: what was asked of the Swarm and what came of it, for the record. */
  onSwarmChange(changed: SwarmChanged, by: string): void;
  /** On the leader: what its policy makes of a service now; undefined where the Swarm has no such service. */
  scaling(service: string): Promise<ScalingState | undefined>;
  clusters(): ClusterDesk;
  /** On the leader: a person's word on a service. */
  move(command: MoveCommand): void;
  /** Where the leader's HTTP answers, without a slash at the end; undefined while none is known. */
  leaderUrl(): string | undefined;
  /** What should be mended of its own settings, Redis, engines and disk. Never rejects; takes about 4 s at most. */
  examine(): Promise<readonly Symptom[]>;
  /** The queues that Bull Board shows. */
  boardQueues(): readonly Queue[];
  /** What this process counts beside the summary. */
  tally(): Tally;
  /** The file of this coordinator's own flight recorder, undefined where it has none. Never rejects; takes a second where the mesh thread hangs. */
  recording(): Promise<Buffer | undefined>;
  /** Sends a test message through every channel. */
  notifyTest(): Promise<
    readonly { readonly channel: string; readonly ok: boolean; readonly text: string }[]
  >;
}
