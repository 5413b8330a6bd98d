// A world of one container in a file, seen and changed by runners in several processes: the scripted side of the runner's ports.

import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RevivalJob } from "../../../coordinator/core/job.ts";
import type { Actor, LifeWatch } from "../../../coordinator/jobs/ports.ts";
import { term } from "../../../proto/units.ts";
import { pause } from "../../waiting.ts";

export interface WorldState {
  readonly startedAt: string;
  readonly running: boolean;
  /** What `perform` answers instead of acting: `engine-unavailable` a number of times, `failed` always. */
  readonly engineAway: number;
  readonly failing: boolean;
  /** A started container never answers. */
  readonly mute: boolean;
  /** So many times a verified worker dies again within its window. */
  readonly deaths: number;
}

/** Where a scripted process stands still for ever, to be killed there. */
export type FreezePoint =
  "none" | "before-action" | "slow-action" | "after-action" | "verifying" | "watching";

export class ScriptedWorld {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
    if (!existsSync(this.#file)) {
      this.#write({
        startedAt: "start-0",
        running: false,
        engineAway: 0,
        failing: false,
        mute: false,
        deaths: 0,
      });
    }
  }

  get #file(): string {
    return join(this.directory, "world.json");
  }

  get state(): WorldState {
    return JSON.parse(readFileSync(this.#file, "utf8")) as WorldState;
  }

  change(part: Partial<WorldState>): void {
    this.#write({ ...this.state, ...part });
  }

  /** One line an action that changed something: who, and the start that it made. */
  get actions(): readonly string[] {
    return this.#lines("actions");
  }

  /** Points that frozen processes have reached. */
  get reached(): readonly string[] {
    return this.#lines("reached");
  }

  actor(who: string, freeze: FreezePoint = "none"): Actor {
    return {
      perform: async (job, mayAct) => {
        // No agent and no dependant here that could have to follow.
        if (job.action === "restart-dependants") {
          return { kind: "superseded", reason: "nothing needs a restart" };
        }
        await this.#freezeAt("before-action", freeze);
        const { startedAt, running, engineAway, failing } = this.state;
        if (engineAway > 0) {
          this.change({ engineAway: engineAway - 1 });
          return { kind: "engine-unavailable", reason: "the engine does not answer" };
        }
        if (failing) return { kind: "failed", reason: "the engine said no" };
        if (startedAt !== job.target.startedAt) {
          const found = { containerId: job.target.containerId, startedAt, running };
          return { kind: "superseded", reason: "started by somebody else", found };
        }
        if (freeze === "slow-action") {
          appendFileSync(join(this.directory, "reached"), "slow-action\n");
          await pause(1_000);
          // Whoever was stopped meanwhile has had the time to ask for its lease again.
          await pause(300);
        }
        if (!mayAct()) return { kind: "lease-lost", reason: "the lease has run out" };
        const next = `start-${this.actions.length + 1}`;
        this.change({ startedAt: next, running: true });
        appendFileSync(join(this.directory, "actions"), `${who} ${job.action} ${next}\n`);
        await this.#freezeAt("after-action", freeze);
        return { kind: "acted", containerId: job.target.containerId, startedAt: next };
      },
    };
  }

  lifeWatch(freeze: FreezePoint = "none"): LifeWatch {
    return {
      awaitLife: async (_job, _acted, timeout) => {
        await this.#freezeAt("verifying", freeze);
        const deadline = performance.now() + timeout;
        while (performance.now() < deadline) {
          if (this.state.running && !this.state.mute) return "alive";
          await pause(20);
        }
        return "timeout";
      },
      watchWindow: async (_job, window) => {
        await this.#freezeAt("watching", freeze);
        const deadline = performance.now() + window;
        while (performance.now() < deadline) {
          const { running, deaths } = this.state;
          if (deaths > 0) this.change({ running: false, deaths: deaths - 1 });
          if (!running || deaths > 0) return "died";
          await pause(20);
        }
        return "steady";
      },
    };
  }

  async #freezeAt(point: FreezePoint, freeze: FreezePoint): Promise<void> {
    if (freeze !== point) return;
    appendFileSync(join(this.directory, "reached"), `${point}\n`);
    await new Promise(() => setInterval(() => undefined, 60_000));
  }

  #lines(name: string): readonly string[] {
    const file = join(this.directory, name);
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  }

  #write(state: WorldState): void {
    writeFileSync(this.#file, JSON.stringify(state));
  }
}

export function revivalJob(
  change: Partial<RevivalJob> & { readonly epoch?: number } = {},
): RevivalJob {
  const { epoch = 1, ...rest } = change;
  const token = rest.token ?? { worker: "h1/web:1", epoch, term: term(1) };
  return {
    recovery: `${token.epoch}.${token.term}.${Buffer.from(token.worker).toString("hex")}`,
    token,
    action: "start",
    target: { host: "h1", containerId: "c0ffee", name: "web", startedAt: "start-0" },
    agent: undefined,
    dependants: [],
    stopTimeout: undefined,
    verifyWindow: 200,
    verifyTimeout: 1_000,
    maxTries: 3,
    backoff: 100,
    backoffMax: 400,
    verdict: "stopped",
    reason: "it exited",
    evidence: [],
    detectedAt: 1,
    decidedAt: 2,
    ...rest,
  };
}
