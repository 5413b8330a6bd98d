// One pinger with one worker in virtual time, and a hand that answers its questions or does not.

import { Pinger } from "../../../coordinator/core/pinger.ts";
import type { PingerOutput } from "../../../coordinator/core/pinger-output.ts";
import type { PathSettings } from "../../../coordinator/core/path.ts";
import { Random } from "../../../proto/random.ts";
import { instant, type Instant } from "../../../proto/units.ts";
import { defaults } from "./virtual-mesh.ts";

export const worker = "host-1/web-1";

/** One coordinator, one worker, and a hand that answers or does not. */
export class Bench {
  readonly pinger: Pinger;
  now = 0;
  outputs: { at: number; output: PingerOutput }[] = [];
  /** Answers after this many ms; undefined: never. */
  answersAfter: number | undefined = 1;
  checkResult: { ok: boolean; after: number } | undefined;
  #pending: { at: number; run: () => readonly PingerOutput[] }[] = [];

  constructor(settings: PathSettings = defaults, count = 3) {
    this.pinger = new Pinger({ coordinatorIndex: 0, coordinatorCount: count }, new Random(3));
    this.pinger.watch(worker, settings, instant(0));
  }

  get at(): Instant {
    return instant(this.now);
  }

  run(until: number): this {
    for (;;) {
      const due = this.pinger.nextDeadline() ?? Infinity;
      const pending = this.#pending.sort((a, b) => a.at - b.at)[0];
      const at = Math.min(due, pending?.at ?? Infinity);
      if (at > until) break;
      this.now = Math.max(this.now, at);
      if (pending !== undefined && pending.at <= due) {
        this.#pending.shift();
        this.take(pending.run());
      } else this.take(this.pinger.onTick(this.at));
    }
    this.now = until;
    return this;
  }

  take(outputs: readonly PingerOutput[]): void {
    for (const output of outputs) {
      this.outputs.push({ at: this.now, output });
      if (output.kind === "ping" && this.answersAfter !== undefined) {
        const { nonce } = output;
        this.#pending.push({
          at: this.now + this.answersAfter,
          run: () => this.pinger.onPong(worker, nonce, this.at).outputs,
        });
      }
      if (output.kind === "check" && this.checkResult !== undefined) {
        const { ok, after } = this.checkResult;
        const { nonce } = output;
        this.#pending.push({
          at: this.now + after,
          run: () => this.pinger.onCheckResult(worker, nonce, ok, this.at),
        });
      }
    }
  }

  /** Since the last call. */
  drain(): { at: number; output: PingerOutput }[] {
    return this.outputs.splice(0);
  }

  pings(): number[] {
    return this.drain().flatMap(({ at, output }) => (output.kind === "ping" ? [at] : []));
  }

  standings(): string[] {
    return this.outputs.flatMap(({ output }) =>
      output.kind === "standing-changed" ? [output.standing] : [],
    );
  }

  get path() {
    return this.pinger.path(worker, this.at)!;
  }
}
