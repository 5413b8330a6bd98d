// The log of a cluster in a real Redis: numbered and kept, once for each key, and closed to whoever's term is over.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { systemClock } from "../../../agent/io/clock.ts";
import { ClusterExecutor, type CallEnded } from "../../../coordinator/clusters/executor.ts";
import type { Brought, ClusterHands, MayAct } from "../../../coordinator/clusters/hands.ts";
import { ClusterLog, type Appending } from "../../../coordinator/clusters/log.ts";
import { Rounds } from "../../../coordinator/clusters/rounds.ts";
import { SwarmHands } from "../../../coordinator/clusters/swarm-hands.ts";
import type { Cluster, LogEntry } from "../../../coordinator/core/clusters/cluster.ts";
import { decide } from "../../../coordinator/core/clusters/decide.ts";
import { RedisConnections } from "../../../coordinator/io/redis.ts";
import { keysOf } from "../../../coordinator/jobs/keys.ts";
import { term, type Term } from "../../../proto/units.ts";
import { startRedis } from "../../lab/redis.ts";
import { until } from "../../waiting.ts";
import { adding, clusterOf, factsOf } from "../core/clusters/small-clusters.ts";

describe("the log of clusters", () => {
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let connections: RedisConnections;
  let made = 0;

  before(async () => {
    redis = await startRedis();
    const { address } = redis;
    connections = new RedisConnections({ address, owner: "l", onError: () => undefined });
  });
  after(async () => {
    connections.stop();
    await redis.stop();
  });

  /** Of a mesh of its own, with one cluster of two nodes. */
  const freshLog = async (): Promise<ClusterLog> => {
    const producer = connections.open("producer");
    await until("connected", () => producer.status === "ready");
    const log = new ClusterLog({ redis: producer, key: keysOf(`log-${made++}`).record });
    const first = clusterOf("web", 5, 5);
    const call = { kind: "create-cluster", swarm: false, engine: "" } as const;
    const told = await log.append({ ...asking(1), call, first });
    assert.deepEqual(told, { kind: "appended", index: 1 });
    await finish(log, 1);
    return log;
  };
  const asking = (of: number, key = "", replicas = 1): Appending => ({
    ...{ term: term(of), cluster: "web", call: adding(replicas), by: "anna", at: 5, key },
  });
  const finish = async (log: ClusterLog, of: number): Promise<void> => {
    const [was] = await log.open("web", 1);
    assert.ok(was !== undefined);
    const now: LogEntry = { ...was.entry, state: "done", endedAt: 6 };
    assert.equal(await log.advance({ term: term(of), cluster: "web", was, now }), true);
  };

  test("gives each call the next index, and keeps it until it has ended", async () => {
    const log = await freshLog();
    const told = await Promise.all([1, 2, 3].map((n) => log.append(asking(1, "", n))));
    assert.deepEqual(told.map(({ index }) => index).sort(), [2, 3, 4]);
    const open = await log.open("web", 10);
    assert.deepEqual(
      open.map(({ index }) => index),
      [2, 3, 4],
    );
    assert.deepEqual(await log.busy(), ["web"]);
    for (let n = 0; n < 3; n++) await finish(log, 1);
    assert.deepEqual(await log.busy(), []);
    const all = await log.entries("web", 2);
    assert.deepEqual(
      all.map(({ index, entry }) => [index, entry.state]),
      [
        [3, "done"],
        [4, "done"],
      ],
    );
  });

  test("is closed to a leader of an older term as soon as a newer one has written", async () => {
    const log = await freshLog();
    assert.deepEqual(await log.append(asking(5)), { kind: "appended", index: 2 });
    const [was] = await log.open("web", 1);
    assert.ok(was !== undefined);
    assert.deepEqual(await log.append(asking(7)), { kind: "appended", index: 3 });
    assert.deepEqual(await log.append(asking(5)), { kind: "stale", index: 7 });
    assert.deepEqual(await log.append(asking(6, "key")), { kind: "stale", index: 7 });
    const now: LogEntry = { ...was.entry, state: "done", endedAt: 6 };
    const gone = { cluster: "web", was, now, document: "gone" } as const;
    assert.equal(await log.advance({ ...gone, term: term(5) }), false);
    assert.deepEqual([await log.isCurrent(term(5)), await log.isCurrent(term(7))], [false, true]);
    assert.equal((await log.entry("web", 2))?.state, "pending");
    assert.ok((await log.get("web")) !== undefined);
    assert.equal(await log.advance({ ...gone, term: term(7) }), true);
    assert.equal(await log.advance({ ...gone, term: term(7) }), false, "it is another entry now");
  });

  test("takes a key once, also under another leader, and knows another call by it", async () => {
    const log = await freshLog();
    assert.deepEqual(await log.append(asking(1, "k")), { kind: "appended", index: 2 });
    assert.deepEqual(await log.append(asking(1, "k")), { kind: "known", index: 2 });
    assert.deepEqual(await log.append(asking(4, "k")), { kind: "known", index: 2 });
    assert.deepEqual(await log.append(asking(4, "k", 2)), { kind: "differs", index: 2 });
    const other = { ...asking(4, "k"), cluster: "other" };
    assert.deepEqual(await log.append(other), { kind: "differs", index: 2 });
    assert.deepEqual(await log.append({ ...other, key: "" }), { kind: "missing", index: 0 });
  });

  test("goes on with its numbers when a cluster is restored into an empty system", async () => {
    const log = await freshLog();
    await log.append(asking(1));
    await finish(log, 1);
    const exported = JSON.parse(JSON.stringify(await log.export())) as never;
    assert.deepEqual(await log.import(exported), [], "what is there stays");
    const producer = connections.open("producer");
    await until("connected", () => producer.status === "ready");
    const empty = new ClusterLog({ redis: producer, key: keysOf(`log-${made++}`).record });
    assert.deepEqual(await empty.import(exported), ["web"]);
    assert.deepEqual(await empty.get("web"), await log.get("web"));
    assert.deepEqual(await empty.append(asking(1)), { kind: "appended", index: 3 });
  });

  /** An executor that thinks it leads in that term as long as told; its hands are slow, and tell whether they might act. */
  const executorOf = (log: ClusterLog, leads: () => Term | undefined, hold: Promise<void>) => {
    const acts: { readonly term: number; readonly may: boolean }[] = [];
    const ended: CallEnded[] = [];
    const engines = {
      bring: async (_cluster: Cluster, mayAct: MayAct): Promise<Brought> => {
        const at = leads() ?? 0;
        await hold;
        const may = await mayAct();
        acts.push({ term: at, may });
        return may ? { kind: "done", swept: [], problems: [] } : { kind: "waits", text: "" };
      },
      ping: () => Promise.resolve("lab"),
    } as unknown as ClusterHands;
    const marks = { mesh: "", watch: {} };
    const none = { kind: "none", text: "", engines: [] } as const;
    const swarm = new SwarmHands({ read: () => Promise.resolve(none), engines: [], marks });
    const rounds = new Rounds({ hands: engines, clock: systemClock, loadOfEngine: () => 0 });
    const onEnded = (one: CallEnded): void => void ended.push(one);
    const onProblem = (): void => undefined;
    const ask = { log, engines, swarm, rounds, clock: systemClock, leads, onEnded, onProblem };
    return { executor: new ClusterExecutor(ask), acts, ended };
  };

  test("of two that believe themselves leader the token refuses the older one", async () => {
    const log = await freshLog();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const older = executorOf(log, () => term(5), held);
    const newer = executorOf(log, () => term(6), Promise.resolve());
    await log.append(asking(5));
    older.executor.kick("web");
    await until("the older one is about to act", async () => {
      return (await log.entry("web", 2))?.state === "running" || undefined;
    });
    // Another was elected; the older one, frozen meanwhile, does not know.
    assert.deepEqual(await log.append(asking(6)), { kind: "appended", index: 3 });
    newer.executor.kick("web");
    assert.equal((await newer.executor.ended("web", 3, 20_000))?.state, "done");
    release();
    await until("the older one has tried", () => older.acts.length > 0 || undefined);
    assert.deepEqual(older.acts, [{ term: 5, may: false }]);
    assert.deepEqual(await log.append(asking(5)), { kind: "stale", index: 6 });
    assert.deepEqual(older.ended, []);
    assert.deepEqual(
      newer.ended.map(({ index, entry }) => [index, entry.state]),
      [
        [2, "done"],
        [3, "done"],
      ],
    );
    older.executor.stop();
    newer.executor.stop();
  });

  test("what a killed leader has decided is carried out as it was decided, not decided anew", async () => {
    const log = await freshLog();
    await log.append(asking(2, "", 4));
    const [was] = await log.open("web", 1);
    const cluster = await log.get("web");
    assert.ok(was !== undefined && cluster !== undefined);
    const decided = decide(
      cluster,
      2,
      was.entry.call,
      factsOf([cluster], {
        loadOf: (_cluster, node) => (node === "n1" ? 1 : 0),
      }),
    );
    assert.ok(decided.kind === "changed");
    const now: LogEntry = { ...was.entry, state: "running", text: decided.text };
    await log.advance({ term: term(2), cluster: "web", was, now, document: decided.cluster });
    const next = executorOf(log, () => term(3), Promise.resolve());
    next.executor.kick("web");
    assert.equal((await next.executor.ended("web", 2, 20_000))?.state, "done");
    assert.deepEqual((await log.get("web"))?.services, decided.cluster.services);
    next.executor.stop();
  });
});
