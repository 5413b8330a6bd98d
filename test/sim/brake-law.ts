// The brake holds: while it is on, whoever leads begins no recovery before the one before it has ended.

import type { Coordinator } from "../../coordinator/core/coordinator.ts";
import type { CoordinatorInput, CoordinatorOutput } from "../../coordinator/core/exchange.ts";
import type { Instant, WorkerId } from "../../proto/units.ts";
import type { SimProcess } from "./process.ts";

export class BrakeLaw {
  readonly #must: (holds: boolean, what: string) => void;
  /** What each leader began, or took over, and has not seen the end of. */
  readonly #open = new Map<SimProcess, Map<string, WorkerId>>();

  constructor(must: (holds: boolean, what: string) => void) {
    this.#must = must;
  }

  onStep(
    by: SimProcess,
    core: Coordinator,
    step: {
      readonly input: CoordinatorInput;
      readonly outputs: readonly CoordinatorOutput[];
      readonly now: Instant;
    },
  ): void {
    const open = this.#open.get(by) ?? new Map<string, WorkerId>();
    this.#open.set(by, open);
    const { input, outputs, now } = step;
    if (input.kind === "job-news") this.#onNews(open, input.news);
    for (const output of outputs) {
      if (output.kind === "role-changed") open.clear();
      else if (output.kind === "enqueue" || output.kind === "act-directly") {
        const { recovery, token } = output.order;
        const others = [...open.keys()].filter((one) => one !== recovery);
        if (others.length > 0 && core.summary(now).brake.tripped) {
          this.#must(
            false,
            `${by.name} begins ${recovery} under the brake, while ${others.join(" and ")} go on`,
          );
        }
        open.set(recovery, token.worker);
      } else if (output.kind === "publish") {
        const { kind, recovery, worker } = output.event;
        if (kind === "recovery-adopted") open.set(recovery, worker);
        if (kind === "recovered" || kind === "exhausted" || kind === "superseded")
          open.delete(recovery);
      }
    }
  }

  #onNews(
    open: Map<string, WorkerId>,
    news: Extract<CoordinatorInput, { kind: "job-news" }>["news"],
  ): void {
    const { token } = news;
    if (news.kind !== "job-refused" && news.kind !== "job-adopted") {
      if (news.kind === "recovered" || news.kind === "exhausted" || news.kind === "superseded")
        open.delete(news.recovery);
      return;
    }
    // What was asked for is not in the queue.
    for (const [recovery, worker] of open) {
      const isIt = recovery.startsWith(`${token.epoch}.${token.term}.`);
      if (isIt && worker === token.worker) open.delete(recovery);
    }
  }
}
