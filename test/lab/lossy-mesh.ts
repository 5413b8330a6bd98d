// A mesh whose datagrams are lost in each direction: coordinators, a Redis and workers in containers, and what it concludes meanwhile.

import { setTimeout as sleep } from "node:timers/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { EventView } from "../../proto/rest.ts";
import { pidOf } from "./containers.ts";
import { startEngine, type LabEngine } from "./engine.ts";
import { ensureImages, imageNames } from "./images.ts";
import { Loss, type LossyPlace } from "./loss.ts";
import { meshKey, Trio, type TrioOptions } from "./trio.ts";
import { until } from "../waiting.ts";

const dist = fileURLToPath(new URL("../../dist", import.meta.url));

type DatagramKind = "pings" | "pongs" | "heartbeats";

type Lease =
  { readonly state: "held"; readonly term: number } | { readonly state: "none" | "unknown" };

/** What was concluded and done in a while in which nothing was wrong with any worker. */
export interface Conclusions {
  /** Each verdict against a worker, in its own words; `partial` ones apart, since nothing is done about them. */
  readonly verdicts: readonly string[];
  readonly partial: readonly string[];
  readonly recoveries: readonly string[];
  /** Elections that ended with another term. */
  readonly elections: number;
  /** The longest time in which each coordinator said that it holds no lease. */
  readonly leaderlessMs: number;
}

export class LossyMesh {
  readonly engine: LabEngine;
  readonly trio: Trio;
  readonly workers: readonly string[];

  private constructor(engine: LabEngine, trio: Trio, workers: readonly string[]) {
    this.engine = engine;
    this.trio = trio;
    this.workers = workers;
  }

