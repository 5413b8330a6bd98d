// Drives an Intent by hand: events, inspections and time, one after the other.

import { Intent, type Judgement } from "../../../coordinator/core/intent.ts";
import type { ContainerView, EngineEvent } from "../../../coordinator/core/worker.ts";
import { after, instant, type Instant } from "../../../proto/units.ts";
import { container, settings } from "./recovery-specs.ts";

export class Script {
  now: Instant = instant(1_000_000);
  readonly intent = new Intent({ stopHold: 3_000, backoff: 1_000 });

  constructor() {
    // A neighbour that nobody touches, so that no project here is stopped as a whole.
    this.running("bystander");
  }

  running(name: string): void {
    this.intent.onContainer(container(name, { state: "running" }), this.now);
  }

  event(name: string, action: EngineEvent["action"], over: Partial<EngineEvent> = {}): unknown {
    const { labels } = container(name);
    const rest = { signal: 0, exitCode: -1, ours: false };
    const event = { host: "h1", containerId: `id-${name}`, name, labels, action, ...rest, ...over };
    return this.intent.onEngineEvent(event, this.now);
  }

  kill(name: string, signal: number, over: Partial<EngineEvent> = {}): void {
    this.event(name, "kill", { signal, ...over });
  }

  die(name: string, exitCode = 137): void {
    this.event(name, "die", { exitCode });
  }

  stop(name: string): void {
    this.kill(name, 15);
    this.pass(30);
    this.die(name, 143);
    this.pass(50);
    this.event(name, "stop");
  }

  pass(ms: number): void {
    this.now = after(this.now, ms);
  }

  judge(
    name: string,
    over: Partial<ContainerView> = {},
    policy: "revive" | "respect" = "revive",
  ): Judgement {
    return this.intent.judge(container(name, over), { ...settings, stopPolicy: policy }, this.now);
  }

  kind(name: string, over: Partial<ContainerView> = {}): Judgement["kind"] {
    return this.judge(name, over).kind;
  }
}
