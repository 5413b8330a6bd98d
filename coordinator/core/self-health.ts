// Whether this coordinator is fit to judge others: design rule 3, distrust yourself first.

import { after, type Duration, type Instant } from "../../proto/units.ts";
import { Histogram, latenessBounds } from "./histogram.ts";

export interface SelfHealthConfig {
  /** At the start. */
  readonly coordinatorCount: number;
  readonly checkInterval: Duration;
  readonly timeout: Duration;
}

export interface Fitness {
  readonly fit: boolean;
  /** Why it abstains, one sentence; empty when it is fit. */
  readonly reason: string;
  /** When it is fit again if nothing else happens; undefined where that does not depend on time, or when it is fit. */
  readonly until: Instant | undefined;
}

/** Lateness of one tick up to this is a full loop or a coarse timer, no stall. */
const stallNoticed: Duration = 50;
/**
 * Stalls are a debt that time pays off at half speed: a single stall up to this long costs nothing but the deadlines that it
 * moved, its own length; above it we are starved and abstain until the debt is below it again.
 */
const debtBorne: Duration = 500;
const payingOff = 0.5;
/** More debt is not remembered: fit again at the latest 3 s after the starvation ended. */
const mostDebt: Duration = 2_000;
/** A tick later than this is a jump: a suspend, SIGSTOP, a debugger. */
const jumpBound: Duration = 2_000;
/** Doubting more than this share of its workers while others hear them, it is oneself. */
const shareDoubted = 0.3;
/** … but one broken path is that path's fault, however few workers there are. */
const fewestDoubted = 2;
/** How long a cause that comes and goes still counts. */
const lingering: Duration = 1_000;

type Cause = "jump" | "drops" | "doubts";

export class SelfHealth {
  readonly #config: SelfHealthConfig;
  #debt: Duration = 0;
  #debtAt: Instant | undefined;
  /** Until when each cause keeps us from judging, and in what words. */
  readonly #causes = new Map<Cause, { until: Instant; text: string }>();
  #hearsOthers: boolean;
  #isAlone: boolean;
  /** Stalls noticed and jumps since the start. */
  readonly counters = { stalls: 0, jumps: 0, drops: 0 };
  /** Of our own ticks. */
  readonly lateness = new Histogram(latenessBounds);

  constructor(config: SelfHealthConfig) {
    this.#config = config;
    this.#isAlone = config.coordinatorCount === 1;
    this.#hearsOthers = this.#isAlone;
  }

  onMembers(count: number): void {
    this.#isAlone = count === 1;
  }

  /** A tick came `lateness` ms late. True when that was a jump: doubt is to be cleared and the lease given up. */
  onTick(lateness: Duration, now: Instant): boolean {
    this.lateness.observe(lateness);
    if (lateness <= stallNoticed) return false;
    this.counters.stalls++;
    this.#debt = Math.min(mostDebt, this.#debtNow(now) + lateness);
    this.#debtAt = now;
    if (lateness <= jumpBound) return false;
    this.onJump(now);
    return true;
  }

  /** We were suspended or stopped: until every worker was asked again nothing that we believe is worth a verdict. */
  onJump(now: Instant): void {
    this.counters.jumps++;
    const { checkInterval, timeout } = this.#config;
    this.#debt = 0;
    this.#blame(
      "jump",
      "we were paused or suspended",
      after(now, checkInterval + 2 * timeout),
      now,
    );
  }

  /** Our own queue dropped inputs: PONGs may have been among them. What the kernel drops is loss like any other. */
  onDrop(now: Instant): void {
    this.counters.drops++;
    this.#blame("drops", "our own queue overflowed", after(now, lingering), now);
  }

  /**
   * `doubted`: workers with a failed attempt of ours in their present silence; `heardByOthers`: those of them that another
   * coordinator hears, by a fresh report.
   */
  onDoubtShare(
    doubted: number,
    heardByOthers: number,
    total: number,
    now: Instant,
    what: "workers" | "hosts" = "workers",
  ): void {
    if (heardByOthers < fewestDoubted || doubted <= shareDoubted * total) return;
    if (heardByOthers <= shareDoubted * total) return;
    const text = `we do not hear ${doubted} of ${total} ${what}, others hear ${heardByOthers} of them`;
    this.#blame("doubts", text, after(now, lingering), now);
  }

  /** Whether any other coordinator was heard lately. */
  onPeers(heardAny: boolean): void {
    this.#hearsOthers = heardAny || this.#isAlone;
  }

  judge(now: Instant): Fitness {
    if (!this.#hearsOthers) {
      return { fit: false, reason: "no other coordinator is heard", until: undefined };
    }
    for (const [cause, { until, text }] of this.#causes) {
      if (now < until) return { fit: false, reason: text, until };
      this.#causes.delete(cause);
    }
    const debt = this.#debtNow(now);
    if (debt <= debtBorne) return { fit: true, reason: "", until: undefined };
    const until = after(now, (debt - debtBorne) / payingOff);
    return { fit: false, reason: `starved: our ticks were ${Math.round(debt)} ms late`, until };
  }

  /** Whether we get too little processor time: reason to end a lease before it ends us. */
  isStarved(now: Instant): boolean {
    return this.#debtNow(now) > debtBorne;
  }

  #debtNow(now: Instant): Duration {
    if (this.#debtAt === undefined) return 0;
    return Math.max(0, this.#debt - payingOff * (now - this.#debtAt));
  }

  #blame(cause: Cause, text: string, until: Instant, now: Instant): void {
    const before = this.#causes.get(cause);
    if (before !== undefined && before.until > until && before.until > now) return;
    this.#causes.set(cause, { until, text });
  }
}
