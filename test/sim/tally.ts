// What many runs amount to.

import type { ChildLine } from "./child.ts";
import { describeSpread, falseVerdictsOf, spreadOf } from "./spread.ts";

export class Tally {
  readonly failed: number[] = [];
  readonly #minutes: number;
  readonly #begun = performance.now();
  #seeds = 0;
  #virtualMs = 0;
  #took = 0;
  #workerHours = 0;
  #touched = 0;
  #unended = 0;
  #falseVerdicts = 0;
  readonly #detections: number[] = [];
  readonly #failovers: number[] = [];

  /** @param minutes virtual, under faults, of each seed */
  constructor(minutes: number) {
    this.#minutes = minutes;
  }

  get seeds(): number {
    return this.#seeds;
  }

  add({ result, took }: ChildLine): void {
    this.#seeds++;
    this.#virtualMs += result.virtualMs;
    this.#took += took;
    this.#workerHours += result.workerHours;
    this.#touched += result.healthyTouched;
    this.#unended += result.unended;
    this.#falseVerdicts += result.measured.falseVerdicts;
    this.#detections.push(...result.measured.detections);
    this.#failovers.push(...result.measured.failovers);
    if (result.violation !== undefined) this.failed.push(result.seed);
  }

  story({ result, options, shrunk }: ChildLine): string {
    const { seed, violation, hash, lines, faults } = result;
    const needed = shrunk ?? faults;
    return [
      ...lines.slice(-80),
      "",
      `seed ${seed}, trace ${hash}: ${violation ?? "nothing violated"}`,
      `options: ${JSON.stringify(options)}`,
      `faults (${needed.length} of ${faults.length} needed):`,
      ...needed.map(
        ({ at, kind, whom, strength }) =>
          `  ${at.toFixed(0)} ms ${kind} ${whom.toFixed(3)} ${strength.toFixed(3)}`,
      ),
      "",
    ].join("\n");
  }

  summary(): string {
    const seconds = (performance.now() - this.#begun) / 1000;
    const ratio = this.#took === 0 ? 0 : this.#virtualMs / this.#took;
    return [
      `${this.#seeds} seeds of ${this.#minutes} min, ${this.failed.length} violated${this.failed.length === 0 ? "" : `: ${this.failed.join(" ")}`}`,
      `${(this.#virtualMs / 60_000).toFixed(1)} virtual minutes, ${this.#workerHours.toFixed(1)} worker-hours in ${seconds.toFixed(1)} s; ${ratio.toFixed(0)} × real time on one core`,
      `actions on workers that were well: ${this.#touched}; recoveries whose end was not told: ${this.#unended}`,
      `under faults: ${this.#falseVerdicts} false verdicts, detection ${describeSpread(spreadOf(this.#detections))}, failover ${describeSpread(spreadOf(this.#failovers))}`,
    ].join("\n");
  }

  json(): Record<string, unknown> {
    return {
      seeds: this.#seeds,
      minutes: this.#minutes,
      violations: this.failed.length,
      firstSeed: this.failed[0] ?? null,
      failedSeeds: this.failed,
      seconds: (performance.now() - this.#begun) / 1000,
      falseVerdicts: falseVerdictsOf(this.#falseVerdicts, this.#workerHours),
      detectionMs: spreadOf(this.#detections),
      failoverMs: spreadOf(this.#failovers),
    };
  }
}
