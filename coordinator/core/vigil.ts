// Success is verified (design rule 10): waits for the first life of what was acted on, and watches it for its window.

import type { AgentHealth } from "../../proto/messages.ts";
import { after, earliest, type Duration, type Instant, type WorkerId } from "../../proto/units.ts";
import type { VerdictKind } from "./decision.ts";
import type { WorkerSpec } from "./worker.ts";

/** `died`: the very start that was waited for has ended; `stopped`: and that was somebody's wish. */
export type LifeResult = "alive" | "timeout" | "died" | "stopped";
export type WindowResult = "steady" | "died" | "stopped";

export type VigilOutput =
  | { readonly kind: "life-answered"; readonly id: number; readonly result: LifeResult }
  | { readonly kind: "window-closed"; readonly id: number; readonly result: WindowResult };

interface Wait {
  readonly id: number;
  readonly worker: WorkerId;
  readonly startedAt: string;
  readonly begun: Instant;
  readonly until: Instant;
  /** The worker runs as it did before: its agent alone was acted on. */
  readonly isAgents: boolean;
  /** An answer that proves life came before the engine showed the new start. */
  proven: boolean;
}

interface Window {
  readonly id: number;
  readonly worker: WorkerId;
  readonly until: Instant;
}

/** Verdicts that end a window: the worker that was just revived has failed again. */
const deaths: ReadonlySet<VerdictKind> = new Set(["stopped", "unhealthy", "silent", "gone"]);

export class Vigil {
  readonly #waits = new Map<number, Wait>();
  readonly #windows = new Map<number, Window>();

  awaitLife(
    wait: Pick<Wait, "id" | "worker" | "startedAt" | "isAgents"> & { readonly timeout: Duration },
    now: Instant,
  ): Instant {
    const { id, worker, startedAt, isAgents, timeout } = wait;
    const until = after(now, timeout);
    this.#waits.set(id, { id, worker, startedAt, begun: now, until, isAgents, proven: false });
    return until;
  }

  openWindow(id: number, worker: WorkerId, window: Duration, now: Instant): void {
    this.#windows.set(id, { id, worker, until: after(now, window) });
  }

  /** Until when `worker` is to be asked quickly; undefined when nobody waits for it. */
  waitsFor(worker: WorkerId): Instant | undefined {
    let until: Instant | undefined;
    for (const wait of this.#waits.values()) {
      if (wait.worker === worker && (until === undefined || wait.until > until)) until = wait.until;
    }
    return until;
  }

  get isIdle(): boolean {
    return this.#waits.size === 0 && this.#windows.size === 0;
  }

  /** An answer to a question that was asked after the action. An agent's word counts where its check began after it, too. */
  onHealth(spec: WorkerSpec, health: AgentHealth, now: Instant): VigilOutput[] {
    return this.#prove(spec, (wait) => {
      switch (health.state) {
        case "healthy":
          return health.checkedAgo < now - wait.begun;
        case "unchecked":
          return true;
        case "starting":
        case "unhealthy":
          return wait.startedAt === "";
      }
    });
  }

  /** A check of the coordinators' own passed. */
  onCheckPassed(spec: WorkerSpec): VigilOutput[] {
    return this.#prove(spec, () => true);
  }

  /** The engine's picture of it changed. `isMute`: nothing of it was ever heard, and no container of its agent is known. */
  onSpec(spec: WorkerSpec, isMute: boolean): VigilOutput[] {
    return this.#prove(spec, ({ startedAt, isAgents }) => {
      // Its word for the worker proves nothing of an agent, and its word for an earlier start nothing of this one.
      const isOfAgent = isAgents && spec.agent !== undefined;
      return !isOfAgent && isNewStart(spec, startedAt) && isProvenByEngine(spec, isMute);
    });
  }

  /** Ends at once where the verdict says so. `isByHand`: a stopped container was stopped by somebody. */
  onVerdict(spec: WorkerSpec, verdict: VerdictKind, isByHand: boolean): VigilOutput[] {
    if (!deaths.has(verdict)) return [];
    const outputs: VigilOutput[] = [];
    const result = verdict === "stopped" && isByHand ? "stopped" : "died";
    for (const window of this.#windows.values()) {
      if (window.worker !== spec.id) continue;
      this.#windows.delete(window.id);
      outputs.push({ kind: "window-closed", id: window.id, result });
    }
    for (const wait of this.#waits.values()) {
      if (wait.worker !== spec.id || verdict !== "stopped") continue;
      // The verdict may still be of the start before.
      const { container } = spec;
      if (container?.startedAt !== wait.startedAt || container.state === "running") continue;
      this.#waits.delete(wait.id);
      outputs.push({ kind: "life-answered", id: wait.id, result });
    }
    return outputs;
  }

  onTick(now: Instant): VigilOutput[] {
    const outputs: VigilOutput[] = [];
    for (const wait of this.#waits.values()) {
      if (wait.until > now) continue;
      this.#waits.delete(wait.id);
      outputs.push({ kind: "life-answered", id: wait.id, result: "timeout" });
    }
    for (const window of this.#windows.values()) {
      if (window.until > now) continue;
      this.#windows.delete(window.id);
      outputs.push({ kind: "window-closed", id: window.id, result: "steady" });
    }
    return outputs;
  }

  nextDeadline(): Instant | undefined {
    return earliest(
      ...[...this.#waits.values()].map((wait) => wait.until),
      ...[...this.#windows.values()].map((window) => window.until),
    );
  }

  #prove(spec: WorkerSpec, proves: (wait: Wait) => boolean): VigilOutput[] {
    if (this.#waits.size === 0) return [];
    const outputs: VigilOutput[] = [];
    for (const wait of this.#waits.values()) {
      if (wait.worker !== spec.id) continue;
      wait.proven ||= proves(wait);
      if (!wait.proven || !isNewStart(spec, wait.startedAt)) continue;
      this.#waits.delete(wait.id);
      outputs.push({ kind: "life-answered", id: wait.id, result: "alive" });
    }
    return outputs;
  }
}

/** The engine shows it running since that very start. A worker without a container has only its answers. */
function isNewStart(spec: WorkerSpec, startedAt: string): boolean {
  if (startedAt === "" || spec.container === undefined) return true;
  return spec.container.state === "running" && spec.container.startedAt === startedAt;
}

/** Where nothing can be asked, the engine's word is all there is: its health check, or that it runs. */
function isProvenByEngine({ container, probe }: WorkerSpec, isMute: boolean): boolean {
  if (container?.state !== "running") return false;
  if (container.health === "healthy") return true;
  return (probe.kind === "engine-only" || isMute) && container.health === "none";
}
