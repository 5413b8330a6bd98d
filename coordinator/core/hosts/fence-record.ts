// What one coordinator knows of one host's fence: what it may have granted, what the agent said of itself, and what the others say.

import type { FenceState, LastGrant, Pong, PongFence } from "../../../proto/messages.ts";
import {
  after,
  elapsed,
  type CoordinatorId,
  type Duration,
  type Instant,
} from "../../../proto/units.ts";
import {
  grantEnds,
  lapsedAt,
  silenceOf,
  stopTakes,
  type FenceView,
  type Silence,
} from "./fence.ts";
import type { HostVerdict } from "./host.ts";

/** What is shown of it. */
export interface FenceSummary {
  /** As the agent said last. */
  readonly able: boolean;
  readonly state: FenceState;
  /** Whether this coordinator grants. */
  readonly isGranted: boolean;
}

export interface Circumstances {
  readonly host: string;
  readonly self: CoordinatorId;
  /** Of the set that counts here, and since when it does; undefined: since the start. */
  readonly ids: readonly CoordinatorId[];
  readonly quorum: number;
  readonly setSince: Instant | undefined;
  readonly grantLength: Duration;
  readonly isDead: boolean;
  /** A word of another coordinator that is older proves the past, and the host may be back. */
  readonly wordHolds: Duration;
}

/** So long beyond the time at which all should have been silent somebody's word is missing for good. */
const patience: Duration = 10_000;

export class FenceRecord {
  #heardAt: Instant | undefined;
  /** The answer that the next grant names; undefined where there is none since the start or since its death. */
  #answer: number | undefined;
  /** It was granted nothing since it was started, or since it was dead. */
  #isFirst = false;
  #isDead = false;
  /** The life of its agent that said it was stopping. */
  #left = -1;
  #incarnation = 0;
  #said: PongFence | undefined;
  /** What speaks against relying on its agent, as of its last answer or verdict. */
  #flaw = "";
  readonly #silences = new Map<CoordinatorId, Silence>();
  /** Who says that the host has not answered it since its own start. */
  readonly #strangers = new Set<CoordinatorId>();

  onPong({ fence, health, incarnation }: Pong, now: Instant): void {
    const isNew = this.#answer === undefined || incarnation !== this.#incarnation;
    this.#isFirst = fence !== undefined && (this.#isFirst || isNew);
    this.#incarnation = incarnation;
    this.#heardAt = now;
    this.#answer = fence?.answer;
    this.#said = fence;
    this.#flaw = health.state === "unhealthy" ? `its engine failed: ${health.reason}` : "";
  }

