// What a person says of a service of the Swarm: that it shall go back, or that it has ended where it ran. The leader moves it.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { CommandView } from "../../proto/rest.ts";
import type { MoveCommand } from "../core/migration/moves.ts";
import { containerOfCase, isContainerCase } from "../core/migration/order.ts";
import { parseMoveLabels } from "../core/migration/service-labels.ts";
import { awayFrom, readJournal } from "../core/migration/undo.ts";
import type { SwarmHost, SwarmService, SwarmView } from "../core/migration/swarm-view.ts";
import { atLeader } from "./at-leader.ts";
import type { ApiContext } from "./context.ts";
import { examples } from "./examples.ts";
import { ApiProblem } from "./problem.ts";
import { ref } from "./schema-words.ts";
import { answers, good, requests } from "./schemas.ts";
import { swarmProblem } from "./swarm-problem.ts";
import { asAsked, theOne } from "./the-one.ts";

interface ByName {
  Params: { id: string };
}

const taken = (example: CommandView) =>
  answers(
    { 200: good(ref("Command"), "Taken by the leader; events tell what comes of it", example) },
    ...[400, 404, 409, 413, 415, 502, 503, 504],
  );
const config = { access: "operator" as const };
const tags = ["hosts"];

export function servicesPlugin(app: FastifyInstance, context: ApiContext): void {
  addFailback(app, context);
  addMigrate(app, context);
}

function addFailback(app: FastifyInstance, context: ApiContext): void {
  app.post<ByName>(
    "/api/v1/services/:id/failback",
    {
      config,
      schema: {
        tags,
        summary: "Bring a moved service back to where a person placed it",
        description: "It goes back once every host that it was moved away from is well.",
        params: requests.serviceId,
        response: taken(examples.serviceGoesBack),
      },
    },
    (request, reply) =>
      carryOut(context, request, reply, (view) => {
        const service = findService(view, request.params.id);
        if (readJournal(service) === undefined) {
          throw new ApiProblem(409, `${service.name} was not moved by heartmesh.`);
        }
        return { services: [service], text: `${service.name} goes back`, kind: "failback" };
      }),
  );

  app.post<ByName>(
    "/api/v1/hosts/:id/failback",
    {
      config,
      schema: {
        tags,
        summary: "Bring all that was moved away from a host back to it",
        params: requests.hostId,
        response: taken(examples.allGoBack),
      },
    },
    (request, reply) =>
      carryOut(context, request, reply, (view) => {
        const host = findNode(view, request.params.id);
        const services = view.services.filter((service) => {
          const journal = readJournal(service);
          return journal !== undefined && awayFrom(journal).includes(host.id);
        });
        if (services.length === 0) {
          throw new ApiProblem(409, `No service was moved away from ${host.name}.`);
        }
        const names = services.map(({ name }) => name).join(", ");
        return { services, text: `${names} go back to ${host.name}`, kind: "failback" };
      }),
  );
}

function addMigrate(app: FastifyInstance, context: ApiContext): void {
  app.post<ByName>(
    "/api/v1/services/:id/migrate",
    {
      config,
      schema: {
        tags,
        summary: "Say that a fenced service, or container that may move, has ended where it ran",
        description:
          "Nobody can tell that of a host without a live agent. Say it only when the host is off, or the service has ended there: otherwise it runs twice.",
        params: requests.serviceId,
        response: taken(examples.mayMove),
      },
    },
    (request, reply) => {
      const { id } = request.params;
      if (isContainerCase(id)) return vouchFor(id, context, request, reply);
      return carryOut(context, request, reply, (view) => {
        const service = findService(view, id);
        if (!parseMoveLabels(service).isFenced) {
          const text = `${service.name} is not fenced: it is moved without a person's word.`;
          throw new ApiProblem(409, text);
        }
        return { services: [service], text: `${service.name} may move`, kind: "vouch" };
      });
    },
  );
}

/** Of a container, by its name among workers: `plain:<host>/<name>`. */
function vouchFor(
  worker: string,
  context: ApiContext,
  request: FastifyRequest<ByName>,
  reply: FastifyReply,
): Promise<CommandView | FastifyReply> {
  const { plane } = context;
  return atLeader(context, request, reply, (by) => {
    const known = plane.summary().services.find(({ id }) => id === worker);
    if (known?.verdict !== "stranded") {
      const text = `No container ${containerOfCase(worker)} has lost its host.`;
      throw new ApiProblem(404, text);
    }
    plane.move({ kind: "vouch", service: worker, by });
    return Promise.resolve({ text: `${containerOfCase(worker)} may move`, recovery: null });
  });
}

interface Asked {
  readonly services: readonly SwarmService[];
  readonly kind: MoveCommand["kind"];
  readonly text: string;
}

function carryOut(
  context: ApiContext,
  request: FastifyRequest<ByName>,
  reply: FastifyReply,
  build: (view: SwarmView) => Asked,
): Promise<CommandView | FastifyReply> {
  const { plane } = context;
  return atLeader(context, request, reply, async (by) => {
    const reading = await plane.swarm();
    if (reading.kind !== "swarm") throw swarmProblem(reading);
    const { services, kind, text } = build(reading.view);
    for (const { name } of services) plane.move({ kind, service: name, by });
    return { text, recovery: null };
  });
}

function findService({ services }: SwarmView, asked: string): SwarmService {
  const found = services.find(({ id, name }) => id === asked || name === asked);
  if (found === undefined) throw new ApiProblem(404, `The Swarm has no service ${asked}.`);
  return found;
}

function findNode({ hosts }: SwarmView, asked: string): SwarmHost {
  const missing = (): Error => new ApiProblem(404, `The Swarm has no host ${asked}.`);
  return theOne(asAsked(hosts, asked), asked, missing);
}
