// Brings engines to what a cluster's document says: makes what is missing, starts what was left, and then removes what is there no more.

import {
  compare,
  type Comparison,
  type FoundContainer,
  type FoundEngine,
  type WantedContainer,
} from "../core/clusters/compare.ts";
import type { Cluster, ClusterNode } from "../core/clusters/cluster.ts";
import { isUnavailable } from "../docker/engines.ts";
import { mapBounded } from "../docker/map-bounded.ts";
import type { BookedEngine, EngineBook } from "./engine-book.ts";
import { isFinal, listContainers, makeContainer, type Marks } from "./engine-hands.ts";
import { ensureNested, nestedAddress, removeNested } from "./nested.ts";

export type Brought =
  /** `swept`: leaving nodes that have nothing of the cluster any more. `problems`: what an engine refused of the rest. */
  | {
      readonly kind: "done";
      readonly swept: readonly string[];
      readonly problems: readonly string[];
    }
  /** An engine does not answer, or the right to act has ended: later again. */
  | { readonly kind: "waits"; readonly text: string }
  /** An engine said no to what was asked for. */
  | { readonly kind: "refused"; readonly text: string };

/** Asked before each change: whether whoever acts still leads, by the lease and by the token. */
export type MayAct = () => Promise<boolean>;

/** Calls to engines at a time, for one cluster. */
const atOnce = 4;
/** Between SIGTERM and SIGKILL of a container that is not wanted any more. */
const stopTimeout = 1_000;

interface Listed extends FoundEngine {
  readonly booked: BookedEngine | undefined;
}

/** Unwinds an action; thrown and caught in this file only. */
class Halted extends Error {}

export class ClusterHands {
  readonly #book: EngineBook;
  readonly #marks: Marks;
  readonly #nodeImage: string;

  /** @param ask.nodeImage CLUSTER_NODE_IMAGE; may be empty */
  constructor(ask: {
    readonly book: EngineBook;
    readonly marks: Marks;
    readonly nodeImage: string;
  }) {
    this.#book = ask.book;
    this.#marks = ask.marks;
    this.#nodeImage = ask.nodeImage;
  }

  /** Throws HM_ENGINE_UNAVAILABLE, or as the engine refuses. */
  async engineOf(cluster: Cluster, node: ClusterNode): Promise<BookedEngine> {
    if (node.place.kind !== "nested") return await this.#book.of(cluster, node);
    const outer = this.#book.named(cluster.engine);
    const address = await nestedAddress(outer, cluster.id, node.id);
    return await this.#book.of(cluster, { ...node, ...address });
  }

  /** Rejects where its engine does not answer. */
  async ping(cluster: Cluster, node: ClusterNode): Promise<string> {
    const { client } = await this.engineOf(cluster, node);
    await client.ping();
    return client.host;
  }

  /** What the cluster's engines have of it, each asked once. */
  async find(cluster: Cluster): Promise<readonly Listed[]> {
    const own = cluster.nodes.filter(({ place }) => place.kind !== "cluster");
    const booked = await mapBounded(own, atOnce, async (node) => {
      const engine = await this.engineOf(cluster, node).catch(unlessUnavailable);
      return { node: node.id, engine };
    });
    const byEngine = new Map<string, { booked: BookedEngine | undefined; nodes: string[] }>();
    for (const { node, engine } of booked) {
      const key = engine?.client.host ?? `? ${node}`;
      const known = byEngine.get(key) ?? { booked: engine, nodes: [] };
      known.nodes.push(node);
      byEngine.set(key, known);
    }
    return await mapBounded([...byEngine], atOnce, async ([engine, { booked: one, nodes }]) => {
      const containers = await this.#list(cluster, one);
      return { engine, nodes, booked: one, containers };
    });
  }

