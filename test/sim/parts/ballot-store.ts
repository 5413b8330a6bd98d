// A coordinator's disk: what was written before a crash is there after it.

import type { Ballot } from "../../../coordinator/core/vote-book.ts";
import { coded } from "../../../coordinator/errors.ts";
import { currentLoop } from "../loop.ts";
import { surroundingsOf } from "../host-of.ts";
import type { BallotStore } from "../../../coordinator/io/ballot-store.ts";

export type { BallotStore };

/** How long a write of a slow disk holds the thread, ms. */
const slowWrite = 400;

export function openBallotStore(_dataDir: string): BallotStore {
  const loop = currentLoop();
  const { process } = loop;
  const { disk } = surroundingsOf(process);
  if (disk === undefined) throw new Error(`${process.name} has no disk`);
  return {
    read: () => ({
      ballot: (disk.ballot as Ballot | undefined) ?? "lost",
      isFresh: false,
      damage: [],
    }),
    write: (ballot: Ballot) => {
      if (!process.effect()) return;
      if (disk.state === "failing") throw coded("HM_DISK", "no space left on device");
      disk.ballot = ballot;
      if (disk.state === "slow") loop.block(slowWrite);
      // Between the write and what stands behind it there is a moment, too.
      process.effect();
    },
  };
}
