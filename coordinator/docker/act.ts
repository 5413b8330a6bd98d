// Performs one revival on its engine: looks again, acts on exactly what was decided on, and lets the namespace follow.

import { strict as assert } from "node:assert";
import type { Duration } from "../../proto/units.ts";
import type { RevivalJob, Target } from "../core/job.ts";
import { isSwarmTask } from "../core/swarm-task.ts";
import type { ContainerView } from "../core/worker.ts";
import type { ActionResult, Actor } from "../jobs/ports.ts";
import type { EngineClient } from "./engines.ts";
import {
  bringUp,
  followInNamespace,
  freeAgent,
  joins,
  ownerOf,
  refreshAgent,
} from "./followers.ts";
import { failed, Hand, resultOf, superseded } from "./hand.ts";
import type { OwnActions } from "./own-actions.ts";
import type { Recreator } from "./recreate.ts";
import { isMarked, namespaceOwner, type Relevance } from "./relevance.ts";

/** Between SIGTERM and SIGKILL of an unhealthy worker, where its label says nothing. */
const defaultStopTimeout: Duration = 1_000;

export interface ActorParts {
  readonly engines: readonly EngineClient[];
  readonly relevance: Relevance;
  readonly own: OwnActions;
  readonly recreator: Recreator;
  readonly now: () => number;
}

export class EngineActor implements Actor {
  readonly #parts: ActorParts;

  constructor(parts: ActorParts) {
    this.#parts = parts;
  }

  async perform(job: RevivalJob, mayAct: () => boolean): Promise<ActionResult> {
    const client = this.#parts.engines.find((engine) => engine.host === job.target.host);
    if (client === undefined) {
      const reason = `this coordinator has not reached an engine named ${job.target.host}`;
      return { kind: "engine-unavailable", reason };
    }
    const { own, now } = this.#parts;
    try {
      return await this.#act(job, new Hand({ client, own, mayAct, now }));
    } catch (error) {
      return resultOf(error);
    }
  }

