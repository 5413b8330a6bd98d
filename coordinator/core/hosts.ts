// The engines: which of them answer, and which failures on a host have one cause between them.

import { after, type Duration, type Instant } from "../../proto/units.ts";
import type { ContainerView, EngineEvent } from "./worker.ts";

/** What stopped within this of its engine's return stopped with the engine. */
const engineCause: Duration = 30_000;

interface Host {
  readonly reachable: boolean;
  readonly reason: string;
  /** When it was first seen, or came back as another run of the engine. */
  readonly begunAt: Instant;
  readonly wasRestarted: boolean;
}

export class Hosts {
  readonly #hosts = new Map<string, Host>();
  /** When any worker of an engine was last heard. */
  readonly #heardAt = new Map<string, Instant>();
  /** Engines whose whole machine is dead. */
  readonly #dead = new Set<string>();

  list(): readonly { host: string; reachable: boolean; reason: string }[] {
    return [...this.#hosts].map(([host, { reachable, reason }]) => ({ host, reachable, reason }));
  }

  /** One that was never heard of counts as reachable: nothing speaks against it. */
  isReachable(host: string): boolean {
    return this.#hosts.get(host)?.reachable ?? true;
  }

  onWorkerHeard(host: string, now: Instant): void {
    this.#heardAt.set(host, now);
  }

  workersHeardAt(host: string): Instant | undefined {
    return this.#heardAt.get(host);
  }

  isDead(host: string): boolean {
    return this.#dead.has(host);
  }

  setDead(host: string, isDead: boolean): void {
    if (isDead) this.#dead.add(host);
    else this.#dead.delete(host);
  }

  /** True where it is the first time. */
  onSeen(host: string, now: Instant): boolean {
    if (this.#hosts.has(host)) return false;
    this.#hosts.set(host, { reachable: true, reason: "", begunAt: now, wasRestarted: false });
    return true;
  }

  onLost(host: string, reason: string, now: Instant): void {
    const { begunAt = now, wasRestarted = false } = this.#hosts.get(host) ?? {};
    this.#hosts.set(host, { reachable: false, reason, begunAt, wasRestarted });
  }

  onBack(host: string, restarted: boolean, now: Instant): void {
    const before = this.#hosts.get(host);
    const begunAt = restarted ? now : (before?.begunAt ?? now);
    const wasRestarted = restarted || before?.wasRestarted === true;
    this.#hosts.set(host, { reachable: true, reason: "", begunAt, wasRestarted });
  }

  /**
   * Why a container may have failed together with others; empty where it stands alone. Of an engine that does not answer
   * the picture is old: what seems to run may have stopped with it.
   */
  causeOf(container: ContainerView | undefined, isNew: boolean, now: Instant): string {
    if (container === undefined) return "";
    if (this.#dead.has(container.host)) return `host ${container.host} is dead`;
    const host = this.#hosts.get(container.host);
    if (host?.reachable === false) return `engine ${container.host} does not answer`;
    if (container.state === "running") return "";
    if (host === undefined || after(host.begunAt, engineCause) < now) return "";
    // What is found stopped at first sight stopped for a cause that nobody here saw: it counts as one.
    if (isNew) return `found stopped on ${container.host}`;
    // What was seen running at first sight and has died since died by itself.
    return host.wasRestarted ? `engine ${container.host} restarted` : "";
  }
}

/** What an event says of a container's state; undefined where it says nothing that the inspection would not say better. */
export function afterEvent(view: ContainerView, event: EngineEvent): ContainerView | undefined {
  switch (event.action) {
    case "die":
      return { ...view, state: "exited", exitCode: event.exitCode, isForetold: true };
    case "pause":
      return { ...view, state: "paused" };
    case "unpause":
      return { ...view, state: "running" };
    case "health-healthy":
      return { ...view, health: "healthy" };
    case "health-unhealthy":
      return { ...view, health: "unhealthy" };
    case "health-starting":
      return { ...view, health: "starting" };
    default:
      return undefined;
  }
}
