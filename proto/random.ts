// The only source of chance: a small seeded generator (sfc32), so that a seed replays a run.

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed any integer; equal seeds give equal sequences. */
  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / 0x1_0000_0000) | 0;
    this.#c = 0x9e3779b9 | 0;
    for (let i = 0; i < 12; i++) this.#next();
  }

  /** In [0, 1). */
  float(): number {
    return this.#next() / 0x1_0000_0000;
  }

  /** In [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.float();
  }

  /** An integer in [0, n). */
  below(n: number): number {
    return Math.floor(this.float() * n);
  }

  /** `value` changed by at most `fraction` of it in either direction. */
  jitter(value: number, fraction: number): number {
    return value * this.between(1 - fraction, 1 + fraction);
  }

  /** A nonce or boot id part: an integer in [1, 2^48). */
  nonce(): number {
    return 1 + (this.#next() & 0xffff) * 0x1_0000_0000 + Math.min(this.#next(), 0xffff_fffe);
  }

  /** A generator of its own, so that parts do not disturb each other's sequences. */
  fork(): Random {
    return new Random(this.nonce());
  }

  #next(): number {
    const t = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t;
    this.#c |= 0;
    return t >>> 0;
  }
}
