// What this process counts of events, recoveries and notifications, for /metrics: each is told by one coordinator, and counted by that one.

import type { ActionKind } from "../core/decision.ts";
import type { MeshEvent } from "../core/event.ts";
import { Histogram, stageBounds } from "../core/histogram.ts";
import type { RecoveryRecord } from "../core/recovery-record.ts";
import type { Exposition, Labels, Samples } from "./exposition.ts";

/** `delivered` · `failed` one try, which is made again · `lost` the last one, too. */
export type DeliveryOutcome = "delivered" | "failed" | "lost";

type Ended = Exclude<RecoveryRecord["outcome"], "running">;

export class Tally {
  readonly #events = new Counts();
  readonly #revivals = new Counts();
  readonly #migrations = new Counts();
  readonly #notifications = new Counts();
  #triesFailed = 0;
  readonly #detection = new Stages();
  readonly #toRunning = new Stages();
  readonly #toVerified = new Stages();

  /**
   * An event that is on record by this coordinator.
   * @param record of the recovery that it belongs to, where it is known
   */
  onEvent({ kind }: MeshEvent, record: RecoveryRecord | undefined): void {
    this.#events.add({ kind });
    if (kind === "try-failed") this.#triesFailed++;
    if (!isEnd(kind)) return;
    const { action = unknown, verdict: reason = unknown } = record ?? {};
    (action === "move" ? this.#migrations : this.#revivals).add({ action, reason, outcome: kind });
    if (record !== undefined) this.#time(record);
  }

  onDelivery(channel: string, outcome: DeliveryOutcome): void {
    this.#notifications.add({ channel, outcome });
  }

  show(text: Exposition): void {
    const byLeader = "Counted by the coordinator that led as it ended.";
    text.counter(
      "heartmesh_events_total",
      "Events that this coordinator put on record, by kind.",
      this.#events.samples(),
    );
    text.counter(
      "heartmesh_revivals_total",
      `Revivals that ended, by action, verdict that was their reason, and outcome. ${byLeader}`,
      this.#revivals.samples(),
    );
    text.counter(
      "heartmesh_migrations_total",
      `Moves of services and containers that ended, likewise. ${byLeader}`,
      this.#migrations.samples(),
    );
    text.counter(
      "heartmesh_tries_failed_total",
      "Tries of recoveries that failed, one that did not count for its engine gave no answer included. Counted by the leader.",
      this.#triesFailed,
    );
    text.histogram(
      "heartmesh_detection_seconds",
      `From the last word of a worker that it is well to the decision to act: an upper bound of what detection took, by action. ${byLeader}`,
      this.#detection.samples(),
    );
    text.histogram(
      "heartmesh_enqueue_to_running_seconds",
      `From a recovery's job in the queue to the end of its first action, when its container runs, by action. ${byLeader}`,
      this.#toRunning.samples(),
    );
    text.histogram(
      "heartmesh_kill_to_verified_seconds",
      `From the last word of a worker that it is well to its first after the action that healed it: an upper bound from a kill on, by action. ${byLeader}`,
      this.#toVerified.samples(),
    );
    text.counter(
      "heartmesh_notifications_total",
      "Deliveries of notifications by this coordinator, by channel: delivered, failed (and tried again), lost (after the last try).",
      this.#notifications.samples(),
    );
  }

  #time({ action, aliveAt = 0, detectedAt, enqueuedAt, tries, verifiedAt }: RecoveryRecord): void {
    if (aliveAt > 0) this.#detection.add(action, detectedAt - aliveAt);
    const actedAt = tries[0]?.actedAt ?? 0;
    if (enqueuedAt > 0 && actedAt > 0) this.#toRunning.add(action, actedAt - enqueuedAt);
    if (aliveAt > 0 && verifiedAt > 0) this.#toVerified.add(action, verifiedAt - aliveAt);
  }
}

/** Of a recovery whose record is not at hand, as when Redis is away. */
const unknown = "unknown";

const isEnd = (kind: string): kind is Ended =>
  kind === "recovered" || kind === "exhausted" || kind === "superseded";

/** Counts by labels, of which there are few. */
class Counts {
  readonly #counts = new Map<string, { readonly labels: Labels; count: number }>();

  add(labels: Labels): void {
    const key = JSON.stringify(labels);
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { labels, count: 1 });
    else known.count++;
  }

  samples(): Samples {
    return [...this.#counts.values()].map(({ labels, count }) => [labels, count]);
  }
}

class Stages {
  readonly #byAction = new Map<ActionKind, Histogram>();

  add(action: ActionKind, took: number): void {
    const histogram = this.#byAction.get(action) ?? new Histogram(stageBounds);
    this.#byAction.set(action, histogram);
    histogram.observe(took);
  }

  samples(): Parameters<Exposition["histogram"]>[2] {
    return [...this.#byAction].map(([action, one]) => [{ action }, one.view()]);
  }
}
