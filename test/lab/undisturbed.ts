// What must hold while datagrams are lost and workers live.

import assert from "node:assert/strict";
import type { LossyMesh } from "./lossy-mesh.ts";

/** A leader that loses its office is followed within about a second; on a machine that does something else, later. */
const longestLeaderless = 5_000;

export interface Strike {
  /** Whom it hits: nothing is asserted of them. */
  readonly workers: readonly string[];
  /** Resolves when they are well again. */
  readonly strike: () => Promise<void>;
}

/** Loses datagrams for so long and checks that nobody alive was condemned or touched, that there was a leader, and that the loss was there. */
export async function assertUndisturbed(
  mesh: LossyMesh,
  probability: number,
  forMs: number,
  struck: Strike = { workers: [], strike: () => Promise.resolve() },
): Promise<void> {
  const living = mesh.workers.filter((name) => !struck.workers.includes(name));
  const before = await mesh.startTimes(living);
  const loss = await mesh.lose(probability);
  try {
    const [seen] = await Promise.all([mesh.conclusions(forMs, living), struck.strike()]);
    const { seen: packets, dropped } = await loss.lost();
    const share = dropped / packets;
    console.log(
      `${probability * 100} % for ${forMs / 1000} s: ${dropped} of ${packets} lost, ` +
        `${seen.partial.length} partial, ${seen.elections} elections, at most ${Math.round(seen.leaderlessMs)} ms without a leader`,
    );
    assert.deepEqual(seen.verdicts, []);
    assert.deepEqual(seen.recoveries, []);
    assert.deepEqual(await mesh.startTimes(living), before);
    assert.ok(seen.leaderlessMs < longestLeaderless, `${seen.leaderlessMs} ms without a leader`);
    // Every worker is asked by every coordinator once a second, and answers.
    assert.ok(packets > (living.length * 3 * forMs) / 1000, `only ${packets} packets`);
    const sixSigma = 6 * Math.sqrt((probability * (1 - probability)) / packets);
    assert.ok(Math.abs(share - probability) < sixSigma, `${dropped} of ${packets} were dropped`);
  } finally {
    await loss.lift();
  }
}
