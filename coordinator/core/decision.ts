// What the quorum concludes of a worker, from what evidence, and what is to be done about it.

import type { Instant, WorkerId } from "../../proto/units.ts";
import type { Move } from "./migration/order.ts";

export type VerdictKind =
  | "healthy"
  | "starting"
  | "unhealthy"
  | "partial"
  | "silent"
  | "agent-lost"
  | "stopped"
  | "paused"
  | "gone"
  | "unwatched"
  /** Of a service of a Swarm: replicas of it are lost with a host that is dead, or is being emptied. Of a container that may move: it ran on one that is dead. */
  | "stranded"
  /** Of a service: it was moved, and its own place is not restored yet. Of a container: it was moved, and the old one is not removed yet. */
  | "away"
  /** Nothing is known yet, or this coordinator abstains. */
  | "unknown";

export interface Evidence {
  readonly kind:
    | "pong"
    | "silence"
    | "refused"
    | "obituary"
    | "engine-event"
    | "inspection"
    | "engine-health"
    | "check"
    | "swarm"
    | "operator";
  /** Who saw it: a coordinator id, an engine's host, an agent's name. */
  readonly by: string;
  /** One sentence for a person. */
  readonly text: string;
}

export interface Verdict {
  readonly worker: WorkerId;
  readonly kind: VerdictKind;
  /** One sentence: why this and not another. */
  readonly reason: string;
  readonly evidence: readonly Evidence[];
}

/**
 * `start` a stopped container · `kill-start` a silent one · `restart` an unhealthy one · `revive-agent` only the
 * agent's container · `agent-then-worker` the agent in the first try and, where the silence outlasts that, `kill-start` · `recreate` a removed one · `restart-dependants` what lost its network namespace ·
 * `kill` a Swarm's task, which Swarm replaces by another container · `move` a service of a Swarm to other hosts, or back, or a container to another engine.
 */
export type ActionKind =
  | "start"
  | "kill-start"
  | "agent-then-worker"
  | "restart"
  | "revive-agent"
  | "recreate"
  | "restart-dependants"
  | "kill"
  | "move";

/** What a verdict asks for. Decided on every coordinator alike; acted on by the leader alone. */
export type Decision =
  | {
      readonly kind: "act";
      readonly worker: WorkerId;
      readonly verdict: Verdict;
      readonly action: ActionKind;
      /** Not before this instant (a stop's hold, the engine's own restart policy first). */
      readonly notBefore: Instant;
      /** Why it waits, where it does. */
      readonly waitReason: string;
      /** The failure is explained by another one (its host, its engine): the brake counts them as one. Empty when it stands alone. */
      readonly commonCause: string;
      /** Of a service, or of a container that may move. */
      readonly move?: Move;
    }
  | {
      readonly kind: "leave";
      readonly worker: WorkerId;
      readonly verdict: Verdict;
      /** Why nothing is done; `""` for a healthy worker. */
      readonly reason: string;
      /** A person has to do something: it is sent to people. */
      readonly isTheirs?: true;
      /** Its move waits for a person's word that it has ended where it ran. */
      readonly awaitsWord?: true;
    };
