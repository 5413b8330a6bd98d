// The quorum's conclusion against a dumb twin, and the rules that it must keep.

import assert from "node:assert/strict";
import { test } from "node:test";
import { conclude, type Conclusion, type Opinion } from "../../../coordinator/core/quorum.ts";
import { quorumOf } from "../../../proto/quorum.ts";
import { Random } from "../../../proto/random.ts";
import type { StandingKind } from "../../../proto/messages.ts";
import { inFull } from "../../inner-loop.ts";

const opinion = (by: string, standing: StandingKind, more: Partial<Opinion> = {}): Opinion => ({
  by,
  standing,
  isFresh: true,
  heardAgo: standing === "up" ? 100 : 5000,
  refused: 0,
  ...more,
});

/** Rule 2 counted out with loops and flags, and nothing shared with the real one. */
function twin(opinions: readonly Opinion[], configured: number, witnessFor: number): string {
  let down = 0;
  let up = 0;
  let refusing = 0;
  let surely = 0;
  let maybe = 0;
  for (const o of opinions) {
    const counts = o.isFresh && o.standing !== "abstain";
    if (counts && o.standing === "down") down++;
    if (counts && o.standing === "up") up++;
    if (counts && o.standing !== "up" && o.refused > 2) refusing++;
    if (counts && o.standing === "down") continue;
    if (o.heardAgo <= witnessFor / 2) surely++;
    else if (o.heardAgo <= witnessFor) maybe++;
  }
  if (up && !down) return "heard";
  if (down && (up || surely)) return "partial";
  let majority = 1;
  while (majority * 2 <= configured) majority++;
  if (refusing >= 2 && refusing >= majority && !up) return "silent";
  if (surely || maybe) return "undecided";
  return down >= majority ? "silent" : "undecided";
}

test("a quorum is more than half of the configured", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 7].map(quorumOf), [1, 2, 2, 3, 3, 4, 4]);
});

test("the conclusion is the twin's for many random meshes", () => {
  const random = new Random(42);
  const kinds = ["up", "doubt", "down", "abstain"] as const;
  const seen = new Map<Conclusion["kind"], number>();
  for (let i = 0; i < inFull(200_000); i++) {
    const configured = 1 + random.below(7);
    const opinions = Array.from({ length: 1 + random.below(configured) }, (_, j) =>
      opinion(`c${j + 1}`, random.float() < 0.5 ? "down" : kinds[random.below(4)]!, {
        isFresh: random.float() < 0.85,
        heardAgo: random.float() < 0.8 ? Infinity : random.below(2000),
        refused: random.float() < 0.9 ? 0 : random.below(6),
      }),
    );
    const conclusion = conclude(opinions, configured, 1500);
    assert.equal(conclusion.kind, twin(opinions, configured, 1500), JSON.stringify(opinions));
    seen.set(conclusion.kind, (seen.get(conclusion.kind) ?? 0) + 1);
    if (conclusion.kind === "silent") {
      assert.ok(conclusion.by.length >= quorumOf(configured));
    }
  }
  assert.equal(seen.size, 4, "each kind was met");
});

test("silence needs a quorum of the configured, not of those who speak", () => {
  assert.equal(conclude([opinion("c1", "down")], 3, 1500).kind, "undecided");
  const two = [opinion("c1", "down"), opinion("c2", "down")];
  assert.deepEqual(conclude(two, 3, 1500), {
    kind: "silent",
    by: ["c1", "c2"],
    because: "silence",
  });
  assert.equal(conclude(two, 4, 1500).kind, "undecided");
  assert.equal(conclude([opinion("c1", "down")], 1, 1500).kind, "silent");
});

test("stale reports, and those of the unfit, count for nothing", () => {
  const own = opinion("c1", "down");
  assert.equal(
    conclude([own, opinion("c2", "down", { isFresh: false })], 3, 1500).kind,
    "undecided",
  );
  assert.equal(conclude([own, opinion("c2", "abstain")], 3, 1500).kind, "undecided");
});

test("one who hears the worker beats all who do not, and the broken paths are named", () => {
  const opinions = [opinion("c1", "down"), opinion("c2", "down"), opinion("c3", "up")];
  assert.deepEqual(conclude(opinions, 3, 1500), {
    kind: "partial",
    heardBy: ["c3"],
    unheardBy: ["c1", "c2"],
  });
});

test("a witness whose reports are lost, or who doubts for a moment, still keeps a worker alive", () => {
  const down = [opinion("c1", "down"), opinion("c2", "down")];
  const witness = opinion("c3", "doubt", { heardAgo: 400 });
  assert.equal(conclude([...down, witness], 3, 1500).kind, "partial");
  assert.equal(conclude([...down, { ...witness, isFresh: false }], 3, 1500).kind, "partial");
  assert.equal(conclude([...down, { ...witness, heardAgo: 1400 }], 3, 1500).kind, "undecided");
  assert.equal(conclude([...down, { ...witness, heardAgo: 1501 }], 3, 1500).kind, "silent");
});

test("a refused datagram alone never suffices: two must have seen three, and nobody hear the worker", () => {
  const refused = (by: string, count: number) => opinion(by, "doubt", { refused: count });
  const kind = (...opinions: Opinion[]) => conclude(opinions, 3, 1500).kind;
  assert.equal(kind(refused("c1", 1000)), "undecided");
  assert.equal(conclude([refused("c1", 1000)], 1, 1500).kind, "undecided");
  assert.equal(kind(refused("c1", 3), refused("c2", 2)), "undecided");
  assert.equal(kind(refused("c1", 3), { ...refused("c2", 3), isFresh: false }), "undecided");
  assert.equal(kind(refused("c1", 3), refused("c2", 3), opinion("c3", "up")), "heard");
  assert.deepEqual(conclude([refused("c1", 3), refused("c2", 3)], 3, 1500), {
    kind: "silent",
    by: ["c1", "c2"],
    because: "refused",
  });
});
