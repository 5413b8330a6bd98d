// What the chaos lab breaks: an engine, the trio with its Redis, and ten workers in every arrangement.

import { setTimeout as sleep } from "node:timers/promises";
import type { WorkerView } from "../../../proto/rest.ts";
import { startEngine, type LabEngine } from "../../lab/engine.ts";
import { ensureImages } from "../../lab/images.ts";
import { Trio } from "../../lab/trio.ts";
import { startWorker } from "../../lab/workers.ts";
import { EngineLog } from "./engine-log.ts";
import type { ChaosWorker } from "./evidence.ts";

const arrangementOf = (at: number): ChaosWorker["arrangement"] => {
  if (at === 9) return "none";
  return at < 5 ? "joins-worker" : "joins-agent";
};

export const chaosWorkers: readonly ChaosWorker[] = Array.from({ length: 10 }, (_, at) => {
  const name = `w${at + 1}`;
  const arrangement = arrangementOf(at);
  return { name, arrangement, agent: arrangement === "none" ? "" : `${name}-agent` };
});

/** The engine stops all of them in turn at its restart: a web server as process 1 does not listen to SIGTERM. */
const stopsSoon = ["--stop-timeout", "1"];
/** The worker without an agent is watched by the engine itself. */
const checkedByEngine = [
  ...["--health-cmd", "wget -q -O /dev/null http://127.0.0.1:8080/index.html"],
  ...["--health-interval", "2s", "--health-timeout", "1s", "--health-retries", "2"],
];

export class ChaosMesh {
  readonly engine: LabEngine;
  readonly trio: Trio;
  readonly log: EngineLog;
  /** The engine's ids: its containers' processes are found by them while it does not answer. */
  readonly ids: ReadonlyMap<string, string>;

  private constructor(
    engine: LabEngine,
    trio: Trio,
    log: EngineLog,
    ids: ReadonlyMap<string, string>,
  ) {
    this.engine = engine;
    this.trio = trio;
    this.log = log;
    this.ids = ids;
  }

  /** Resolves when every worker is well. */
  static async start(): Promise<ChaosMesh> {
    const engine = await startEngine({ name: "lab" });
    const log = new EngineLog(engine);
    let trio: Trio | undefined;
    try {
      await ensureImages(engine, ["worker", "node"]);
      trio = await Trio.start(engine, {
        // More failures than anybody's worker has: what is counted toward quarantine is forgotten sooner.
        env: { VERIFY_WINDOW: "2", MAX_REVIVALS: "12", REVIVAL_WINDOW: "60" },
      });
      await startWorkers(trio);
      const mesh = new ChaosMesh(engine, trio, log, await idsOf(engine));
      const unwell = await mesh.untilAllWell(120_000);
      if (unwell.length > 0) throw new Error(`not well at the start: ${unwell.join("; ")}`);
      return mesh;
    } catch (error) {
      const logs = trio?.logs() ?? "";
      await trio?.stop();
      await log.stop();
      await engine.stop();
      throw new Error(`the mesh did not start\n${logs}`, { cause: error });
    }
  }

  /** Waits until the trio is whole and all workers are well, by the leader's word. @returns what is not by then, in words */
  async untilAllWell(patience: number): Promise<readonly string[]> {
    const end = performance.now() + patience;
    for (;;) {
      const unwell = await this.#unwell().catch((error: unknown) => [String(error)]);
      if (unwell.length === 0 || performance.now() > end) return unwell;
      await sleep(300);
    }
  }

  async #unwell(): Promise<readonly string[]> {
    const { trio } = this;
    const all = await Promise.all(trio.ids.map((id) => trio.status(id)));
    const unwell = all.flatMap(({ id, leader, fit, unfitReason, redisByQuorum }) => [
      ...(leader === "" ? [`${id} knows no leader`] : []),
      ...(fit ? [] : [`${id} is not fit: ${unfitReason}`]),
      ...(redisByQuorum === "reachable" ? [] : [`${id} says that Redis is ${redisByQuorum}`]),
    ]);
    const workers = await trio.get<readonly WorkerView[]>("workers", await trio.leader(5_000));
    for (const { name } of chaosWorkers) {
      const seen = workers.find(({ id }) => id === `lab/${name}`);
      if (seen === undefined) unwell.push(`${name} is not watched`);
      else if (seen.verdict !== "healthy")
        unwell.push(`${name} is ${seen.verdict}: ${seen.reason}`);
      else if (seen.recovery !== null)
        unwell.push(`${name} is being recovered: ${seen.recovery.text}`);
    }
    return unwell;
  }

  async stop(): Promise<void> {
    await this.trio.stop();
    await this.log.stop();
    await this.engine.stop();
  }
}

/** Three at a time. */
async function startWorkers(trio: Trio): Promise<void> {
  const waiting = [...chaosWorkers];
  const startSome = async (): Promise<void> => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
      const { name, arrangement } = one;
      const options = [...stopsSoon, ...(arrangement === "none" ? checkedByEngine : [])];
      await startWorker(trio, { name, arrangement, options });
    }
  };
  await Promise.all([startSome(), startSome(), startSome()]);
}

async function idsOf(engine: LabEngine): Promise<ReadonlyMap<string, string>> {
  const ran = await engine.docker("ps", "--no-trunc", "--format", "{{.Names}} {{.ID}}");
  const lines = ran.stdout.trim().split("\n");
  return new Map(lines.map((line) => line.split(" ") as [string, string]));
}
