// A Docker engine as a script: containers, the events that it sends and when, and the agents that live in its containers.

import type { EngineNews } from "../../../coordinator/core/engine-news.ts";
import type { ContainerView, EngineEvent } from "../../../coordinator/core/worker.ts";
import type { AgentHealth } from "../../../proto/messages.ts";
import { container } from "./recovery-specs.ts";

/** `inside`: the agent joins the worker's network namespace; `around`: the worker joins the agent's; `task`: a Swarm's, with its agent in it. */
export type Arrangement = "inside" | "around" | "none" | "task";

export interface Stage {
  readonly now: () => number;
  readonly at: (ms: number, run: () => void) => void;
  /** To every coordinator; `ours` tells which one's runner caused it. */
  readonly emit: (news: EngineNews, ours?: string) => void;
}

export interface Worker {
  readonly name: string;
  readonly arrangement: Arrangement;
  readonly address: string;
  isHungSince: number | undefined;
  /** Its datagrams are dropped, by and by whom the mesh decides; a restart of the worker ends it where `healsBy` says so. */
  isMute: boolean;
  healsBy: "worker" | "agent" | "either";
  /** How long it lives after each start. */
  livesFor: number | undefined;
}

/** Measured: a dead process is heard of after so long; an inspection takes as long again as a few datagrams. */
const dieDelay = 28;
const inspection = 8;
const startTakes = 250;
/** An agent, or a worker, answers so long after its start. */
const bootTakes = 60;
/** Swarm's delay before it replaces a container that died. */
const swarmDelay = 5_000;
/** How long an agent's check takes to notice a hang. */
const hangNoticed = 1_500;

