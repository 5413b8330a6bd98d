// Events: each decision, and each decision not to act, with its reason; for the record, the API and notifications.

import type { CoordinatorId, Term, WorkerId } from "../../proto/units.ts";
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
  | "cluster-changed"
  | "swarm-lost"
  | "swarm-back"
  | "move-requested"
  | "command-taken"
  | "change-refused"
  | "finding"
  | "abstained"
  | "abstention-ended"
  | "disk-failed"
  | "agent-leaving"
  | "started"
  | "stopping";

/** What somebody asked for, and what came of it: the entry of the audit log. */
export interface ChangeRecord {
  /** A token's name and the coordinator that was asked, never the token: `ann (c1)`. */
  readonly actor: string;
  /** `scale-service`, `revive` … */
  readonly verb: string;
  /** The worker, service, node, coordinator, stack or template. */
  readonly subject: string;
  /** Of SWARMS; empty for the Swarm of DOCKER_HOST, and where it concerns none. */
  readonly cluster: string;
  /** Empty where there was nothing, or nothing that has a state. */
  readonly before: string;
  readonly after: string;
  readonly outcome: "done" | "refused";
}

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
  /** Of an event that is a person's word. */
  readonly change?: ChangeRecord;
}

/** Which events are wanted; all that is given must hold. */
export interface EventFilter {
  readonly worker?: WorkerId;
  readonly kind?: string;
  /** Only persons' words, as with the next two. */
  readonly changes?: boolean;
  /** The token's name. */
  readonly actor?: string;
  readonly subject?: string;
  /** Words that stand in its text, in any case of letters. */
  readonly search?: string;
}

/** An event as the core makes it, before the shell adds the time and its own name. */
export type CoreEvent = Omit<MeshEvent, "at" | "by">;

/** What most events leave at its default. */
export interface Said {
  readonly recovery?: string;
  readonly evidence?: readonly Evidence[];
  readonly notify?: boolean;
  readonly change?: ChangeRecord;
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
  ...(said.change === undefined ? {} : { change: said.change }),
});

const changeKinds: ReadonlySet<string> = new Set([
  "command-taken",
  "change-refused",
  "swarm-changed",
]);

/** Whether only persons' words can fit: these have a list of their own. */
export const asksForChanges = ({ changes, actor, subject, kind }: EventFilter): boolean =>
  changes === true || actor !== undefined || subject !== undefined || changeKinds.has(kind ?? "");

export function isWanted(event: MeshEvent, filter: EventFilter): boolean {
  const { worker, kind, actor, subject, search = "" } = filter;
  const { change } = event;
  return (
    (worker === undefined || event.worker === worker) &&
    (kind === undefined || event.kind === kind) &&
    (change !== undefined || !asksForChanges(filter)) &&
    (actor === undefined || change?.actor.replace(/ \(.*\)$/, "") === actor) &&
    (subject === undefined || change?.subject === subject) &&
    event.text.toLowerCase().includes(search.toLowerCase())
  );
}

/** What a new leader says of itself. */
export const leadsText = (leader: CoordinatorId, term: Term): string =>
  `${leader} leads term ${term}`;
