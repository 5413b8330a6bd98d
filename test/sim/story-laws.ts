// What must be told: every action and every refusal has its event, every story its end, and all coordinators remember the same.

import type { CoreEvent, EventKind } from "../../coordinator/core/event.ts";
import { compareStamps, type MemberSet } from "../../coordinator/core/member-set.ts";
import type { CoordinatorSummary, WorkerSummary } from "../../coordinator/core/summary.ts";
import type { GossipRecord } from "../../proto/messages.ts";
import type { CoordinatorId, WorkerId } from "../../proto/units.ts";
import type { Beliefs } from "./beliefs.ts";
import type { SimCluster } from "./cluster.ts";

type Must = (holds: boolean, what: string) => void;

const failing: ReadonlySet<string> = new Set([
  ...["stopped", "unhealthy", "silent", "agent-lost", "gone"],
]);
const reasons: ReadonlySet<EventKind> = new Set<EventKind>([
  ...(["held", "left-alone", "quarantined", "exhausted", "superseded", "try-failed"] as const),
  ...(["recovered", "recovery-enqueued", "recovery-adopted"] as const),
]);
const begins: ReadonlySet<EventKind> = new Set<EventKind>([
  ...(["recovery-enqueued", "recovery-adopted"] as const),
]);
const ends: ReadonlySet<EventKind> = new Set<EventKind>(["recovered", "exhausted", "superseded"]);
/** A leader that does nothing about a failure says why within this. */
const toldWithin = 2_500;

/** `<epoch>.<term>.<hash>` of the product's ids, as `<term>.<epoch>`. */
const tokenOf = (recovery: string): string => {
  const [epoch = "", term = ""] = recovery.split(".");
  return `${term}.${epoch}`;
};

export class StoryLaws {
  readonly #cluster: SimCluster;
  readonly #beliefs: Beliefs;
  readonly #must: Must;
  /** Last word of each coordinator on a worker's failure. */
  readonly #toldAt = new Map<string, number>();
  /** Failures that the one who leads does nothing about: since when. */
  readonly #idleSince = new Map<WorkerId, number>();
  #leader = "";
  /** `<worker> <term>.<epoch>` of what was acted on, and of what was told. */
  readonly #acted = new Map<string, number>();
  readonly #told = new Set<string>();
  /** Of each worker, the story that was begun last. */
  readonly #open = new Map<WorkerId, string>();
  /** What each coordinator's heartbeats said last. */
  readonly #records = new Map<CoordinatorId, Map<WorkerId, { at: number; record: GossipRecord }>>();

  constructor(cluster: SimCluster, beliefs: Beliefs, must: Must) {
    this.#cluster = cluster;
    this.#beliefs = beliefs;
    this.#must = must;
  }

  onEvent(by: string, { kind, worker, recovery }: CoreEvent): void {
    if (worker === "") return;
    if (reasons.has(kind)) this.#toldAt.set(`${by} ${worker}`, this.#cluster.world.now);
    if (recovery === "") return;
    this.#told.add(`${worker} ${tokenOf(recovery)}`);
    if (begins.has(kind)) this.#open.set(worker, recovery);
    else if (ends.has(kind) && this.#open.get(worker) === recovery) this.#open.delete(worker);
  }

  /** Something was changed for a recovery. */
  onActed(worker: WorkerId, token: string): void {
    this.#acted.set(`${worker} ${token}`, this.#cluster.world.now);
  }

  onRecords(by: CoordinatorId, records: readonly GossipRecord[]): void {
    const own = this.#records.get(by) ?? new Map<WorkerId, { at: number; record: GossipRecord }>();
    this.#records.set(by, own);
    for (const record of records) own.set(record.worker, { at: this.#cluster.world.now, record });
  }

  /** Every refusal is explained: whoever leads either acts on a failure, or has said why not. */
  onSummary(summary: CoordinatorSummary): void {
    if (summary.leaseFor === 0) return;
    if (this.#leader !== `${summary.id} ${summary.term}`) this.#idleSince.clear();
    this.#leader = `${summary.id} ${summary.term}`;
    for (const worker of summary.workers) this.#onShown(summary.id, worker);
  }

  #onShown(by: CoordinatorId, worker: WorkerSummary): void {
    const { id, verdict, recovery, quarantinedFor, silencedFor } = worker;
    const { now } = this.#cluster.world;
    const isBusy = recovery !== undefined && recovery.stage !== "waiting";
    // That was told when it began, and is shown as long as it lasts.
    const isKept = quarantinedFor >= 0 || silencedFor >= 0;
    // The engine is away: why it is left alone was told before, and stands when the engine shows it again.
    if (verdict === "unknown") return;
    if (isBusy || isKept || !failing.has(verdict)) {
      this.#idleSince.delete(id);
      return;
    }
    const since = this.#idleSince.get(id) ?? now;
    this.#idleSince.set(id, since);
    if (now - since < toldWithin) return;
    const toldAt = this.#toldAt.get(`${by} ${id}`) ?? -Infinity;
    this.#must(
      toldAt >= since - toldWithin,
      `${by} leaves ${id} ${verdict} for ${(now - since).toFixed(0)} ms and does not say why`,
    );
  }

  /** After healing, once nothing is under way any more. */
  checkStories(): void {
    for (const key of this.#acted.keys())
      this.#must(this.#told.has(key), `nobody told of the recovery that acted: ${key}`);
  }

  /** Told to have begun, and never how they ended: counted, for one that ends while nobody leads for long is not told. */
  get unended(): number {
    return this.#open.size;
  }

  /** What they remember differently; empty where all agree. */
  disagreement(since: number): string {
    const { members, fault } = this.#newestSet();
    if (fault !== "") return fault;
    for (const { id } of this.#cluster.workers) {
      const views = members.map((one) => this.#viewOf(one, id, since));
      if (new Set(views).size > 1)
        return `of ${id}: ${views.map((view, index) => `${members[index] ?? ""} ${view}`).join(", ")}`;
    }
    return "";
  }

  /** Of the set that counts each member knows, and once it was changed everybody else too. */
  #newestSet(): { readonly members: readonly CoordinatorId[]; readonly fault: string } {
    const idsIn = (set: MemberSet | undefined): string[] => set?.members.map(({ id }) => id) ?? [];
    const shown = this.#cluster.coordinators.map(({ id }) => ({
      id,
      set: this.#beliefs.last(id)?.summary.set,
    }));
    const [newest] = shown
      .flatMap(({ set }) => set ?? [])
      .sort((a, b) => compareStamps(b.stamp, a.stamp) || a.members.length - b.members.length);
    const members = idsIn(newest);
    const isChanged = (newest?.stamp.term ?? 0) > 0;
    const wrong = shown.find(
      ({ id, set }) => (isChanged || members.includes(id)) && idsIn(set).join() !== members.join(),
    );
    const fault =
      wrong === undefined
        ? ""
        : `${wrong.id} knows ${idsIn(wrong.set).join()} as the coordinators, which are ${members.join()}`;
    return { members, fault };
  }

  #viewOf(by: CoordinatorId, worker: WorkerId, since: number): string {
    const shown = this.#beliefs.last(by)?.summary.workers.find(({ id }) => id === worker);
    const state = `${(shown?.quarantinedFor ?? -1) >= 0 ? "in quarantine" : "free"}, ${shown?.revivalsInWindow ?? 0} recoveries`;
    const said = this.#records.get(by)?.get(worker);
    if (said === undefined || said.at < since) return state;
    const { term, epoch, tries } = said.record;
    return `${state}, epoch ${term}.${epoch}, ${tries} tries`;
  }
}
