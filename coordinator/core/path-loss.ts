// What a path taught: how many datagrams it loses while the worker lives, and how long a silence it survived.

import type { Duration } from "../../proto/units.ts";

/** A live worker is taken for a silent one by loss alone with at most this probability per doubt and coordinator. */
const epsilon = 1e-4;
/** The estimate rests on about this many datagrams; older ones fade. Its standard error at p = 0.5 is 0.05. */
const remembered = 96;
const fewest = 4;
const most = 40;
const halfLife: Duration = 600_000;
const margin = 1.5;

/**
 * Round-trip loss as lost / sent by Laplace's rule of succession, (lost + 1) / (sent + 2), so that an unknown path counts as
 * losing every second datagram until it has shown better. A question that ends at its first answer is a fair trial
 * for each datagram in it, so that retransmissions need no weights.
 */
export class PathLoss {
  #lost = 1;
  #sent = 2;
  #longest: Duration = 0;
  #longestAt = 0;
  /** Found anew when a datagram was counted; -1 until then. */
  #needed = -1;

  get share(): number {
    return this.#lost / this.#sent;
  }

  onAnswered(): void {
    this.#count(0, 1);
  }

  /** An outage is no loss: of one silence at most K datagrams count, since by K's own meaning loss alone makes no longer one. */
  onLost(datagrams: number): void {
    const counted = Math.min(datagrams, this.datagramsNeeded());
    this.#count(counted, counted);
  }

  /** K = ⌈ln ε / ln p⌉ with p clamped to [0.001, 0.8], and 4 ≤ K ≤ 40. */
  datagramsNeeded(): number {
    if (this.#needed >= 0) return this.#needed;
    const p = Math.min(0.8, Math.max(0.001, this.share));
    this.#needed = Math.min(most, Math.max(fewest, Math.ceil(Math.log(epsilon) / Math.log(p))));
    return this.#needed;
  }

  /** The worker was silent for so long and lived. */
  onSurvived(silence: Duration, at: number): void {
    if (silence <= this.#longestSilence(at)) return;
    this.#longest = silence;
    this.#longestAt = at;
  }

  /** The silence that a verdict must outlast; never more than `most`. */
  silenceNeeded(at: number, most: Duration): Duration {
    return Math.min(most, margin * this.#longestSilence(at));
  }

  #longestSilence(at: number): Duration {
    return this.#longest === 0 ? 0 : this.#longest * 2 ** (-(at - this.#longestAt) / halfLife);
  }

  #count(lost: number, sent: number): void {
    this.#needed = -1;
    this.#lost += lost;
    this.#sent += sent;
    if (this.#sent <= remembered) return;
    const fade = remembered / this.#sent;
    this.#lost *= fade;
    this.#sent = remembered;
  }
}
