// GET /metrics: what a Prometheus server reads of this coordinator.

import type { Queue } from "bullmq";
import type { FastifyInstance } from "fastify";
import type { Duration } from "../../proto/units.ts";
import { inTime } from "../io/in-time.ts";
import { Exposition, type Samples } from "../metrics/exposition.ts";
import { showPicture } from "../metrics/picture.ts";
import { ProcessGauge } from "../metrics/process.ts";
import type { ApiContext } from "./context.ts";
import { examples } from "./examples.ts";
import { answers, goodText, openToAll } from "./schemas.ts";

/** Redis answers in this time, or the queues are left out. */
const queuesWithin: Duration = 500;
const states = ["waiting", "active", "delayed", "failed"] as const;

export function metricsPlugin(app: FastifyInstance, context: ApiContext): void {
  const { plane, metricsOpen, id, cluster } = context;
  const own = new ProcessGauge();
  app.addHook("onReady", () => {
    own.start();
    return Promise.resolve();
  });
  app.addHook("onClose", () => {
    own.stop();
    return Promise.resolve();
  });
  app.get(
    "/metrics",
    {
      config: metricsOpen ? { access: "open" } : {},
      schema: {
        tags: ["coordinator"],
        summary: "Figures for Prometheus",
        ...(metricsOpen ? openToAll : {}),
        response: answers({ 200: goodText("Text exposition", examples.metrics) }),
      },
    },
    async (_request, reply) => {
      const summary = plane.summary();
      const text = new Exposition();
      own.show(text, { coordinator: id, cluster });
      text.histogram(
        "heartmesh_event_loop_lag_seconds",
        "How late a thread's timers ran: mesh hears and decides, main acts and answers HTTP.",
        [
          [{ thread: "main" }, own.lateness],
          [{ thread: "mesh" }, summary.histograms.lateness],
        ],
      );
      showPicture(text, summary);
      plane.tally().show(text);
      if (summary.role === "leader") {
        const jobs = await inTime(queuesWithin, () => jobsOf(plane.boardQueues())).catch(() => []);
        const help = "Jobs by queue and state. Told by the leader alone; left out without Redis.";
        text.gauge("heartmesh_queue_jobs", help, jobs);
      }
      return reply.type("text/plain; version=0.0.4; charset=utf-8").send(text.toString());
    },
  );
}

async function jobsOf(queues: readonly Queue[]): Promise<Samples> {
  const all = await Promise.all(
    queues.map(async (queue) => {
      const counts = await queue.getJobCounts(...states);
      return states.map((state) => [{ queue: queue.name, state }, counts[state] ?? 0] as const);
    }),
  );
  return all.flat();
}
