// The flight recorder's side in the mesh thread: notes each step of the core, and hands them on as a packed block a second.
//
// A step costs three pushes; the inputs are kept as they are until the block is packed, since nobody changes them. The ring is in the main
// thread (recording-ring.ts), which also compresses, so that neither costs the mesh anything.

import { limits } from "../../proto/limits.ts";
import type { Machine } from "../../proto/machine.ts";
import type { Duration, Instant } from "../../proto/units.ts";
import type { Coordinator, CoordinatorConfig } from "../core/coordinator.ts";
import type { CoordinatorInput, CoordinatorOutput } from "../core/exchange.ts";
import type { Ballot } from "../core/vote-book.ts";
import type { ContainerView } from "../core/worker.ts";
import { writeCheckpoint, type Redact } from "./checkpoint.ts";
import { coreSources } from "./class-register.ts";
import { Deciding } from "./deciding.ts";
import { packBlock, type BeginBlock, type Block, type Decision } from "./recording.ts";

export interface RecorderOptions {
  readonly core: Pick<Coordinator, "leaseUntil">;
  readonly config: CoordinatorConfig;
  readonly wall: () => number;
  readonly onBlock: (block: RecordedBlock) => void;
  /** It has ended, in words: what is recorded goes on. */
  readonly onProblem: (problem: string) => void;
}

/** A block as it goes to the ring. */
export interface RecordedBlock {
  readonly kind: Block["kind"];
  readonly now: Instant;
  readonly bytes: Uint8Array;
}

type CoreMachine = Machine<CoordinatorInput, CoordinatorOutput>;

/** A block ends after this long, or so many steps: packing them takes about a millisecond. */
const blockLasts: Duration = 1_000;
const blockSteps = 1_024;

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #deciding = new Deciding(false);
  readonly #redact: Redact;
  #begunAt: Instant | undefined;
  #begunWall = 0;
  #nows: Instant[] = [];
  #inputs: CoordinatorInput[] = [];
  #decisions: (readonly Decision[] | 0)[] = [];
  #hasFailed = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#redact = redactor(options.config.wards.census.workerLabels);
  }

  /** To be called before the first step. */
  start(ballot: Ballot | "lost", seed: number, now: Instant): void {
    this.#begin({ from: "start", ballot, seed }, now);
  }

  /** `machine`, which steps the core, with each step noted. */
  noting(machine: CoreMachine): CoreMachine {
    const { core } = this.#options;
    return {
      step: (input, now) => {
        const outputs = machine.step(input, now);
        const lease = isPong(input) ? undefined : (core.leaseUntil(now) ?? 0);
        this.#note(input, this.#deciding.onStep(outputs, lease), now);
        return outputs;
      },
      nextDeadline: () => machine.nextDeadline(),
    };
  }

  /** Begins a segment with the core's state as it is now; not within a step. Without effect where no checkpoint can be made. */
  checkpoint(now: Instant): void {
    this.#guarded(() => {
      const checkpoint = writeCheckpoint(this.#options.core, limits.recorderObjects, this.#redact);
      if (checkpoint === undefined) return;
      this.flush();
      this.#begin({ from: "checkpoint", checkpoint }, now);
    });
  }

  /** Hands on what it has. */
  flush(): void {
    const now = this.#begunAt;
    if (now === undefined) return;
    this.#send({
      kind: "steps",
      now,
      wall: this.#begunWall,
      nows: this.#nows,
      inputs: this.#inputs,
      decisions: this.#decisions,
      digest: this.#deciding.takeDigest(),
    });
    this.#begunAt = undefined;
    this.#nows = [];
    this.#inputs = [];
    this.#decisions = [];
  }

  #note(input: CoordinatorInput, decisions: readonly Decision[], now: Instant): void {
    if (this.#hasFailed) return;
    if (this.#begunAt === undefined) {
      this.#begunAt = now;
      this.#begunWall = this.#options.wall();
    }
    this.#nows.push(now);
    this.#inputs.push(redacted(input, this.#redact));
    this.#decisions.push(decisions.length === 0 ? 0 : decisions);
    if (now - this.#begunAt >= blockLasts || this.#nows.length >= blockSteps) this.flush();
  }

  #begin(state: BeginBlock["state"], now: Instant): void {
    const { config, wall } = this.#options;
    this.#send({ kind: "begin", now, wall: wall(), config, sources: coreSources, state });
  }

  #send(block: Block): void {
    const { kind, now } = block;
    this.#guarded(() => {
      this.#options.onBlock({ kind, now, bytes: packBlock(block) });
    });
  }

  /** Whatever is wrong with a recorder, it never harms what it records. */
  #guarded(run: () => void): void {
    if (this.#hasFailed) return;
    try {
      run();
    } catch (error) {
      this.#hasFailed = true;
      this.#options.onProblem((error as Error).message);
    }
  }
}

const isPong = (input: CoordinatorInput): boolean =>
  input.kind === "datagram-received" && input.message.kind === "pong";

/** Labels that the core reads. A container's other labels may hold anything, passwords too: their values are left out. */
function redactor(workerLabels: readonly string[]): Redact {
  const wanted = new Set(workerLabels.map((label) => label.split("=", 1)[0] ?? ""));
  const isRead = (key: string): boolean =>
    key.startsWith("heartmesh.") || key.startsWith("com.docker.") || wanted.has(key);
  return (key, value) => {
    if (key !== "labels" || typeof value !== "object" || value === null) return value;
    const kept: Record<string, unknown> = {};
    for (const [name, text] of Object.entries(value)) kept[name] = isRead(name) ? text : "";
    return kept;
  };
}

function redacted(input: CoordinatorInput, redact: Redact): CoordinatorInput {
  const bare = (view: ContainerView): ContainerView => ({
    ...view,
    labels: redact("labels", view.labels) as ContainerView["labels"],
  });
  switch (input.kind) {
    case "engine-snapshot":
      return { ...input, containers: input.containers.map(bare) };
    case "container-changed":
      return { ...input, view: bare(input.view) };
    case "engine-event": {
      const labels = redact("labels", input.event.labels) as ContainerView["labels"];
      return { ...input, event: { ...input.event, labels } };
    }
    default:
      return input;
  }
}
