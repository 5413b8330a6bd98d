// What must hold for every call that changes a container: the right to make it, one at a time, looked at just before, within the caps.

import type { RevivalOrder } from "../../coordinator/core/recovery.ts";
import { keysOf } from "../../coordinator/jobs/keys.ts";
import type { StoredRevival } from "../../coordinator/jobs/revival-queue.ts";
import type { BullQueue } from "./bull-data.ts";
import type { SimCluster, SimWorker } from "./cluster.ts";
import type { SimContainer } from "./engine.ts";
import type { SimProcess } from "./process.ts";
import { stringOf } from "./redis-server.ts";

export interface ActionWrite {
  readonly by: SimProcess;
  readonly worker: SimWorker;
  readonly container: SimContainer;
  readonly verb: string;
  /** Real time at which the lease of `by` as a leader ends; 0 where it has none. */
  readonly leaseEnd: number;
}

/** The product acts within 250 ms of a look; the rest is the way there and back. */
const lookHolds = 260;
/** A clock's error, and the way of the events that begin the hold anew. */
const holdMargin = 100;
const revivalWindow = 600_000;
/** A silence reaches the others, and the jobs in the queue, within this. */
const silenceSpreads = 1_000;
/** Redis is seen as lost, or back, within this. */
const hardToHear = 5_000;

const keys = keysOf("heartmesh");

/** One recovery's right to act: by whom, under which name. */
interface Right {
  /** Unique to the recovery. */
  readonly recovery: string;
  readonly tryNumber: number;
  /** Starts of the target that may be acted on. */
  readonly startedAt: readonly string[];
  readonly containerId: string;
}

export class ActionLaws {
  readonly #cluster: SimCluster;
  readonly #must: (holds: boolean, what: string) => void;
  readonly #onActed: (worker: string, token: string) => void;
  readonly #open = new Map<SimWorker, { readonly by: SimProcess; count: number }>();
  readonly #reads = new Map<SimProcess, Map<SimContainer, number>>();
  /** The last call of each process on each container. */
  readonly #wrote = new Map<SimProcess, Map<SimContainer, number>>();
  readonly #direct = new Map<
    string,
    { readonly order: RevivalOrder; readonly tryNumber: number }
  >();
  /** Of each worker's failures: when each was first acted on, and in which tries. */
  readonly #failures = new Map<SimWorker, { readonly at: number; readonly tries: Set<string> }[]>();
  readonly #silences = new Map<SimWorker, { readonly from: number; readonly until: number }>();
  readonly #over = new Set<string>();
  readonly #disturbances: number[] = [];
  #forgetfulUntil = 0;

  constructor(
    cluster: SimCluster,
    must: (holds: boolean, what: string) => void,
    onActed: (worker: string, token: string) => void,
  ) {
    this.#cluster = cluster;
    this.#must = must;
    this.#onActed = onActed;
  }

  onRedisForgot(): void {
    this.#forgetfulUntil = this.#cluster.world.now + 4_000;
  }

  onRead(by: SimProcess, container: SimContainer): void {
    noteOf(this.#reads, by).set(container, this.#cluster.world.now);
  }

  onDirect(by: SimProcess, order: RevivalOrder, tryNumber: number): void {
    this.#direct.set(`${by.name} ${order.token.worker}`, { order, tryNumber });
  }

  /** What is told to be in the queue is there. */
  onEnqueued(by: SimProcess, recovery: string): void {
    const { world } = this.#cluster;
    if (world.now < this.#forgetfulUntil) return;
    const isThere = this.#queue?.rows.has(recovery) === true;
    this.#must(isThere, `${by.name} is told that ${recovery} is in the queue, where it is not`);
  }

  /** One unfinished job a worker. */
  look(): void {
    if (this.#cluster.world.now < this.#forgetfulUntil) return;
    const seen = new Map<string, string>();
    for (const { id, state, data } of this.#queue?.rows.values() ?? []) {
      const worker = (data as Partial<StoredRevival>).order?.token.worker;
      if (worker === undefined || state === "completed" || state === "failed") continue;
      const other = seen.get(worker);
      this.#must(
        other === undefined,
        `${worker} has two unfinished jobs: ${other ?? ""} and ${id}`,
      );
      seen.set(worker, id);
    }
  }

  get #queue(): BullQueue | undefined {
    return this.#cluster.redis.data.queues.get(`${keys.prefix}:revival`);
  }

  onWrite(write: ActionWrite): void {
    const { by, worker, container, verb } = write;
    const { now } = this.#cluster.world;
    const what = `${by.name}: ${verb} ${container.name}`;
    this.#must(container.state !== "paused", `${what} while it is paused`);
    const right = this.#rightOf(write);
    if (right === undefined) {
      this.#must(
        now < this.#forgetfulUntil,
        `${what} without a right to: its lease ended at ${write.leaseEnd.toFixed(1)}`,
      );
      return;
    }
    this.#onActed(worker.id, right.recovery);
    const wroteAt = noteOf(this.#wrote, by).get(container);
    const lookedAt = noteOf(this.#reads, by).get(container) ?? -Infinity;
    const isFollowUp = wroteAt !== undefined && wroteAt >= lookedAt;
    this.#must(
      isFollowUp || now - lookedAt <= lookHolds,
      `${what}, looked at ${(now - lookedAt).toFixed(0)} ms before`,
    );
    const silence = this.#silences.get(worker);
    const isSilenced = silence !== undefined && now > silence.from && now < silence.until;
    const isUnderWay = this.#open.get(worker)?.by === by || isFollowUp;
    this.#must(!isSilenced || isUnderWay, `${what}, which is silenced`);
    const isTarget = container.id === right.containerId;
    if (isTarget && !isFollowUp && verb !== "POST start" && now >= this.#forgetfulUntil) {
      const isKnown = right.startedAt.includes(container.startedAt) || wroteAt !== undefined;
      this.#must(
        isKnown,
        `${what}, started at ${container.startedAt}, decided on ${right.startedAt.join(" or ")}`,
      );
    }
    if (verb === "POST start" && isTarget) this.#checkHold(worker, what);
    noteOf(this.#wrote, by).set(container, now);
    this.#checkCaps(worker, right, what);
  }

  /** @returns what is to be called when it has been carried out, or lost */
  begin(worker: SimWorker, by: SimProcess, name: string): () => void {
    const open = this.#open.get(worker);
    const isOthers = open !== undefined && open.by !== by && open.by.alive;
    this.#must(
      !isOthers,
      `${by.name}: ${name} while ${open?.by.name ?? ""} acts on ${worker.name}`,
    );
    const mine = open?.by === by ? open : { by, count: 0 };
    mine.count++;
    this.#open.set(worker, mine);
    return () => {
      mine.count--;
      if (mine.count === 0 && this.#open.get(worker) === mine) this.#open.delete(worker);
    };
  }

  /** By the action lease of its runner, or as the leader itself while Redis is away. */
  #rightOf({ by, worker, leaseEnd }: ActionWrite): Right | undefined {
    const { redis, world } = this.#cluster;
    const { data } = redis;
    const holder = stringOf(data, keys.lease(worker.id), world.now)?.value ?? "";
    if (holder.startsWith(`${by.name}.`)) {
      const [term, epoch, tryNumber] = (
        data.hashes.get(keys.token(worker.id))?.get("acting") ?? ""
      ).split(".");
      return {
        ...this.#targetOf(worker, Number(term), Number(epoch)),
        recovery: `${term}.${epoch}`,
        tryNumber: Number(tryNumber),
      };
    }
    const direct = this.#direct.get(`${by.name} ${worker.id}`);
    if (leaseEnd <= world.now || direct === undefined) return undefined;
    const { token, target } = direct.order;
    const recovery = `${token.term}.${token.epoch}`;
    return {
      recovery,
      tryNumber: direct.tryNumber,
      startedAt: [target.startedAt],
      containerId: "",
    };
  }

