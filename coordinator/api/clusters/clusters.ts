// `/clusters` and `/clusters/<id>`: which there are, how they are, and a person's word to make, even out or remove one.

import type { FastifyInstance } from "fastify";
import type { ClusterDesk } from "../../clusters/desk.ts";
import type { ApiContext } from "../context.ts";
import { ApiProblem } from "../problem.ts";
import { ref } from "../schema-words.ts";
import { told } from "../swarm/desk.ts";
import { enveloped } from "../swarm/schemas.ts";
import { forwardFor, makeCall, noCluster } from "./calls.ts";
import { clusterExamples as examples } from "./examples.ts";
import { callAnswers, clusterRequests, keyText } from "./schemas.ts";

interface ById {
  Params: { id: string };
}

const tags = ["clusters"];
const params = clusterRequests.cluster;
const admin = { access: "admin" as const, forwardFor };

export function clustersPlugin(app: FastifyInstance, context: ApiContext): void {
  addReads(app, context);
  app.post<{ Body: { id: string; swarm: boolean; engine?: string } }>(
    "/clusters",
    {
      config: admin,
      schema: {
        tags,
        summary: "Make a cluster of containers",
        description: keyText,
        body: clusterRequests.create,
        response: callAnswers(examples.created),
      },
    },
    (request, reply) => {
      const { id, swarm, engine = "" } = request.body;
      const call = () => {
        const known = context.plane.engines().map(({ host }) => host);
        if (engine !== "" && !known.includes(engine)) {
          throw new ApiProblem(
            404,
            `No engine is called ${engine}; there are ${known.join(", ")}.`,
          );
        }
        return { kind: "create-cluster", swarm, engine } as const;
      };
      return makeCall(context, request, reply, { cluster: id, call });
    },
  );

  app.delete<ById>(
    "/clusters/:id",
    {
      config: admin,
      schema: {
        tags,
        summary: "Remove a cluster, and all that runs in it",
        description: keyText,
        params,
        response: callAnswers(examples.deleted),
      },
    },
    (request, reply) => {
      const call = () => ({ kind: "delete-cluster" }) as const;
      return makeCall(context, request, reply, { cluster: request.params.id, call });
    },
  );

  app.post<ById>(
    "/clusters/:id/rebalance",
    {
      config: { access: "operator" as const, forwardFor },
      schema: {
        tags,
        summary: "Even the containers out over the nodes",
        description: `Nothing else does so: a new node takes what is new. ${keyText}`,
        params,
        response: callAnswers(examples.rebalanced),
      },
    },
    (request, reply) => {
      const call = () => ({ kind: "rebalance" }) as const;
      return makeCall(context, request, reply, { cluster: request.params.id, call });
    },
  );
}

function addReads(app: FastifyInstance, { plane }: ApiContext): void {
  const list = { type: "array", items: ref("ClusterRow") };
  app.get(
    "/clusters",
    {
      schema: {
        tags,
        summary: "The clusters of containers, by id",
        response: enveloped(list, [examples.row], "The clusters"),
      },
    },
    async () => told(await plane.clusters().list()),
  );

  const one = <View>(
    path: string,
    summary: string,
    [schema, example]: readonly [string, unknown],
    read: (desk: ClusterDesk, id: string) => Promise<View | undefined>,
  ): void => {
    const response = enveloped(ref(schema), example, summary, 404);
    app.get<ById>(path, { schema: { tags, summary, params, response } }, async (request) => {
      const { id } = request.params;
      const view = await read(plane.clusters(), id);
      if (view === undefined) throw noCluster(id);
      return told(view);
    });
  };
  one("/clusters/:id", "A cluster and its nodes", ["Cluster", examples.view], (desk, id) =>
    desk.get(id),
  );
  one(
    "/clusters/:id/state",
    "How a cluster is, and why it is no better",
    ["ClusterState", examples.state],
    (desk, id) => desk.state(id),
  );
  one(
    "/clusters/:id/stats",
    "Its nodes with capacity, load and containers",
    ["ClusterStats", examples.stats],
    (desk, id) => desk.stats(id),
  );
}
