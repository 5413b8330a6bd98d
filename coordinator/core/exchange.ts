// What goes into the coordinator's core and what comes out of it: plain data, since it crosses between two threads.

import type {
  Doubt,
  ElectionMessage,
  GossipRecord,
  Grant,
  Message,
  Pong,
  Report,
} from "../../proto/messages.ts";
import type { CoordinatorId, Duration, Instant, Term, WorkerId } from "../../proto/units.ts";
import type { EngineNews } from "./engine-news.ts";
import type { Ballot, Role } from "./election.ts";
import type { ChangeEnded } from "./election-shape.ts";
import type { CoreEvent } from "./event.ts";
import type { Heard } from "./hearing.ts";
import type { HostId, SwarmNodes } from "./hosts/host.ts";
import type { KnockAnswer } from "./hosts/knocks.ts";
import type { JobNews } from "./job.ts";
import type { MoveCommand, SwarmPicture } from "./migration/moves.ts";
import type { MemberChange, MemberSet } from "./member-set.ts";
import type { OperatorCommand } from "./recovery-operator.ts";
import type { RevivalOrder } from "./recovery.ts";
import type { LifeAwaited, VigilOutput } from "./vigil.ts";
import type { CheckSpec } from "./worker.ts";

export type CoordinatorInput =
  /** The deadline has passed and the sockets were drained; `lateness` ms ago. */
  | { readonly kind: "timer-fired"; readonly lateness: Duration }
  | {
      readonly kind: "datagram-received";
      readonly sender: string;
      readonly address: string;
      readonly port: number;
      readonly message: Message;
    }
  | { readonly kind: "worker-refused"; readonly worker: WorkerId }
  | {
      readonly kind: "check-finished";
      readonly worker: WorkerId;
      readonly nonce: number;
      readonly ok: boolean;
      readonly reason: string;
    }
  /** The machine slept. */
  | { readonly kind: "clock-jumped"; readonly slept: Duration }
  /** A full queue dropped datagrams. */
  | { readonly kind: "datagrams-dropped" }
  | EngineNews
  | SwarmNodes
  | {
      readonly kind: "host-knocked";
      readonly host: HostId;
      readonly nonce: number;
      readonly answer: KnockAnswer;
    }
  /** Answers `read-swarm`. */
  | { readonly kind: "swarm-read"; readonly picture: SwarmPicture }
  /** A person's word on a service of the Swarm. */
  | { readonly kind: "move-asked"; readonly command: MoveCommand }
  | { readonly kind: "job-news"; readonly news: JobNews }
  | { readonly kind: "operator-asked"; readonly command: OperatorCommand }
  /** A person adds or removes a coordinator. */
  | { readonly kind: "coordinators-asked"; readonly change: MemberChange }
  /** What this coordinator itself sees of Redis. */
  | { readonly kind: "redis-changed"; readonly state: "reachable" | "unreachable" }
  /** What Redis remembers of workers; told once, when it was first read. */
  | {
      readonly kind: "records-loaded";
      readonly records: readonly GossipRecord[];
      readonly heard: readonly Heard[];
    }
  | { readonly kind: "persisted" }
  | { readonly kind: "persist-failed"; readonly reason: string }
  /** A runner here wants to know when a worker that was acted on first shows life. */
  | ({ readonly kind: "life-awaited" } & LifeAwaited)
  | {
      readonly kind: "window-opened";
      readonly id: number;
      readonly worker: WorkerId;
      readonly window: Duration;
    }
  /** The main thread runs; said every second. */
  | { readonly kind: "main-alive" }
  /** SIGTERM. */
  | { readonly kind: "stop-asked" };

/** What neither time nor the mesh brings. */
export type NewsInput = Exclude<
  CoordinatorInput,
  { kind: "timer-fired" | "datagram-received" | "clock-jumped" | "datagrams-dropped" }
>;

export type CoordinatorOutput =
  /** Durable before anything behind it is performed; where it fails, the rest of this step is not performed. */
  | { readonly kind: "persist"; readonly ballot: Ballot }
  | {
      readonly kind: "send-peer";
      readonly to: CoordinatorId;
      readonly message: ElectionMessage | Doubt | Report;
    }
  | {
      readonly kind: "ping-worker";
      readonly worker: WorkerId;
      readonly address: string;
      readonly port: number;
      readonly nonce: number;
      readonly freshSocket: boolean;
      /** Of a host. */
      readonly grant?: Grant;
    }
  /** To where the datagram of this step came from. */
  | {
      readonly kind: "reply";
      readonly address: string;
      readonly port: number;
      readonly message: Pong;
    }
  | {
      readonly kind: "check-worker";
      readonly worker: WorkerId;
      readonly nonce: number;
      readonly check: CheckSpec;
      readonly timeout: Duration;
    }
  /** Try a TCP connection to it, and close it. */
  | {
      readonly kind: "knock-host";
      readonly host: HostId;
      readonly address: string;
      readonly port: number;
      readonly nonce: number;
      readonly timeout: Duration;
    }
  /** Services, tasks and nodes, by a manager that can tell; `swarm-read` answers. */
  | { readonly kind: "read-swarm" }
  /** Its doubt is over: the socket of its own may be closed. */
  | { readonly kind: "worker-settled"; readonly worker: WorkerId }
  /** The main thread refuses it from `validUntil` on. */
  | { readonly kind: "enqueue"; readonly order: RevivalOrder; readonly validUntil: Instant }
  | {
      readonly kind: "act-directly";
      readonly order: RevivalOrder;
      readonly tryNumber: number;
      readonly validUntil: Instant;
    }
  | { readonly kind: "publish"; readonly event: CoreEvent }
  | { readonly kind: "save-record"; readonly record: GossipRecord }
  /** For the first time by this coordinator. */
  | { readonly kind: "save-heard"; readonly heard: Heard }
  | VigilOutput
  | ChangeEnded
  | { readonly kind: "members-changed"; readonly set: MemberSet }
  | {
      readonly kind: "role-changed";
      readonly role: Role;
      readonly term: Term;
      readonly leader: CoordinatorId;
      readonly reason: string;
    };
