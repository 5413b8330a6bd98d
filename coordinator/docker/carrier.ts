// The hands and eyes for containers that move between engines: one is made again on another host by its last specification, and what it was is removed when its host is back.
//
// A copy stands under its own name from the start and says in a label whose copy it is: so whoever takes a job over, or
// decides anew without one, finds what the one before it has made.

import { strict as assert } from "node:assert";
import type { HostSummary } from "../core/hosts/host.ts";
import type { RevivalJob, Token } from "../core/job.ts";
import { isMovable } from "../core/migration/belongings.ts";
import { descentOf, descentText, isYounger, type Descent } from "../core/migration/lineage.ts";
import { isContainerOrder, type ContainerOrder, type Place } from "../core/migration/order.ts";
import { isRunning } from "../core/migration/plain-moves.ts";
import { journalLabel } from "../core/migration/service-labels.ts";
import type { LifeResult, WindowResult } from "../core/vigil.ts";
import type { ContainerView } from "../core/worker.ts";
import type { Duration } from "../../proto/units.ts";
import type { ActionResult, Actor, LifeWatch, TryFailure } from "../jobs/ports.ts";
import type { Acted } from "../jobs/stages.ts";
import { EngineRefused, hasStatus, isUnavailable, type EngineClient } from "./engines.ts";
import { failed, Halt, Hand, resultOf, superseded } from "./hand.ts";
import type { OwnActions } from "./own-actions.ts";
import { imageOf } from "./recreate.ts";
import { recreationOf, type Recreation } from "./recreation-spec.ts";
import { isMarked, type Relevance } from "./relevance.ts";
import type { KeptSpec, SpecStore } from "./spec-store.ts";

export interface CarrierParts {
  readonly engines: readonly EngineClient[];
  readonly specs: SpecStore;
  readonly own: OwnActions;
  readonly relevance: Relevance;
  /** What this coordinator concludes of hosts. */
  readonly hosts: () => readonly HostSummary[];
  /** By which the one that was made is seen to live, as any worker. */
  readonly lifeWatch: LifeWatch;
  /** Monotonic, ms. */
  readonly now: () => number;
  /** Wall clock, ms. */
  readonly wall: () => number;
}

/** Between SIGTERM and SIGKILL of one that is removed, where its label says nothing; as the engine's own. */
const stopTimeout: Duration = 10_000;

type Carry = Extract<ContainerOrder, { kind: "carry" }>;
type Drop = Extract<ContainerOrder, { kind: "drop" }>;

export class Carrier implements Actor, LifeWatch {
  readonly #parts: CarrierParts;
  /** Where each recovery's container was made by this process. */
  readonly #made = new Map<string, string>();

  constructor(parts: CarrierParts) {
    this.#parts = parts;
  }

  async perform(job: RevivalJob, mayAct: () => boolean): Promise<ActionResult> {
    const { move } = job;
    if (move === undefined || !isContainerOrder(move)) {
      return { kind: "superseded", reason: "it is no order for a container" };
    }
    try {
      return move.kind === "carry"
        ? await this.#carry(move, job, mayAct)
        : await this.#drop(move, job, mayAct);
    } catch (error) {
      return resultOf(error);
    }
  }

  async awaitLife(
    job: RevivalJob,
    acted: Acted,
    timeout: Duration,
    isSecondLook: boolean,
  ): Promise<LifeResult | TryFailure> {
    const host = await this.#hostOf(job, acted.containerId);
    // What gave way is gone, and the one in its stead was seen running right before.
    if (host === undefined) return job.move?.kind === "drop" ? "alive" : "stopped";
    const made = asWorker(job, host);
    return await this.#parts.lifeWatch.awaitLife(made, acted, timeout, isSecondLook);
  }

  async watchWindow(job: RevivalJob, window: Duration): Promise<WindowResult | TryFailure> {
    const host = this.#made.get(job.recovery);
    this.#made.delete(job.recovery);
    if (host === undefined) return "steady";
    return await this.#parts.lifeWatch.watchWindow(asWorker(job, host), window);
  }

