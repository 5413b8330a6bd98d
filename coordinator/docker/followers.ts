// What shares a network namespace with a container that is started: it lost its network, or gives it, and must follow.

import type { RevivalJob, Target } from "../core/job.ts";
import { isLater, type ContainerView } from "../core/worker.ts";
import { failed, superseded, type Hand } from "./hand.ts";
import { namespaceOwner, refersTo } from "./relevance.ts";

/** Between SIGTERM and SIGKILL of a dependant, ms: its network is gone already. */
const followStopTimeout = 1_000;

/** Its network namespace, or that of its processes: the one is lost, the other kills it, when the owner stops. */
export const joins = (view: ContainerView, owner: ContainerView): boolean =>
  refersTo(namespaceOwner(view.networkMode), owner) || joinsProcesses(view, owner);

const joinsProcesses = (view: ContainerView, owner: ContainerView): boolean =>
  refersTo(namespaceOwner(view.pidMode), owner);

/** The container whose namespace it joins; `own` where it has one of its own. */
export async function ownerOf(
  view: ContainerView,
  hand: Hand,
): Promise<ContainerView | "own" | "gone"> {
  const reference = namespaceOwner(view.networkMode);
  if (reference === undefined) return "own";
  return (await hand.inspect(reference)) ?? "gone";
}

/**
 * Starts a stopped container. Where its agent joins its namespace, the agent is killed while it starts and started
 * right after: 429 ms to the first answer, against 517 ms one after the other (measured).
 */
export async function bringUp(view: ContainerView, job: RevivalJob, hand: Hand): Promise<void> {
  await ensureOwner(view, job, hand);
  const starting = hand.start(view.id);
  const [started] = await Promise.allSettled([starting, freeAgent(view, job, hand)]);
  if (started.status === "rejected") throw started.reason;
  const now = await hand.inspect(view.id);
  if (now !== undefined) await followInNamespace(now, job, hand);
}

/** Kills the agent that holds the namespace of the container's last run. Never fails the action: following looks at the agent again. */
export async function freeAgent(owner: ContainerView, job: RevivalJob, hand: Hand): Promise<void> {
  if (job.agent === undefined) return;
  const agent = await hand.inspect(job.agent.containerId);
  if (agent?.state === "running" && joins(agent, owner)) await hand.kill(agent.id);
}

/** Restarts the agent and the dependants that hold an older namespace of `owner`; all at once. Returns how many did. */
export async function followInNamespace(
  owner: ContainerView,
  job: RevivalJob,
  hand: Hand,
): Promise<number> {
  const members = membersOf(job, owner);
  const followed = await Promise.all(members.map((member) => follow(member, owner, job, hand)));
  return followed.filter(Boolean).length;
}

/** Agent, dependants and, where the owner is the agent itself, the worker. */
const membersOf = (job: RevivalJob, owner: ContainerView): readonly Target[] =>
  [job.target, ...(job.agent === undefined ? [] : [job.agent]), ...job.dependants].filter(
    (member) => member.containerId !== owner.id,
  );

async function follow(
  member: Target,
  owner: ContainerView,
  job: RevivalJob,
  hand: Hand,
): Promise<boolean> {
  const view = await hand.inspect(member.containerId);
  if (view === undefined || !joins(view, owner)) return false;
  const isAgent = member.containerId === job.agent?.containerId;
  switch (view.state) {
    case "running":
    case "restarting":
      if (isLater(view.startedAt, owner.startedAt)) return false;
      if (isAgent) await refreshAgent(view, hand);
      else await hand.restart(view.id, job.stopTimeout ?? followStopTimeout);
      return true;
    case "exited":
    case "created":
      // A stopped dependant was stopped by itself or by a person, unless the owner's end or our own doing killed it.
      if (!isAgent && !hand.hasKilled(view.id) && !wasKilledWith(view, owner)) return false;
      await hand.start(view.id);
      return true;
    case "paused":
    case "removing":
    case "dead":
      return false;
  }
}

const wasKilledWith = (view: ContainerView, owner: ContainerView): boolean =>
  view.exitCode === 137 && joinsProcesses(view, owner);

/** An agent keeps nothing: it is killed, not asked. */
export async function refreshAgent(agent: ContainerView, hand: Hand): Promise<void> {
  if (agent.state === "running" || agent.state === "restarting") await hand.kill(agent.id);
  await hand.start(agent.id);
}

/** A worker in its agent's namespace can only start while the agent runs. */
async function ensureOwner(view: ContainerView, job: RevivalJob, hand: Hand): Promise<void> {
  const owner = await ownerOf(view, hand);
  if (owner === "own") return;
  if (owner === "gone") {
    throw failed(
      `${view.name} joins the network namespace of a container that was removed; create it again`,
    );
  }
  if (owner.state === "running") return;
  if (owner.state === "paused")
    throw superseded(`${owner.name}, whose network it joins, is paused`);
  await hand.takeOver(owner);
  await hand.start(owner.id);
  const now = await hand.inspect(owner.id);
  const others = { ...job, target: job.agent ?? job.target };
  if (now !== undefined) await followInNamespace(now, others, hand);
}
