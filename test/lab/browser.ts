// A real headless Chromium for tests of the dashboard: Debian's, with a directory of its own, which reaches this machine's loopback alone.

import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, openSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium, type Browser as Connected } from "playwright-core";
import { labPrefix, markOwner, removeLeftovers } from "./leftovers.ts";
import { until } from "../waiting.ts";
import { Visit, type VisitOptions } from "./visit.ts";

const flags: readonly string[] = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-quic",
  "--no-first-run",
  "--no-default-browser-check",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-extensions",
  "--disable-breakpad",
  "--disable-crash-reporter",
  "--disable-field-trial-config",
  // A test's page lives as if somebody looked at it.
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
  "--force-color-profile=srgb",
  "--password-store=basic",
  "--mute-audio",
  // Whatever a page asks of another host goes nowhere.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
  "--remote-debugging-address=127.0.0.1",
  "--remote-debugging-port=0",
];

export class Browser {
  readonly #dir: string;
  readonly #process: ChildProcess;
  readonly #connected: Connected;
  readonly #visits = new Set<Visit>();

  private constructor(dir: string, process: ChildProcess, connected: Connected) {
    this.#dir = dir;
    this.#process = process;
    this.#connected = connected;
  }

  /**
   * It ends with this process, however that ends.
   * @param niceness below 0: before what else runs on this machine, as on a visitor's own
   */
  static async start(niceness = 0): Promise<Browser> {
    await removeLeftovers();
    const dir = await mkdtemp(path.join(tmpdir(), `${labPrefix}${process.pid}-browser-`));
    await markOwner(dir);
    const log = openSync(path.join(dir, "log"), "a");
    const words = ["--pdeathsig", "KILL", "chromium", ...flags, `--user-data-dir=${dir}`];
    const child = spawn("nice", ["-n", String(niceness), "setpriv", ...words, "about:blank"], {
      stdio: ["ignore", log, log],
      env: { PATH: process.env["PATH"], HOME: dir, TMPDIR: dir, LANG: "C.UTF-8", TZ: "UTC" },
    });
    try {
      const port = await until("Chromium to listen", () => portIn(dir, child), 30_000, 50);
      return new Browser(dir, child, await chromium.connectOverCDP(`http://127.0.0.1:${port}`));
    } catch (error) {
      const said = readFileSync(path.join(dir, "log"), "utf8").slice(-2_000);
      await end(child, dir);
      throw new Error(`Chromium does not start; its last words:\n${said}`, { cause: error });
    }
  }

  /** The main process's, whose children hold the pages. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** A visitor with cookies and a storage of their own, at the page of `options.path`. */
  async visit(options: VisitOptions): Promise<Visit> {
    const visit = await Visit.begin(this.#connected, options);
    this.#visits.add(visit);
    return visit;
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    for (const visit of this.#visits) await visit.end().catch(() => undefined);
    this.#visits.clear();
    await this.#connected.close().catch(() => undefined);
    await end(this.#process, this.#dir);
  }
}

/** Chromium writes it there when it listens. */
function portIn(dir: string, child: ChildProcess): string | undefined {
  if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
  const file = path.join(dir, "DevToolsActivePort");
  return existsSync(file) ? /^\d+/.exec(readFileSync(file, "utf8"))?.[0] : undefined;
}

async function end(child: ChildProcess, dir: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await gone;
    clearTimeout(timer);
  }
  // Its children write until they notice that it has gone.
  await rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}