  async #carry(
    { container, to }: Carry,
    job: RevivalJob,
    mayAct: () => boolean,
  ): Promise<ActionResult> {
    const { host, name } = container;
    if (this.#verdictOf(host) === "healthy") throw superseded(`${host} is healthy again`);
    const spec = await this.#specOf(container);
    const before = descentOf({ id: container.id, labels: spec.Config?.Labels ?? {} });
    const descent = {
      origin: before.origin,
      from: host,
      generation: before.generation + 1,
      madeAt: this.#parts.wall(),
    };
    const refusals: string[] = [];
    let isAnswered = false;
    for (const target of await this.#inOrder(to, name, descent)) {
      try {
        const hand = this.#handOn(target, mayAct);
        const view = await this.#place(hand, name, spec, descent);
        this.#made.set(job.recovery, target);
        const what = `made again on ${target} by what it was on ${host}`;
        return { kind: "acted", containerId: view.id, startedAt: view.startedAt, what };
      } catch (error) {
        const result = resultOf(error);
        // Nobody else can have it either.
        if (result.kind === "lease-lost" || result.kind === "acted") return result;
        isAnswered ||= result.kind !== "engine-unavailable";
        refusals.push(`${target}: ${result.reason}`);
      }
    }
    return { kind: isAnswered ? "failed" : "engine-unavailable", reason: refusals.join("; ") };
  }

  /** First where an earlier try has made it. */
  async #inOrder(
    to: readonly string[],
    name: string,
    descent: Descent,
  ): Promise<readonly string[]> {
    const had: string[] = [];
    for (const host of to) {
      const view = await this.#clientOf(host)?.inspect(name).catch(ifUnavailable);
      if (view !== undefined && isCopy(view, descent)) had.push(host);
    }
    return [...had, ...to.filter((host) => !had.includes(host))];
  }

  /** Runs there when this resolves; throws what speaks against that host. */
  async #place(hand: Hand, name: string, spec: KeptSpec, descent: Descent): Promise<ContainerView> {
    const portable = portableOf(spec, descent);
    const recreation = recreationOf(portable, {
      image: await imageOf(portable, hand.client),
      replaced: {},
    });
    const there = await hand.inspect(name);
    if (there !== undefined && !isCopy(there, descent)) {
      throw failed(`a container called ${name} is there`);
    }
    const id = there?.id ?? (await this.#create(hand, name, recreation, portable));
    try {
      const known = (await hand.client.inspectRaw(id))?.NetworkSettings?.Networks ?? {};
      for (const { network, endpoint } of recreation.connects) {
        if (!Object.hasOwn(known, network)) await hand.connectNetwork(network, id, endpoint);
      }
      if (there?.state !== "running") await hand.start(id);
    } catch (error) {
      // What never ran there leaves nothing behind; what a person must see to is in the error.
      const left = error instanceof Halt ? undefined : await hand.inspect(id);
      if (left?.state === "created") await hand.remove(id);
      throw error;
    }
    const view = await hand.inspect(id);
    if (view === undefined) throw failed(`${name} was removed right after it was made`);
    return view;
  }

  /** With its networks and its image, which the host may not have. */
  async #create(
    hand: Hand,
    name: string,
    { body, connects }: Recreation,
    spec: KeptSpec,
  ): Promise<string> {
    const { client } = hand;
    const primary = spec.HostConfig?.NetworkMode ?? "";
    for (const network of [primary, ...connects.map((one) => one.network)]) {
      if (isBuiltIn(network) || (await client.hasNetwork(network))) continue;
      await hand.createNetwork(network);
    }
    try {
      return await hand.create({ name, body });
    } catch (error) {
      if (!hasStatus(error, 404)) throw error;
    }
    const image = spec.Config?.Image ?? "";
    try {
      await hand.pull(image);
      return await hand.create({ name, body });
    } catch (error) {
      if (!(error instanceof EngineRefused)) throw error;
      throw failed(`the image ${image} is not there and cannot be pulled: ${error.detail}`);
    }
  }

  async #drop(
    { container, stead }: Drop,
    job: RevivalJob,
    mayAct: () => boolean,
  ): Promise<ActionResult> {
    const { host, id, name } = container;
    if (this.#verdictOf(host) === "dead") throw superseded(`${host} is dead`);
    const hand = this.#handOn(host, mayAct);
    const view = await hand.inspect(id);
    if (view === undefined) throw superseded(`${name} is not on ${host} any more`);
    await this.#assertInStead(stead, view);
    if (view.state === "running" || view.state === "restarting") {
      await hand.stop(id, job.stopTimeout ?? stopTimeout);
      await hand.inspect(id);
    }
    // It took a while, and nothing may be removed of which no other runs.
    const runs = await this.#assertInStead(stead, view);
    await hand.remove(id);
    const what = `the old one on ${host} is removed; it runs on ${stead.host}`;
    return { kind: "acted", containerId: runs.id, startedAt: runs.startedAt, what };
  }

  /** Throws where it does not run now, or is another one than was decided on. */
  async #assertInStead(stead: Place, old: ContainerView): Promise<ContainerView> {
    const runs = await this.#handOn(stead.host, () => false).inspect(stead.id);
    if (runs === undefined || !isRunning(runs)) {
      throw superseded(`${stead.name} does not run on ${stead.host}: ${old.name} stays`);
    }
    assert(
      isMovable(old.labels) && isMarked(old, this.#parts.relevance),
      `${old.name} is not labelled heartmesh.migrate: it is never removed`,
    );
    assert(isYounger(runs, old) || isYounger(old, runs), `${runs.name} is no copy of ${old.name}`);
    return runs;
  }

  async #specOf({ host, id, name }: Place): Promise<KeptSpec> {
    const kept = await this.#parts.specs.read(host, name);
    if (!kept.ok) {
      const why = kept.failure === "missing" ? "was kept here while it lived" : "can be read here";
      throw failed(`${name} cannot be made again without its spec, and none ${why}`);
    }
    const spec = kept.value as KeptSpec;
    if (spec.Id !== id) {
      throw failed(`what was kept of ${name} is of another container than the one on ${host}`);
    }
    const labels = spec.Config?.Labels ?? {};
    assert(
      isMovable(labels) && isMarked({ name, labels }, this.#parts.relevance),
      `${name} is not labelled heartmesh.migrate: it is never moved`,
    );
    return spec;
  }

  /** Undefined where none of the hosts that it may be on has it. */
  async #hostOf({ recovery, move }: RevivalJob, id: string): Promise<string | undefined> {
    const known = this.#made.get(recovery);
    if (known !== undefined || move?.kind !== "carry") return known;
    for (const host of move.to) {
      const view = await this.#clientOf(host)?.inspect(id).catch(ifUnavailable);
      if (view === undefined) continue;
      this.#made.set(recovery, host);
      return host;
    }
    return undefined;
  }

  #clientOf(host: string): EngineClient | undefined {
    return this.#parts.engines.find((engine) => engine.host === host);
  }

  #handOn(host: string, mayAct: () => boolean): Hand {
    const client = this.#clientOf(host);
    if (client === undefined) {
      const reason = `this coordinator has not reached an engine named ${host}`;
      throw new Halt({ kind: "engine-unavailable", reason });
    }
    const { own, now } = this.#parts;
    return new Hand({ client, own, mayAct, now });
  }

  #verdictOf(host: string): HostSummary["verdict"] | undefined {
    return this.#parts.hosts().find(({ id }) => id === host)?.verdict;
  }
}

