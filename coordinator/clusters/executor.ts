// Carries out the log of each cluster, one call after the other, on the leader alone: decided and written down first, then done.

import type { Clock } from "../../agent/io/clock.ts";
import type { Term } from "../../proto/units.ts";
import { carriesOf } from "../core/clusters/carrying.ts";
import {
  hasEnded,
  isOf,
  sketchOf,
  wordsOf,
  type Cluster,
  type ClusterCall,
  type LogEntry,
} from "../core/clusters/cluster.ts";
import { asShare, decide, lose, settled, upkeepOf, withdrawn } from "../core/clusters/decide.ts";
import type { Facts } from "../core/clusters/placement.ts";
import type { Brought, ClusterHands, MayAct } from "./hands.ts";
import type { ClusterLog, OpenEntry } from "./log.ts";
import { isForbidden } from "./nested.ts";
import type { Rounds } from "./rounds.ts";
import type { SwarmHands } from "./swarm-hands.ts";

/** What came of a call, for the record. */
export interface CallEnded {
  readonly cluster: string;
  readonly index: number;
  readonly entry: LogEntry;
}

export interface ExecutorAsk {
  readonly log: ClusterLog;
  readonly engines: ClusterHands;
  readonly swarm: SwarmHands;
  readonly rounds: Rounds;
  readonly clock: Clock;
  /** The term in which this coordinator leads with a lease now; undefined where it does not. */
  readonly leads: () => Term | undefined;
  readonly onEnded: (ended: CallEnded) => void;
  readonly onProblem: (text: string) => void;
}

/** All clusters are looked at so often, also where nothing is asked: what is gone is made again. ms */
const lookEvery = 3_000;
/** Which clusters there are is read so often: documents may be long, and calls are told apart from them. */
const glanceEvery = 1_000;
/** What waits for an engine is tried again. */
const againAfter = 400;
/** A node that joins has so long to answer; a spawned one that has to boot, longer. */
const joinPatience = { engine: 10_000, nested: 90_000 } as const;
/** An engine's own failure (HTTP 500) may pass: so often is it asked again. */
const refusalsBorne = 3;

export class ClusterExecutor {
  readonly #ask: ExecutorAsk;
  readonly #running = new Map<string, "once" | "again">();
  readonly #waiters = new Map<string, Set<(entry: LogEntry) => void>>();
  /** How often the call in hand was refused. */
  readonly #refusals = new Map<string, number>();
  readonly #looked = new Map<string, number>();
  /** Decisions look at all clusters: they are taken one at a time. */
  #deciding: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #glancedAt = Number.NEGATIVE_INFINITY;
  #isStopping = false;

  constructor(ask: ExecutorAsk) {
    this.#ask = ask;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#lookAround(), againAfter);
    this.#timer.unref();
  }

