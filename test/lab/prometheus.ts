// The Prometheus of this machine beside a trio, with the files that are shipped: in the engine's namespace, and asked from outside.

import type { ChildProcess } from "node:child_process";
import { closeSync, cpSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { inTime } from "../../coordinator/io/in-time.ts";
import { bridge, type Bridge } from "./bridge.ts";
import { inNamespace } from "./engine.ts";
import type { Trio } from "./trio.ts";

const shipped = fileURLToPath(new URL("../../compose/prometheus", import.meta.url));

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export class LabPrometheus {
  readonly #process: ChildProcess;
  readonly #bridge: Bridge;

  private constructor(process: ChildProcess, to: Bridge) {
    this.#process = process;
    this.#bridge = to;
  }

  /** Shipped is everything but where the coordinators are, where the token stands, and that it looks each second. */
  static async start(trio: Trio, token: string): Promise<LabPrometheus> {
    const folder = path.join(trio.dir, "prometheus");
    mkdirSync(folder, { recursive: true });
    const tokenFile = path.join(folder, "token");
    writeFileSync(tokenFile, `${token}\n`);
    const targets = trio.ids.map((_, at) => `"127.0.0.1:${8081 + at}"`).join(", ");
    const config = readFileSync(path.join(shipped, "prometheus.yml"), "utf8")
      .replace('"c1:8080", "c2:8080", "c3:8080"', targets)
      .replace("/run/secrets/metrics_token", tokenFile)
      .replaceAll("_interval: 5s", "_interval: 1s");
    writeFileSync(path.join(folder, "prometheus.yml"), config);
    cpSync(path.join(shipped, "alerts.yml"), path.join(folder, "alerts.yml"));
    const log = openSync(path.join(folder, "log"), "a");
    const words = [
      `--config.file=${path.join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${path.join(folder, "data")}`,
      "--web.listen-address=127.0.0.1:9090",
    ];
    const child = inNamespace(trio.engine, "prometheus", words, { stdio: ["ignore", log, log] });
    closeSync(log);
    return new LabPrometheus(child, await bridge(trio.engine, 9090));
  }

  /** Of an instant query; empty while it does not answer yet. */
  async query(expr: string): Promise<readonly Sample[]> {
    const url = `http://127.0.0.1:${this.#bridge.port}/api/v1/query?query=${encodeURIComponent(expr)}`;
    try {
      return await inTime(5_000, async (signal) => {
        const answer = (await (await fetch(url, { signal })).json()) as Answer;
        return answer.data.result.map(({ metric, value }) => ({
          labels: metric,
          value: Number(value[1]),
        }));
      });
    } catch {
      return [];
    }
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const gone = new Promise((resolve) => this.#process.once("exit", resolve));
      this.#process.kill("SIGKILL");
      await gone;
    }
    await this.#bridge.stop();
  }
}

interface Answer {
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly value: readonly [number, string];
    }[];
  };
}
