// The Swarms of SWARMS, which are asked and changed by the API alone: nothing of them is watched, and nothing healed.

import type { Duration } from "../../proto/units.ts";
import { endpointText, type SwarmSpec } from "./endpoints.ts";
import { EngineClient } from "./engines.ts";
import { SwarmReader, type SwarmReading } from "./swarm.ts";

/** Who did not answer is not asked for its version again before. */
const connectAgain: Duration = 10_000;

export class ManagedSwarm {
  readonly name: string;
  readonly engines: readonly EngineClient[];
  readonly #reader: SwarmReader;
  readonly #now: () => number;
  /** When each was last asked for its version; infinite once it told. */
  readonly #connected = new Map<EngineClient, number>();

  /** @param now milliseconds that only grow */
  constructor({ name, engines }: SwarmSpec, now: () => number) {
    this.name = name;
    // By their addresses where they are not named: a name that is learnt would change under who asks.
    this.engines = engines.map(
      (spec) => new EngineClient({ ...spec, name: spec.name || endpointText(spec.read) }),
    );
    this.#reader = new SwarmReader(this.engines, now);
    this.#now = now;
  }

  /** Never rejects; takes up to 8 s where no manager tells. */
  read(): Promise<SwarmReading> {
    for (const engine of this.engines) this.#connect(engine);
    return this.#reader.read();
  }

  close(): void {
    for (const engine of this.engines) engine.close();
  }

  /** Nobody waits for it: without, the engine is spoken to in its newest API. */
  #connect(engine: EngineClient): void {
    const last = this.#connected.get(engine) ?? Number.NEGATIVE_INFINITY;
    if (this.#now() - last < connectAgain) return;
    this.#connected.set(engine, this.#now());
    engine.connect().then(
      () => this.#connected.set(engine, Number.POSITIVE_INFINITY),
      () => undefined,
    );
  }
}
