// The last ten minutes of each worker, one sample a second, in rings of small numbers. Pure.

import type { StandingKind } from "../../../proto/messages.ts";
import { limits } from "../../../proto/limits.ts";
import type { CoordinatorSummary } from "../../core/summary.ts";

/** Between two samples, ms. */
export const sampleEvery = 1_000;
export const samplesKept = 600;
/** Round trips are kept in so much of a ms; the longest is 3.2 s, far beyond TIMEOUT. */
const grain = 0.05;
const none = 65_535;
const standings = ["up", "doubt", "down", "abstain"] as const satisfies readonly StandingKind[];
const codes: Readonly<Record<StandingKind, number>> = { up: 1, doubt: 2, down: 3, abstain: 4 };
/** Of workers that are not watched any more. */
const forgottenEvery = 60;

export interface OwnHistory {
  readonly roundTripMs: readonly (number | null)[];
  readonly standing: readonly (StandingKind | null)[];
}

interface Ring {
  /** Number of the newest sample. */
  newest: number;
  readonly roundTrips: Uint16Array;
  /** 0: none. */
  readonly standings: Uint8Array;
}

export class History {
  readonly #rings = new Map<string, Ring>();
  readonly #most: number;
  #newest = 0;

  constructor(most: number = limits.historyWorkers) {
    this.#most = most;
  }

  /** @param second counts the samples, also those that were missed */
  sample({ workers }: Pick<CoordinatorSummary, "workers">, second: number): void {
    this.#newest = second;
    for (const { id, roundTrip, standing } of workers) {
      const ring = this.#rings.get(id) ?? this.#begin(id, second);
      if (ring === undefined) continue;
      for (let missed = ring.newest + 1; missed < second; missed++) {
        if (second - missed < samplesKept) clear(ring, missed % samplesKept);
      }
      const at = second % samplesKept;
      // Of one that does not answer the last round trip is old.
      const isHeard = standing === "up" && roundTrip >= 0;
      ring.roundTrips[at] = isHeard ? Math.min(none - 1, Math.round(roundTrip / grain)) : none;
      ring.standings[at] = codes[standing];
      ring.newest = second;
    }
    if (second % forgottenEvery === 0) this.#forget();
  }

  /** Oldest first; undefined where nothing is remembered. */
  of(worker: string): OwnHistory | undefined {
    const ring = this.#rings.get(worker);
    if (ring === undefined || this.#isOld(ring)) return undefined;
    const roundTripMs: (number | null)[] = [];
    const standing: (StandingKind | null)[] = [];
    for (let second = this.#newest - samplesKept + 1; second <= this.#newest; second++) {
      const isKept = second >= 0 && second <= ring.newest && second > ring.newest - samplesKept;
      const at = isKept ? second % samplesKept : -1;
      const trip = ring.roundTrips[at] ?? none;
      roundTripMs.push(trip === none ? null : Math.round(trip * grain * 100) / 100);
      standing.push(standings[(ring.standings[at] ?? 0) - 1] ?? null);
    }
    return { roundTripMs, standing };
  }

  #begin(id: string, second: number): Ring | undefined {
    if (this.#rings.size >= this.#most) return undefined;
    const roundTrips = new Uint16Array(samplesKept).fill(none);
    const ring = { newest: second, roundTrips, standings: new Uint8Array(samplesKept) };
    this.#rings.set(id, ring);
    return ring;
  }

  #forget(): void {
    for (const [id, ring] of this.#rings) if (this.#isOld(ring)) this.#rings.delete(id);
  }

  #isOld({ newest }: Ring): boolean {
    return this.#newest - newest >= samplesKept;
  }
}

function clear(ring: Ring, at: number): void {
  ring.roundTrips[at] = none;
  ring.standings[at] = 0;
}