  stop(): void {
    this.#isStopping = true;
    clearInterval(this.#timer);
  }

  /** There is something to do. */
  kick(cluster: string): void {
    if (this.#isStopping) return;
    if (this.#running.has(cluster)) {
      this.#running.set(cluster, "again");
      return;
    }
    this.#running.set(cluster, "once");
    void this.#run(cluster);
  }

  /** The entry once it has ended, or as it is after so many ms. */
  async ended(cluster: string, index: number, within: number): Promise<LogEntry | undefined> {
    const key = `${cluster} ${index}`;
    const { promise, resolve } = waiting<LogEntry>();
    const waiters = this.#waiters.get(key) ?? new Set();
    this.#waiters.set(key, waiters.add(resolve));
    const timer = setTimeout(resolve, within);
    try {
      const now = await this.#ask.log.entry(cluster, index);
      if (now === undefined || hasEnded(now)) return now;
      return (await promise) ?? (await this.#ask.log.entry(cluster, index));
    } finally {
      clearTimeout(timer);
      waiters.delete(resolve);
      if (waiters.size === 0) this.#waiters.delete(key);
    }
  }

  async #lookAround(): Promise<void> {
    const { leads, log, rounds, clock } = this.#ask;
    if (leads() === undefined) {
      rounds.clear();
      this.#refusals.clear();
      return;
    }
    try {
      for (const id of await log.busy()) this.kick(id);
      const now = clock.now();
      if (now - this.#glancedAt < glanceEvery) return;
      this.#glancedAt = now;
      const all = await log.all();
      rounds.begin(all);
      for (const id of all.keys()) if (this.#isDue(id)) this.kick(id);
    } catch {
      // Redis is away, which is told elsewhere.
    }
  }

  #isDue(id: string): boolean {
    return this.#ask.clock.now() - (this.#looked.get(id) ?? -lookEvery) >= lookEvery;
  }

  async #run(cluster: string): Promise<void> {
    try {
      while (await this.#step(cluster)) this.#running.set(cluster, "once");
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#ask.onProblem(`cluster ${cluster}: ${why}`);
    } finally {
      const isAgain = this.#running.get(cluster) === "again";
      this.#running.delete(cluster);
      if (isAgain) this.kick(cluster);
    }
  }

  /** @returns whether there may be more to do at once */
  async #step(id: string): Promise<boolean> {
    const term = this.#ask.leads();
    if (term === undefined || this.#isStopping) return false;
    const [open] = await this.#ask.log.open(id, 1);
    if (open?.entry.state === "pending") return await this.#decide(term, id, open);
    if (open !== undefined) return await this.#act(term, id, open);
    if (!this.#isDue(id)) return false;
    this.#looked.set(id, this.#ask.clock.now());
    return await this.#keepUp(term, id);
  }

  /** Written down before anything is done: whoever leads next goes on from there. */
  async #decide(term: Term, id: string, was: OpenEntry): Promise<boolean> {
    const { log } = this.#ask;
    const turn = this.#deciding.then(async () => {
      const clusters = await log.all();
      const cluster = clusters.get(id);
      if (cluster === undefined) {
        return await this.#end(term, id, was, "failed", `there is no cluster ${id} any more`);
      }
      const decided = decide(cluster, was.index, was.entry.call, this.#facts(clusters));
      if (decided.kind === "refused") {
        return await this.#end(term, id, was, "failed", decided.text);
      }
      const sketches = { before: sketchOf(cluster), after: sketchOf(decided.cluster) };
      const now: LogEntry = { ...was.entry, state: "running", text: decided.text, ...sketches };
      return await log.advance({ term, cluster: id, was, now, document: decided.cluster });
    });
    this.#deciding = turn.catch(() => undefined);
    return await turn;
  }

  async #act(term: Term, id: string, was: OpenEntry): Promise<boolean> {
    const cluster = await this.#ask.log.get(id);
    if (cluster === undefined) {
      return await this.#end(term, id, was, "failed", `there is no cluster ${id} any more`);
    }
    const { kind } = was.entry.call;
    const brought = await this.#bring(
      term,
      cluster,
      kind === "add-service" ? was.index : undefined,
    );
    switch (brought.kind) {
      case "done": {
        const swept = new Set(brought.swept);
        const after = settled(cluster, (node) => swept.has(node.id));
        const text = [was.entry.text, ...brought.problems].join("; but ");
        return await this.#end(term, id, was, "done", text, after ?? "gone");
      }
      case "refused":
        return await this.#onRefused(term, cluster, was, brought.text);
      case "waits":
        return await this.#onWaiting(term, cluster, was, brought.text);
    }
  }

  async #onRefused(term: Term, cluster: Cluster, was: OpenEntry, text: string): Promise<boolean> {
    const key = `${cluster.id} ${was.index}`;
    const refusals = (this.#refusals.get(key) ?? 0) + 1;
    this.#refusals.set(key, refusals);
    if (refusals < refusalsBorne && text.includes("HTTP 500")) return false;
    this.#refusals.delete(key);
    const { call } = was.entry;
    if (call.kind === "add-node" && call.node.place.kind === "nested" && isForbidden(text)) {
      const share = asShare(cluster, call.node.id);
      if (share !== cluster) return await this.#joinAsShare(term, share, was, text);
    }
    // Nothing of the call itself to be undone: the rest is looked after later.
    const after = withdrawn(cluster, was.index, call);
    const settledAfter = after === cluster ? (settled(cluster, () => false) ?? "gone") : after;
    this.#looked.delete(cluster.id);
    return await this.#end(term, cluster.id, was, "failed", text, settledAfter);
  }

