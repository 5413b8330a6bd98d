// Makes a removed container again, and those that held its namespace; journaled, so that a kill between two steps loses nothing.

import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import type { RevivalJob } from "../core/job.ts";
import { isSwarmTask } from "../core/swarm-task.ts";
import type { ContainerView } from "../core/worker.ts";
import type { ActionResult } from "../jobs/ports.ts";
import { hasStatus, type EngineClient } from "./engines.ts";
import { failed, Hand, resultOf, superseded } from "./hand.ts";
import type { OwnActions } from "./own-actions.ts";
import { Journal, type Entry, type Plan } from "./recreation-journal.ts";
import { recreationOf } from "./recreation-spec.ts";
import { isMarked, nameBeside, namespaceOwner, type Relevance } from "./relevance.ts";
import { isToRecreate, keptSpecOf, type KeptSpec, type SpecStore } from "./spec-store.ts";
import { nameOf } from "./views.ts";

/** In this order for each container; a kill after any of them is made up for. */
export type RecreationStep =
  "journaled" | "created" | "connected" | "removed" | "renamed" | "started";

export interface RecreatorParts {
  readonly dataDir: string;
  readonly specs: SpecStore;
  readonly own: OwnActions;
  readonly relevance: Relevance;
  /** Monotonic, ms. */
  readonly now: () => number;
  /** A damaged journal, in words. */
  readonly onProblem: (text: string) => void;
  /** After each step; a test breaks off here. */
  readonly onStep?: (step: RecreationStep, name: string) => void;
}

export class Recreator {
  readonly #parts: RecreatorParts;
  readonly #journal: Journal;

  constructor(parts: RecreatorParts) {
    this.#parts = parts;
    this.#journal = new Journal(parts.dataDir, parts.onProblem);
  }

  /** The target, from what was kept of it, and whatever held its namespace. Throws a Halt where nothing can or must be done. */
  async recreate(job: RevivalJob, hand: Hand): Promise<ActionResult> {
    const { host, name } = job.target;
    const entry = (await this.#journal.read(host, name)) ?? (await this.#begin(job, hand));
    return await this.#finish(entry, hand);
  }

  /** Containers that hold the namespace of an older container than `owner`, made again in that of `owner`. */
  async recreateDependants(
    orphans: readonly ContainerView[],
    owner: ContainerView,
    job: RevivalJob,
    hand: Hand,
  ): Promise<void> {
    const replaced: Record<string, string> = {};
    const plans: Plan[] = [];
    for (const orphan of orphans) {
      const raw = await hand.client.inspectRaw(orphan.id);
      const old = namespaceOwner(orphan.networkMode);
      if (raw === undefined || old === undefined) continue;
      replaced[old] = owner.id;
      plans.push(planOf(keptSpecOf(raw), isToRun(orphan, job)));
    }
    const { host, name } = job.target;
    const entry: Entry = { recovery: job.recovery, host, name, ownerId: owner.id, replaced, plans };
    await this.#journal.write(entry);
    this.#onStep("journaled", name);
    await this.#finish(entry, hand);
  }

  /** At start: what a kill broke off. Each with its result, as the action itself would have given it. */
  async resumeRecreations(
    engines: readonly EngineClient[],
    mayAct: () => boolean,
  ): Promise<readonly { readonly worker: string; readonly result: ActionResult }[]> {
    const results: { worker: string; result: ActionResult }[] = [];
    for (const entry of await this.#journal.all()) {
      const client = engines.find((engine) => engine.host === entry.host);
      const worker = `${entry.host}/${entry.name}`;
      if (client === undefined) {
        const reason = `no engine named ${entry.host} has answered yet`;
        results.push({ worker, result: { kind: "engine-unavailable", reason } });
        continue;
      }
      const { own, now } = this.#parts;
      const hand = new Hand({ client, own, mayAct, now });
      const result = await this.#finish(entry, hand).catch(resultOf);
      results.push({ worker, result });
    }
    return results;
  }

  async #begin(job: RevivalJob, hand: Hand): Promise<Entry> {
    const { host, name, containerId } = job.target;
    const holder = await hand.inspect(name);
    if (holder !== undefined) throw superseded(`${name} exists again`, holder);
    if ((await hand.inspect(containerId)) !== undefined) {
      throw superseded(`${name} was renamed, not removed`);
    }
    const spec = await this.#keptSpec(job);
    const plans = [planOf(spec, true)];
    for (const member of job.agent === undefined
      ? job.dependants
      : [job.agent, ...job.dependants]) {
      const raw = await hand.client.inspectRaw(member.containerId);
      const owner = namespaceOwner(raw?.HostConfig?.NetworkMode ?? "");
      if (raw === undefined || owner !== containerId) continue;
      const isAgent = member.containerId === job.agent?.containerId;
      plans.push(planOf(keptSpecOf(raw), isAgent || raw.State?.Status === "running"));
    }
    const replaced = await this.#replacedOwner(spec, job, hand);
    const entry: Entry = { recovery: job.recovery, host, name, ownerId: "", replaced, plans };
    await this.#journal.write(entry);
    this.#onStep("journaled", name);
    return entry;
  }

  async #keptSpec(job: RevivalJob): Promise<KeptSpec> {
    const { host, name, containerId } = job.target;
    const kept = await this.#parts.specs.read(host, name);
    if (!kept.ok) {
      const why =
        kept.failure === "missing" ? "none was kept here while it lived" : "it is damaged";
      throw failed(`${name} cannot be made again without its spec: ${why}`);
    }
    const spec = kept.value as KeptSpec;
    if (spec.Id !== containerId) {
      throw failed(`what was kept of ${name} is of another container than the one removed`);
    }
    const labels = spec.Config?.Labels ?? {};
    if (isSwarmTask({ labels })) throw superseded(`Swarm itself replaces ${name}`);
    assert(
      isMarked({ name, labels }, this.#parts.relevance) && isToRecreate(spec),
      `${name} is not labelled heartmesh.recreate=true: it is never made again`,
    );
    return spec;
  }

