// `/stats` of every coordinator: who leads, the clusters, and what their logs say.

import type { FastifyInstance } from "fastify";
import type { CoordinatorStats } from "../../../proto/cluster-rest.ts";
import type { ApiContext } from "../context.ts";
import { ref } from "../schema-words.ts";
import { told } from "../swarm/desk.ts";
import { enveloped } from "../swarm/schemas.ts";
import { clusterExamples as examples } from "./examples.ts";
import { clusterRequests } from "./schemas.ts";

export function clusterStatsPlugin(app: FastifyInstance, { plane }: ApiContext): void {
  app.get<{ Querystring: { cluster?: string; limit: number } }>(
    "/stats",
    {
      schema: {
        tags: ["clusters"],
        summary: "Who leads, the clusters of containers, and the last entries of their logs",
        querystring: clusterRequests.log,
        response: enveloped(ref("CoordinatorStats"), examples.coordinator, "The picture"),
      },
    },
    async ({ query: { cluster, limit } }) => {
      const { id, role, leader, term } = plane.summary();
      const desk = plane.clusters();
      const [clusters, log] = await Promise.all([desk.list(), desk.log(cluster, limit)]);
      const stats: CoordinatorStats = { id, role, leader, term, clusters, log };
      return told(stats);
    },
  );
}
