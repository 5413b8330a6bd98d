// Three coordinators and simulated workers in virtual time: how soon a silent worker is known, and that a live one never is.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { PathSettings } from "../../../coordinator/core/path.ts";
import { defaults, fast, gentle, silentAt, VirtualMesh, type MeshOptions } from "./virtual-mesh.ts";
import { inFull } from "../../inner-loop.ts";

interface Spread {
  mean: number;
  worst: number;
}

/** Cut → the first coordinator's verdict, ten workers a seed, each silenced at an instant of its own. */
function detection(
  settings: PathSettings,
  loss: number,
  options: Pick<MeshOptions, "isStaggered" | "heartbeat"> = {},
): Spread {
  const times: number[] = [];
  // So long that every path has been asked thirty times before its worker dies.
  const warm = 30 * settings.checkInterval;
  for (let seed = 1; seed <= 10; seed++) {
    const mesh = new VirtualMesh({ seed, workers: 10, settings, weather: { loss }, ...options });
    const cuts = mesh.workers.map((worker) => {
      const cut = mesh.random.between(warm, warm + 10 * settings.checkInterval);
      mesh.at(cut, () => {
        mesh.kill(worker);
      });
      return cut;
    });
    mesh.run(warm + 18 * settings.checkInterval);
    for (const [i, worker] of mesh.workers.entries()) {
      times.push((silentAt(mesh, worker.id, 0) ?? Infinity) - cuts[i]!);
    }
  }
  assert.ok(Math.min(...times) > 0, "no verdict before the cut");
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
  return { mean, worst: Math.max(...times) };
}

const assertWithin = (spread: Spread, mean: number, worst: number): void => {
  assert.ok(
    spread.mean <= mean && spread.worst <= worst,
    `mean ${spread.mean.toFixed(0)} of ${mean}, worst ${spread.worst.toFixed(0)} of ${worst}`,
  );
};

test("a silent worker is known within 2.1 s on average and 2.5 s at worst by the defaults", () => {
  assertWithin(detection(defaults, 0), 1850, 2000);
});

test("… within 1.4 s and 1.7 s by the fast set", () => {
  assertWithin(detection(fast, 0), 1250, 1350);
});

test("… within 7 s and 8 s by the gentle set", () => {
  const heartbeat = { interval: 3000, timeout: 10_000 };
  assertWithin(detection(gentle, 0, { heartbeat }), 7000, 8000);
});

test("… hardly later where three of ten datagrams are lost in each direction", () => {
  assertWithin(detection(defaults, 0.3), 2000, 3500);
});

test("… and in time for the defaults when the coordinators' clocks share no origin", () => {
  assertWithin(detection(defaults, 0, { isStaggered: false }), 2100, 2600);
});

test("a worker that is paused for a second ten times is never silent", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const mesh = new VirtualMesh({ seed, workers: 6 });
    for (const [i, worker] of mesh.workers.entries()) {
      for (let n = 0; n < 10; n++) {
        mesh.at(10_000 + 6000 * n + 377 * i, () => {
          mesh.pause(worker, 1000);
        });
      }
    }
    mesh.run(90_000);
    assert.deepEqual(mesh.happenings, []);
    assert.ok(mesh.standingsSeen.some(({ standing }) => standing === "doubt"));
  }
});

test("a round trip of 150 ms means no doubt and no burst, from the first question on", () => {
  const mesh = new VirtualMesh({ seed: 4, workers: 20, weather: { delay: 75, jitter: 4 } });
  mesh.pingTimes = [];
  mesh.run(120_000);
  assert.deepEqual(
    mesh.standingsSeen.filter(({ standing }) => standing !== "up"),
    [],
  );
  assert.equal(mesh.pingTimes.length, 20 * 3 * 120);
});

test("a round trip that grows from 1 to 150 ms is doubted for a moment and then known", () => {
  const mesh = new VirtualMesh({ seed: 4, workers: 20 });
  mesh.at(30_000, () => {
    Object.assign(mesh.weather, { delay: 75, jitter: 4 });
  });
  mesh.run(120_000);
  const late = mesh.standingsSeen.filter(({ at, standing }) => at > 60_000 && standing !== "up");
  assert.deepEqual(late, []);
  assert.deepEqual(mesh.happenings, []);
});

test("a coordinator that is stalled for 300 ms again and again makes no verdict of its own stalls", () => {
  const mesh = new VirtualMesh({ seed: 6, workers: 20 });
  const [c1] = mesh.coordinators;
  for (let at = 5000; at < 120_000; at += 2000) {
    mesh.at(at, () => {
      mesh.stall(c1!, 300);
    });
  }
  mesh.run(120_000);
  assert.deepEqual(mesh.happenings, []);
  assert.equal(c1!.pinger.counters.downs, 0);
});