  /** A worker in its agent's namespace goes into that of the agent's container of today, which must run. */
  async #replacedOwner(
    spec: KeptSpec,
    job: RevivalJob,
    hand: Hand,
  ): Promise<Readonly<Record<string, string>>> {
    const reference = namespaceOwner(spec.HostConfig?.NetworkMode ?? "");
    if (reference === undefined) return {};
    const known = await hand.inspect(reference);
    const owner = known ?? (await this.#agentOf(job, hand));
    if (owner === undefined) {
      throw failed(
        `the container whose network namespace ${job.target.name} joined is gone as well`,
      );
    }
    if (owner.state === "exited" || owner.state === "created") await hand.start(owner.id);
    return owner.id === reference ? {} : { [reference]: owner.id };
  }

  async #agentOf(job: RevivalJob, hand: Hand): Promise<ContainerView | undefined> {
    return job.agent === undefined ? undefined : await hand.inspect(job.agent.containerId);
  }

  async #finish(entry: Entry, hand: Hand): Promise<ActionResult> {
    const replaced: Record<string, string> = { ...entry.replaced };
    let current = entry;
    for (const [index, plan] of entry.plans.entries()) {
      const newId = await this.#perform(plan, current, replaced, hand, async (created) => {
        const plans = current.plans.map((one, at) =>
          at === index ? { ...one, newId: created } : one,
        );
        current = { ...current, plans };
        await this.#journal.write(current);
      });
      if (newId !== undefined) replaced[plan.spec.Id] = newId;
      else if (index === 0 && entry.ownerId === "") {
        await this.#journal.remove(entry);
        throw superseded(`${entry.name} was created by somebody else meanwhile`);
      }
    }
    await this.#journal.remove(entry);
    const main = entry.ownerId === "" ? replaced[entry.plans[0]?.spec.Id ?? ""] : entry.ownerId;
    const view = await hand.inspect(main ?? "");
    if (view === undefined) throw failed(`${entry.name} was removed right after it was made again`);
    return { kind: "acted", containerId: view.id, startedAt: view.startedAt };
  }

  /** The new container's id; undefined where somebody else took its name, so that ours was removed again. */
  async #perform(
    plan: Plan,
    entry: Entry,
    replaced: Readonly<Record<string, string>>,
    hand: Hand,
    onCreated: (newId: string) => Promise<void>,
  ): Promise<string | undefined> {
    const { client } = hand;
    const { name } = plan;
    const beside = nameBeside(name, markOf(entry.recovery));
    const recreation = recreationOf(plan.spec, {
      image: await imageOf(plan.spec, client),
      replaced,
    });
    const newId = await this.#ensureCreated(plan, beside, recreation.body, hand);
    this.#onStep("created", name);
    if (newId !== plan.newId) await onCreated(newId);

    const connected = (await client.inspectRaw(newId))?.NetworkSettings?.Networks ?? {};
    for (const { network, endpoint } of recreation.connects) {
      if (!Object.hasOwn(connected, network)) await hand.connectNetwork(network, newId, endpoint);
    }
    this.#onStep("connected", name);

    if ((await client.inspectRaw(plan.spec.Id)) !== undefined) await hand.remove(plan.spec.Id);
    this.#onStep("removed", name);

    const holder = await client.inspect(name);
    if (holder !== undefined && holder.id !== newId) {
      await hand.remove(newId);
      return undefined;
    }
    if (holder === undefined) await hand.rename(newId, name);
    this.#onStep("renamed", name);

    if (plan.isToRun && (await client.inspect(newId))?.state === "created") await hand.start(newId);
    this.#onStep("started", name);
    return newId;
  }

  /** Under a name of this recovery alone, so that one that was made just before a kill is found again. */
  async #ensureCreated(
    plan: Plan,
    beside: string,
    body: Readonly<Record<string, unknown>>,
    hand: Hand,
  ): Promise<string> {
    const known = plan.newId === "" ? beside : plan.newId;
    const made = await hand.inspect(known);
    if (made !== undefined) return made.id;
    try {
      return await hand.create({ name: beside, body });
    } catch (error) {
      // Another coordinator's runner, with the same recovery, was faster by a moment.
      const other = hasStatus(error, 409) ? await hand.inspect(beside) : undefined;
      if (other === undefined) throw error;
      return other.id;
    }
  }

  #onStep(step: RecreationStep, name: string): void {
    this.#parts.onStep?.(step, name);
  }
}

const planOf = (spec: KeptSpec, isToRun: boolean): Plan => ({
  name: nameOf(spec.Name),
  spec,
  isToRun,
  newId: "",
});

const isToRun = (view: ContainerView, job: RevivalJob): boolean =>
  view.state === "running" || view.id === job.agent?.containerId;

const markOf = (recovery: string): string =>
  createHash("sha256").update(recovery).digest("hex").slice(0, 12);

/** By name, as it was, while that still means the same image; by id where the name has moved on; by name again where the id is gone. */
export async function imageOf(spec: KeptSpec, client: EngineClient): Promise<string> {
  const name = spec.Config?.Image ?? "";
  const id = spec.Image ?? "";
  if (id === "" || (await client.imageId(name)) === id) return name;
  return (await client.imageId(id)) === undefined ? name : id;
}
