// Questions by TCP to a host whose agent is silent: an accepted or refused connection shows that the host lives, whatever became of its agent.

import type { Random } from "../../../proto/random.ts";
import { after, type Duration, type Instant } from "../../../proto/units.ts";

/** Swarm's control and gossip. Where nobody listens the host's kernel refuses, which is an answer too. */
const knockedPorts = [2377, 7946] as const;

/** `none`: nothing came back in time, or the host cannot be reached. `failed`: we could not ask, which says nothing of the host. */
export type KnockAnswer = "accepted" | "refused" | "none" | "failed";

export interface Knock {
  readonly port: number;
  readonly nonce: number;
}

interface Round {
  readonly beganAt: Instant;
  readonly open: Map<number, number>;
  isSilent: boolean;
}

/** A result that is this much later than its bound is not waited for any more. */
const backstop: Duration = 1_000;

export class Knocks {
  #round: Round | undefined;
  #lastBeganAt: Instant | undefined;
  /** Begin of the last round in which every port was asked and none answered. */
  #unansweredFrom: Instant | undefined;

  /** When the next round may begin. */
  dueAt(every: Duration, now: Instant): Instant {
    if (this.#round !== undefined) return after(this.#round.beganAt, every + backstop);
    return this.#lastBeganAt === undefined ? now : after(this.#lastBeganAt, every);
  }

  begin(random: Random, now: Instant): readonly Knock[] {
    const knocks = knockedPorts.map((port) => ({ port, nonce: random.nonce() }));
    const open = new Map(knocks.map(({ nonce, port }) => [nonce, port]));
    this.#round = { beganAt: now, open, isSilent: true };
    this.#lastBeganAt = now;
    return knocks;
  }

  /** What the host showed by it, in words; undefined where it showed nothing, or the round is not the present one. */
  onAnswer(nonce: number, answer: KnockAnswer): string | undefined {
    const round = this.#round;
    const port = round?.open.get(nonce);
    if (round === undefined || port === undefined) return undefined;
    round.open.delete(nonce);
    const isAlive = answer === "accepted" || answer === "refused";
    if (isAlive) this.#unansweredFrom = undefined;
    if (answer !== "none") round.isSilent = false;
    if (round.open.size === 0) {
      if (round.isSilent) this.#unansweredFrom = round.beganAt;
      this.#round = undefined;
    }
    return isAlive ? `it ${answer} a TCP connection on ${port}` : undefined;
  }

  /** Whether a whole round that began within the present silence stayed without an answer, and none was answered since. */
  isUnanswered(silentSince: Instant): boolean {
    return this.#unansweredFrom !== undefined && this.#unansweredFrom >= silentSince;
  }

  /** The silence is over, or what we believed is forgotten. */
  forget(): void {
    this.#round = undefined;
    this.#unansweredFrom = undefined;
  }
}
