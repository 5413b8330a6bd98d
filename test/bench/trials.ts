// Single trials of healing: each breaks a fresh worker and says how long it took, in ms from the fault. Wall clocks, all of one machine.

import { pidOf } from "../lab/containers.ts";
import { run } from "../lab/engine.ts";
import { imageNames } from "../lab/images.ts";
import type { Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { pause, until } from "../waiting.ts";

export class Trials {
  readonly #trio: Trio;
  #count = 0;

  constructor(trio: Trio) {
    this.#trio = trio;
  }

  /** Docker's own `restart: always`, unwatched: kill → running again. */
  async dockersOwn(): Promise<number> {
    const { engine } = this.#trio;
    const name = `own-${++this.#count}`;
    await this.#docker("run", "-d", "--name", name, "--restart", "always", imageNames.worker);
    const at = await this.#kill(name);
    const running = (await this.#startAfter(name, at)) - at;
    await engine.docker("rm", "-f", name);
    return running;
  }

  async crash(): Promise<{ readonly running: number; readonly verified: number }> {
    const name = await this.#worker("joins-worker");
    const at = await this.#kill(name);
    const recovery = await this.#trio.recovered(name, at);
    const running = (await this.#startAfter(name, at)) - at;
    await this.#remove(name);
    return { running, verified: (recovery.verifiedAtMs ?? Infinity) - at };
  }

  /** Its own process stopped, its agent alive → verified. */
  async hang(): Promise<number> {
    const name = await this.#worker("joins-agent");
    const pid = await pidOf(this.#trio.engine, name);
    const at = Date.now();
    process.kill(pid, "SIGSTOP");
    const recovery = await this.#trio.recovered(name, at);
    await this.#remove(name);
    return (recovery.verifiedAtMs ?? Infinity) - at;
  }

  /** Its datagrams dropped, both ways, the engine silent → the verdict. */
  async silence(): Promise<number> {
    const { engine } = this.#trio;
    const name = await this.#worker("joins-worker");
    // Asked a few times, as a worker is that has run for a while.
    await pause(3_000);
    const address = await this.#docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", name);
    const rules = [
      ["OUTPUT", "-p", "udp", "-d", address, "-j", "DROP"],
      ["INPUT", "-p", "udp", "-s", address, "-j", "DROP"],
    ];
    const iptables = (verb: string, rule: readonly string[]) =>
      run("nsenter", [`--net=/var/run/netns/${engine.netns}`, "iptables", "-w", verb, ...rule]);
    const at = Date.now();
    for (const rule of rules) await iptables("-I", rule);
    try {
      return (await this.#silenceOf(name, at)) - at;
    } finally {
      for (const rule of rules) await iptables("-D", rule);
      await this.#remove(name);
    }
  }

  /** When the leader's verdict fell. */
  async #silenceOf(name: string, at: number): Promise<number> {
    const verdict = await until(
      "a verdict of silence",
      async () => {
        const events = await this.#trio.events();
        return events.find(
          (event) =>
            event.kind === "verdict-changed" &&
            event.worker === `lab/${name}` &&
            event.text.startsWith("silent") &&
            event.atMs >= at,
        );
      },
      20_000,
      250,
    );
    return verdict.atMs;
  }

  /**
   * Leader and worker killed in the same instant, so that only a new leader can decide. `acting`: its first decision has passed the token
   * check, since a try begins with that; `verified`: the worker answers.
   */
  async leaderAndWorker(): Promise<{ readonly acting: number; readonly verified: number }> {
    const name = await this.#worker("joins-worker");
    const leader = await this.#trio.leader();
    const pid = await pidOf(this.#trio.engine, name);
    const at = Date.now();
    const dying = this.#trio.kill(leader);
    process.kill(pid, "SIGKILL");
    await dying;
    const recovery = await this.#trio.recovered(name, at);
    this.#trio.startCoordinator(leader);
    await this.#remove(name);
    return {
      acting: (recovery.actingAtMs ?? Infinity) - at,
      verified: (recovery.verifiedAtMs ?? Infinity) - at,
    };
  }

  /** The coordinator whose runner holds the revival is killed; throws where that came too late, or the action ran twice. */
  async runnerKilled(): Promise<number> {
    const name = await this.#worker("joins-worker");
    const at = await this.#kill(name);
    const runner = await until("a runner", async () => {
      const [recovery] = (await this.#trio.recoveries(name)).filter((one) => one.decidedAtMs >= at);
      return recovery?.tries[0]?.runner.split(".")[0];
    });
    const killedAt = Date.now();
    await this.#trio.kill(runner);
    const recovery = await this.#trio.recovered(name, at);
    this.#trio.startCoordinator(runner);
    const verifiedAt = recovery.verifiedAtMs ?? Infinity;
    if (verifiedAt <= killedAt)
      throw new Error(`${name} was verified before its runner was killed`);
    const starts = await this.#starts(name, at);
    if (starts !== 1) throw new Error(`${name} was started ${starts} times`);
    await this.#remove(name);
    return verifiedAt - at;
  }

  async #worker(arrangement: "joins-worker" | "joins-agent"): Promise<string> {
    const name = `trial-${++this.#count}`;
    await until(
      "all coordinators",
      async () => {
        const asked = this.#trio.ids.map((id) => this.#trio.status(id));
        const statuses = await Promise.all(asked).catch(() => []);
        const isWhole = statuses.length === this.#trio.ids.length;
        return isWhole && statuses.every((one) => one.leader !== "" && one.fit) ? true : undefined;
      },
      30_000,
      250,
    );
    await startWorker(this.#trio, { name, arrangement });
    await this.#trio.verdict(name, "healthy");
    return name;
  }

  async #remove(name: string): Promise<void> {
    await this.#trio.engine.docker("rm", "-f", name, `${name}-agent`);
  }

  async #kill(name: string): Promise<number> {
    const pid = await pidOf(this.#trio.engine, name);
    const at = Date.now();
    process.kill(pid, "SIGKILL");
    return at;
  }

  /** When its container started again, by the engine's clock, which is this machine's. */
  #startAfter(name: string, at: number): Promise<number> {
    return until(`${name} to run again`, async () => {
      const text = await this.#docker(
        "inspect",
        "-f",
        "{{.State.Running}} {{.State.StartedAt}}",
        name,
      );
      const [running, started = ""] = text.split(" ");
      return running === "true" && Date.parse(started) >= at ? Date.parse(started) : undefined;
    });
  }

  async #starts(name: string, since: number): Promise<number> {
    const words = ["--since", String(Math.floor(since / 1000)), "--until", nowInSeconds()];
    // By name here: the engine's own filter also takes names that only begin so.
    const format = [
      "--filter",
      "event=start",
      "--format",
      "{{.TimeNano}} {{.Actor.Attributes.name}}",
    ];
    const text = await this.#docker("events", ...words, ...format);
    return text.split("\n").filter((line) => {
      const [nanoseconds, started] = line.split(" ");
      return started === name && Number(nanoseconds) / 1e6 >= since;
    }).length;
  }

  async #docker(...words: readonly string[]): Promise<string> {
    const ran = await this.#trio.engine.docker(...words);
    if (ran.code !== 0) throw new Error(`docker ${words.join(" ")}: ${ran.stderr}`);
    return ran.stdout.trim();
  }
}

const nowInSeconds = (): string => String(Math.ceil(Date.now() / 1000));
