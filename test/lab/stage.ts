// What most tests of a whole mesh stand on: an engine and a trio, there before a suite's first test and gone after its last.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { startEngine, type LabEngine } from "./engine.ts";
import { ensureImages, type LabImage } from "./images.ts";
import { lifeOf, startsOf, type LifeEvent } from "./life.ts";
import { Trio, type TrioOptions } from "./trio.ts";
import { startWorker, type WorkerWish } from "./workers.ts";

export interface StageOptions {
  /** Those of a worker and of an agent unless given. */
  readonly images?: readonly LabImage[];
  /** VERIFY_WINDOW is 1 unless given. */
  readonly trio?: TrioOptions;
}

export class Stage {
  #engine: LabEngine | undefined;
  #trio: Trio | undefined;

  get engine(): LabEngine {
    assert.ok(this.#engine !== undefined, "the stage is set before the first test");
    return this.#engine;
  }

  get trio(): Trio {
    assert.ok(this.#trio !== undefined, "the stage is set before the first test");
    return this.#trio;
  }

  async set({ images = ["worker", "node"], trio = {} }: StageOptions): Promise<void> {
    this.#engine = await startEngine({ name: "lab" });
    await ensureImages(this.#engine, images);
    const env = { VERIFY_WINDOW: "1", ...trio.env };
    this.#trio = await Trio.start(this.#engine, { ...trio, env });
  }

  /** Also where it was not set in full. */
  async strike(): Promise<void> {
    await this.#trio?.stop();
    await this.#engine?.stop();
  }

  /** Throws for an exit code other than 0; without white space at the end. */
  async docker(...words: readonly string[]): Promise<string> {
    const ran = await this.engine.docker(...words);
    assert.equal(ran.code, 0, `docker ${words.join(" ")}: ${ran.stderr}`);
    return ran.stdout.trim();
  }

  inspect(container: string, what: string): Promise<string> {
    return this.docker("inspect", "-f", what, container);
  }

  /** Starts one and waits until the leader calls it healthy. */
  async healthy(wish: WorkerWish): Promise<void> {
    await startWorker(this.trio, wish);
    await this.trio.verdict(wish.name, "healthy");
  }

  /** What the engine tells of a container since then (wall clock, ms), oldest first. */
  async lived(container: string, since: number): Promise<readonly LifeEvent["action"][]> {
    return (await lifeOf(this.engine, container, since)).map(({ action }) => action);
  }

  async starts(container: string, since: number): Promise<number> {
    return startsOf(await lifeOf(this.engine, container, since)).length;
  }
}

/** To be called within `describe`. `onSet` is told of engine and trio before the first test. */
export function staged(onSet: (stage: Stage) => void, options: StageOptions = {}): Stage {
  const stage = new Stage();
  before(async () => {
    await stage.set(options);
    onSet(stage);
  });
  after(() => stage.strike());
  return stage;
}
