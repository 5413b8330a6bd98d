// Whatever fails, in whatever order: safety while it does, and all well again afterwards. `SEED=n` replays one run.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Random } from "../../../proto/random.ts";
import type { MeshHarness } from "./mesh-harness.ts";
import { mesh } from "./mesh-scenes.ts";

const names = ["w1", "w2", "w3", "w4"];

/** One thing goes wrong. Returns the worker that it concerns; `""` for the healer's own parts. */
function fail(m: MeshHarness, random: Random): string {
  const name = names[random.below(names.length)]!;
  const worker = m.engine.workers.get(name)!;
  const id = `c${1 + random.below(3)}`;
  switch (random.below(8)) {
    case 0:
    case 1:
      m.engine.crash(name);
      return name;
    case 2:
      worker.isHungSince ??= m.now;
      return name;
    case 3:
      worker.isMute = true;
      worker.healsBy = random.float() < 0.5 ? "either" : "worker";
      return name;
    case 4:
      m.engine.crash(`${name}-agent`);
      return name;
    case 5:
      restartLater(m, m.leader() || id, random);
      return "";
    case 6:
      m.cutOff(id);
      m.at(random.between(500, 4_000), () => {
        m.cuts.clear();
      });
      return "";
    default:
      m.weather.loss = 0.2;
      m.at(random.between(1_000, 5_000), () => {
        m.weather.loss = 0;
      });
      return "";
  }
}

function restartLater(m: MeshHarness, id: string, random: Random): void {
  // A quorum stays.
  if (m.alive().length < 3) return;
  m.kill(id);
  m.at(random.between(200, 6_000), () => {
    m.boot(id);
  });
}

function run(seed: number): void {
  const random = new Random(seed);
  const arrangement = random.float() < 0.5 ? "inside" : "around";
  const m = mesh({ seed, arrangement, names, settings: { startPeriod: 5_000, maxRevivals: 50 } });
  const failed = new Map<string, number>();
  for (let i = 0; i < 8; i++) {
    const name = fail(m, random);
    if (name !== "") failed.set(name, (failed.get(name) ?? 0) + 1);
    const end = m.now + random.between(0, 9_000);
    while (m.now < end) {
      m.pass(200);
      m.leader();
      for (const { order } of m.deeds) assert.ok(failed.has(order.target.name), "untouched");
    }
  }
  // The last failure is noticed by then.
  m.pass(6_000);
  m.until(() => isWell(m), 120_000, 250);
  const deeds = m.deeds.length;
  m.pass(15_000);
  assert.ok(isWell(m));
  assert.equal(m.deeds.length, deeds, "nothing more is asked for");
  for (const name of names) {
    // A silent one may cost its agent's try and its own; any other failure one start.
    const most = 2 * (failed.get(name) ?? 0);
    assert.ok(m.engine.startsOf(name) <= most, `${name}: ${m.engine.startsOf(name)} starts`);
  }
}

/** Or given up for good, as one that failed in each of its tries must be. */
function isWell(m: MeshHarness): boolean {
  const isOver = (id: string): boolean =>
    m.told("exhausted").some((event) => event.worker === id) &&
    m.told("quarantined").some((event) => event.worker === id);
  const jobs = [...m.queue.jobs.values()];
  return (
    m.leader() !== "" &&
    jobs.every(({ isAlive }) => !isAlive) &&
    m
      .alive()
      .every(({ id }) =>
        m
          .summary(id)
          .workers.every(
            (w) =>
              (w.verdict === "healthy" && w.recovery === undefined) ||
              (w.quarantinedFor >= 0 && isOver(w.id)),
          ),
      )
  );
}

const only = process.env["SEED"];
const seeds = only === undefined ? Array.from({ length: 5 }, (_, i) => i + 1) : [Number(only)];

describe("eight random failures of workers, agents, coordinators and the network", () => {
  for (const seed of seeds) {
    test(`never meet two leaders or touch a healthy worker, and all is well afterwards (seed ${seed})`, () => {
      run(seed);
    });
  }
});
