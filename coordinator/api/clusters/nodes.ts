// `/clusters/<id>/nodes`: engines, shares of an engine, and other clusters join a cluster and leave it.

import type { FastifyInstance } from "fastify";
import type { ApiContext } from "../context.ts";
import { nodeCall, type NodeBody } from "./bodies.ts";
import { forwardFor, makeCall } from "./calls.ts";
import { clusterExamples as examples } from "./examples.ts";
import { callAnswers, clusterRequests, keyText } from "./schemas.ts";

interface ById {
  Params: { id: string };
}

const tags = ["clusters"];
const config = { access: "admin" as const, forwardFor };
const params = clusterRequests.cluster;

export function clusterNodesPlugin(app: FastifyInstance, context: ApiContext): void {
  app.post<ById & { Body: NodeBody }>(
    "/clusters/:id/nodes",
    {
      config,
      schema: {
        tags,
        summary: "Let a node join a cluster",
        description: `An engine with a capacity; with \`spawn\` one that is started; with \`cluster\` another cluster. It joins when it answers, and takes what is new. ${keyText}`,
        params,
        body: clusterRequests.addNode,
        response: callAnswers(examples.joined),
      },
    },
    (request, reply) => {
      const call = () => nodeCall(request.body, context.spawnsEngines);
      return makeCall(context, request, reply, { cluster: request.params.id, call });
    },
  );

  app.delete<ById & { Body: { id?: string; host?: string; port: number; force: boolean } }>(
    "/clusters/:id/nodes",
    {
      config,
      schema: {
        tags,
        summary: "Move a node's containers to the others, and remove it",
        description: `By its id, or by host and port. ${keyText}`,
        params,
        body: clusterRequests.removeNode,
        response: callAnswers(examples.left),
      },
    },
    (request, reply) => {
      const { id = "", host = "", port, force } = request.body;
      const call = () => ({ kind: "remove-node", id, host, port, force }) as const;
      return makeCall(context, request, reply, { cluster: request.params.id, call });
    },
  );
}
