// From evidence to a verdict: one pure function, so that every coordinator that knows the same concludes the same.

import type { AgentHealth } from "../../proto/messages.ts";
import type { CoordinatorId, Duration } from "../../proto/units.ts";
import type { Evidence, Verdict, VerdictKind } from "./decision.ts";
import type { Conclusion } from "./quorum.ts";
import { isLater, type ContainerView, type WorkerSpec } from "./worker.ts";

/** What one coordinator knows of a worker at one instant. */
export interface Facts {
  readonly spec: WorkerSpec;
  readonly me: CoordinatorId;
  /** False while this coordinator abstains: then only the engine speaks. */
  readonly fit: boolean;
  readonly engineReachable: boolean;
  /** What the containers of a worker that is gone were; undefined for all others. */
  readonly goneContainer: ContainerView | undefined;
  readonly conclusion: Conclusion;
  /** The last health that its agent told since the container's current start. */
  readonly health: AgentHealth | undefined;
  /** An agent saw the worker's process exit since the container's current start. */
  readonly obituary: string | undefined;
  /** Whether it was ever heard, and whether since its current start. */
  readonly everHeard: boolean;
  readonly heardSinceStart: boolean;
  /** Since its current start was seen. */
  readonly runningFor: Duration;
  /** The agent's container as last seen, also when it has gone since. */
  readonly agentSeen: ContainerView | undefined;
  readonly previous: VerdictKind;
}

type Conclude = (kind: VerdictKind, reason: string, ...evidence: readonly Evidence[]) => Verdict;

export function conclude(facts: Facts): Verdict {
  const { spec } = facts;
  const verdict: Conclude = (kind, reason, ...evidence) => ({
    worker: spec.id,
    kind,
    reason,
    evidence,
  });
  if (facts.goneContainer !== undefined) {
    const seen = inspected(
      facts.goneContainer,
      `container ${facts.goneContainer.name} was removed`,
    );
    return verdict("gone", "its container was removed", seen);
  }
  if (spec.container !== undefined && facts.engineReachable) {
    const ofEngine = concludeByEngine(facts, spec.container, verdict);
    if (ofEngine !== undefined) return ofEngine;
  }
  if (!facts.fit && spec.probe.kind !== "engine-only") {
    return verdict(facts.previous, "this coordinator abstains and keeps its last verdict");
  }
  switch (spec.probe.kind) {
    case "agent":
      return concludeByAgent(facts, verdict);
    case "check":
      return concludeByCheck(facts, verdict);
    case "engine-only":
      return concludeWithoutProbe(facts, verdict);
  }
}

/** What the engine's word alone settles; undefined where the worker runs and the engine has nothing against it. */
function concludeByEngine(
  facts: Facts,
  container: ContainerView,
  verdict: Conclude,
): Verdict | undefined {
  switch (container.state) {
    case "paused":
      return verdict("paused", "it is paused", inspected(container, "paused"));
    case "exited":
    case "dead": {
      const text = `${container.state} with code ${container.exitCode}`;
      return verdict("stopped", `its container has ${text}`, inspected(container, text));
    }
    case "restarting":
      return verdict("stopped", "the engine is restarting it", inspected(container, "restarting"));
    case "removing":
    case "created":
      return verdict("unknown", `its container is ${container.state}`);
    case "running":
  }
  if (container.health === "unhealthy") {
    const evidence: Evidence = {
      kind: "engine-health",
      by: container.host,
      text: "the engine's own health check fails",
    };
    return verdict("unhealthy", "its HEALTHCHECK fails", evidence);
  }
  return concludeLostAgent(facts, container, verdict);
}

/** The engine tells a dead agent from a dead worker (design rule 4), without waiting for silence. */
function concludeLostAgent(
  facts: Facts,
  worker: ContainerView,
  verdict: Conclude,
): Verdict | undefined {
  if (facts.spec.probe.kind === "check") return undefined;
  const { agent } = facts.spec;
  if (agent === undefined) {
    if (facts.agentSeen === undefined || facts.conclusion.kind !== "silent") return undefined;
    const seen = inspected(facts.agentSeen, `its agent ${facts.agentSeen.name} is gone`);
    return verdict("agent-lost", "its agent's container is gone while it runs", seen);
  }
  if (isDown(agent)) {
    const text = `agent ${agent.name} has exited with code ${agent.exitCode}`;
    return verdict("agent-lost", `its ${text} while it runs`, inspected(agent, text));
  }
  if (agent.state === "running" && isStale(agent, worker)) {
    const text = `agent ${agent.name} still holds the network namespace of the worker's last run`;
    return verdict("agent-lost", `its ${text}`, inspected(agent, text));
  }
  if (agent.health === "unhealthy" && facts.conclusion.kind === "silent") {
    const text = `agent ${agent.name} is unhealthy`;
    return verdict("agent-lost", `its ${text} while it runs`, inspected(agent, text));
  }
  return undefined;
}

/** It does not run, though the engine may be about to start it by its policy. */
export const isDown = ({ state }: ContainerView): boolean =>
  state === "exited" || state === "dead" || state === "restarting";

/** Whether `member` joined the network namespace of an earlier run of `owner` and so hears nothing any more. */
export function isStale(member: ContainerView, owner: ContainerView): boolean {
  if (!member.networkMode.startsWith("container:")) return false;
  return (
    owner.id.startsWith(member.networkMode.slice(10)) && isLater(owner.startedAt, member.startedAt)
  );
}

