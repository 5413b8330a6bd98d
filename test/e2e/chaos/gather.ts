// Gathers what a run has left on record: events and recoveries by the API, jobs by BullMQ itself.

import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { keysOf, queueNames } from "../../../coordinator/jobs/keys.ts";
import type { RevivalResult, StoredRevival } from "../../../coordinator/jobs/revival-queue.ts";
import type { EventView, RecoveryView } from "../../../proto/rest.ts";
import { bridge } from "../../lab/bridge.ts";
import type { Trio } from "../../lab/trio.ts";
import { pause } from "../../waiting.ts";
import type { JobEntry } from "./evidence.ts";

const pageSize = 1_000;
/** The API bounds a client's rate at 20 a second. */
const betweenPages = 100;
const states = ["wait", "prioritized", "active", "delayed", "completed", "failed"] as const;

/** Oldest first. */
export const gatherEvents = (trio: Trio): Promise<readonly EventView[]> =>
  pages<EventView>(trio, "events");

/** Oldest first. */
export const gatherRecoveries = (trio: Trio): Promise<readonly RecoveryView[]> =>
  pages<RecoveryView>(trio, "recoveries");

async function pages<Entry extends { readonly id: string }>(
  trio: Trio,
  what: string,
): Promise<readonly Entry[]> {
  const found: Entry[] = [];
  for (;;) {
    const before = found.at(-1);
    const from = before === undefined ? "" : `&before=${encodeURIComponent(before.id)}`;
    const page = await trio.get<readonly Entry[]>(`${what}?limit=${pageSize}${from}`);
    found.push(...page);
    if (page.length < pageSize) return found.reverse();
    await pause(betweenPages);
  }
}

export async function gatherJobs(trio: Trio): Promise<readonly JobEntry[]> {
  const reach = await bridge(trio.engine, 6379);
  const connection = new Redis({ port: reach.port, maxRetriesPerRequest: 3, protocol: 2 });
  connection.on("error", () => undefined);
  const { prefix } = keysOf("heartmesh");
  const queue = new Queue<StoredRevival, RevivalResult>(queueNames.revival, { connection, prefix });
  try {
    const jobs: JobEntry[] = [];
    for (const state of states) {
      for (const job of await queue.getJobs([state])) {
        // What has not ended has returned nothing, whatever the type says.
        const { order } = job.data;
        const returned = job.returnvalue as RevivalResult | null;
        jobs.push({
          id: job.id ?? "",
          worker: order.token.worker,
          action: order.action,
          agent: order.agent?.name ?? "",
          state,
          outcome: returned?.outcome ?? "",
          failedReason: state === "failed" ? job.failedReason : "",
        });
      }
    }
    return jobs;
  } finally {
    await queue.close();
    connection.disconnect();
    await reach.stop();
  }
}