  async #list(
    cluster: Cluster,
    engine: BookedEngine | undefined,
  ): Promise<readonly FoundContainer[] | undefined> {
    if (engine === undefined) return undefined;
    return await listContainers(engine.client, cluster.id, this.#marks).catch(unlessUnavailable);
  }

  /**
   * Safe to repeat, and to go on with where another was broken off.
   * @param service the only one whose containers are waited for, and whose refusal counts
   */
  async bring(cluster: Cluster, mayAct: MayAct, service?: number): Promise<Brought> {
    try {
      const problems = await this.#spawn(cluster, mayAct);
      const engines = await this.find(cluster);
      const todo = compare(cluster, engines);
      const unmade = await this.#make(cluster, engines, todo, mayAct);
      const spared = new Set(unmade.map(({ wanted: { name } }) => name));
      await this.#clear(engines, todo, spared, mayAct);
      const refused = unmade.filter(({ isRefused }) => isRefused);
      const own = refused.find(({ wanted: { number } }) => number === service);
      if (own !== undefined) return { kind: "refused", text: own.text };
      const silent = [
        ...todo.blocked,
        ...unmade.flatMap((one) => (one.isRefused ? [] : [one.wanted])),
      ]
        .filter(({ number }) => service === undefined || number === service)
        .map(({ node }) => node);
      const [waited] = [...silent, ...silentJoiners(cluster, engines)];
      if (waited !== undefined) return { kind: "waits", text: `node ${waited} does not answer` };
      const swept = sweptOf(cluster, engines, spared);
      await this.#endNested(cluster, swept, mayAct);
      const told = [...problems, ...refused.map(({ text }) => text)];
      return { kind: "done", swept: swept.map(({ id }) => id), problems: told };
    } catch (error) {
      if (error instanceof Halted) return { kind: "waits", text: "another coordinator leads" };
      if (isUnavailable(error)) return { kind: "waits", text: error.detail };
      if (isFinal(error)) return { kind: "refused", text: error.detail };
      throw error;
    }
  }

  /** Engines in containers are there; rejects for one that is to join. @returns what was refused of the others */
  async #spawn(cluster: Cluster, mayAct: MayAct): Promise<readonly string[]> {
    const problems: string[] = [];
    for (const node of cluster.nodes) {
      if (node.place.kind !== "nested" || node.state === "leaving") continue;
      await halting(mayAct);
      const outer = this.#book.named(cluster.engine);
      await ensureNested(outer, cluster, node, this.#nodeImage).catch((error: unknown) => {
        if (node.state === "joining" || !isFinal(error)) throw error;
        problems.push(error.detail);
      });
    }
    return problems;
  }

  /** What one engine refuses, or does not answer to, holds up nothing else. */
  async #make(
    cluster: Cluster,
    engines: readonly Listed[],
    { create, start }: Comparison,
    mayAct: MayAct,
  ): Promise<readonly Unmade[]> {
    const unmade: Unmade[] = [];
    await mapBounded(create, atOnce, async ({ inTheWay, ...wanted }) => {
      const booked = bookedOf(engines, wanted.engine);
      await halting(mayAct);
      try {
        if (inTheWay !== undefined) await removeContainer(booked, inTheWay);
        await makeContainer(booked, cluster, wanted, this.#marks);
      } catch (error) {
        if (isUnavailable(error)) unmade.push({ wanted, isRefused: false, text: error.detail });
        else if (isFinal(error)) unmade.push({ wanted, isRefused: true, text: error.detail });
        else throw error;
      }
    });
    await mapBounded(start, atOnce, async ({ engine, id }) => {
      await halting(mayAct);
      await bookedOf(engines, engine).client.start(id);
    });
    return unmade;
  }

  /** @param spared names whose successors could not be made */
  async #clear(
    engines: readonly Listed[],
    { remove }: Comparison,
    spared: ReadonlySet<string>,
    mayAct: MayAct,
  ): Promise<void> {
    const gone = remove.filter(({ found }) => !spared.has(found.name));
    await mapBounded(gone, atOnce, async ({ engine, found }) => {
      await halting(mayAct);
      await removeContainer(bookedOf(engines, engine), found);
    });
  }

  async #endNested(cluster: Cluster, swept: readonly ClusterNode[], mayAct: MayAct): Promise<void> {
    for (const { id, place } of swept) {
      if (place.kind !== "nested") continue;
      await halting(mayAct);
      await removeNested(this.#book.named(cluster.engine), cluster.id, id);
    }
  }
}

interface Unmade {
  readonly wanted: WantedContainer;
  /** False: the engine did not answer. */
  readonly isRefused: boolean;
  readonly text: string;
}

async function halting(mayAct: MayAct): Promise<void> {
  if (!(await mayAct())) throw new Halted();
}

async function removeContainer(
  { client }: BookedEngine,
  { id, state }: FoundContainer,
): Promise<void> {
  if (state === "running") {
    // What does not stop, or is gone, is no reason to leave the rest.
    await client.stop(id, stopTimeout).catch((error: unknown) => {
      if (!isFinal(error)) throw error;
    });
  }
  await client.remove(id);
}

function bookedOf(engines: readonly Listed[], engine: string): BookedEngine {
  const booked = engines.find((one) => one.engine === engine)?.booked;
  if (booked === undefined) throw new Error(`${engine} was not listed`);
  return booked;
}

const silentJoiners = ({ nodes }: Cluster, engines: readonly FoundEngine[]): readonly string[] =>
  nodes
    .filter(({ state, place }) => state === "joining" && place.kind !== "cluster")
    .map(({ id }) => id)
    .filter((id) => engines.find((one) => one.nodes.includes(id))?.containers === undefined);

/** Those whose engines have told, so that what they had is removed, and have nothing that is spared. */
const sweptOf = (
  { nodes }: Cluster,
  engines: readonly FoundEngine[],
  spared: ReadonlySet<string>,
): readonly ClusterNode[] =>
  nodes.filter(({ id, state, place }) => {
    if (state !== "leaving" || place.kind === "cluster") return state === "leaving";
    const had = engines.find((one) => one.nodes.includes(id))?.containers;
    return had?.every(({ node, name }) => node !== id || !spared.has(name)) ?? false;
  });

function unlessUnavailable(error: unknown): undefined {
  if (isUnavailable(error)) return undefined;
  throw error;
}
