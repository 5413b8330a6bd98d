// A network namespace of its own for programs that need nothing but a loopback.

import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { run } from "./engine.ts";
import { labPrefix, markOwner, removeLeftovers, sweepDirectory } from "./leftovers.ts";

export class Namespace {
  /** Removed with it. */
  readonly dir: string;
  readonly #children: ChildProcess[] = [];

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async create(name: string): Promise<Namespace> {
    await removeLeftovers();
    const dir = await mkdtemp(path.join(tmpdir(), `${labPrefix}${String(process.pid)}-${name}-`));
    await markOwner(dir);
    const made = new Namespace(dir);
    for (const words of [
      ["netns", "add", made.name],
      ["-n", made.name, "link", "set", "lo", "up"],
    ]) {
      const ran = await run("ip", words);
      if (ran.code === 0) continue;
      await made.stop();
      throw new Error(`ip ${words.join(" ")}: ${ran.stderr}`);
    }
    return made;
  }

  /** For `ip -n`. */
  get name(): string {
    return path.basename(this.dir);
  }

  /** For `nsenter --net=`. */
  get path(): string {
    return `/var/run/netns/${this.name}`;
  }

  /** Its words go to the file of this name in `dir`; it ends with this process, however that ends. `env` comes on top of this process's own. */
  start(
    name: string,
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): ChildProcess {
    const log = openSync(path.join(this.dir, name), "a");
    const words = [`--net=${this.path}`, "setpriv", "--pdeathsig", "KILL", command, ...args];
    const stdio = ["ignore" as const, log, log];
    const child = spawn("nsenter", words, { stdio, env: { ...process.env, ...env } });
    this.#children.push(child);
    closeSync(log);
    return child;
  }

  /** How many lines one of its programs has written that hold this. */
  lines(name: string, text: string): number {
    const all = readFileSync(path.join(this.dir, name), "utf8").split("\n");
    return all.filter((line) => line.includes(text)).length;
  }

  async stop(): Promise<void> {
    for (const child of this.#children) {
      const hasEnded = child.exitCode !== null || child.signalCode !== null;
      const gone = hasEnded || new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await gone;
    }
    await sweepDirectory(this.dir);
    await rm(this.dir, { recursive: true, force: true });
  }
}
