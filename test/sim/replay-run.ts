// Runs the core over a recording, and compares what it decides with what was decided then. Bundled with the core as the product's build
// bundles it (replay.ts), since a checkpoint can be read only there.

import { isDeepStrictEqual } from "node:util";
import { Coordinator } from "../../coordinator/core/coordinator.ts";
import type { CoordinatorInput } from "../../coordinator/core/exchange.ts";
import { readCheckpoint } from "../../coordinator/io/checkpoint.ts";
import { coreSources } from "../../coordinator/io/class-register.ts";
import { Deciding } from "../../coordinator/io/deciding.ts";
import {
  readRecording,
  type BeginBlock,
  type Block,
  type Decision,
  type StepsBlock,
} from "../../coordinator/io/recording.ts";
import { Random } from "../../proto/random.ts";
import type { Instant } from "../../proto/units.ts";

export interface Moment {
  /** Wall-clock ms of the process that recorded, counted on by its monotonic clock. */
  readonly at: number;
  readonly decision: Decision;
}

export interface Difference {
  readonly at: number;
  /** Steps from the begin of the replay. */
  readonly step: number;
  readonly recorded: readonly Decision[];
  readonly replayed: readonly Decision[];
  /** The last ones, the one that was answered differently last. */
  readonly inputs: readonly { readonly at: number; readonly input: CoordinatorInput }[];
}

export interface Replay {
  readonly id: string;
  readonly cluster: string;
  /** Of Node, where it was recorded. */
  readonly node: string;
  /** Where the replay begins: the process's own start, a checkpoint, or nowhere, for lack of either. */
  readonly from: BeginBlock["state"]["from"] | "nowhere";
  readonly begunAt: number;
  readonly endedAt: number;
  readonly steps: number;
  readonly decisions: number;
  readonly difference: Difference | undefined;
  /** Since when other datagrams were sent, though the decisions were the same. */
  readonly datagramsDifferFrom: number | undefined;
  /** Sources of the core that are other ones now. */
  readonly changedSources: readonly string[];
  /** What was decided while it was recorded, also before the replay begins. */
  readonly story: readonly Moment[];
}

const inputsShown = 12;

/** @throws an error that says why the file cannot be read or replayed */
export function replay(file: Buffer): Replay {
  const { header, blocks } = readRecording(file);
  const begin = blocks.findIndex(({ kind }) => kind === "begin");
  const first = blocks[begin === -1 ? 0 : begin];
  const last = blocks.findLast((block) => block.kind === "steps");
  if (first === undefined) throw new Error("it holds nothing: the coordinator had just started");
  const told = {
    id: header.id,
    cluster: header.cluster,
    node: header.node,
    begunAt: first.wall,
    endedAt: last === undefined ? first.wall : wallOf(last, last.nows.at(-1) ?? last.now),
    story: blocks.flatMap(storyOf),
  };
  if (first.kind !== "begin") {
    return { ...told, ...nothingRun, from: "nowhere", changedSources: [] };
  }
  const runner = new Runner(first);
  for (const block of blocks.slice(begin)) if (block.kind === "steps") runner.run(block);
  const { steps, decisions, difference, datagramsDifferFrom } = runner;
  return {
    ...told,
    from: first.state.from,
    steps,
    decisions,
    difference,
    datagramsDifferFrom,
    changedSources: changedSince(first.sources),
  };
}

const nothingRun = {
  steps: 0,
  decisions: 0,
  difference: undefined,
  datagramsDifferFrom: undefined,
} as const;

class Runner {
  steps = 0;
  decisions = 0;
  difference: Difference | undefined;
  datagramsDifferFrom: number | undefined;
  readonly #core: Coordinator;
  readonly #deciding: Deciding;
  #lately: { readonly at: number; readonly input: CoordinatorInput }[] = [];

  constructor({ config, state, now }: BeginBlock) {
    const start = state.from === "start" ? state : undefined;
    this.#core = new Coordinator(
      config,
      start?.ballot ?? "lost",
      new Random(start?.seed ?? 0),
      now,
    );
    if (state.from === "checkpoint") readCheckpoint(state.checkpoint, this.#core);
    this.#deciding = new Deciding(this.#core.leaseUntil(now) !== undefined);
  }

  run(block: StepsBlock): void {
    for (const [at, input] of block.inputs.entries()) {
      if (this.difference !== undefined) return;
      const now = block.nows[at] ?? block.now;
      this.#step(input, block.decisions[at] || [], { now, at: wallOf(block, now) });
    }
    if (this.#deciding.takeDigest() !== block.digest) this.datagramsDifferFrom ??= block.wall;
  }

  #step(
    input: CoordinatorInput,
    recorded: readonly Decision[],
    { now, at }: { readonly now: Instant; readonly at: number },
  ): void {
    this.steps++;
    this.decisions += recorded.length;
    this.#lately.push({ at, input });
    if (this.#lately.length > 2 * inputsShown) this.#lately = this.#lately.slice(-inputsShown);
    const outputs = this.#core.step(input, now);
    const isPong = input.kind === "datagram-received" && input.message.kind === "pong";
    const lease = isPong ? undefined : (this.#core.leaseUntil(now) ?? 0);
    const replayed = this.#deciding.onStep(outputs, lease);
    if (recorded.length === 0 && replayed.length === 0) return;
    if (isDeepStrictEqual(recorded, replayed)) return;
    const inputs = this.#lately.slice(-inputsShown);
    this.difference = { at, step: this.steps, recorded, replayed, inputs };
  }
}

const wallOf = (block: Block, now: Instant): number => block.wall + (now - block.now);

function storyOf(block: Block): readonly Moment[] {
  if (block.kind === "begin") return [];
  return block.decisions.flatMap((decisions, step) => {
    if (decisions === 0) return [];
    const at = wallOf(block, block.nows[step] ?? block.now);
    return decisions.map((decision) => ({ at, decision }));
  });
}

const changedSince = (sources: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(sources)
    .filter(([file, digest]) => coreSources[file] !== undefined && coreSources[file] !== digest)
    .map(([file]) => file);
