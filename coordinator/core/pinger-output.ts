// What the Pinger is told at its start, what it asks its shell to do, and what it counts.

import type { StandingKind } from "../../proto/messages.ts";
import type { Duration, Instant, WorkerId } from "../../proto/units.ts";

export interface PingerConfig {
  /** The place of this coordinator among the configured ones, sorted by id; from 0. */
  readonly coordinatorIndex: number;
  readonly coordinatorCount: number;
  /**
   * The instant of this process's clock from which the phases are counted; the same moment for every coordinator, or they are
   * not staggered (which costs detection up to 2/3 CHECK_INTERVAL and nothing else). The shell gives now − (ms since 1970).
   */
  readonly phaseOrigin?: Instant;
}

export type PingerOutput =
  /** Send a PING. `freshSocket`: from a connected socket of its own for this worker, so that the source port changes and refusals are reported. */
  | {
      readonly kind: "ping";
      readonly worker: WorkerId;
      readonly nonce: number;
      readonly freshSocket: boolean;
    }
  /** Make the worker's TCP or HTTP check once; its result comes back with the nonce. */
  | {
      readonly kind: "check";
      readonly worker: WorkerId;
      readonly nonce: number;
      readonly timeout: Duration;
    }
  | {
      readonly kind: "standing-changed";
      readonly worker: WorkerId;
      readonly standing: StandingKind;
      readonly text: string;
    }
  /** The first doubt of this coordinator's own: tell the others, who ask at once too. */
  | { readonly kind: "ask-peers"; readonly worker: WorkerId; readonly nonce: number };

export interface PongOutcome {
  readonly outputs: readonly PingerOutput[];
  /** False for a nonce that is not, or no longer, known. */
  readonly accepted: boolean;
  /** Of this very answer, ms; -1 when it was not accepted. */
  readonly roundTrip: Duration;
}

/** Counted since the start. */
export interface PingerCounters {
  pings: number;
  checks: number;
  answers: number;
  /** Attempts, by datagrams or by a check, that ended without an answer. */
  failedAttempts: number;
  /** Answers whose nonce is unknown: forged, repeated, or more than `questionsRemembered` questions late. */
  unknownNonces: number;
  /** Doubts begun; those that ended with an answer; verdicts of `down`. */
  doubts: number;
  doubtsEnded: number;
  downs: number;
  refusals: number;
  hastened: number;
  /** Lateness of our own tick that was added to the deadlines, ms. */
  lateness: Duration;
}

export const zeroCounters = (): PingerCounters => ({
  pings: 0,
  checks: 0,
  answers: 0,
  failedAttempts: 0,
  unknownNonces: 0,
  doubts: 0,
  doubtsEnded: 0,
  downs: 0,
  refusals: 0,
  hastened: 0,
  lateness: 0,
});