/** As the worker that the container is on that host. */
function asWorker(job: RevivalJob, host: string): RevivalJob {
  const token: Token = { ...job.token, worker: `${host}/${job.target.name}` };
  return { ...job, token };
}

function ifUnavailable(error: unknown): undefined {
  if (!isUnavailable(error) && !(error instanceof EngineRefused)) throw error;
  return undefined;
}

/** Of this very move, by whichever try of it. */
function isCopy(view: ContainerView, { origin, generation }: Descent): boolean {
  const own = descentOf(view);
  return own.origin === origin && own.generation === generation;
}

const isBuiltIn = (network: string): boolean =>
  ["", "default", "bridge", "host", "none"].includes(network) || network.startsWith("container:");

/** What was given by an id of its engine is called by its name, and the copy says whose it is. */
function portableOf(spec: KeptSpec, descent: Descent): KeptSpec {
  const networks = spec.NetworkSettings?.Networks ?? {};
  const mode = spec.HostConfig?.NetworkMode ?? "";
  const byId = Object.keys(networks).find(
    (name) => mode !== "" && networks[name]?.NetworkID?.startsWith(mode) === true,
  );
  const labels = { ...spec.Config?.Labels, [journalLabel]: descentText(descent) };
  return {
    ...spec,
    Config: { ...spec.Config, Labels: labels },
    HostConfig: { ...spec.HostConfig, NetworkMode: byId ?? mode },
  };
}
