// How grave an event is, by its kind.

import type { EventView } from "../../proto/rest.ts";
import type { EventKind } from "../core/event.ts";
import { toneOf, type Tone } from "./words.ts";

const tones: Readonly<Record<EventKind, Tone>> = {
  "verdict-changed": "calm",
  held: "calm",
  "left-alone": "calm",
  "recovery-enqueued": "busy",
  "recovery-adopted": "busy",
  "try-started": "busy",
  acted: "busy",
  verified: "good",
  "try-failed": "bad",
  recovered: "good",
  exhausted: "bad",
  superseded: "calm",
  quarantined: "bad",
  "quarantine-ended": "good",
  silenced: "calm",
  "silence-ended": "calm",
  "revive-requested": "busy",
  "brake-tripped": "warn",
  "brake-released": "good",
  "leader-changed": "warn",
  "coordinators-changed": "calm",
  "quorum-lost": "bad",
  "quorum-back": "good",
  "redis-lost": "bad",
  "redis-back": "good",
  "engine-lost": "bad",
  "engine-back": "good",
  "link-changed": "warn",
  "host-changed": "calm",
  "host-dead": "bad",
  "host-back": "good",
  "host-switched": "calm",
  restored: "calm",
  "swarm-changed": "calm",
  "cluster-changed": "calm",
  "swarm-lost": "bad",
  "swarm-back": "good",
  "move-requested": "busy",
  "command-taken": "calm",
  "change-refused": "warn",
  finding: "warn",
  abstained: "warn",
  "abstention-ended": "good",
  "disk-failed": "bad",
  "agent-leaving": "calm",
  started: "calm",
  stopping: "calm",
};

const isKnown = (kind: string): kind is EventKind => Object.hasOwn(tones, kind);

/** A changed verdict is as grave as the new one, with which its text begins; a kind of a later release is calm. */
export function eventTone({ kind, text }: Pick<EventView, "kind" | "text">): Tone {
  if (kind === "verdict-changed") return toneOf(text.split(":")[0] ?? "");
  return isKnown(kind) ? tones[kind] : "calm";
}

/** For a choice. */
export const knownKinds: readonly string[] = Object.keys(tones).toSorted();
