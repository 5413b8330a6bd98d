// What one coordinator knows of each worker between two verdicts, forgotten where a new container start makes it old.

import type { AgentHealth } from "../../proto/messages.ts";
import { after, elapsed, type Duration, type Instant, type WorkerId } from "../../proto/units.ts";
import type { Verdict } from "./decision.ts";
import { voiceOf } from "./hearing.ts";
import type { ContainerView, WorkerSpec } from "./worker.ts";

/** Between the start of a container and the end of the action that started it: its agent and dependants follow. */
const actionTakes: Duration = 5_000;

export class LedgerPage {
  readonly worker: WorkerId;
  spec: WorkerSpec;
  /** Container id and start: another one means another life. */
  life: string;
  livesSince: Instant;
  /** Who answers for it. */
  voice: string;
  everHeard = false;
  heardSinceStart = false;
  /** The agent's name by its last answer; a stranger at its address (addresses are reused) has another. */
  agentName = "";
  agentSeen: ContainerView | undefined;
  obituary: string | undefined;
  /** When it was last heard without a word of being unhealthy. */
  aliveAt: Instant | undefined;
  /** Since when a runner acts on it; undefined when none does. */
  actingSince: Instant | undefined;
  verdict: Verdict;
  verdictSince: Instant;
  /** What was decided last, to tell a new decision from the same one. */
  decisionKey = "";
  commonCause = "";
  #toldVoice = "";
  #health: AgentHealth | undefined;
  #healthAt: Instant;

  constructor(spec: WorkerSpec, now: Instant) {
    this.worker = spec.id;
    this.spec = spec;
    this.life = lifeOf(spec);
    this.livesSince = now;
    this.voice = voiceOf(spec);
    this.agentSeen = spec.agent;
    this.verdict = {
      worker: spec.id,
      kind: "unknown",
      reason: "nothing is known yet",
      evidence: [],
    };
    this.verdictSince = now;
    this.#healthAt = now;
  }

  /** True where it lives a new life, so that what its path heard is to be forgotten. */
  onSpec(spec: WorkerSpec, now: Instant): boolean {
    this.spec = spec;
    this.agentSeen = spec.agent ?? this.agentSeen;
    this.voice = voiceOf(spec);
    const life = lifeOf(spec);
    if (life === this.life || spec.container === undefined) return false;
    this.life = life;
    this.livesSince = now;
    this.heardSinceStart = false;
    this.agentName = "";
    this.obituary = undefined;
    this.#health = undefined;
    return true;
  }

  /** Its engine was lost, or is back. What runs after all has nothing in common with what stopped. */
  onHostChanged(cause: string): void {
    if (this.spec.container?.state === "running") this.commonCause = cause;
    else this.commonCause ||= cause;
  }

  /** True where what it says differs from what was known. */
  onHealth(health: AgentHealth, now: Instant): boolean {
    const isNews = this.#health?.state !== health.state;
    // An announcement tells no load.
    const load = health.load ?? this.#health?.load;
    this.#health = load === undefined ? health : { ...health, load };
    this.#healthAt = now;
    if (health.state !== "unhealthy") this.aliveAt = now;
    return isNews;
  }

  /** True where it is the first answer of this life. */
  onHeard(): boolean {
    this.everHeard = true;
    if (this.heardSinceStart) return false;
    this.heardSinceStart = true;
    return true;
  }

  /** To be called when it is heard. True where that voice is heard for the first time here. */
  isNewVoice(): boolean {
    if (this.voice === this.#toldVoice) return false;
    this.#toldVoice = this.voice;
    return true;
  }

  /** Undefined where the check that it tells of began before this life. */
  get health(): AgentHealth | undefined {
    if (this.#health === undefined || this.#health.state === "unchecked") return this.#health;
    const checkedAt = after(this.#healthAt, -this.#health.checkedAgo);
    return checkedAt < this.livesSince && this.#health.checkedAgo > 0 ? undefined : this.#health;
  }

  /** Of the container that its agent is in, by its last answer in this life. */
  get load(): number | undefined {
    return this.#health?.load;
  }

  /** Nothing was ever heard of it, and it is asked only because an agent might be inside it. */
  get isMute(): boolean {
    return this.spec.probe.kind === "agent" && !this.everHeard && this.agentSeen === undefined;
  }

  /** It runs since that start, and for longer than an action takes from the start to its end. */
  isOldStart(startedAt: string, now: Instant): boolean {
    return this.spec.container?.startedAt === startedAt && this.runningFor(now) > actionTakes;
  }

  runningFor(now: Instant): Duration {
    return elapsed(this.livesSince, now);
  }
}

const lifeOf = (spec: WorkerSpec): string =>
  spec.container === undefined ? "" : `${spec.container.id} ${spec.container.startedAt}`;
