// When a host must have stopped what is fenced there: the arithmetic of grants, as far apart as two clocks may run.
//
// A grant counts from the answer that it names, by the clock of the host's agent. Its coordinator heard that answer later than it left.
// So a coordinator that has heard nothing since `heardAt` has given nothing that lasts beyond `grantEnds`, whatever it sent and whatever is
// still under way: that is a bound as safe as the last grant *sent*, and one verdict's time earlier. Where a quorum was silent together
// at one instant, no other quorum can have held the host then, and its agent has begun to stop what is fenced.

import type { LastGrant } from "../../../proto/messages.ts";
import {
  after,
  clockDrift,
  type CoordinatorId,
  type Duration,
  type Instant,
} from "../../../proto/units.ts";

/** What a person, or a move, may take for certain of a host's fenced containers. */
export type FenceView =
  | { readonly kind: "stopped"; readonly text: string }
  | { readonly kind: "waiting"; readonly until: Instant; readonly text: string }
  /** No live agent that can fence was there when it vanished: only a person may move what is fenced. */
  | { readonly kind: "unsure"; readonly text: string };

/** The view of several hosts that keeps longest: of one that nobody is sure of, else of the one to wait for; undefined where all has stopped. */
export function longestOf(views: readonly FenceView[]): FenceView | undefined {
  const unsure = views.find(({ kind }) => kind === "unsure");
  if (unsure !== undefined) return unsure;
  const waiting = views.flatMap((view) => (view.kind === "waiting" ? [view] : []));
  return waiting.toSorted((a, b) => b.until - a.until)[0];
}

export interface FenceConfig {
  /** FENCE_AFTER. */
  readonly after: Duration;
  /** FENCE_ON_TRIO_LOSS=keep. */
  readonly saysGoodbye: boolean;
}

/** Hosts are asked at least so often: their grants come with the questions. */
export const grantEvery: Duration = 1_000;

/** One coordinator was without any answer of the host from some instant on, and knows it until `until`. By the reader's clock. */
export interface Silence {
  readonly by: CoordinatorId;
  /** Its last grant ends no later than this. */
  readonly ends: Instant;
  readonly until: Instant;
}

/**
 * What an agent takes from the end of its grants to the last SIGKILL, beyond the stop timeout: it looks at its clock every 100 ms, which it
 * reads up to 10 ms early, kills 150 ms after the timeout, and may run late itself.
 */
const stopMargin: Duration = 1_000;

/** After FENCE_AFTER · (1 + d): a clock that runs fast by d shows so much when FENCE_AFTER of real time has passed. */
export const grantEnds = (heardAt: Instant, length: Duration): Instant =>
  after(heardAt, length * (1 + clockDrift));

/** (stop timeout + margin) · (1 + d)/(1 − d): the agent counts by a clock that may be slow, the reader by one that may be fast. */
export const stopTakes = (within: Duration): Duration =>
  ((within + stopMargin) * (1 + clockDrift)) / (1 - clockDrift);

/**
 * From another coordinator's word: `ago` by its clock, fast by d at most, is ago · (1 − d)/(1 + d) at least by ours. `askedAt`: when the
 * question was asked that it answers, so that it cannot have been said earlier.
 */
export function silenceOf(
  by: CoordinatorId,
  { ago, for: length }: LastGrant,
  arrivedAt: Instant,
  askedAt: Instant,
): Silence {
  const atLeast = (ago * (1 - clockDrift)) / (1 + clockDrift);
  return { by, ends: grantEnds(after(arrivedAt, -atLeast), length), until: askedAt };
}

/** The first instant at which so many were silent together that all their grants had ended; undefined where there was none. */
export function lapsedAt(silences: readonly Silence[], quorum: number): Instant | undefined {
  const instants = silences.map(({ ends }) => ends).sort((a, b) => a - b);
  return instants.find((at) => {
    const silent = silences.filter(({ ends, until }) => ends <= at && at <= until);
    return silent.length >= quorum;
  });
}
