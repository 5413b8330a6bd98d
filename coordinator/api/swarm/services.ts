// `/api/swarm/services/*`: what a person looks at and changes of a Swarm's services.

import type { FastifyInstance } from "fastify";
import type { SwarmServiceFilter, SwarmServiceRow } from "../../../proto/swarm-rest.ts";
import { tasksOfService, type SwarmVerbs } from "../../docker/swarm-verbs.ts";
import { ref } from "../schema-words.ts";
import { wantsStream } from "../server-sent.ts";
import { ask, askOrFollow, change } from "./desk.ts";
import { examples } from "./examples.ts";
import { isServiceWanted } from "./filter.ts";
import type { SwarmContext } from "./context.ts";
import { enveloped, followed, swarmRequests } from "./schemas.ts";

interface ById {
  Params: { id: string };
}

const tags = ["swarm"];
const list = (name: string) => ({ type: "array", items: ref(name) });

export function swarmServicesPlugin(app: FastifyInstance, context: SwarmContext): void {
  addReads(app, context);
  addChanges(app, context);
}

function addReads(app: FastifyInstance, context: SwarmContext): void {
  app.get<{ Querystring: SwarmServiceFilter }>(
    `${context.prefix}/services`,
    {
      schema: {
        tags,
        summary: "The services of the Swarm, by name; or a stream of the list",
        description: followed("services"),
        ...context.params(),
        querystring: swarmRequests.services,
        response: enveloped(list("SwarmService"), [examples.service], "The services"),
      },
    },
    (request, reply) => {
      const wanted = (rows: readonly SwarmServiceRow[]) =>
        rows.filter((row) => isServiceWanted(row, request.query));
      return askOrFollow(context, request, reply, {
        event: "services",
        of: (rows) => wanted(rows.services),
        ask: async (verbs) => wanted(await verbs.services()),
      });
    },
  );

  app.get<ById>(
    `${context.prefix}/services/:id/tasks`,
    {
      schema: {
        tags,
        summary: "The tasks of a service, newest first; or a stream of the list",
        description: followed("tasks"),
        ...context.params(swarmRequests.service),
        response: enveloped(list("SwarmTask"), [examples.task], "The tasks", 404),
      },
    },
    (request, reply) => {
      const { id } = request.params;
      return askOrFollow(context, request, reply, {
        event: "tasks",
        of: (rows) => tasksOfService(rows, id),
        ask: (verbs) => verbs.tasks(id),
      });
    },
  );

  app.get<ById & { Querystring: { tail: number } }>(
    `${context.prefix}/services/:id/logs`,
    {
      schema: {
        tags,
        summary: "The last lines of a service's logs, oldest first; or a stream of them",
        description:
          "As server-sent events where Accept asks for text/event-stream: the last lines, and each line as it is written.",
        ...context.params(swarmRequests.service),
        querystring: swarmRequests.logs,
        response: enveloped(list("SwarmLogLine"), [examples.line], "The lines", 404),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { tail } = request.query;
      if (wantsStream(request)) {
        const at = context.at(request);
        await context.streams.logs.follow(request, reply, at, { service: id, tail });
        return undefined;
      }
      return await ask(context, request, (verbs) => verbs.logs(id, tail));
    },
  );
}

function addChanges(app: FastifyInstance, context: SwarmContext): void {
  const config = { access: "operator" as const };
  const failures = [404, 409, 413, 415, 504];

  app.post<ById & { Body: { replicas: number } }>(
    `${context.prefix}/services/:id/scale`,
    {
      config,
      schema: {
        tags,
        summary: "Set how many replicas a service has",
        ...context.params(swarmRequests.service),
        body: swarmRequests.scale,
        response: enveloped(ref("SwarmChange"), examples.scaled, "Taken by the Swarm", ...failures),
      },
    },
    (request, reply) => {
      const { id } = request.params;
      const { replicas } = request.body;
      const carryOut = (verbs: SwarmVerbs) => verbs.scale(id, replicas);
      return change(context, request, reply, { verb: "scale-service", subject: id, carryOut });
    },
  );

  app.put<ById & { Body: { image: string } }>(
    `${context.prefix}/services/:id/image`,
    {
      config,
      schema: {
        tags,
        summary: "Update a service to another image",
        ...context.params(swarmRequests.service),
        body: swarmRequests.image,
        response: enveloped(
          ref("SwarmChange"),
          examples.updated,
          "Taken by the Swarm",
          ...failures,
        ),
      },
    },
    (request, reply) => {
      const { id } = request.params;
      const { image } = request.body;
      const carryOut = (verbs: SwarmVerbs) => verbs.setImage(id, image);
      return change(context, request, reply, { verb: "update-service", subject: id, carryOut });
    },
  );

  app.delete<ById>(
    `${context.prefix}/services/:id`,
    {
      config: { access: "admin" as const },
      schema: {
        tags,
        summary: "Remove a service, and with it its tasks",
        ...context.params(swarmRequests.service),
        response: enveloped(ref("SwarmChange"), examples.removed, "Removed", ...failures),
      },
    },
    (request, reply) => {
      const { id } = request.params;
      const carryOut = (verbs: SwarmVerbs) => verbs.removeService(id);
      return change(context, request, reply, { verb: "remove-service", subject: id, carryOut });
    },
  );
}
