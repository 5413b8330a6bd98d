// How grave an event is, by its kind.

import type { EventView } from "../../proto/rest.ts";
import { toneOf, type Tone } from "./words.ts";

const tones: Readonly<Record<string, Tone>> = {
  recovered: "good",
  verified: "good",
  "quarantine-ended": "good",
  "brake-released": "good",
  "quorum-back": "good",
  "redis-back": "good",
  "engine-back": "good",
  "host-back": "good",
  "swarm-back": "good",
  "abstention-ended": "good",
  "try-failed": "bad",
  exhausted: "bad",
  quarantined: "bad",
  "quorum-lost": "bad",
  "redis-lost": "bad",
  "engine-lost": "bad",
  "host-dead": "bad",
  "swarm-lost": "bad",
  "disk-failed": "bad",
  "brake-tripped": "warn",
  "change-refused": "warn",
  finding: "warn",
  abstained: "warn",
  "link-changed": "warn",
  "leader-changed": "warn",
  "recovery-enqueued": "busy",
  "recovery-adopted": "busy",
  "try-started": "busy",
  acted: "busy",
  "revive-requested": "busy",
  "move-requested": "busy",
};

/** A changed verdict is as grave as the new one, with which its text begins. */
export const eventTone = ({ kind, text }: Pick<EventView, "kind" | "text">): Tone =>
  kind === "verdict-changed" ? toneOf(text.split(":")[0] ?? "") : (tones[kind] ?? "calm");
