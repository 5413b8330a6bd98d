// How full the queues are, and why the last jobs failed: what Bull Board shows, for the command line and scripts.

import type { Job, Queue } from "bullmq";
import type { FastifyInstance } from "fastify";
import type { FailedJobView, QueuesView, QueueView } from "../../proto/queues-rest.ts";
import type { ApiContext } from "./context.ts";
import { examples } from "./doctor-shapes.ts";
import { fromRecord } from "./record-read.ts";
import { ref } from "./schema-words.ts";
import { answers, good } from "./schemas.ts";

const failedShown = 10;

export function queueDepthsPlugin(app: FastifyInstance, { plane }: ApiContext): void {
  app.get(
    "/api/v1/queues",
    {
      schema: {
        tags: ["queues"],
        summary: "How many jobs wait, run, are put off and have failed",
        response: answers({ 200: good(ref("Queues"), "The queues", examples.queues) }, 503),
      },
    },
    async (): Promise<QueuesView> => {
      const read = (): Promise<QueueView[]> => Promise.all(plane.boardQueues().map(queueView));
      return { queues: await fromRecord(read, "The queues cannot be read") };
    },
  );
}

async function queueView(queue: Queue): Promise<QueueView> {
  const [counts, isPaused, failed] = await Promise.all([
    queue.getJobCounts("wait", "prioritized", "active", "delayed", "failed", "completed"),
    queue.isPaused(),
    queue.getFailed(0, failedShown - 1),
  ]);
  const count = (...names: readonly string[]): number =>
    names.reduce((sum, name) => sum + (counts[name] ?? 0), 0);
  return {
    name: queue.name,
    isPaused,
    waiting: count("wait", "prioritized"),
    active: count("active"),
    delayed: count("delayed"),
    failed: count("failed"),
    completed: count("completed"),
    lastFailed: failed.map(failedView),
  };
}

/** What a job of ours holds, whichever queue it is of. */
interface JobData {
  readonly order?: { readonly token?: { readonly worker?: string } };
  readonly channel?: string;
  readonly event?: { readonly kind?: string; readonly worker?: string };
}

function failedView(job: Job): FailedJobView {
  const { order, channel, event } = job.data as JobData;
  const about = order?.token?.worker ?? [channel, event?.kind, event?.worker];
  return {
    id: job.id ?? "",
    about: typeof about === "string" ? about : about.filter((one) => one).join(" "),
    reason: job.failedReason,
    tries: job.attemptsMade,
    endedAtMs: job.finishedOn ?? null,
  };
}
