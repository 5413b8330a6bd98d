// The HAProxy of this machine before a trio, with the file that is shipped: in the engine's namespace, and reached from outside.

import type { ChildProcess } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { bridge, type Bridge } from "./bridge.ts";
import { inNamespace } from "./engine.ts";
import type { Trio } from "./trio.ts";
import { until } from "../waiting.ts";

const shipped = fileURLToPath(new URL("../../compose/haproxy/haproxy.cfg", import.meta.url));

export class LabProxy {
  readonly #process: ChildProcess;
  readonly #logFile: string;
  readonly #bridges: readonly Bridge[];

  private constructor(process: ChildProcess, logFile: string, bridges: readonly Bridge[]) {
    this.#process = process;
    this.#logFile = logFile;
    this.#bridges = bridges;
  }

  /**
   * Resolves when it knows the leader.
   * @param own a file of backends beside the shipped one
   * @param ports of `own` that are to be reached from outside
   */
  static async start(trio: Trio, own = "", ports: readonly number[] = []): Promise<LabProxy> {
    const folder = path.join(trio.dir, "haproxy");
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, "own.cfg"), own);
    const logFile = path.join(trio.dir, "haproxy.log");
    const log = openSync(logFile, "a");
    const child = inNamespace(trio.engine, "haproxy", ["-db", "-f", shipped, "-f", folder], {
      stdio: ["ignore", log, log],
      env: {
        PATH: process.env["PATH"],
        ...Object.fromEntries(
          trio.ids.flatMap((id, at) => [
            [id.toUpperCase(), `127.0.0.1:${8081 + at}`],
            [`${id.toUpperCase()}_CHECK`, `127.0.0.1:${8101 + at}`],
          ]),
        ),
        REDIS: "127.0.0.1:6379",
      },
    });
    closeSync(log);
    const bridges: Bridge[] = [];
    for (const port of [8000, 1936, ...ports]) bridges.push(await bridge(trio.engine, port));
    const proxy = new LabProxy(child, logFile, bridges);
    await until("HAProxy to know the leader", () => proxy.#knowsAll().catch(() => undefined));
    return proxy;
  }

  /** Of the API. */
  get url(): string {
    return this.urlOf(0);
  }

  /** Of the n-th of `ports`. */
  own(at = 0): string {
    return this.urlOf(2 + at);
  }

  private urlOf(at: number): string {
    return `http://127.0.0.1:${this.#bridges[at]?.port ?? 0}`;
  }

  /** By `backend/server`: UP, DOWN, MAINT …, as its page of statistics says. */
  async servers(): Promise<ReadonlyMap<string, string>> {
    const answer = await fetch(`${this.urlOf(1)}/;csv`, { signal: AbortSignal.timeout(5_000) });
    const [head = "", ...rows] = (await answer.text()).trim().split("\n");
    const at = head.split(",").indexOf("status");
    const fields = rows.map((row) => row.split(","));
    return new Map(fields.map((row) => [`${row[0] ?? ""}/${row[1] ?? ""}`, row[at] ?? ""]));
  }

  async #knowsAll(): Promise<true | undefined> {
    const servers = await this.servers();
    const isUp = (server: string): boolean => servers.get(server)?.startsWith("UP") === true;
    const led = ["c1", "c2", "c3"].filter((id) => isUp(`leader/${id}`));
    const ready = ["c1", "c2", "c3"].filter((id) => isUp(`coordinators/${id}`));
    return (led.length === 1 && ready.length === 3) || undefined;
  }

  log(): string {
    return readFileSync(this.#logFile, "utf8");
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#process.once("exit", resolve));
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill("SIGKILL");
      await gone;
    }
    for (const one of this.#bridges) await one.stop();
  }
}
