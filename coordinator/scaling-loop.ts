// While this coordinator leads with a lease, each second the Swarm is looked at for services with a scaling policy, and what the machine
// decides is written. Nothing is looked at where there is no policy.

import type { Logger } from "pino";
import type { Clock } from "../agent/io/clock.ts";
import { isCodedError } from "../proto/coded-error.ts";
import type { Duration } from "../proto/units.ts";
import type { SwarmChange } from "../proto/swarm-rest.ts";
import { swarmProblem } from "./api/swarm-problem.ts";
import type { CoordinatorSummary } from "./core/summary.ts";
import { scaledOf } from "./core/scaling/picture.ts";
import {
  scalingFaults,
  scalingJournalText,
  scalingLabel,
  type ScalingDocument,
} from "./core/scaling/policy.ts";
import { Scaler, type ScalingOutput, type ScalingState } from "./core/scaling/scaler.ts";
import type { SwarmReader } from "./docker/swarm.ts";
import { SwarmVerbs, VerbRefused, type VerbEngine } from "./docker/swarm-verbs.ts";
import { coded } from "./errors.ts";
import type { Documents } from "./io/shelf.ts";

export interface ScalingLoopAsk {
  /** Asked when the loop has started. */
  readonly policies: () => Documents<ScalingDocument>;
  readonly summary: () => CoordinatorSummary | undefined;
  readonly holdsLease: () => boolean;
  readonly swarm: Pick<SwarmReader, "read">;
  readonly engines: readonly VerbEngine[];
  /** A change that was made, or in words why it could not be. */
  readonly onScaled: (service: string, outcome: SwarmChange | string) => void;
  readonly clock: Pick<Clock, "now" | "wall">;
  readonly log: Logger;
  /** Between two looks. */
  readonly every?: Duration;
}

/** What a manager refuses is not said again so soon. */
const refusedFor: Duration = 10_000;

export class ScalingLoop {
  readonly #ask: ScalingLoopAsk;
  #scaler = new Scaler();
  /** The manager that told last. */
  #manager: SwarmVerbs | undefined;
  readonly #refused = new Map<string, { readonly why: string; readonly at: number }>();
  /** Why the last look showed nothing; empty where it did. */
  #blind = "";
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(ask: ScalingLoopAsk) {
    this.#ask = ask;
  }

  /** Idempotent: a Swarm is there. */
  start(): void {
    this.#timer ??= setInterval(() => void this.#look(), this.#ask.every ?? 1_000);
    this.#timer.unref();
  }

  /** Waits for a change that is being written. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** By a look of the last second, on the leader; undefined where the Swarm has no such service. */
  async state(service: string): Promise<ScalingState | undefined> {
    if (this.#scaler.state(service) === undefined) await this.#look();
    const state = this.#scaler.state(service);
    const held = this.#blind || this.#refused.get(service)?.why;
    return state === undefined || !held ? state : { ...state, heldBecause: held };
  }

  #look(): Promise<void> {
    this.#looking ??= this.#lookNow()
      .catch((error: unknown) => {
        // The same each second while Redis or the managers are away, which is told elsewhere.
        this.#blind = isCodedError(error) ? error.detail : "Redis does not tell the policies";
        this.#manager = undefined;
        this.#ask.log.debug({ err: error }, "nothing is scaled");
      })
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async #lookNow(): Promise<void> {
    const { holdsLease, policies: shelf, summary, clock } = this.#ask;
    if (!holdsLease()) {
      // Whoever leads again begins as any other.
      this.#scaler = new Scaler();
      this.#refused.clear();
      return;
    }
    const all = [...(await shelf().list())];
    const policies = new Map(all.filter(([, one]) => scalingFaults({ ...one }).length === 0));
    const known = summary();
    if (known === undefined) return;
    const rows = policies.size === 0 ? undefined : await (await this.#verbs()).rows();
    const services = (rows?.services ?? []).filter(({ name }) => policies.has(name));
    const look = {
      kind: "looked" as const,
      wall: clock.wall(),
      policies,
      services: rows === undefined ? [] : services.map((one) => scaledOf(one, rows, known, wallOf)),
    };
    this.#blind = "";
    for (const output of this.#scaler.step(look, clock.now())) await this.#scale(output);
  }

  async #scale({ service, updatedAt, journal, why }: ScalingOutput): Promise<void> {
    const { clock, holdsLease, onScaled } = this.#ask;
    const refused = this.#refused.get(service);
    if (refused !== undefined && clock.now() - refused.at < refusedFor) return;
    const labels = { [scalingLabel]: scalingJournalText(journal) };
    try {
      const verbs = await this.#verbs();
      const decided = { updatedAt, labels, mayAct: holdsLease };
      const change = await verbs.scale(service, journal.to, decided);
      this.#refused.delete(service);
      onScaled(service, { ...change, text: `${change.text}: ${why}` });
    } catch (error) {
      // Somebody was faster, or leads now: the next look shows it.
      if (error instanceof VerbRefused) return;
      if (!isCodedError(error)) throw error;
      if (refused?.why !== error.detail) onScaled(service, error.detail);
      this.#refused.set(service, { why: error.detail, at: clock.now() });
    }
  }

  async #verbs(): Promise<SwarmVerbs> {
    if (this.#manager !== undefined) return this.#manager;
    const { swarm, engines } = this.#ask;
    const reading = await swarm.read();
    if (reading.kind !== "swarm") throw swarmProblem(reading);
    const engine = engines.find(({ host }) => host === reading.by);
    if (engine === undefined) throw coded("HM_SWARM_NONE", `${reading.by} is not asked any more`);
    this.#manager = new SwarmVerbs(engine);
    return this.#manager;
  }
}

/** 0, long ago, where the Swarm does not say. */
const wallOf = (text: string): number => Date.parse(text) || 0;