  #act(job: RevivalJob, hand: Hand): Promise<ActionResult> {
    switch (job.action) {
      case "start":
        return this.#start(job, hand);
      case "kill-start":
        return this.#killStart(job, hand);
      case "agent-then-worker":
        return this.#agentThenWorker(job, hand);
      case "restart":
        return this.#restart(job, hand);
      case "revive-agent":
        return this.#reviveAgent(job, hand);
      case "restart-dependants":
        return this.#restartDependants(job, hand);
      case "move":
        return Promise.resolve({ kind: "superseded", reason: "a service is no container" });
      case "recreate":
        return this.#parts.recreator.recreate(job, hand);
      case "kill":
        return this.#kill(job, hand);
    }
  }

  async #start(job: RevivalJob, hand: Hand): Promise<ActionResult> {
    const view = await this.#look(job.target, hand, ["exited", "created", "restarting"]);
    leaveToSwarm(view);
    await hand.takeOver(view);
    return await this.#bringUp(view, job, hand);
  }

  async #killStart(job: RevivalJob, hand: Hand): Promise<ActionResult> {
    const view = await this.#look(job.target, hand, ["running"]);
    leaveToSwarm(view);
    if (view.state === "running") await this.#end(view, job, hand);
    return await this.#bringUp(view, job, hand);
  }

  /** Swarm starts another container in its place. */
  async #kill(job: RevivalJob, hand: Hand): Promise<ActionResult> {
    const view = await this.#look(job.target, hand, ["running"]);
    if (view.state !== "running") {
      throw superseded(`${view.name} was killed, and Swarm has started none that answers`);
    }
    await this.#end(view, job, hand);
    return { kind: "acted", containerId: view.id, startedAt: "" };
  }

  /** A worker that has a stop timeout asked for its grace; any other is killed at once. */
  async #end(view: ContainerView, { stopTimeout }: RevivalJob, hand: Hand): Promise<void> {
    if (stopTimeout === undefined) await hand.kill(view.id);
    else await hand.stop(view.id, stopTimeout);
  }

  /** The agent's own start tells whether it had its turn: no runner needs to remember. */
  async #agentThenWorker(job: RevivalJob, hand: Hand): Promise<ActionResult> {
    const agent = job.agent === undefined ? undefined : await hand.inspect(job.agent.containerId);
    const hadItsTurn = agent === undefined || agent.startedAt !== job.agent?.startedAt;
    return hadItsTurn ? await this.#killStart(job, hand) : await this.#reviveAgent(job, hand);
  }

  async #restart(job: RevivalJob, hand: Hand): Promise<ActionResult> {
    const view = await this.#look(job.target, hand, ["running"]);
    leaveToSwarm(view);
    // Ours, half done: the engine stopped it and did not start it.
    if (view.state !== "running") return await this.#bringUp(view, job, hand);
    const restarting = hand.restart(view.id, job.stopTimeout ?? defaultStopTimeout);
    const [restarted] = await Promise.allSettled([restarting, freeAgent(view, job, hand)]);
    if (restarted.status === "rejected") throw restarted.reason;
    await followInNamespace(await this.#afterwards(view, hand), job, hand);
    return await this.#acted(view, hand);
  }

  async #bringUp(view: ContainerView, job: RevivalJob, hand: Hand): Promise<ActionResult> {
    await bringUp(view, job, hand);
    return await this.#acted(view, hand);
  }

  async #reviveAgent(job: RevivalJob, hand: Hand): Promise<ActionResult> {
    assert(job.agent !== undefined, "revive-agent needs the agent's container");
    const worker = await this.#look(job.target, hand, ["running"]);
    if (worker.state !== "running") throw superseded(`${worker.name} does not run`, worker);
    const agent = await hand.inspect(job.agent.containerId);
    if (agent === undefined) throw superseded(`the agent ${job.agent.name} is gone`);
    assert(
      this.#isOurs(agent) || joins(agent, worker) || joins(worker, agent),
      `${agent.name} is neither labelled nor in the namespace of ${worker.name}`,
    );
    if (agent.startedAt !== job.agent.startedAt) {
      throw superseded(`the agent ${agent.name} was started anew`, worker);
    }
    if (agent.state === "paused") throw superseded(`the agent ${agent.name} is paused`, worker);
    leaveToSwarm(agent);
    const owner = await ownerOf(agent, hand);
    if (owner === "gone") {
      // It holds the namespace of the worker's predecessor, and always will.
      await this.#parts.recreator.recreateDependants([agent], worker, job, hand);
    } else {
      await refreshAgent(agent, hand);
      await followInNamespace(await this.#afterwards(agent, hand), job, hand);
    }
    return await this.#acted(worker, hand);
  }

  async #restartDependants(job: RevivalJob, hand: Hand): Promise<ActionResult> {
    const owner = await this.#look(job.target, hand, ["running"]);
    if (owner.state !== "running") throw superseded(`${owner.name} does not run`, owner);
    const members = job.agent === undefined ? job.dependants : [job.agent, ...job.dependants];
    const orphans: ContainerView[] = [];
    for (const member of members) {
      const view = await hand.inspect(member.containerId);
      if (view === undefined || joins(view, owner)) continue;
      if (
        namespaceOwner(view.networkMode) !== undefined &&
        (await ownerOf(view, hand)) === "gone"
      ) {
        orphans.push(view);
      }
    }
    const restarted = await followInNamespace(owner, job, hand);
    if (orphans.length > 0) {
      await this.#parts.recreator.recreateDependants(orphans, owner, job, hand);
    }
    if (restarted === 0 && orphans.length === 0) {
      throw superseded(`nothing that holds the namespace of ${owner.name} needs a restart`, owner);
    }
    return await this.#acted(owner, hand);
  }

  /**
   * The target as it is now: the same container and start as decided on, in one of these states (or stopped by an
   * earlier try of ours). Anything else is superseded.
   */
  async #look(
    target: Target,
    hand: Hand,
    states: readonly ContainerView["state"][],
  ): Promise<ContainerView> {
    const view = await hand.inspect(target.containerId);
    if (view === undefined) throw superseded(`${target.name} is gone`);
    assert(this.#isOurs(view), `${view.name} is not labelled: it is never acted on`);
    if (view.startedAt !== target.startedAt) {
      throw superseded(`${view.name} was started again at ${view.startedAt}`, view);
    }
    const isOursHalfDone = view.state === "exited" && hand.hasKilled(view.id);
    if (!states.includes(view.state) && !isOursHalfDone) {
      throw superseded(`${view.name} is ${view.state}`, view);
    }
    // Gives way once, so that what was waiting (the end of the lease among it) is seen before the call.
    await new Promise(setImmediate);
    return view;
  }

  #isOurs(view: ContainerView): boolean {
    return isMarked(view, this.#parts.relevance);
  }

  async #afterwards(view: ContainerView, hand: Hand): Promise<ContainerView> {
    const now = await hand.inspect(view.id);
    if (now === undefined) throw failed(`${view.name} was removed right after the action`);
    return now;
  }

  async #acted(view: ContainerView, hand: Hand): Promise<ActionResult> {
    const now = await this.#afterwards(view, hand);
    return { kind: "acted", containerId: now.id, startedAt: now.startedAt };
  }
}

/** Never started by hand, whatever was ordered. */
function leaveToSwarm(view: ContainerView): void {
  if (isSwarmTask(view)) throw superseded(`Swarm itself replaces ${view.name}`, view);
}
