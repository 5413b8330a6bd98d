// What a verdict asks for (design rules 4, 6 and 10): the action, when at the earliest, or why nothing is done.

import { after, type Duration, type Instant } from "../../proto/units.ts";
import type { ActionKind, Decision, Verdict, VerdictKind } from "./decision.ts";
import type { Intent } from "./intent.ts";
import { isSwarmTask } from "./swarm-task.ts";
import { isDown, isStale } from "./verdict.ts";
import type { ContainerView, WorkerSpec } from "./worker.ts";

export interface Circumstances {
  readonly spec: WorkerSpec;
  readonly intent: Pick<Intent, "judge">;
  /** Since when the worker has the verdict, without a break. */
  readonly since: Instant;
  readonly goneContainer: ContainerView | undefined;
  /** Something of the gone worker's project is left. */
  readonly projectExists: boolean;
  /** Explains the failure together with others: its engine restarted, its host is gone. */
  readonly commonCause: string;
  readonly stopHold: Duration;
}

export function decide(verdict: Verdict, about: Circumstances, now: Instant): Decision {
  const { spec } = about;
  const leave = (reason: string): Decision => ({
    kind: "leave",
    worker: verdict.worker,
    verdict,
    reason,
  });
  const act = (action: ActionKind, notBefore: Instant, waitReason: string): Decision => ({
    kind: "act",
    worker: verdict.worker,
    verdict,
    action,
    notBefore,
    waitReason,
    commonCause: about.commonCause,
  });
  const judged = (container: ContainerView, action: ActionKind): Decision => {
    const judgement = about.intent.judge(container, spec.settings, now);
    switch (judgement.kind) {
      case "respected":
        return leave(judgement.reason);
      case "crash":
        return act(action, judgement.notBefore, judgement.waitReason);
      case "held":
      case "engine-first":
        return act(action, judgement.until, judgement.reason);
    }
  };
  const { container, agent } = spec;
  const { kind } = verdict;
  if (isOfNoAction(kind)) return leave(whyLeft[kind]);
  if (container !== undefined && isSwarmTask(container))
    return decideTask(kind, verdict, container, about, now, act, leave);
  switch (kind) {
    case "healthy":
      return decideHealthy(about, act, leave);
    case "stopped":
      return container === undefined ? leave("it has no container") : judged(container, "start");
    case "unhealthy":
      if (container === undefined)
        return leave("no container is known for it, so there is nothing to restart");
      return judged(container, "restart");
    case "silent":
      return decideSilent(about, now, act, leave);
    case "agent-lost":
      if (agent === undefined) return leave("its agent's container is gone; start it again");
      if (isDown(agent)) return judged(agent, "revive-agent");
      if (container === undefined || !isStale(agent, container))
        return act("revive-agent", now, "");
      // Its worker was restarted by somebody, who may be about to restart the agent as well.
      return act(
        "revive-agent",
        after(about.since, about.stopHold),
        "its worker has just restarted",
      );
    case "gone":
      return decideGone(about, act, leave);
  }
}

type OfNoAction = "paused" | "partial" | "unwatched" | "starting" | "unknown" | "stranded" | "away";

const ofServices = "a service is moved by what its Swarm says, and has no container of its own";
const whyLeft: Readonly<Record<OfNoAction, string>> = {
  paused: "it is paused: that is somebody's wish",
  partial: "somebody hears it",
  unwatched: "nothing of it was ever heard",
  starting: "",
  unknown: "",
  stranded: ofServices,
  away: ofServices,
};

const isOfNoAction = (kind: VerdictKind): kind is OfNoAction => Object.hasOwn(whyLeft, kind);

/** Whether a worker that is down, or on its way down, was stopped by somebody, so that it is theirs for a while, or for good. */
export function isStoppedByHand(
  intent: Pick<Intent, "judge">,
  { container, settings }: WorkerSpec,
  now: Instant,
): boolean {
  if (container === undefined) return false;
  const { kind } = intent.judge(container, settings, now);
  return kind === "held" || kind === "respected";
}

type Act = (action: ActionKind, notBefore: Instant, waitReason: string) => Decision;
type Leave = (reason: string) => Decision;

function decideHealthy(about: Circumstances, act: Act, leave: Leave): Decision {
  const { container, agent, dependants } = about.spec;
  if (container !== undefined && agent?.state === "running" && isStale(container, agent)) {
    // Its agent answers, and hears nothing of it any more.
    const held = "it still holds the network namespace of its agent's last run";
    return act("restart", after(about.since, about.stopHold), held);
  }
  const stale =
    container !== undefined &&
    dependants.some((member) => member.state === "running" && isStale(member, container));
  if (!stale) return leave("");
  const reason = "what shares its network namespace still holds that of its last run";
  return act("restart-dependants", after(about.since, about.stopHold), reason);
}

function decideSilent(about: Circumstances, now: Instant, act: Act, leave: Leave): Decision {
  const { container, agent } = about.spec;
  if (container === undefined)
    return leave("no container is known for it, so nothing can be restarted");
  // Both seem to run: the first try restarts the agent alone (design rule 4).
  return act(agent === undefined ? "kill-start" : "agent-then-worker", now, "");
}

/** Of a Swarm's task: only what hangs is killed. Whether and where another container is started is Swarm's business alone. */
function decideTask(
  kind: Exclude<VerdictKind, OfNoAction>,
  { evidence }: Verdict,
  container: ContainerView,
  { spec, intent, since, stopHold }: Circumstances,
  now: Instant,
  act: Act,
  leave: Leave,
): Decision {
  switch (kind) {
    case "stopped":
    case "gone":
      return leave("it is a Swarm's task: Swarm itself starts another container for it");
    case "unhealthy":
    case "silent": {
      const judgement = intent.judge(container, spec.settings, now);
      // It is given its grace by whoever told it, mostly Swarm itself.
      if (judgement.kind !== "crash") return leave(`it ends: ${judgement.reason}`);
      // Swarm tells it to end with the same event that told us.
      const isSwarms = evidence.some((one) => one.kind === "engine-health");
      if (!isSwarms) return act("kill", now, "");
      const text = "Swarm itself replaces a task whose HEALTHCHECK fails";
      return act("kill", after(since, stopHold), text);
    }
    case "agent-lost":
      return leave("it is a Swarm's task: Swarm itself sees to its agent");
    case "healthy":
      return leave("");
  }
}

function decideGone(about: Circumstances, act: Act, leave: Leave): Decision {
  if (about.goneContainer !== undefined && isSwarmTask(about.goneContainer))
    return leave("it was a Swarm's task: Swarm itself starts another container where it is wanted");
  if (!about.spec.settings.recreate)
    return leave("it was removed, and heartmesh.recreate is not set");
  if (about.goneContainer === undefined || !about.projectExists) {
    return leave("its whole project was taken down");
  }
  return act("recreate", after(about.since, about.stopHold), "it may be about to be created again");
}
