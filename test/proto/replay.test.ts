import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { limits } from "../../proto/limits.ts";
import { ReplayGuard } from "../../proto/replay.ts";

/** The dumb twin: remembers everything, and looks at all of it. */
class DumbGuard {
  readonly #bounds: { senders: number; window: number };
  #heard: { sender: string; seen: number[] }[] = [];

  constructor(bounds: { senders: number; window: number }) {
    this.#bounds = bounds;
  }

  accept(sender: string, sequence: number): boolean {
    let entry = this.#heard.find((candidate) => candidate.sender === sender);
    if (entry === undefined) {
      entry = { sender, seen: [] };
      if (this.#heard.length === this.#bounds.senders) this.#heard.shift();
      this.#heard.push(entry);
    }
    const highest = Math.max(0, ...entry.seen);
    if (sequence < 1 || highest - sequence >= this.#bounds.window) return false;
    if (entry.seen.includes(sequence)) return false;
    entry.seen.push(sequence);
    this.#heard = [...this.#heard.filter((other) => other !== entry), entry];
    return true;
  }
}

const sequences = (window: number) =>
  fc.oneof(
    fc.nat({ max: 3 * window }),
    fc.integer({ min: 1, max: 8 }).map((n) => n * window),
    fc.integer({ min: 1, max: 8 }).map((n) => n * window + 1),
    fc.constantFrom(2 ** 32, 2 ** 47, 2 ** 48 - 1),
  );

for (const bounds of [
  { senders: 3, window: 32 },
  { senders: 1, window: 64 },
  { senders: 2, window: 128 },
]) {
  test(`a window of ${bounds.window} for ${bounds.senders} senders answers as its dumb twin does`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom("a", "b", "c", "d", "e"), sequences(bounds.window)), {
          maxLength: 200,
          size: "max",
        }),
        (arrivals) => {
          const guard = new ReplayGuard(bounds);
          const twin = new DumbGuard(bounds);
          for (const [sender, sequence] of arrivals) {
            assert.equal(
              guard.accept(sender, sequence),
              twin.accept(sender, sequence),
              `${sender} ${sequence}`,
            );
          }
        },
      ),
      { numRuns: 400 },
    );
  });
}

test("any order inside the window is accepted, each sequence once", () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray(
        Array.from({ length: limits.replayWindow }, (_, i) => i + 1),
        { minLength: 1 },
      ),
      (order) => {
        const guard = new ReplayGuard();
        for (const sequence of order) assert.equal(guard.accept("a", sequence), true);
        for (const sequence of order) assert.equal(guard.accept("a", sequence), false);
      },
    ),
    { numRuns: 30 },
  );
});

test("the last sequence inside the window is accepted and the next older one is not", () => {
  const guard = new ReplayGuard();
  assert.equal(guard.accept("a", 5000), true);
  assert.equal(guard.accept("a", 5000 - limits.replayWindow + 1), true);
  assert.equal(guard.accept("a", 5000 - limits.replayWindow), false);
  assert.equal(guard.accept("a", 1), false);
});

test("sequences begin at 1", () => {
  assert.equal(new ReplayGuard().accept("a", 0), false);
});

test("beyond its bound it forgets the sender that was unheard for longest", () => {
  const guard = new ReplayGuard({ senders: 2, window: 32 });
  assert.equal(guard.accept("a", 10), true);
  assert.equal(guard.accept("b", 10), true);
  assert.equal(guard.accept("a", 11), true);
  assert.equal(guard.accept("c", 10), true); // b goes
  assert.equal(guard.senders, 2);
  assert.equal(guard.accept("a", 10), false);
  assert.equal(guard.accept("b", 10), true);
});

test("more senders than workers can be followed", () => {
  assert.ok(limits.replaySenders > limits.workers + limits.coordinators);
});
