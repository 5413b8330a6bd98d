// Verdicts on hosts are told once: by the leader, or by the next one where they were reached while there was none.

import { elapsed, type Duration, type Instant } from "../../../proto/units.ts";
import type { CoreEvent } from "../event.ts";
import type { HostId } from "./host.ts";

/** A leader that is heard so much later has concluded the same, and told it. */
const leaderConcludes: Duration = 1_000;

export class HostNews {
  #isLeading = false;
  /** The last of each host that nobody may have told. */
  readonly #untold = new Map<HostId, { readonly event: CoreEvent; readonly at: Instant }>();

  /** @returns what is to be published. */
  onVerdict(host: HostId, event: CoreEvent, now: Instant): readonly CoreEvent[] {
    if (this.#isLeading) return [event];
    this.#untold.set(host, { event, at: now });
    return [];
  }

  /** @returns what is to be published. */
  setLeading(isLeading: boolean): readonly CoreEvent[] {
    this.#isLeading = isLeading;
    if (!isLeading) return [];
    const events = [...this.#untold.values()].map(({ event }) => event);
    this.#untold.clear();
    return events;
  }

  onLeaderHeard(now: Instant): void {
    for (const [host, { at }] of this.#untold) {
      if (elapsed(at, now) > leaderConcludes) this.#untold.delete(host);
    }
  }
}