  /** Of a dead host what was granted runs out, and nothing is granted until it answers again. */
  onVerdict({ kind, reason }: HostVerdict): void {
    if (kind === "agent-lost" || kind === "engine-unhealthy") this.#flaw = reason;
    // Once: what answers from then on may be granted again before it is called back.
    if (kind === "dead" && !this.#isDead) this.#answer = undefined;
    this.#isDead = kind === "dead";
  }

  onLeaving(incarnation: number): void {
    this.#left = incarnation;
  }

  /** @param askedAt when the question was asked that it answers; undefined where it answers none */
  onReport(
    by: CoordinatorId,
    grant: LastGrant | undefined,
    askedAt: Instant | undefined,
    now: Instant,
  ): void {
    if (grant === undefined) {
      this.#silences.delete(by);
      this.#strangers.add(by);
      return;
    }
    this.#strangers.delete(by);
    if (askedAt !== undefined) this.#silences.set(by, silenceOf(by, grant, now, askedAt));
  }

  /** Undefined where nothing can be granted. */
  takeAnswer(): number | undefined {
    this.#isFirst = false;
    return this.#answer;
  }

  /** It waits for its first grant: nobody should wait for the next question's turn. */
  get isHungry(): boolean {
    return this.#isFirst;
  }

  lastGrant(length: Duration, now: Instant): LastGrant | undefined {
    return this.#heardAt === undefined
      ? undefined
      : { ago: elapsed(this.#heardAt, now), for: length };
  }

  get summary(): FenceSummary | undefined {
    if (this.#said === undefined) return undefined;
    const { able, state } = this.#said;
    return { able, state, isGranted: this.#answer !== undefined };
  }

  view(about: Circumstances, now: Instant): FenceView {
    const { host, isDead, grantLength } = about;
    const said = this.#said;
    const heardAt = this.#heardAt;
    if (heardAt === undefined) {
      return unsure(`${host} has not been heard since ${about.self} was started`);
    }
    if (said === undefined) return unsure(`the agent of ${host} is of a release that cannot fence`);
    const doubt = this.#doubtOf(host, said);
    if (doubt !== "") return unsure(doubt);
    const takes = stopTakes(said.within);
    if (!isDead) {
      const until = after(grantEnds(now, grantLength), takes);
      return { kind: "waiting", until, text: `${host} is not dead, and may be granted any time` };
    }
    const silences = this.#silencesNow(about, heardAt, now);
    const lapsed = lapsedAt(silences, about.quorum);
    const stoppedAt = lapsed === undefined ? undefined : after(lapsed, takes);
    if (stoppedAt !== undefined && now >= stoppedAt) {
      const who = silences.flatMap(({ by, ends }) => (ends <= stoppedAt ? [by] : [])).join(" and ");
      const ago = (elapsed(heardAt, now) / 1000).toFixed(1);
      const text = `${who} have granted ${host} nothing for ${ago} s: what is fenced there has been stopped`;
      return { kind: "stopped", text };
    }
    const expected = after(grantEnds(heardAt, grantLength), takes);
    return this.#waiting(about, stoppedAt ?? expected, now);
  }

  /** Why nobody can rely on its agent; empty where one can. */
  #doubtOf(host: string, { able, state }: PongFence): string {
    if (!able) {
      return `the agent of ${host} could not stop containers without its engine, or not remember its grants`;
    }
    if (state === "never") return `the agent of ${host} had not been granted anything by a quorum`;
    if (this.#left === this.#incarnation) return `the agent of ${host} said that it was stopping`;
    return this.#flaw === "" ? "" : `nobody was sure of ${host} when it vanished: ${this.#flaw}`;
  }

  /** Of those who count and whose word is young, this coordinator among them. */
  #silencesNow(about: Circumstances, heardAt: Instant, now: Instant): readonly Silence[] {
    const { self, ids, setSince, grantLength } = about;
    const own: Silence = { by: self, ends: grantEnds(heardAt, grantLength), until: now };
    const others = [...this.#silences.values()].filter(
      ({ until }) => elapsed(until, now) <= about.wordHolds,
    );
    // What members of an older set granted may have counted until it had been replaced for the time of a grant.
    const notBefore = setSince === undefined ? undefined : grantEnds(setSince, grantLength);
    return [own, ...others]
      .filter(({ by }) => ids.includes(by))
      .map((one) =>
        notBefore !== undefined && one.ends < notBefore ? { ...one, ends: notBefore } : one,
      );
  }

  #waiting(about: Circumstances, stoppedAt: Instant, now: Instant): FenceView {
    const { host, ids, self, wordHolds } = about;
    if (now < after(stoppedAt, patience)) {
      const until = stoppedAt > now ? stoppedAt : after(now, wordHolds);
      const text = `what is fenced on ${host} has been stopped when no grant of a quorum can last any more`;
      return { kind: "waiting", until, text };
    }
    const strangers = ids.filter((id) => this.#strangers.has(id));
    const silent = ids.filter(
      (id) => id !== self && !this.#silences.has(id) && !strangers.includes(id),
    );
    const why = [
      strangers.length === 0 ? "" : `${strangers.join(", ")} has not heard it since its own start`,
      silent.length === 0 ? "" : `${silent.join(", ")} does not say when it granted last`,
    ];
    const text = why.filter((one) => one !== "").join("; ");
    return unsure(
      `no quorum knows that ${host} is without grants${text === "" ? "" : `: ${text}`}`,
    );
  }
}

const unsure = (text: string): FenceView => ({ kind: "unsure", text });
