// What a due recovery still has to wait for: engine, Redis, dependencies, the brake, a new leader's settling.

import { after, elapsed, type Duration, type Instant, type WorkerId } from "../../proto/units.ts";
import type { Ask, Case } from "./recovery-case.ts";
import { isInFlight, patience } from "./recovery.ts";
import type { Ward } from "./recovery-ward.ts";
import type { WorkerSpec } from "./worker.ts";

export interface Gate {
  /** One sentence for a person. */
  readonly text: string;
  /** When time alone may open it; undefined where only an input can. */
  readonly until: Instant | undefined;
}

/** So many workers at once are no mass: a new leader acts on them without settling. */
const fewAtOnce = 3;

/** Between two looks at whether a dead host is back. */
const deadHostAgain: Duration = 500;

/** The first closed gate. A person's order passes those that are there for caution, not those without which nothing works. */
export function closedGate(
  ward: Ward,
  c: Case,
  ask: Ask,
  spec: WorkerSpec,
  now: Instant,
): Gate | undefined {
  const host = spec.container?.host ?? c.target?.host ?? spec.agent?.host ?? "";
  if (ward.lostEngines.has(host))
    return { text: `waits for the engine of ${host}, which does not answer`, until: undefined };
  // Its engine has died with it, known as lost or not.
  if (ward.world.isDead(host))
    return { text: `waits for host ${host}, which is dead`, until: after(now, deadHostAgain) };
  const directFrom = ward.directFrom();
  if (directFrom !== undefined && now < directFrom)
    return {
      text: "Redis is out of reach: waits until no job of its queue can act any more",
      until: directFrom,
    };
  const queueFrom = ward.queueFrom();
  if (queueFrom !== undefined && now < queueFrom)
    return {
      text: "Redis was out of reach until lately: waits until no leader before this one can act any more",
      until: queueFrom,
    };
  if (ask.isForced) return undefined;
  const { memoryAwaitedUntil } = ward;
  if (directFrom === undefined && memoryAwaitedUntil !== undefined && now < memoryAwaitedUntil)
    return {
      text: "waits until it is read from Redis how often it was revived before",
      until: memoryAwaitedUntil,
    };
  return dependencyGate(ward, c, ask, spec, now) ?? brakeGate(ward, now) ?? settlingGate(ward, now);
}

function brakeGate(ward: Ward, now: Instant): Gate | undefined {
  if (ward.flying.size === 0) return undefined;
  const brake = ward.brake.state(ward.world.workerCount(), now);
  if (!brake.tripped) return undefined;
  const until = ward.isTurnTaken() ? undefined : turnsEnd(ward);
  if (until !== undefined && until <= now) return undefined;
  return {
    text: `the brake is on (${brake.failing} failures at once): waits until the recovery before it has ended`,
    until,
  };
}

/** When nobody's turn is his own any more, where an engine prevents all that are under way. */
function turnsEnd(ward: Ward): Instant | undefined {
  let last: Instant | undefined;
  for (const { recovery } of ward.flying) {
    const since = isInFlight(recovery) ? recovery.flight.preventedSince : undefined;
    if (since === undefined) continue;
    const end = after(since, patience.turn);
    if (last === undefined || end > last) last = end;
  }
  return last;
}

function settlingGate(ward: Ward, now: Instant): Gate | undefined {
  if (ward.settleUntil === undefined || now >= ward.settleUntil) return undefined;
  let due = 0;
  for (const other of ward.wanting) {
    if (isDue(other, now)) due += 1;
    if (due > fewAtOnce)
      return {
        text: "a new leader listens for a moment before it acts on many workers",
        until: ward.settleUntil,
      };
  }
  return undefined;
}

function isDue(c: Case, now: Instant): boolean {
  return (
    c.decision?.kind === "act" &&
    now >= c.decision.notBefore &&
    c.record.quarantinedAt === undefined &&
    !c.record.isSilenced(now)
  );
}

function dependencyGate(
  ward: Ward,
  c: Case,
  ask: Ask,
  spec: WorkerSpec,
  now: Instant,
): Gate | undefined {
  if (ask.action === "revive-agent") return undefined;
  const dependencies = dependenciesOf(ward, spec);
  for (const dependency of dependencies) {
    if (
      !isBeingRecovered(ward, dependency, now) ||
      dependsOn(ward, dependency, c.worker, new Set())
    )
      continue;
    c.dependencySince ??= now;
    ward.depending.add(c);
    if (elapsed(c.dependencySince, now) < patience.dependency)
      return {
        text: `waits for ${dependency}, on which it depends and which is being recovered`,
        until: after(c.dependencySince, patience.dependency),
      };
    ward.explain(c, "held", `waits no longer for ${dependency}: it is recovered without it`);
  }
  const toldBy = after(c.since ?? now, patience.together);
  return dependencies.length > 0 && now < toldBy
    ? { text: "listens whether what it depends on has died with it", until: toldBy }
    : undefined;
}

function dependenciesOf(ward: Ward, spec: WorkerSpec): readonly WorkerId[] {
  const host = spec.container?.host ?? spec.id.slice(0, Math.max(0, spec.id.indexOf("/")));
  return spec.settings.dependsOn.map((name) => {
    if (ward.world.workerNamed !== undefined) return ward.world.workerNamed(name, spec) ?? name;
    return name.includes("/") ? name : `${host}/${name}`;
  });
}

/** Not well, and somebody is at it. What is left alone, silenced or quarantined is not waited for. */
function isBeingRecovered(ward: Ward, worker: WorkerId, now: Instant): boolean {
  const verdict = ward.world.verdict(worker);
  if (verdict === undefined || verdict === "healthy" || verdict === "partial") return false;
  if (verdict === "starting") return true;
  const c = ward.find(worker);
  if (c === undefined) return false;
  if (isInFlight(c.recovery)) return true;
  return (
    c.recovery.kind === "waiting" &&
    c.record.quarantinedAt === undefined &&
    !c.record.isSilenced(now)
  );
}

/** Whether `worker` is itself waiting for `other`: in a circle, whoever comes first goes first. */
function dependsOn(
  ward: Ward,
  worker: WorkerId,
  other: WorkerId,
  seen: ReadonlySet<WorkerId>,
): boolean {
  if (seen.has(worker) || ward.find(worker)?.recovery.kind !== "waiting") return false;
  const spec = ward.world.spec(worker);
  if (spec === undefined) return false;
  const beyond = new Set(seen).add(worker);
  return dependenciesOf(ward, spec).some(
    (next) => next === other || dependsOn(ward, next, other, beyond),
  );
}