  async #joinAsShare(term: Term, share: Cluster, was: OpenEntry, why: string): Promise<boolean> {
    const text = `${was.entry.text} as a share of its engine, which starts no engine of its own: ${why}`;
    const now: LogEntry = { ...was.entry, text };
    return await this.#ask.log.advance({ term, cluster: share.id, was, now, document: share });
  }

  /** A node that joins is given up; one that is dead by now is lost, and the call goes on without it. */
  async #onWaiting(term: Term, cluster: Cluster, was: OpenEntry, text: string): Promise<boolean> {
    const { clock, log, rounds } = this.#ask;
    const { call, at } = was.entry;
    if (call.kind === "add-node") {
      const patience = joinPatience[call.node.place.kind === "nested" ? "nested" : "engine"];
      if (clock.wall() - at < patience) return false;
      const after = withdrawn(cluster, was.index, call);
      return await this.#end(term, cluster.id, was, "failed", text, after);
    }
    const dead = cluster.nodes.find(({ id, state }) => {
      return state === "joined" && rounds.isDead(cluster.id, id);
    });
    if (dead === undefined) return false;
    const facts = this.#facts(await log.all());
    const document = lose(cluster, dead.id, facts);
    const now = { ...was.entry, text: `${was.entry.text}; node ${dead.id} died meanwhile` };
    return await log.advance({ term, cluster: cluster.id, was, now, document });
  }

  /** No call waits: what is gone is made again, and what the leader has to ask itself goes to the log. */
  async #keepUp(term: Term, id: string): Promise<boolean> {
    const { log, rounds } = this.#ask;
    const clusters = await log.all();
    const cluster = clusters.get(id);
    if (cluster === undefined) return false;
    const call = rounds.newsOf(cluster) ?? upkeepOf(cluster, this.#facts(clusters));
    if (call !== undefined) return await this.#append(term, id, call);
    const brought = await this.#bring(term, cluster);
    if (brought.kind === "refused") this.#ask.onProblem(`cluster ${id}: ${brought.text}`);
    if (brought.kind !== "done") return false;
    for (const text of brought.problems) this.#ask.onProblem(`cluster ${id}: ${text}`);
    const isLeft = cluster.nodes.some(
      (node) => node.state === "leaving" && brought.swept.includes(node.id),
    );
    return isLeft ? await this.#append(term, id, { kind: "spread" }) : false;
  }

  async #bring(term: Term, cluster: Cluster, service?: number): Promise<Brought> {
    const { log, leads, engines, swarm } = this.#ask;
    const mayAct: MayAct = async () =>
      !this.#isStopping && leads() === term && (await log.isCurrent(term));
    if (cluster.kind === "swarm") return await swarm.bring(cluster, mayAct);
    const brought = await engines.bring(cluster, mayAct, service);
    if (brought.kind !== "done") return brought;
    return (await this.#carryDown(term, cluster)) ?? brought;
  }

  /** Undefined once every cluster below runs what it shall. */
  async #carryDown(term: Term, cluster: Cluster): Promise<Brought | undefined> {
    const { log } = this.#ask;
    const children = cluster.nodes.flatMap(({ place }) =>
      place.kind === "cluster" ? [place.cluster] : [],
    );
    if (children.length === 0) return undefined;
    const clusters = await log.all();
    const wanted = carriesOf(cluster, clusters);
    for (const child of children) {
      const open = await log.open(child, Number.MAX_SAFE_INTEGER);
      const isUnderWay = open.some(({ entry: { call } }) => {
        return call.kind === "carry" && isOf(call.origin, cluster.id);
      });
      const own = wanted.filter((one) => one.cluster === child);
      // What is on its way is waited for: a second word might say another thing.
      if (!isUnderWay)
        for (const { call } of own) await this.#append(term, child, call, cluster.id);
      if (isUnderWay || own.length > 0) {
        return { kind: "waits", text: `cluster ${child} carries out its part` };
      }
    }
    return undefined;
  }

  async #append(
    term: Term,
    cluster: string,
    call: ClusterCall,
    by = "heartmesh",
  ): Promise<boolean> {
    const { log, clock } = this.#ask;
    const at = clock.wall();
    const { kind } = await log.append({ term, cluster, call, by, at, key: "" });
    if (kind !== "appended") {
      this.#ask.onProblem(`cluster ${cluster}: ${wordsOf(call)} was not taken: ${kind}`);
      return false;
    }
    if (by !== "heartmesh") this.kick(cluster);
    return true;
  }

  async #end(
    term: Term,
    cluster: string,
    was: OpenEntry,
    state: "done" | "failed",
    text: string,
    document?: Cluster | "gone",
  ): Promise<boolean> {
    const { log, clock, onEnded } = this.#ask;
    const now: LogEntry = { ...was.entry, state, text, endedAt: clock.wall() };
    const change = document === undefined ? {} : { document };
    if (!(await log.advance({ term, cluster, was, now, ...change }))) return false;
    this.#refusals.delete(`${cluster} ${was.index}`);
    for (const resolve of this.#waiters.get(`${cluster} ${was.index}`) ?? []) resolve(now);
    onEnded({ cluster, index: was.index, entry: now });
    // Who carries, or is carried by, this cluster goes on at once.
    if (was.entry.call.kind === "carry") this.kick(was.entry.by);
    return true;
  }

  #facts(clusters: ReadonlyMap<string, Cluster>): Facts {
    const { rounds } = this.#ask;
    return {
      clusters,
      loadOf: (cluster, node) => rounds.loadOf(cluster, node),
      isSilent: (cluster, node) => rounds.isSilent(cluster, node),
    };
  }
}

function waiting<Value>(): {
  readonly promise: Promise<Value | undefined>;
  readonly resolve: (value?: Value) => void;
} {
  let resolve: (value?: Value) => void = () => undefined;
  const promise = new Promise<Value | undefined>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
