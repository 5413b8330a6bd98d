// What a revival job says: made of a worker's specification, the decision and a token, the same on every coordinator.

import type { Duration } from "../../proto/units.ts";
import type { ActionKind, Verdict } from "./decision.ts";
import type { Target, Token } from "./job.ts";
import type { Move } from "./migration/order.ts";
import type { RevivalOrder } from "./recovery.ts";
import type { ContainerView, WorkerSpec } from "./worker.ts";

/** An agent starts within this or its revival has failed; a worker is given its start period. */
const agentStart = 10_000;
/** A worker whose start period is shorter still gets this long to give a first proof of life. */
const shortestStart = 2_000;
/** Swarm's delay before it starts another container, 5 s unless a service says otherwise, and what it takes to choose a host. */
const swarmReplaces = 15_000;

export const targetOf = (view: ContainerView): Target => ({
  host: view.host,
  containerId: view.id,
  name: view.name,
  startedAt: view.startedAt,
});

/** `<epoch>.<term>.<hash of the worker's id>`: unique for ever, since no epoch of a worker is given out twice in a term. */
const recoveryId = (token: Token): string => `${token.epoch}.${token.term}.${hashOf(token.worker)}`;

export function buildOrder(ask: {
  readonly token: Token;
  readonly action: ActionKind;
  readonly target: Target;
  readonly spec: WorkerSpec;
  readonly verdict: Verdict;
  readonly reason: string;
  /** What is left of MAX_TRIES. */
  readonly maxTries: number;
  readonly backoff: Duration;
  readonly backoffMax: Duration;
  readonly detectedAgo: Duration;
  readonly aliveAgo: Duration | undefined;
  readonly move?: Move;
}): RevivalOrder {
  const { spec, action } = ask;
  const startPeriod = Math.max(shortestStart, spec.settings.startPeriod);
  return {
    recovery: recoveryId(ask.token),
    token: ask.token,
    action,
    target: ask.target,
    agent: spec.agent === undefined ? undefined : targetOf(spec.agent),
    dependants: spec.dependants.map(targetOf),
    ...(ask.move === undefined ? {} : { move: ask.move }),
    stopTimeout: spec.settings.stopTimeout,
    verifyWindow: spec.settings.verifyWindow,
    verifyTimeout: proofTime(action, startPeriod),
    maxTries: ask.maxTries,
    backoff: ask.backoff,
    backoffMax: ask.backoffMax,
    verdict: ask.verdict.kind,
    reason: ask.reason,
    evidence: ask.verdict.evidence,
    detectedAgo: ask.detectedAgo,
    ...(ask.aliveAgo === undefined ? {} : { aliveAgo: ask.aliveAgo }),
  };
}

function proofTime(action: ActionKind, startPeriod: Duration): Duration {
  if (action === "revive-agent") return Math.min(startPeriod, agentStart);
  return action === "kill" ? swarmReplaces + startPeriod : startPeriod;
}

/** FNV-1a over UTF-16 units, twice with different offsets: 16 hexadecimal digits. */
function hashOf(text: string): string {
  let a = 0x811c9dc5;
  let b = 0x050c5d1f;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit ^ 0x5bd1, 0x01000193);
  }
  return hex(a) + hex(b);
}

const hex = (n: number): string => (n >>> 0).toString(16).padStart(8, "0");
