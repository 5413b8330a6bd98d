// `/api/swarm/services/*`: what a person looks at and changes of a Swarm's services.

import type { FastifyInstance } from "fastify";
import type { SwarmServiceRow } from "../../../proto/swarm-rest.ts";
import type { SwarmVerbs } from "../../docker/swarm-verbs.ts";
import type { ApiContext } from "../context.ts";
import { ref } from "../schema-words.ts";
import { ask, change } from "./desk.ts";
import { examples } from "./examples.ts";
import { LogStreams } from "./log-stream.ts";
import { enveloped, swarmRequests } from "./schemas.ts";

interface ById {
  Params: { id: string };
}

interface Filter {
  name?: string;
  stack?: string;
  label?: string;
  image?: string;
}

const tags = ["swarm"];
const params = swarmRequests.service;
const list = (name: string) => ({ type: "array", items: ref(name) });

export function swarmServicesPlugin(app: FastifyInstance, context: ApiContext): void {
  addReads(app, context);
  addChanges(app, context);
}

function addReads(app: FastifyInstance, context: ApiContext): void {
  app.get<{ Querystring: Filter }>(
    "/api/swarm/services",
    {
      schema: {
        tags,
        summary: "The services of the Swarm, by name",
        querystring: swarmRequests.services,
        response: enveloped(list("SwarmService"), [examples.service], "The services"),
      },
    },
    ({ query }) =>
      ask(context, async (verbs) => (await verbs.services()).filter((row) => fits(row, query))),
  );

  app.get<ById>(
    "/api/swarm/services/:id/tasks",
    {
      schema: {
        tags,
        summary: "The tasks of a service, newest first",
        params,
        response: enveloped(list("SwarmTask"), [examples.task], "The tasks", 404),
      },
    },
    ({ params: { id } }) => ask(context, (verbs) => verbs.tasks(id)),
  );

  const streams = new LogStreams(context);
  app.addHook("preClose", (done) => {
    streams.end();
    done();
  });
  app.get<ById & { Querystring: { tail: number } }>(
    "/api/swarm/services/:id/logs",
    {
      schema: {
        tags,
        summary: "The last lines of a service's logs, oldest first; or a stream of them",
        description:
          "As server-sent events where Accept asks for text/event-stream: the last lines, and each line as it is written.",
        params,
        querystring: swarmRequests.logs,
        response: enveloped(list("SwarmLogLine"), [examples.line], "The lines", 404),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { tail } = request.query;
      const wantsStream = (request.headers.accept ?? "").includes("text/event-stream");
      if (wantsStream && request.method === "GET") {
        await streams.follow(request, reply, { service: id, tail });
        return undefined;
      }
      return await ask(context, (verbs) => verbs.logs(id, tail));
    },
  );
}

function addChanges(app: FastifyInstance, context: ApiContext): void {
  const config = { access: "operator" as const };
  const failures = [404, 409, 413, 415, 504];

  app.post<ById & { Body: { replicas: number } }>(
    "/api/swarm/services/:id/scale",
    {
      config,
      schema: {
        tags,
        summary: "Set how many replicas a service has",
        params,
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
    "/api/swarm/services/:id/image",
    {
      config,
      schema: {
        tags,
        summary: "Update a service to another image",
        params,
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
    "/api/swarm/services/:id",
    {
      config: { access: "admin" as const },
      schema: {
        tags,
        summary: "Remove a service, and with it its tasks",
        params,
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

function fits(row: SwarmServiceRow, { name, stack, label, image }: Filter): boolean {
  const [key = "", value] = label?.split(/=(.*)/s) ?? [];
  const has = row.labels[key];
  const isLabelled =
    label === undefined || (value === undefined ? has !== undefined : has === value);
  return (
    isLabelled &&
    row.name.includes(name ?? "") &&
    row.image.includes(image ?? "") &&
    (stack === undefined || row.stack === stack)
  );
}
