// The flight recorder in the mesh thread: what it notes of each step, what it leaves out, and that it never harms what it records.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Unpackr } from "msgpackr/pack";
import type { CoordinatorConfig } from "../../../coordinator/core/coordinator.ts";
import type { CoordinatorInput, CoordinatorOutput } from "../../../coordinator/core/exchange.ts";
import { Recorder, type RecordedBlock } from "../../../coordinator/io/recorder.ts";
import type { Block, StepsBlock } from "../../../coordinator/io/recording.ts";
import { instant, type Instant } from "../../../proto/units.ts";
import { container } from "../core/recovery-specs.ts";

const config = {
  wards: { census: { workerLabels: ["role=node"] } },
} as unknown as CoordinatorConfig;

class Lab {
  readonly blocks: RecordedBlock[] = [];
  readonly problems: string[] = [];
  lease: Instant | undefined;
  outputs: readonly CoordinatorOutput[] = [];
  now = 0;
  readonly #recorder: Recorder;
  readonly #step: (input: CoordinatorInput) => readonly CoordinatorOutput[];

  constructor(onBlock?: (block: RecordedBlock) => void) {
    this.#recorder = new Recorder({
      core: { leaseUntil: () => this.lease },
      config,
      wall: () => 1_000_000 + this.now,
      onBlock: onBlock ?? ((block) => this.blocks.push(block)),
      onProblem: (problem) => this.problems.push(problem),
    });
    this.#recorder.start("lost", 1, instant(0));
    const machine = { step: () => this.outputs, nextDeadline: () => undefined };
    const noted = this.#recorder.noting(machine);
    this.#step = (input) => noted.step(input, instant(this.now));
  }

  tell(input: CoordinatorInput, after = 10): readonly CoordinatorOutput[] {
    this.now += after;
    return this.#step(input);
  }

  /** What it has handed on of steps. */
  steps(): readonly StepsBlock[] {
    this.#recorder.flush();
    const unpackr = new Unpackr({ useRecords: true });
    const all = this.blocks.map(({ bytes }) => unpackr.unpack(bytes) as Block);
    return all.filter((block) => block.kind === "steps");
  }
}

const alive = { kind: "main-alive" } as const;

test("decisions are kept whole, the lease's gain and end among them, and the rest as a digest", () => {
  const lab = new Lab();
  const ping = (nonce: number): CoordinatorOutput => ({
    kind: "ping-worker",
    worker: "h/w",
    address: "10.0.0.1",
    port: 8888,
    nonce,
    freshSocket: false,
  });
  const publish = { kind: "save-heard", heard: { worker: "h/w", voice: "v" } } as const;
  lab.outputs = [ping(2 ** 40 + 1), publish];
  assert.equal(lab.tell(alive), lab.outputs, "what it wraps answers as before");
  lab.outputs = [];
  lab.lease = instant(500);
  lab.tell(alive);
  lab.tell(alive);
  lab.lease = undefined;
  lab.tell(alive);
  const [block] = lab.steps();
  assert.deepEqual(block?.nows, [10, 20, 30, 40]);
  assert.deepEqual(block.decisions, [
    [publish],
    [{ kind: "lease-gained" }],
    0,
    [{ kind: "lease-ended" }],
  ]);
  const other = new Lab();
  other.outputs = [ping(2 ** 41 + 1), publish];
  other.tell(alive);
  const same = new Lab();
  same.outputs = [ping(2 ** 40 + 1), publish];
  same.tell(alive);
  const digestOf = (one: Lab): number | undefined => one.steps()[0]?.digest;
  assert.notEqual(digestOf(other), digestOf(same));
});

test("a block is handed on each second, and after a thousand steps", () => {
  const lab = new Lab();
  for (let step = 0; step < 250; step++) lab.tell(alive, 10);
  assert.deepEqual(
    lab.blocks.map(({ kind }) => kind),
    ["begin", "steps", "steps"],
  );
  for (let step = 0; step < 2_048; step++) lab.tell(alive, 0);
  assert.equal(lab.blocks.length, 5);
  const told = lab.steps().reduce((sum, { inputs }) => sum + inputs.length, 0);
  assert.equal(told, 250 + 2_048);
});

test("values of labels that the core does not read are left out", () => {
  const lab = new Lab();
  const labels = {
    role: "node",
    "heartmesh.port": "99",
    "com.docker.compose.project": "shop",
    "proxy.basicauth": "ann:$apr1$hash",
  };
  const view = container("w", { labels });
  const event = {
    host: "h",
    containerId: "1",
    name: "w",
    labels,
    action: "start",
    signal: 0,
    exitCode: -1,
    ours: false,
  } as const;
  lab.tell({ kind: "engine-snapshot", host: "h", containers: [view] });
  lab.tell({ kind: "container-changed", view });
  lab.tell({ kind: "engine-event", event });
  const text = JSON.stringify(lab.steps());
  assert.equal(text.split('"proxy.basicauth":""').length, 4, "each time, by its name");
  assert.ok(!text.includes("apr1"));
  assert.equal(text.split(JSON.stringify({ ...labels, "proxy.basicauth": "" })).length, 4);
  assert.equal(view.labels["proxy.basicauth"], "ann:$apr1$hash", "what the core gets is untouched");
});

test("one that fails says so once and records no more, while what it records goes on", () => {
  const lab = new Lab(() => {
    throw new Error("no room");
  });
  for (let step = 0; step < 500; step++) assert.equal(lab.tell(alive), lab.outputs);
  assert.deepEqual(lab.problems, ["no room"]);
});
