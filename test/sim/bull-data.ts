// What BullMQ keeps in Redis for one queue, and its scripts on it, as far as the product's use of them can tell the difference.

export interface BullOptions {
  readonly attempts: number;
  readonly dedupId: string | undefined;
  readonly keepsHistory: boolean;
}

export interface BullRow {
  readonly id: string;
  readonly name: string;
  data: unknown;
  readonly timestamp: number;
  readonly options: BullOptions;
  state: "wait" | "active" | "delayed" | "completed" | "failed";
  attemptsMade: number;
  stalls: number;
  delay: number;
  /** Redis's time at which a delayed one is due. */
  dueAt: number;
  finishedOn: number | undefined;
  returnvalue: unknown;
  failedReason: string;
  /** The token of whoever holds it, until when. */
  lock: { readonly token: string; readonly until: number } | undefined;
}

export interface BullQueue {
  readonly rows: Map<string, BullRow>;
  readonly wait: string[];
  readonly dedup: Map<string, string>;
  /** Active ones that were without a sign of life at the last look. */
  readonly suspects: Set<string>;
  stalledCheckAt: number;
  nextId: number;
}

export const newBullQueue = (): BullQueue => ({
  rows: new Map(),
  wait: [],
  dedup: new Map(),
  suspects: new Set(),
  stalledCheckAt: 0,
  nextId: 1,
});

/** The id of the new job, of an older one that holds the deduplication id, or of one that has this very id. */
export function addRow(
  queue: BullQueue,
  ask: { name: string; data: unknown; id: string | undefined; options: BullOptions; now: number },
): string {
  const { dedupId } = ask.options;
  if (ask.id !== undefined && queue.rows.has(ask.id)) return ask.id;
  const holder = dedupId === undefined ? undefined : queue.dedup.get(dedupId);
  if (holder !== undefined) return holder;
  const id = ask.id ?? String(queue.nextId++);
  queue.rows.set(id, {
    id,
    name: ask.name,
    data: ask.data,
    timestamp: ask.now,
    options: ask.options,
    state: "wait",
    attemptsMade: 0,
    stalls: 0,
    delay: 0,
    dueAt: 0,
    finishedOn: undefined,
    returnvalue: null,
    failedReason: "",
    lock: undefined,
  });
  if (dedupId !== undefined) queue.dedup.set(dedupId, id);
  queue.wait.push(id);
  return id;
}

function promoteDue(queue: BullQueue, now: number): void {
  for (const row of queue.rows.values()) {
    if (row.state === "delayed" && row.dueAt <= now) toWait(queue, row);
  }
}

export function toWait(queue: BullQueue, row: BullRow): void {
  row.state = "wait";
  row.lock = undefined;
  row.delay = 0;
  queue.wait.push(row.id);
}

/** When the next delayed one is due; Infinity where none is. */
export function nextDue(queue: BullQueue): number {
  let next = Infinity;
  for (const row of queue.rows.values())
    if (row.state === "delayed") next = Math.min(next, row.dueAt);
  return next;
}

export function takeRow(
  queue: BullQueue,
  token: string,
  until: number,
  now: number,
): BullRow | undefined {
  promoteDue(queue, now);
  const id = queue.wait.shift();
  const row = id === undefined ? undefined : queue.rows.get(id);
  if (row === undefined) return undefined;
  row.state = "active";
  row.lock = { token, until };
  return row;
}

export const holdsLock = (row: BullRow | undefined, token: string, now: number): row is BullRow =>
  row?.state === "active" && row.lock?.token === token && row.lock.until > now;

/** Ids that this token does not hold any more. */
export function renewLocks(
  queue: BullQueue,
  held: readonly { readonly id: string; readonly token: string }[],
  until: number,
  now: number,
): readonly string[] {
  const lost: string[] = [];
  for (const { id, token } of held) {
    const row = queue.rows.get(id);
    if (holdsLock(row, token, now)) {
      row.lock = { token, until };
      queue.suspects.delete(id);
    } else lost.push(id);
  }
  return lost;
}

/** In two looks: one that was suspected at the last one and has no lock waits again. Failed for good beyond `most` stalls. */
export function findStalled(
  queue: BullQueue,
  every: number,
  most: number,
  now: number,
): readonly BullRow[] {
  if (now < queue.stalledCheckAt) return [];
  queue.stalledCheckAt = now + every;
  const failed: BullRow[] = [];
  for (const id of queue.suspects) {
    const row = queue.rows.get(id);
    if (row?.state !== "active" || (row.lock !== undefined && row.lock.until > now)) continue;
    if (++row.stalls > most) {
      endRow(
        queue,
        row,
        { state: "failed", reason: "job stalled more than allowable limit", value: null },
        now,
      );
      failed.push(row);
    } else toWait(queue, row);
  }
  queue.suspects.clear();
  for (const row of queue.rows.values()) if (row.state === "active") queue.suspects.add(row.id);
  return failed;
}

export function endRow(
  queue: BullQueue,
  row: BullRow,
  end: { readonly state: "completed" | "failed"; readonly reason: string; readonly value: unknown },
  now: number,
): void {
  row.state = end.state;
  row.lock = undefined;
  row.finishedOn = Math.floor(now);
  row.returnvalue = end.value;
  row.failedReason = end.reason;
  const { dedupId, keepsHistory } = row.options;
  if (dedupId !== undefined && queue.dedup.get(dedupId) === row.id) queue.dedup.delete(dedupId);
  if (!keepsHistory) queue.rows.delete(row.id);
}