  /**
   * Resolves when every worker is healthy.
   * @param optionsOf what the trio is started with, once there is a namespace for it
   */
  static async start(
    count: number,
    optionsOf: (engine: LabEngine) => Promise<TrioOptions> = () => Promise.resolve({}),
  ): Promise<LossyMesh> {
    const engine = await startEngine({ name: "lab" });
    let trio: Trio | undefined;
    try {
      await ensureImages(engine, ["node"]);
      const options = await optionsOf(engine);
      trio = await Trio.start(engine, { ...options, env: { VERIFY_WINDOW: "1", ...options.env } });
      const workers = Array.from({ length: count }, (_, at) => `w${String(at + 1)}`);
      const waiting = [...workers];
      const startSome = async (made: Trio): Promise<void> => {
        for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
          await startWorkerWithAgent(made, name);
        }
      };
      await Promise.all([startSome(trio), startSome(trio), startSome(trio)]);
      for (const name of workers) await trio.verdict(name, "healthy", 60_000);
      return new LossyMesh(engine, trio, workers);
    } catch (error) {
      const logs = trio?.logs() ?? "";
      await trio?.stop();
      await engine.stop();
      throw new Error(logs, { cause: error });
    }
  }

  /** PINGs where workers hear them, PONGs where coordinators do, and what coordinators tell each other. */
  async lose(probability: number): Promise<Readonly<Record<DatagramKind, Loss>>> {
    const namespace = `/var/run/netns/${this.engine.netns}`;
    const workers: LossyPlace[] = [];
    for (const name of this.workers) workers.push(await this.arrivingAt(name));
    return {
      pings: await Loss.begin(workers, probability),
      pongs: await Loss.begin([{ namespace, packets: ["-i docker0 -p udp"] }], probability),
      heartbeats: await Loss.begin([{ namespace, packets: ["-i lo -p udp"] }], probability),
    };
  }

  /** The datagrams that one worker's agent hears. */
  async arrivingAt(name: string): Promise<LossyPlace> {
    const pid = await pidOf(this.engine, name);
    return { namespace: `/proc/${String(pid)}/ns/net`, packets: ["-p udp --dport 8888"] };
  }

  /** When each of them was started, by the engine. */
  async startTimes(names: readonly string[] = this.workers): Promise<readonly string[]> {
    const ran = await this.engine.docker(
      ...["inspect", "-f", "{{.Name}} {{.State.StartedAt}} {{.RestartCount}}", ...names],
    );
    if (ran.code !== 0) throw new Error(ran.stderr);
    return ran.stdout.trim().split("\n");
  }

  /** Looks on for a while, at these workers. */
  async conclusions(forMs: number, about = this.workers): Promise<Conclusions> {
    const since = Date.now();
    const events = new Map<string, EventView>();
    const terms = new Set<number>([await this.#term()]);
    let leaderlessSince: number | undefined;
    let leaderlessMs = 0;
    for (const end = performance.now() + forMs; performance.now() < end;) {
      const lease = await this.#lease();
      const now = performance.now();
      if (leaderlessSince !== undefined) {
        leaderlessMs = Math.max(leaderlessMs, now - leaderlessSince);
      }
      if (lease.state === "none") leaderlessSince ??= now;
      else if (lease.state === "held") leaderlessSince = undefined;
      if (lease.state === "held") terms.add(lease.term);
      for (const one of await this.#eventsSince(since).catch(() => [])) events.set(one.id, one);
      await sleep(250);
    }
    // Not to have been told is no proof that nothing happened.
    const record = await until("the record", () => this.#eventsSince(since).catch(() => undefined));
    for (const one of record) events.set(one.id, one);
    const ours = [...events.values()].filter(({ worker }) =>
      about.some((name) => worker === `lab/${name}`),
    );
    const verdicts = ours.filter(
      ({ kind, text }) => kind === "verdict-changed" && !text.startsWith("healthy"),
    );
    const told = (one: EventView): string => `${one.worker} ${one.kind}: ${one.text}`;
    const isPartial = ({ text }: EventView): boolean => text.startsWith("partial");
    return {
      verdicts: verdicts.filter((one) => !isPartial(one)).map(told),
      partial: verdicts.filter(isPartial).map(told),
      recoveries: ours.filter(({ recovery }) => recovery !== "").map(told),
      elections: terms.size - 1,
      leaderlessMs,
    };
  }

  async stop(): Promise<void> {
    await this.trio.stop();
    await this.engine.stop();
  }

  async #eventsSince(at: number): Promise<readonly EventView[]> {
    const all = await this.trio.events();
    return all.filter(({ atMs }) => atMs >= at);
  }

  async #term(): Promise<number> {
    return (await this.trio.status(await this.trio.leader())).term;
  }

  /** `unknown`: somebody did not answer in time, and nobody else said that he holds it. */
  async #lease(): Promise<Lease> {
    const asked = this.trio.ids.map((id) => this.trio.status(id).catch(() => undefined));
    const answers = await Promise.all(asked);
    const leader = answers.find((one) => one !== undefined && one.leaseForMs > 0);
    if (leader !== undefined) return { state: "held", term: leader.term };
    return { state: answers.includes(undefined) ? "unknown" : "none" };
  }
}

/** One container: a web server, and the agent that checks it as its process 1. */
async function startWorkerWithAgent(trio: Trio, name: string): Promise<void> {
  const serve = "echo ok > /tmp/index.html; httpd -p 8080 -h /tmp";
  const env = {
    COORDINATORS: trio.members,
    MESH_KEY: meshKey,
    WORKER_NAME: name,
    WORKER_CHECK: "http://127.0.0.1:8080/index.html",
  };
  const ran = await trio.engine.docker(
    ...["run", "-d", "--name", name, "--label", "role=node"],
    ...["--label", "heartmesh.start-period=10s", "-v", `${path.resolve(dist)}:/opt/heartmesh:ro`],
    ...Object.entries(env).flatMap(([key, value]) => ["-e", `${key}=${value}`]),
    ...[imageNames.node, "sh", "-c", `${serve}; exec node /opt/heartmesh/heartmesh-agent.mjs`],
  );
  if (ran.code !== 0) throw new Error(`docker run ${name}: ${ran.stderr}`);
}