export class ScriptedEngine {
  readonly host = "h1";
  readonly workers = new Map<string, Worker>();
  readonly views = new Map<string, ContainerView>();
  /** Starts of each container by whomever, after the first. */
  readonly starts: { readonly name: string; readonly at: number; readonly by: string }[] = [];
  /** Addresses where the agent of another worker answers. */
  readonly answersAs = new Map<string, string>();
  /** How long an inspection takes: longer while much is started and stopped. */
  inspectionTakes = inspection;
  /** Whether dead tasks are replaced. */
  hasSwarm = true;
  readonly #stage: Stage;
  readonly #removed = new Map<string, ContainerView>();
  #next = 1;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  add(name: string, arrangement: Arrangement, over: Partial<ContainerView> = {}): Worker {
    const address = `10.0.0.${this.workers.size + 2}`;
    const worker: Worker = {
      name,
      arrangement,
      address,
      isHungSince: undefined,
      isMute: false,
      healsBy: "worker",
      livesFor: undefined,
    };
    this.workers.set(name, worker);
    if (arrangement === "task") {
      this.#putTask(worker, over);
      return worker;
    }
    const project = "com.docker.compose.project";
    const service = "com.docker.compose.service";
    const labels = { role: "node", [project]: "shop", [service]: name, ...over.labels };
    const own = container(name, { state: "running", startedAt: this.#stamp(), ...over, labels });
    const agent = container(`${name}-agent`, {
      state: "running",
      startedAt: this.#stamp(),
      labels: { "heartmesh.agent": "true", [project]: "shop", [service]: `${name}-agent` },
    });
    const [net, addresses] = ["networkMode", "addresses"] as const;
    if (arrangement === "around") {
      this.#put({ ...agent, [addresses]: [address] });
      this.#put({ ...own, [net]: `container:${agent.id}`, [addresses]: [] });
    } else {
      this.#put({ ...own, [addresses]: [address] });
      if (arrangement === "inside")
        this.#put({ ...agent, [net]: `container:${own.id}`, [addresses]: [] });
    }
    return worker;
  }

  /** By the container's name; of a Swarm's slot the newest one. */
  view(name: string): ContainerView | undefined {
    return [...this.views.values()].findLast((view) => view.name === name || slotOf(view) === name);
  }

  snapshot(): EngineNews {
    return { kind: "engine-snapshot", host: this.host, containers: [...this.views.values()] };
  }

  startsOf(name: string): number {
    return this.starts.filter((start) => start.name === name).length;
  }

  /** The process dies by itself; the engine restarts it where its policy is `always`. */
  crash(name: string, by?: string): void {
    const view = this.#running(name);
    if (view === undefined) return;
    if (view.restartPolicy === "always") this.#putOff(view);
    else this.#put({ ...view, state: "exited", exitCode: 137 });
    const slot = slotOf(view);
    if (slot !== undefined) this.#replace(slot);
    this.#stage.at(dieDelay, () => {
      this.#event(view, "die", { exitCode: 137 }, by);
    });
    this.#inspect(view.id, dieDelay + this.inspectionTakes);
  }

  /** As Swarm does: by another container, with another name. */
  #replace(slot: string): void {
    const worker = this.workers.get(slot);
    this.#stage.at(swarmDelay, () => {
      if (worker === undefined || !this.hasSwarm) return;
      const view = this.#putTask(worker, {});
      this.starts.push({ name: slot, at: this.#stage.now(), by: "swarm" });
      this.#heal(slot);
      this.#event(view, "start");
      this.#inspect(view.id, this.inspectionTakes);
    });
  }

  #putTask(worker: Worker, over: Partial<ContainerView>): ContainerView {
    const task = `task${this.#next++}`;
    const name = `${worker.name}.${task}`;
    const view = container(name, {
      state: "running",
      startedAt: this.#stamp(),
      addresses: [worker.address],
      ...over,
      labels: {
        role: "node",
        "com.docker.swarm.task.id": task,
        "com.docker.swarm.task.name": name,
        ...over.labels,
      },
    });
    this.#put(view);
    return view;
  }

  /** 100 ms after the first death, and twice as long after each further one. */
  #putOff(view: ContainerView): void {
    const restartCount = view.restartCount + 1;
    this.#put({ ...view, state: "restarting", exitCode: 137, restartCount });
    this.#stage.at(100 * 2 ** (restartCount - 1), () => {
      const now = this.view(view.name);
      if (now?.state === "restarting" && now.startedAt === view.startedAt)
        this.start(view.name, "engine");
    });
  }

  /** `docker kill`, or the fatal half of an action of ours. */
  kill(name: string, by?: string): void {
    const view = this.#running(name);
    if (view === undefined) return;
    this.#event(view, "kill", { signal: 9 }, by);
    this.crash(name, by);
  }

  /** `docker stop`. */
  stop(name: string): void {
    const view = this.#running(name);
    if (view === undefined) return;
    this.#event(view, "kill", { signal: 15 });
    this.#stage.at(20, () => {
      this.crash(name);
    });
    this.#stage.at(98, () => {
      this.#event(view, "stop");
    });
  }

  start(name: string, by = "somebody"): void {
    this.#stage.at(startTakes, () => {
      const view = this.view(name);
      if (view === undefined || view.state === "running") return;
      this.#put({ ...view, state: "running", startedAt: this.#stamp(), exitCode: 0 });
      this.starts.push({ name, at: this.#stage.now(), by });
      this.#heal(name);
      this.#event(view, "start", {}, by);
      this.#inspect(view.id, this.inspectionTakes);
    });
  }

  pause(name: string): void {
    const view = this.#running(name);
    if (view === undefined) return;
    this.#put({ ...view, state: "paused" });
    this.#event(view, "pause");
    this.#inspect(view.id, this.inspectionTakes);
  }

  remove(name: string): void {
    const view = this.view(name);
    if (view === undefined) return;
    this.views.delete(view.id);
    this.#removed.set(name, view);
    this.#event(view, "destroy");
    const { host, id: containerId } = view;
    this.#stage.at(this.inspectionTakes, () => {
      this.#stage.emit({ kind: "container-gone", host, containerId, name });
    });
  }

  /** Made anew under the same name, with another id. */
  recreate(name: string, by: string): void {
    const old = this.#removed.get(name);
    if (old === undefined || this.view(name) !== undefined) return;
    this.#put({ ...old, id: `id-${name}-${this.#next++}`, startedAt: "", state: "exited" });
    this.start(name, by);
  }

  /** What the agent at this address and its worker would say; undefined: nothing answers there. */
  answerAt(address: string): { readonly name: string; readonly health: AgentHealth } | undefined {
    const stranger = this.answersAs.get(address);
    if (stranger !== undefined) {
      return { name: stranger, health: { state: "healthy", checkedAgo: 1, reason: "" } };
    }
    const worker = [...this.workers.values()].find((one) => one.address === address);
    if (worker === undefined || worker.isMute || worker.arrangement === "none") return undefined;
    const own = this.view(worker.name);
    const agent = worker.arrangement === "task" ? own : this.view(`${worker.name}-agent`);
    if (agent?.state !== "running" || this.#age(agent) < bootTakes) return undefined;
    // An agent that is older than the namespace that it joined hears nothing.
    if (worker.arrangement === "inside") {
      const isJoined = own !== undefined && own.state !== "exited";
      if (!isJoined || own.startedAt > agent.startedAt) return undefined;
    }
    return { name: worker.name, health: this.#healthOf(worker, own, agent) };
  }

  #healthOf(worker: Worker, own: ContainerView | undefined, agent: ContainerView): AgentHealth {
    const now = this.#stage.now();
    const checkedAgo = Math.max(1, now % 250);
    if (own?.state === "running" && this.#age(own) - checkedAgo < bootTakes) {
      return { state: "starting", checkedAgo, reason: "" };
    }
    const isCutOff =
      worker.arrangement === "around" && own !== undefined && own.startedAt < agent.startedAt;
    const hungFor = worker.isHungSince === undefined ? 0 : now - worker.isHungSince;
    const isWell = own?.state === "running" && !isCutOff && hungFor < hangNoticed;
    return isWell
      ? { state: "healthy", checkedAgo, reason: "" }
      : { state: "unhealthy", checkedAgo, reason: "no answer" };
  }

  #heal(name: string): void {
    const worker = this.workers.get(name);
    if (worker !== undefined) {
      worker.isHungSince = undefined;
      if (worker.healsBy !== "agent") worker.isMute = false;
      if (worker.livesFor !== undefined) {
        this.#stage.at(worker.livesFor, () => {
          this.crash(name);
        });
      }
    }
    const ofAgent = name.endsWith("-agent") ? this.workers.get(name.slice(0, -6)) : undefined;
    if (ofAgent !== undefined && ofAgent.healsBy !== "worker") ofAgent.isMute = false;
  }

  #running(name: string): ContainerView | undefined {
    const view = this.view(name);
    return view?.state === "running" ? view : undefined;
  }

  #put(view: ContainerView): void {
    this.views.set(view.id, view);
  }

  #age(view: ContainerView): number {
    return this.#stage.now() - (Date.parse(view.startedAt) - epoch);
  }

  /** Later starts compare as later, as the engine's do. */
  #stamp(): string {
    return new Date(epoch + this.#stage.now()).toISOString();
  }

  #event(
    view: ContainerView,
    action: EngineEvent["action"],
    over: Partial<EngineEvent> = {},
    by?: string,
  ): void {
    const { host, id: containerId, name, labels } = view;
    const event = { host, containerId, name, labels, action, signal: 0, exitCode: -1, ours: false };
    this.#stage.emit({ kind: "engine-event", event: { ...event, ...over } }, by);
  }

  #inspect(id: string, ms: number): void {
    this.#stage.at(ms, () => {
      const view = this.views.get(id);
      if (view !== undefined) this.#stage.emit({ kind: "container-changed", view });
    });
  }
}

const epoch = Date.parse("2026-01-01T00:00:00Z");

function slotOf({ labels }: ContainerView): string | undefined {
  const name = labels["com.docker.swarm.task.name"];
  return name?.slice(0, name.lastIndexOf("."));
}
