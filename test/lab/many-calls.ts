// Many clients call one cluster while its leader is killed again and again: what they were told, what the log says, what the engine saw.

import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterRow, CoordinatorStats, LogEntryRow } from "../../proto/cluster-rest.ts";
import { Random } from "../../proto/random.ts";
import { until } from "../waiting.ts";
import {
  callCluster,
  restful,
  violationsOf,
  type Acknowledged,
  type CallAnswer,
  type Creation,
} from "./cluster-calls.ts";
import { inNamespace, type LabEngine } from "./engine.ts";
import type { Trio } from "./trio.ts";

export interface ManyCalls {
  readonly calls: number;
  readonly clients: number;
  /** How often the leader is killed, and brought back. */
  readonly kills: number;
  /** Whether each service is removed again: that is half of the calls. */
  readonly removes: boolean;
  readonly seed: number;
}

export interface CallsTold {
  readonly violations: readonly string[];
  readonly kills: number;
  readonly terms: number;
  /** Answers that were none: sent again under the same key. */
  readonly again: number;
}

/** Of a trio that runs; makes a cluster of its own and removes it afterwards. A seed stands for one run: a log outlives its cluster. */
export async function callMany(engine: LabEngine, trio: Trio, wish: ManyCalls): Promise<CallsTold> {
  const clients = new Clients(trio, wish);
  const { cluster } = clients;
  await clients.insist("POST", "/clusters", { id: cluster });
  const node = { id: "n1", host: engine.name, capacity: 10_000 };
  await clients.insist("POST", `/clusters/${cluster}/nodes`, node);
  const watching = watchCreations(engine, cluster);
  await sleep(500);
  const calling = clients.callAll();
  const kills = killLeaders(trio, wish, () => clients.done);
  const [acknowledged, killed] = await Promise.all([calling, kills]);
  const log = await untilIdle(clients);
  const created = await watching.stop();
  const terms = new Set(log.map(({ term }) => term)).size;
  const violations = violationsOf({ acknowledged, log, created });
  await clients.insist("DELETE", `/clusters/${cluster}`);
  await clients.untilGone();
  return { violations, kills: killed, terms, again: clients.again };
}

class Clients {
  readonly #trio: Trio;
  readonly #wish: ManyCalls;
  readonly #random: Random;
  readonly #acknowledged: Acknowledged[] = [];
  readonly cluster: string;
  #begun = 0;
  done = 0;
  again = 0;

  constructor(trio: Trio, wish: ManyCalls) {
    this.#trio = trio;
    this.#wish = wish;
    this.cluster = `many-${wish.seed}`;
    this.#random = new Random(wish.seed);
  }

  async callAll(): Promise<readonly Acknowledged[]> {
    await Promise.all(Array.from({ length: this.#wish.clients }, () => this.#oneClient()));
    return this.#acknowledged;
  }

  async #oneClient(): Promise<void> {
    const each = this.#wish.removes ? 2 : 1;
    while (this.#begun + each <= this.#wish.calls) {
      this.#begun += each;
      const key = `call-${this.#begun}`;
      const body = { container: { ...restful, label: key }, replicas: 1 };
      const { data } = await this.insist("POST", `/clusters/${this.cluster}/service`, body, key);
      const { log_index: index, term } = data;
      this.#acknowledged.push({ key, index, term, replicas: 1 });
      if (this.#wish.removes) {
        const path = `/clusters/${this.cluster}/services/${index}`;
        await this.#untilEnded(index);
        await this.insist("DELETE", path, undefined, `${key}-removed`);
      }
      this.done += each;
    }
  }

  /** A service can be removed once it is there. */
  async #untilEnded(index: number): Promise<void> {
    await until(
      `entry ${index} has ended`,
      async () =>
        (await this.log()).find((one) => one.log_index === index)?.state === "done" || undefined,
      120_000,
      500,
    );
  }

  /** Its containers are removed one after the other. */
  async untilGone(): Promise<void> {
    await until(
      "the cluster is gone",
      async () => {
        const url = this.#trio.url(this.#anyone());
        const asked = callCluster<readonly ClusterRow[]>({ url, path: "/clusters" });
        const answer = await asked.catch(() => undefined);
        const isThere = answer?.status !== 200 || answer.data.some(({ id }) => id === this.cluster);
        return isThere ? undefined : true;
      },
      180_000,
      500,
    );
  }

  /** To any coordinator, under one key of this run, until somebody answers. */
  insist(
    method: string,
    path: string,
    body?: unknown,
    key = `${method} ${path}`,
  ): Promise<CallAnswer> {
    return until(
      `${method} ${path} is answered`,
      async () => {
        const url = this.#trio.url(this.#anyone());
        const own = `${this.#wish.seed}: ${key}`;
        const wish = { url, method, path, body, key: own, patience: 10_000 };
        const answer = await callCluster(wish).catch(() => undefined);
        if (answer !== undefined && answer.status < 300) return answer;
        if (answer !== undefined && answer.status < 500 && answer.status !== 429) {
          throw new Error(`${method} ${path}: ${answer.status} ${answer.error}`);
        }
        this.again++;
        return undefined;
      },
      180_000,
      300,
    );
  }

  #anyone(): string {
    const { ids } = this.#trio;
    return ids[this.#random.below(ids.length)] ?? "c1";
  }

  async log(): Promise<readonly LogEntryRow[]> {
    for (const id of this.#trio.ids) {
      const path = `/stats?cluster=${this.cluster}&limit=2000`;
      const asked = callCluster<CoordinatorStats>({ url: this.#trio.url(id), path });
      const answer = await asked.catch(() => undefined);
      if (answer?.status === 200) return answer.data.log;
    }
    return [];
  }
}

/** At even shares of the calls that are done. @returns how often */
async function killLeaders(trio: Trio, wish: ManyCalls, done: () => number): Promise<number> {
  for (let kill = 1; kill <= wish.kills; kill++) {
    const share = (wish.calls * kill) / (wish.kills + 1);
    await until("enough is done", () => done() >= share || undefined, 600_000, 20);
    const leader = await trio.leader();
    await trio.kill(leader);
    trio.startCoordinator(leader);
    await trio.leader();
  }
  return wish.kills;
}

const untilIdle = (clients: Clients): Promise<readonly LogEntryRow[]> =>
  until(
    "every call has ended",
    async () => {
      const log = await clients.log();
      const isIdle = log.length > 0 && log.every(({ ended_at: ended }) => ended !== "");
      return isIdle ? log : undefined;
    },
    180_000,
    500,
  );

/** By the engine's own stream of events, which also knows what is gone again. */
function watchCreations(
  engine: LabEngine,
  cluster: string,
): { stop(): Promise<readonly Creation[]> } {
  const format =
    '{{.TimeNano}} {{index .Actor.Attributes "heartmesh.log-index"}} {{index .Actor.Attributes "heartmesh.ordinal"}}';
  const filters = ["type=container", "event=create", `label=heartmesh.cluster=${cluster}`];
  const words = filters.flatMap((one) => ["--filter", one]);
  const child = inNamespace(
    engine,
    "docker",
    ["-H", engine.host, "events", ...words, "--format", format],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (some: string) => (text += some));
  return {
    async stop() {
      // What has just happened is still on its way.
      await sleep(500);
      const closed = new Promise((resolve) => child.once("close", resolve));
      child.kill();
      await closed;
      return text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => {
          const [at = 0, index = 0, ordinal = 0] = line.split(" ").map(Number);
          return { at, index, ordinal };
        });
    },
  };
}
