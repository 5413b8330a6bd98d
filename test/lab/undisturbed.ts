// What must hold while datagrams are lost and workers live.

import assert from "node:assert/strict";
import type { Lost } from "./loss.ts";
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
  const losses = await mesh.lose(probability);
  try {
    const [seen] = await Promise.all([mesh.conclusions(forMs, living), struck.strike()]);
    const told: string[] = [];
    for (const [kind, loss] of Object.entries(losses)) {
      const lost = await loss.lost();
      told.push(`${lost.dropped} of ${lost.seen} ${kind}`);
      assertLost(kind, lost, probability, forMs);
    }
    console.log(
      `${probability * 100} % for ${forMs / 1000} s: lost ${told.join(", ")}; ` +
        `${seen.partial.length} partial, ${seen.elections} elections, at most ${Math.round(seen.leaderlessMs)} ms without a leader`,
    );
    assert.deepEqual(seen.verdicts, []);
    assert.deepEqual(seen.recoveries, []);
    assert.deepEqual(await mesh.startTimes(living), before);
    assert.ok(seen.leaderlessMs < longestLeaderless, `${seen.leaderlessMs} ms without a leader`);
  } finally {
    for (const loss of Object.values(losses)) await loss.lift();
  }
}

/** Each coordinator asks each worker once a second and tells the others more often; so many are lost as were wished. */
function assertLost(kind: string, { seen, dropped }: Lost, wished: number, forMs: number): void {
  assert.ok(seen > (10 * forMs) / 1000, `only ${seen} ${kind}`);
  const sixSigma = 6 * Math.sqrt((wished * (1 - wished)) / seen);
  assert.ok(
    Math.abs(dropped / seen - wished) < sixSigma,
    `${dropped} of ${seen} ${kind} were lost`,
  );
}
