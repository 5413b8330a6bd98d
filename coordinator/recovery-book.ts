// Keeps the record of each recovery: made of the job and its news, by whichever coordinators hear them; the store keeps what knows most.

import type { JobNews, RevivalJob } from "./core/job.ts";
import { applyNews, beginRecord, type RecoveryRecord } from "./core/recovery-record.ts";
import { forgetOldest } from "./core/forget-oldest.ts";

/** Ended records kept in memory, for what is asked while Redis is away; and orders of which nothing was heard yet. */
const keptEnded = 500;

export interface RecoveryBookPorts {
  readonly save: (record: RecoveryRecord) => void;
  /** Undefined where the store has none; rejects while Redis is away. */
  readonly load: (id: string) => Promise<RecoveryRecord | undefined>;
}

export class RecoveryBook {
  readonly #ports: RecoveryBookPorts;
  readonly #records = new Map<string, RecoveryRecord>();
  /** Ordered, and maybe never carried out: the queue may refuse an order, or adopt an older job. So each is a record from its first news on. */
  readonly #drafts = new Map<string, RecoveryRecord>();
  /** News of recoveries whose record is being loaded. */
  readonly #waiting = new Map<string, JobNews[]>();

  constructor(ports: RecoveryBookPorts) {
    this.#ports = ports;
  }

  /**
   * By the leader that ordered it, which has the whole job. Asked for again, because nothing was heard of it, it is the same
   * job, with the times of the first.
   */
  begin(job: RevivalJob): RevivalJob {
    const { recovery } = job;
    const known = this.#records.get(recovery) ?? this.#drafts.get(recovery);
    if (known !== undefined) {
      const { detectedAt, decidedAt, aliveAt } = known;
      return { ...job, ...(aliveAt === undefined ? {} : { aliveAt }), detectedAt, decidedAt };
    }
    this.#drafts.set(recovery, beginRecord(job));
    forgetOldest(this.#drafts, keptEnded);
    return job;
  }

  onNews(news: JobNews): void {
    if (news.kind === "job-adopted") {
      if (!this.#records.has(news.found.recovery)) this.#put(beginRecord(news.found));
      return;
    }
    if (news.kind === "job-refused") return;
    const known = this.#records.get(news.recovery) ?? this.#drafts.get(news.recovery);
    if (known === undefined) {
      this.#load(news.recovery, news);
      return;
    }
    const next = applyNews(known, news);
    if (next !== known) this.#put(next);
  }

  /** Newest first. */
  list(): readonly RecoveryRecord[] {
    return [...this.#records.values()].sort((a, b) => b.decidedAt - a.decidedAt);
  }

  get(id: string): RecoveryRecord | undefined {
    return this.#records.get(id);
  }

  /** Also where it was ordered, and nothing was heard of it yet. */
  known(id: string): RecoveryRecord | undefined {
    return this.#records.get(id) ?? this.#drafts.get(id);
  }

  #load(id: string, news: JobNews): void {
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined) {
      waiting.push(news);
      return;
    }
    this.#waiting.set(id, [news]);
    void this.#ports
      .load(id)
      .catch(() => undefined)
      .then((record) => {
        const missed = this.#waiting.get(id) ?? [];
        this.#waiting.delete(id);
        if (record === undefined) return;
        this.#records.set(id, record);
        for (const one of missed) this.onNews(one);
      });
  }

  #put(record: RecoveryRecord): void {
    this.#drafts.delete(record.id);
    this.#records.delete(record.id);
    this.#records.set(record.id, record);
    this.#ports.save(record);
    if (this.#records.size <= keptEnded) return;
    for (const [id, old] of this.#records) {
      if (this.#records.size <= keptEnded) break;
      if (old.outcome !== "running") this.#records.delete(id);
    }
  }
}
