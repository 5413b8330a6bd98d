// What follows from the opinions of the coordinators on one worker: design rule 2 as one pure function.

import type { StandingKind } from "../../proto/messages.ts";
import { quorumOf } from "../../proto/quorum.ts";
import type { CoordinatorId, Duration } from "../../proto/units.ts";

/** What one coordinator said of a worker, as of now. */
export interface Opinion {
  readonly by: CoordinatorId;
  /** `abstain` also for one that is not fit to judge. */
  readonly standing: StandingKind;
  /** An answer to the present question, or young enough; one's own always is. */
  readonly isFresh: boolean;
  /** How long ago it heard the worker, by now; Infinity when never. */
  readonly heardAgo: Duration;
  /** Datagrams of its present silence that came back refused. */
  readonly refused: number;
}

export type Conclusion =
  | { readonly kind: "heard"; readonly by: readonly CoordinatorId[] }
  | {
      readonly kind: "silent";
      readonly by: readonly CoordinatorId[];
      /** `refused`: known without waiting for the silence; the worker's network answers, its agent's port does not. */
      readonly because: "silence" | "refused";
    }
  /** No action: the broken paths run from each of `unheardBy` to the worker. */
  | {
      readonly kind: "partial";
      readonly heardBy: readonly CoordinatorId[];
      readonly unheardBy: readonly CoordinatorId[];
    }
  /** Not enough is known: a verdict that stands is kept, none is made. */
  | { readonly kind: "undecided"; readonly reason: string };

/** So many refused datagrams, each on a try of its own, are evidence. */
const refusalsNeeded = 3;
/** … and so many coordinators must have seen them, however small the mesh: a refused datagram alone never suffices. */
const refusersNeeded = 2;

/**
 * `opinions` holds at most one per configured coordinator. Hearing a worker is positive evidence: it counts for
 * `witnessFor` ms (`PathView`) whoever heard it, fresh or stale, fit or not, so that lost reports
 * never make a witness vanish; a worker that is truly silent was heard by nobody for that long when the first quorum of `down`
 * stands, so that this delays no verdict. Within half of it the witness is certain and the worker is partial; in the other half
 * nothing is concluded.
 */
export function conclude(
  opinions: readonly Opinion[],
  configured: number,
  witnessFor: Duration,
): Conclusion {
  const judging = opinions.filter((o) => o.isFresh && o.standing !== "abstain");
  const down = judging.filter((o) => o.standing === "down");
  const up = judging.filter((o) => o.standing === "up");
  const witnesses = opinions.filter(
    (o) => up.includes(o) || (o.heardAgo <= witnessFor / 2 && !down.includes(o)),
  );
  if (up.length > 0 && down.length === 0) return { kind: "heard", by: names(up) };
  if (witnesses.length > 0 && down.length > 0) {
    return { kind: "partial", heardBy: names(witnesses), unheardBy: names(down) };
  }
  const refusers = judging.filter((o) => o.standing !== "up" && o.refused >= refusalsNeeded);
  if (up.length === 0 && refusers.length >= Math.max(refusersNeeded, quorumOf(configured))) {
    return { kind: "silent", by: names(refusers), because: "refused" };
  }
  const lately = opinions.filter((o) => o.heardAgo <= witnessFor && !down.includes(o));
  if (lately.length > 0) {
    return { kind: "undecided", reason: `heard lately by ${names(lately).join(", ")}` };
  }
  if (down.length >= quorumOf(configured)) {
    return { kind: "silent", by: names(down), because: "silence" };
  }
  return {
    kind: "undecided",
    reason: `${down.length} of the ${quorumOf(configured)} needed say it is down`,
  };
}

const names = (opinions: readonly Opinion[]): CoordinatorId[] => opinions.map((o) => o.by);
