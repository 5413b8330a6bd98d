// Events: each decision, and each decision not to act, with its reason; for the record, the API and notifications.

import type { CoordinatorId, WorkerId } from "../../proto/units.ts";
import type { Evidence } from "./decision.ts";

export type EventKind =
  | "verdict-changed"
  | "held"
  | "left-alone"
  | "recovery-enqueued"
  | "recovery-adopted"
  | "try-started"
  | "acted"
  | "verified"
  | "try-failed"
  | "recovered"
  | "exhausted"
  | "superseded"
  | "quarantined"
  | "quarantine-ended"
  | "silenced"
  | "silence-ended"
  | "revive-requested"
  | "brake-tripped"
  | "brake-released"
  | "leader-changed"
  | "coordinators-changed"
  | "quorum-lost"
  | "quorum-back"
  | "redis-lost"
  | "redis-back"
  | "engine-lost"
  | "engine-back"
  | "link-changed"
  | "host-changed"
  | "host-dead"
  | "host-back"
  | "host-switched"
  | "restored"
  | "swarm-changed"
  | "swarm-lost"
  | "swarm-back"
  | "move-requested"
  | "finding"
  | "abstained"
  | "abstention-ended"
  | "disk-failed"
  | "agent-leaving"
  | "started"
  | "stopping";

export interface MeshEvent {
  readonly kind: EventKind;
  /** Wall-clock ms, for people; stamped by the shell that publishes it. */
  readonly at: number;
  readonly by: CoordinatorId;
  /** Empty where it concerns no worker. */
  readonly worker: WorkerId;
  /** The recovery it belongs to; empty where none. */
  readonly recovery: string;
  /** One sentence for a person. */
  readonly text: string;
  readonly evidence: readonly Evidence[];
  /** Only the leader's events of consequence are sent to people. */
  readonly notify: boolean;
}

/** An event as the core makes it, before the shell adds the time and its own name. */
export type CoreEvent = Omit<MeshEvent, "at" | "by">;

/** What most events leave at its default. */
export interface Said {
  readonly recovery?: string;
  readonly evidence?: readonly Evidence[];
  readonly notify?: boolean;
}

/** @param worker empty where it concerns none */
export const eventOf = (
  worker: WorkerId,
  kind: EventKind,
  text: string,
  said: Said = {},
): CoreEvent => ({
  kind,
  worker,
  recovery: said.recovery ?? "",
  text,
  evidence: said.evidence ?? [],
  notify: said.notify ?? false,
});
