// `/api/swarm/*`: the Swarm itself, its health, and its nodes.

import type { FastifyInstance } from "fastify";
import type { SwarmJoinToken, SwarmNodeFilter, SwarmNodeRow } from "../../../proto/swarm-rest.ts";
import { gradeSwarm, type SwarmRows } from "../../core/swarm-grades.ts";
import { statisticsOf } from "../../core/swarm-statistics.ts";
import type { Availability } from "../../docker/availability.ts";
import { tasksOfNode, type AllRows, type SwarmVerbs } from "../../docker/swarm-verbs.ts";
import { UsageReader } from "../../docker/usage.ts";
import { ref } from "../schema-words.ts";
import { ask, askOrFollow, change } from "./desk.ts";
import { examples } from "./examples.ts";
import type { SwarmAt, SwarmContext } from "./context.ts";
import { isNodeWanted } from "./filter.ts";
import { enveloped, followed, swarmRequests } from "./schemas.ts";

interface ById {
  Params: { id: string };
}

const tags = ["swarm"];
const admin = { access: "admin" as const };
const failures = [404, 409, 413, 415, 504];

export function swarmNodesPlugin(app: FastifyInstance, context: SwarmContext): void {
  addReads(app, context);
  addOneNode(app, context);
  addNodeChanges(app, context);
}

function addReads(app: FastifyInstance, context: SwarmContext): void {
  addGrades(app, context);
  app.get(
    `${context.prefix}/info`,
    {
      schema: {
        tags,
        summary: "The Swarm, as one of its managers tells it",
        ...context.params(),
        response: enveloped(ref("SwarmInfo"), examples.info, "The Swarm"),
      },
    },
    (request) => ask(context, request, (verbs) => verbs.info()),
  );

  app.get<{ Querystring: SwarmNodeFilter }>(
    `${context.prefix}/nodes`,
    {
      schema: {
        tags,
        summary: "The nodes of the Swarm, by host name; or a stream of the list",
        description: followed("nodes"),
        ...context.params(),
        querystring: swarmRequests.nodes,
        response: enveloped(
          { type: "array", items: ref("SwarmNode") },
          [examples.node],
          "The nodes",
        ),
      },
    },
    (request, reply) => {
      const wanted = (rows: readonly SwarmNodeRow[]) =>
        rows.filter((row) => isNodeWanted(row, request.query));
      return askOrFollow(context, request, reply, {
        event: "nodes",
        of: (rows) => wanted(rows.nodes),
        ask: async (verbs) => wanted(await verbs.nodes()),
      });
    },
  );
}

function addOneNode(app: FastifyInstance, context: SwarmContext): void {
  app.get<ById>(
    `${context.prefix}/nodes/:id`,
    {
      schema: {
        tags,
        summary: "One node",
        ...context.params(swarmRequests.node),
        response: enveloped(ref("SwarmNode"), examples.node, "The node", 404, 409),
      },
    },
    (request) => ask(context, request, (verbs) => verbs.node(request.params.id)),
  );

  app.get<ById>(
    `${context.prefix}/nodes/:id/tasks`,
    {
      schema: {
        tags,
        summary: "The tasks of a node, newest first; or a stream of the list",
        description: followed("tasks"),
        ...context.params(swarmRequests.node),
        response: enveloped(
          { type: "array", items: ref("SwarmTask") },
          [examples.task],
          "The tasks",
          404,
        ),
      },
    },
    (request, reply) => {
      const of = (rows: AllRows) => tasksOfNode(rows, request.params.id);
      const ask = async (verbs: SwarmVerbs) => of(await verbs.rows());
      return askOrFollow(context, request, reply, { event: "tasks", of, ask });
    },
  );

  app.get<{ Params: { role: SwarmJoinToken["role"] } }>(
    `${context.prefix}/join-token/:role`,
    {
      config: admin,
      schema: {
        tags,
        summary: "With what a host joins as a worker or as a manager; a secret",
        ...context.params(swarmRequests.role),
        response: enveloped(ref("SwarmJoinToken"), examples.token, "The token"),
      },
    },
    (request) => ask(context, request, (verbs) => verbs.joinToken(request.params.role)),
  );
}

function addGrades(app: FastifyInstance, context: SwarmContext): void {
  const usages = new Map<string, UsageReader>();
  const usageOf = (at: SwarmAt): UsageReader => {
    const known = usages.get(at.cluster) ?? new UsageReader(at.engines());
    usages.set(at.cluster, known);
    return known;
  };

  app.get(
    `${context.prefix}/health`,
    {
      schema: {
        tags,
        summary: "How well the Swarm is, and why not better; or a stream of that",
        description: followed("health"),
        ...context.params(),
        response: enveloped(ref("SwarmHealth"), examples.health, "Its health"),
      },
    },
    (request, reply) => {
      const of = (rows: SwarmRows) => gradeSwarm(rows, new Date().toISOString());
      return askOrFollow(context, request, reply, {
        event: "health",
        of,
        ask: async (verbs) => of(await verbs.rows()),
      });
    },
  );

  app.get(
    `${context.prefix}/statistics`,
    {
      schema: {
        tags,
        summary: "The numbers of the Swarm: how much there is, and how much is used",
        ...context.params(),
        description:
          "Takes more than a second; what engines measured serves for 10 s, of disks for 60.",
        response: enveloped(ref("SwarmStatistics"), examples.statistics, "Its numbers"),
      },
    },
    (request) =>
      ask(context, request, async (verbs) => {
        const at = context.at(request);
        const [rows, usages] = await Promise.all([verbs.rows(), usageOf(at).read()]);
        // Agents speak for the hosts of the Swarm that is watched.
        const hosts = at.cluster === "" ? context.plane.summary().hosts : [];
        return statisticsOf(rows, usages, hosts, new Date().toISOString());
      }),
  );
}

function addNodeChanges(app: FastifyInstance, context: SwarmContext): void {
  app.put<ById & { Body: { availability: Availability | "pause" } }>(
    `${context.prefix}/nodes/:id/availability`,
    {
      config: { access: "operator" as const },
      schema: {
        tags,
        summary: "Let a node take tasks, take no new ones, or give up those that it has",
        ...context.params(swarmRequests.node),
        body: swarmRequests.availability,
        response: enveloped(
          ref("SwarmChange"),
          examples.drained,
          "Taken by the Swarm",
          ...failures,
        ),
      },
    },
    (request, reply) => {
      const { id } = request.params;
      const { availability } = request.body;
      const carryOut = (verbs: SwarmVerbs) => verbs.setAvailability(id, availability);
      return change(context, request, reply, { verb: "set-availability", subject: id, carryOut });
    },
  );

  app.delete<ById & { Querystring: { force: boolean } }>(
    `${context.prefix}/nodes/:id`,
    {
      config: admin,
      schema: {
        tags,
        summary: "Remove a node that is down; with force, any",
        ...context.params(swarmRequests.node),
        querystring: swarmRequests.force,
        response: enveloped(ref("SwarmChange"), examples.nodeRemoved, "Removed", ...failures),
      },
    },
    (request, reply) => {
      const { id } = request.params;
      const { force } = request.query;
      const carryOut = (verbs: SwarmVerbs) => verbs.removeNode(id, force);
      return change(context, request, reply, { verb: "remove-node", subject: id, carryOut });
    },
  );
}
