// `/clusters/<id>/services`: what runs in a cluster, and a person's word to add or remove some of it.

import type { FastifyInstance } from "fastify";
import type { ApiContext } from "../context.ts";
import { ref } from "../schema-words.ts";
import { told } from "../swarm/desk.ts";
import { enveloped } from "../swarm/schemas.ts";
import { serviceCall, type ServiceBody } from "./bodies.ts";
import { forwardFor, makeCall, noCluster } from "./calls.ts";
import { clusterExamples as examples } from "./examples.ts";
import { callAnswers, clusterRequests, keyText } from "./schemas.ts";

interface ById {
  Params: { id: string };
}

const tags = ["clusters"];
const config = { access: "operator" as const, forwardFor };

export function clusterServicesPlugin(app: FastifyInstance, context: ApiContext): void {
  const list = { type: "array", items: ref("ClusterService") };
  app.get<ById>(
    "/clusters/:id/services",
    {
      schema: {
        tags,
        summary: "The services of a cluster, and where their containers run",
        params: clusterRequests.cluster,
        response: enveloped(list, [examples.service], "The services", 404),
      },
    },
    async ({ params: { id } }) => {
      const services = await context.plane.clusters().services(id);
      if (services === undefined) throw noCluster(id);
      return told(services);
    },
  );

  app.post<ById & { Body: ServiceBody }>(
    "/clusters/:id/service",
    {
      config,
      schema: {
        tags,
        summary: "Run containers in a cluster",
        description: `\`{"container":{…},"replicas":n}\` or \`{"containers":[{…,"replicas":n},…]}\`: all of them or, where there is no room, none. The log index is the service's number. ${keyText}`,
        params: clusterRequests.cluster,
        body: clusterRequests.addService,
        response: callAnswers(examples.added),
      },
    },
    (request, reply) => {
      const call = () => serviceCall(request.body, context.clusterImage);
      return makeCall(context, request, reply, { cluster: request.params.id, call });
    },
  );

  app.delete<{ Params: { id: string; n: number } }>(
    "/clusters/:id/services/:n",
    {
      config,
      schema: {
        tags,
        summary: "Remove a service and its containers",
        description: keyText,
        params: clusterRequests.service,
        response: callAnswers(examples.removed),
      },
    },
    (request, reply) => {
      const { id, n } = request.params;
      const call = () => ({ kind: "remove-service", number: n }) as const;
      return makeCall(context, request, reply, { cluster: id, call });
    },
  );
}
