// From evidence to a host's verdict: one pure function, so that every coordinator that knows the same concludes the same.

import type { AgentHealth } from "../../../proto/messages.ts";
import type { CoordinatorId, Duration } from "../../../proto/units.ts";
import type { Evidence } from "../decision.ts";
import type { Conclusion } from "../quorum.ts";
import type { HostSpec, HostVerdict, HostVerdictKind } from "./host.ts";

/** Something besides its agent's answer that shows that a host lives. `sends`: it was heard, but did not answer us. */
export interface Sign {
  readonly kind: "answers" | "sends";
  /** What was seen, in words that follow "it" or stand alone. */
  readonly text: string;
}

/** What one coordinator knows of a host at one instant. */
export interface HostFacts {
  readonly spec: HostSpec;
  readonly me: CoordinatorId;
  /** False while this coordinator abstains: then only life is believed. */
  readonly fit: boolean;
  readonly conclusion: Conclusion;
  /** How long there has been a sign of life, or somebody who hears it, without a break. */
  readonly aliveFor: Duration;
  /** Its agent is down for us, whatever else of it we hear. */
  readonly isSilentHere: boolean;
  /** Its agent answered us so lately that no silence is proved yet. */
  readonly wasHeardLately: boolean;
  /** Whether its agent ever answered anybody. */
  readonly everHeard: boolean;
  /** Of its engine, by its agent's last answer since it was last dead. */
  readonly health: AgentHealth | undefined;
  /** Fresh, of the present silence. */
  readonly sign: Sign | undefined;
  /** Its Swarm says so, by a list that is not old. */
  readonly isCalledDown: boolean;
  readonly previous: HostVerdict;
}

/** So long after the first of them all coordinators hear a host again, unless a path is broken. */
const backWithin: Duration = 1_000;

export function concludeHost(facts: HostFacts): HostVerdict {
  const { conclusion, previous } = facts;
  if (!facts.fit && conclusion.kind !== "heard") return previous;
  switch (conclusion.kind) {
    case "heard":
      return concludeHeard(facts, conclusion.by);
    case "partial": {
      if (isJustBack(facts)) return previous;
      const { heardBy, unheardBy } = conclusion;
      const reason = `${heardBy.join(", ")} hears it, ${unheardBy.join(", ")} does not: a path is broken, not the host`;
      return verdict("partial", reason, ...unheardBy.map(silenceOf));
    }
    case "silent":
      return concludeSilent(facts, conclusion);
    case "undecided":
      return concludeUndecided(facts);
  }
}

/** One that comes back is not heard by all, nor in all ways, at the same moment. */
const isJustBack = ({ previous, aliveFor }: HostFacts): boolean =>
  previous.kind === "dead" && aliveFor < backWithin;

function concludeHeard(facts: HostFacts, by: readonly CoordinatorId[]): HostVerdict {
  const { health, previous, isCalledDown, me } = facts;
  const keeps = previous.kind === "healthy" || previous.kind === "engine-unhealthy";
  if (health === undefined) {
    if (keeps || facts.aliveFor < backWithin) return previous;
    return verdict("partial", `${by.join(", ")} hears it, and ${me} does not yet`);
  }
  const pong: Evidence = { kind: "pong", by: me, text: `its agent says ${health.state}` };
  if (health.state === "unhealthy") {
    const text = `${pong.text}: ${health.reason}`;
    return verdict("engine-unhealthy", `its engine fails: ${health.reason}`, { ...pong, text });
  }
  if (isCalledDown) {
    const reason = "its agent answers, and its Swarm calls it down";
    return verdict("engine-unhealthy", reason, pong, calledDown);
  }
  switch (health.state) {
    case "healthy":
      return verdict("healthy", "its agent answers, and its engine does", pong);
    case "unchecked":
      return verdict("healthy", "its agent answers, and checks no engine", pong);
    case "starting":
      return keeps ? previous : verdict("unknown", "its agent has not checked the engine yet");
  }
}

function concludeSilent(
  facts: HostFacts,
  { by, because }: Extract<Conclusion, { kind: "silent" }>,
): HostVerdict {
  if (because === "refused") {
    // Who refuses lives.
    return facts.everHeard
      ? verdict("agent-lost", "its agent's port is closed, and the host itself says so")
      : neverHeard(facts);
  }
  if (!facts.everHeard && !facts.isCalledDown) return neverHeard(facts);
  const reason = `${by.join(" and ")} hear nothing of it`;
  const swarm = facts.isCalledDown ? [calledDown] : [];
  return verdict("dead", reason, ...by.map(silenceOf), ...swarm);
}

function concludeUndecided(facts: HostFacts): HostVerdict {
  const { previous, sign, isSilentHere, me } = facts;
  // Under heavy loss a Swarm loses its nodes, and an agent that lives goes unheard for a moment: of one that was ever heard it
  // takes as much silence as this path's loss asks for.
  const isUnheard = !facts.wasHeardLately && (isSilentHere || !facts.everHeard);
  if (facts.isCalledDown && isUnheard) {
    return verdict("dead", "its Swarm calls it down, and its agent is not heard", calledDown);
  }
  if (!facts.everHeard) return neverHeard(facts);
  if (!isSilentHere || sign === undefined) return previous;
  if (isJustBack(facts)) return previous;
  const seen: Evidence = { kind: "check", by: me, text: sign.text };
  if (sign.kind === "answers") {
    return verdict("agent-lost", `its agent is silent, but the host lives: ${sign.text}`, seen);
  }
  // A dead host is believed to be back when it answers, not by what may have been under way.
  if (previous.kind === "dead") return previous;
  return verdict("partial", `it is heard and does not answer: ${sign.text}`, seen);
}

function neverHeard({ spec, previous }: HostFacts): HostVerdict {
  // Of an earlier time, when its Swarm called it down.
  const swarm = spec.node === undefined ? "" : `; its Swarm calls it ${spec.node.state}`;
  const reason = `nobody ever answered for it at ${spec.address}:${spec.port}${swarm}`;
  return previous.kind === "unknown" && previous.reason === reason
    ? previous
    : verdict("unknown", reason);
}

const verdict = (
  kind: HostVerdictKind,
  reason: string,
  ...evidence: readonly Evidence[]
): HostVerdict => ({ kind, reason, evidence });

const silenceOf = (by: CoordinatorId): Evidence => ({
  kind: "silence",
  by,
  text: "hears nothing of its agent, and no answer by TCP",
});
const calledDown: Evidence = { kind: "swarm", by: "its Swarm", text: "calls the node down" };