  #targetOf(
    worker: SimWorker,
    term: number,
    epoch: number,
  ): Pick<Right, "startedAt" | "containerId"> {
    for (const { data } of this.#queue?.rows.values() ?? []) {
      const { order, acted } = data as Partial<StoredRevival>;
      const token = order?.token;
      if (order === undefined || token?.worker !== worker.id) continue;
      if (token.term !== term || token.epoch !== epoch) continue;
      return {
        containerId: order.target.containerId,
        startedAt: [order.target.startedAt, acted?.startedAt ?? ""],
      };
    }
    return { containerId: "", startedAt: [] };
  }

  /** What a person stopped stays stopped for STOP_HOLD. */
  #checkHold(worker: SimWorker, what: string): void {
    const { stoppedAt } = worker;
    if (stoppedAt === undefined || worker.container.exitCode === 139) return;
    const isForGood = this.#cluster.options.env.STOP_POLICY === "respect";
    this.#must(!isForGood, `${what}, which a person stopped, and STOP_POLICY is respect`);
    const hold = Number(this.#cluster.options.env.STOP_HOLD ?? 3) * 1000;
    const since = this.#cluster.world.now - stoppedAt;
    this.#must(
      since >= hold - holdMargin,
      `${what} ${since.toFixed(0)} ms after a person stopped it`,
    );
  }

  /** Its leader has taken it: what is under way ends, and nothing begins until its time is over. */
  onSilenced(worker: SimWorker, duration: number): void {
    const { now } = this.#cluster.world;
    this.#silences.set(worker, { from: now + silenceSpreads, until: now + duration * 0.98 });
  }

  /** Somebody died, or Redis could not be reached. */
  onDisturbance(until: number): void {
    this.#disturbances.push(until);
  }

  /** The failure that the recovery before this one was about is over. */
  onFailureOver(worker: string): void {
    this.#over.add(worker);
  }

  /** A job that was superseded half-way is followed by another for the same failure. */
  #checkCaps(worker: SimWorker, { recovery, tryNumber }: Right, what: string): void {
    const { world, options } = this.#cluster;
    const all = this.#failures.get(worker) ?? [];
    this.#failures.set(worker, all);
    const isNew = !all.some(({ tries }) =>
      [...tries].some((one) => one.startsWith(`${recovery}#`)),
    );
    if (all.length === 0 || (isNew && this.#over.delete(worker.id))) {
      all.push({ at: world.now, tries: new Set() });
    }
    const last = all.at(-1);
    last?.tries.add(`${recovery}#${tryNumber}`);
    const tries = last?.tries.size ?? 0;
    // A try of which nothing could be heard any more is not known to have been made: one for each cause of that.
    const since = (last?.at ?? 0) - hardToHear;
    const unheard = this.#disturbances.filter((until) => until >= since).length;
    this.#must(tries <= 3 + unheard, `${what}: try ${tries} of the same failure`);
    const recent = all.filter(({ at }) => world.now - at < revivalWindow);
    const most = Number(options.env.MAX_REVIVALS ?? 5);
    this.#must(recent.length <= most, `${what}: recovery ${recent.length} of at most ${most}`);
  }
}

function noteOf<Key>(
  book: Map<Key, Map<SimContainer, number>>,
  key: Key,
): Map<SimContainer, number> {
  const found = book.get(key) ?? new Map<SimContainer, number>();
  book.set(key, found);
  return found;
}