test("300 ms of stall of one coordinator cost its verdict about 300 ms", () => {
  const verdict = (stall: number): number => {
    const mesh = new VirtualMesh({ seed: 12, workers: 1 });
    mesh.run(30_000);
    mesh.kill(mesh.workers[0]!);
    mesh.run(30_900);
    if (stall > 0) mesh.stall(mesh.coordinators[0]!, stall);
    mesh.run(36_000);
    const own = mesh.happenings.find((h) => h.by === "c1" && h.conclusion.kind === "silent");
    return (own?.at ?? Infinity) - 30_000;
  };
  const cost = verdict(300) - verdict(0);
  assert.ok(cost > 150 && cost < 380, `${cost} ms`);
});

test("a coordinator that was suspended for a minute clears its doubt and abstains for a while", () => {
  const mesh = new VirtualMesh({ seed: 13, workers: 20 });
  mesh.run(30_000);
  const [c1] = mesh.coordinators;
  mesh.stall(c1!, 60_000);
  mesh.run(90_050);
  assert.equal(mesh.fitness(c1!).fit, false);
  mesh.run(93_000);
  assert.equal(mesh.fitness(c1!).fit, true);
  assert.deepEqual(
    mesh.happenings.filter(({ by }) => by === "c1"),
    [],
  );
});

test("one coordinator cut off from everybody abstains and changes no verdict; the others go on", () => {
  const mesh = new VirtualMesh({ seed: 14, workers: 20 });
  mesh.run(20_000);
  const [c1, c2, c3] = mesh.coordinators;
  for (const id of [c2!.id, c3!.id, ...mesh.workers.map((w) => w.id)]) mesh.cut(c1!.id, id);
  mesh.run(40_000);
  assert.match(mesh.fitness(c1!).reason, /no other coordinator/);
  assert.deepEqual(
    mesh.happenings.filter(({ conclusion }) => conclusion.kind !== "undecided"),
    [],
  );
  mesh.kill(mesh.workers[4]!);
  mesh.run(43_000);
  const at = silentAt(mesh, mesh.workers[4]!.id, 40_000) ?? Infinity;
  assert.ok(at < 42_600, `${at}`);
});

test("one cut off from the workers alone learns from the others that it is its own fault", () => {
  const mesh = new VirtualMesh({ seed: 15, workers: 20 });
  mesh.run(20_000);
  const [c1] = mesh.coordinators;
  for (const worker of mesh.workers) mesh.cut(c1!.id, worker.id);
  mesh.run(40_000);
  assert.match(mesh.fitness(c1!).reason, /others hear 20 of them/);
  assert.ok(mesh.happenings.every(({ conclusion }) => conclusion.kind !== "silent"));
});

const minutes = inFull(10);

for (const loss of [0, 0.3]) {
  test(`a worker that only one coordinator can reach stays partial for ${minutes} minutes at ${loss * 100} % loss, and the paths are named`, () => {
    const mesh = new VirtualMesh({ seed: 16, workers: 8, weather: { loss } });
    mesh.run(20_000);
    const [c1, c2, c3] = mesh.coordinators;
    const worker = mesh.workers[2]!;
    mesh.cut(c1!.id, worker.id);
    mesh.cut(c2!.id, worker.id);
    mesh.run(minutes * 60_000);
    const own = mesh.happenings.filter((h) => h.worker === worker.id);
    assert.ok(own.every(({ conclusion }) => conclusion.kind !== "silent"));
    const kinds = own.filter(({ by }) => by === "c1").map(({ conclusion }) => conclusion.kind);
    assert.equal(kinds[loss === 0 ? 0 : kinds.indexOf("partial")], "partial");
    assert.ok(kinds.length <= (loss === 0 ? 1 : 8), `it changed ${kinds.length} times`);
    const now = mesh.conclusion(c1!, worker);
    assert.ok(now.kind === "partial");
    assert.deepEqual(now.heardBy, ["c3"]);
    assert.ok(now.unheardBy.includes("c1"));
    const others = mesh.happenings.filter((h) => h.worker !== worker.id);
    assert.ok(others.every(({ conclusion }) => conclusion.kind !== "silent"));
    assert.equal(mesh.conclusion(c3!, worker).kind, "partial", "also where it is heard");
  });
}

test("an alone coordinator concludes alone", () => {
  const mesh = new VirtualMesh({ seed: 17, workers: 1, coordinators: 1 });
  mesh.run(20_000);
  mesh.kill(mesh.workers[0]!);
  mesh.run(24_000);
  assert.ok((silentAt(mesh, mesh.workers[0]!.id, 20_000) ?? Infinity) < 22_700);
});
