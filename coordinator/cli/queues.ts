// `heartmesh queues`: how full the queues are, and why the last jobs failed.

import type { QueuesView } from "../../proto/queues-rest.ts";
import { print } from "./print.ts";
import { table, toned, type Look } from "./table.ts";
import { ago } from "./terminal.ts";
import type { VerbCall } from "./verb.ts";

export async function queues(call: VerbCall): Promise<number> {
  return print(call, await call.client.get<QueuesView>("/api/v1/queues"), queuesText);
}

function queuesText({ queues: all }: QueuesView, look: Look): string {
  const counts = table(
    ["QUEUE", "WAITING", "ACTIVE", "DELAYED", "FAILED", "COMPLETED", ""],
    all.map((one) => [
      one.name,
      ...[one.waiting, one.active, one.delayed, one.failed, one.completed].map(String),
      one.isPaused ? toned("paused", "odd") : "",
    ]),
    look,
  );
  const failed = all.flatMap(({ name, lastFailed }) =>
    lastFailed.map((job) => [
      job.id,
      name,
      job.about,
      job.endedAtMs === null ? "-" : ago(job.endedAtMs, look.now),
      `${job.tries}`,
      job.reason,
    ]),
  );
  if (failed.length === 0) return `${counts}\n\nNo job on record has failed.`;
  return `${counts}\n\n${table(["FAILED JOB", "QUEUE", "ABOUT", "WHEN", "TRIES", "WHY"], failed, look)}`;
}
