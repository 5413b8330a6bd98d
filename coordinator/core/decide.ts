// What a verdict asks for (design rules 4, 6 and 10): the action, when at the earliest, or why nothing is done.

import { after, type Duration, type Instant } from "../../proto/units.ts";
import type { ActionKind, Decision, Verdict } from "./decision.ts";
import type { Intent } from "./intent.ts";
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
  switch (verdict.kind) {
    case "healthy":
      return decideHealthy(about, act, leave);
    case "stopped":
      return container === undefined ? leave("it has no container") : judged(container, "start");
    case "unhealthy":
      return container === undefined
        ? leave("no container is known for it, so there is nothing to restart")
        : act("restart", now, "");
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
    case "paused":
      return leave("it is paused: that is somebody's wish");
    case "partial":
      return leave("somebody hears it");
    case "unwatched":
      return leave("nothing of it was ever heard");
    case "starting":
    case "unknown":
      return leave("");
  }
}

/** Whether a worker that is down was stopped by somebody, so that it is theirs for a while, or for good. */
export function isStoppedByHand(
  intent: Pick<Intent, "judge">,
  { container, settings }: WorkerSpec,
  now: Instant,
): boolean {
  if (container === undefined || container.state === "running") return false;
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

function decideGone(about: Circumstances, act: Act, leave: Leave): Decision {
  if (!about.spec.settings.recreate)
    return leave("it was removed, and heartmesh.recreate is not set");
  if (about.goneContainer === undefined || !about.projectExists) {
    return leave("its whole project was taken down");
  }
  return act("recreate", after(about.since, about.stopHold), "it may be about to be created again");
}