function concludeByAgent(facts: Facts, verdict: Conclude): Verdict {
  const { conclusion, spec } = facts;
  if (facts.obituary !== undefined && facts.health?.state !== "healthy") {
    const evidence: Evidence = { kind: "obituary", by: "its agent", text: facts.obituary };
    return verdict("unhealthy", `its process has exited: ${facts.obituary}`, evidence);
  }
  switch (conclusion.kind) {
    case "heard":
      return concludeByHealth(facts, verdict);
    case "partial":
      return verdict(
        "partial",
        `${conclusion.heardBy.join(", ")} hears it, ${conclusion.unheardBy.join(", ")} does not: the path is broken, not the worker`,
        ...conclusion.unheardBy.map((by) => silenceOf(by, "does not hear it")),
      );
    case "undecided":
      if (facts.heardSinceStart) return concludeByHealth(facts, verdict);
      // It may have no agent at all; then the engine's check is the one that counts.
      if (!facts.everHeard && spec.container?.health === "healthy") {
        return verdict("healthy", "no agent has answered yet; the engine's health check passes");
      }
      return verdict(
        facts.runningFor < spec.settings.startPeriod ? "starting" : "unknown",
        "it was not heard yet since its start",
      );
    case "silent":
      return concludeSilent(facts, conclusion.by, verdict);
  }
}

function concludeSilent(facts: Facts, by: readonly CoordinatorId[], verdict: Conclude): Verdict {
  const { spec } = facts;
  if (!facts.everHeard) {
    const how = spec.probe.kind === "agent" ? ` at ${spec.probe.address}:${spec.probe.port}` : "";
    return spec.container?.health === "healthy"
      ? verdict("healthy", `no agent answers${how}; the engine's health check passes`)
      : verdict("unwatched", `nobody ever answered${how}, and it has no check of its own`);
  }
  if (!facts.heardSinceStart && facts.runningFor < spec.settings.startPeriod) {
    return verdict("starting", "it was not heard yet since its start");
  }
  return verdict(
    "silent",
    `${by.join(" and ")} hear nothing of it`,
    ...by.map((coordinator) => silenceOf(coordinator, "hears nothing of it")),
  );
}

function concludeByHealth(facts: Facts, verdict: Conclude): Verdict {
  const { health } = facts;
  const { container } = facts.spec;
  if (health === undefined) {
    return verdict(keptOf(facts.previous), "it was heard, and has not said how it is yet");
  }
  const pong: Evidence = { kind: "pong", by: facts.me, text: `its agent says ${health.state}` };
  switch (health.state) {
    case "healthy":
      return verdict("healthy", "it answers and its check passes", pong);
    case "unchecked":
      return container?.health === "starting"
        ? verdict("starting", "the engine's health check has not passed yet", pong)
        : verdict("healthy", "its agent answers; the agent has no check of the worker", pong);
    case "starting":
      return verdict("starting", "its check has not passed yet", pong);
    case "unhealthy":
      return verdict("unhealthy", `its check fails: ${health.reason}`, {
        ...pong,
        text: `its agent says unhealthy: ${health.reason}`,
      });
  }
}

function concludeByCheck(facts: Facts, verdict: Conclude): Verdict {
  const { conclusion, spec } = facts;
  switch (conclusion.kind) {
    case "heard":
      return verdict("healthy", "the check of the coordinators passes");
    case "partial":
      return verdict(
        "partial",
        `the check passes from ${conclusion.heardBy.join(", ")} and fails from ${conclusion.unheardBy.join(", ")}`,
        ...conclusion.unheardBy.map((by) => checkOf(by)),
      );
    case "undecided":
      return verdict(
        facts.heardSinceStart ? keptOf(facts.previous) : "starting",
        "its check is under way",
      );
    case "silent":
      if (!facts.heardSinceStart && facts.runningFor < spec.settings.startPeriod) {
        return verdict("starting", "its check has not passed yet since its start");
      }
      return verdict(
        spec.container === undefined ? "silent" : "unhealthy",
        `its check fails from ${conclusion.by.join(" and ")}`,
        ...conclusion.by.map((by) => checkOf(by)),
      );
  }
}

function concludeWithoutProbe(facts: Facts, verdict: Conclude): Verdict {
  const { container, role } = facts.spec;
  if (!facts.engineReachable) return verdict(facts.previous, "its engine does not answer");
  if (container?.health === "healthy") return verdict("healthy", "its HEALTHCHECK passes");
  if (container?.health === "starting")
    return verdict("starting", "its HEALTHCHECK has not passed yet");
  if (role !== "worker") return verdict("healthy", "its container runs");
  return verdict("unwatched", "it runs, and there is nothing that could be asked");
}

/** Between two answers the last word about its health stands. */
const keptOf = (previous: VerdictKind): VerdictKind =>
  previous === "healthy" || previous === "unhealthy" || previous === "starting"
    ? previous
    : "unknown";

const inspected = (view: ContainerView, text: string): Evidence => ({
  kind: "inspection",
  by: view.host,
  text,
});
const silenceOf = (by: CoordinatorId, text: string): Evidence => ({ kind: "silence", by, text });
const checkOf = (by: CoordinatorId): Evidence => ({ kind: "check", by, text: "its check fails" });
