// `/api/swarm/*`: the Swarm itself, its health, and its nodes.

import type { FastifyInstance } from "fastify";
import type { SwarmJoinToken } from "../../../proto/swarm-rest.ts";
import { gradeSwarm } from "../../core/swarm-grades.ts";
import { statisticsOf } from "../../core/swarm-statistics.ts";
import type { Availability } from "../../docker/availability.ts";
import type { SwarmVerbs } from "../../docker/swarm-verbs.ts";
import { UsageReader } from "../../docker/usage.ts";
import type { ApiContext } from "../context.ts";
import { ref } from "../schema-words.ts";
import { ask, change } from "./desk.ts";
import { examples } from "./examples.ts";
import { enveloped, swarmRequests } from "./schemas.ts";

interface ById {
  Params: { id: string };
}

const tags = ["swarm"];
const admin = { access: "admin" as const };
const failures = [404, 409, 413, 415, 504];

export function swarmNodesPlugin(app: FastifyInstance, context: ApiContext): void {
  addReads(app, context);
  addNodeChanges(app, context);
}

function addReads(app: FastifyInstance, context: ApiContext): void {
  addGrades(app, context);
  app.get(
    "/api/swarm/info",
    {
      schema: {
        tags,
        summary: "The Swarm, as one of its managers tells it",
        response: enveloped(ref("SwarmInfo"), examples.info, "The Swarm"),
      },
    },
    () => ask(context, (verbs) => verbs.info()),
  );

  app.get(
    "/api/swarm/nodes",
    {
      schema: {
        tags,
        summary: "The nodes of the Swarm, by host name",
        response: enveloped(
          { type: "array", items: ref("SwarmNode") },
          [examples.node],
          "The nodes",
        ),
      },
    },
    () => ask(context, (verbs) => verbs.nodes()),
  );

  app.get<ById>(
    "/api/swarm/nodes/:id",
    {
      schema: {
        tags,
        summary: "One node",
        params: swarmRequests.node,
        response: enveloped(ref("SwarmNode"), examples.node, "The node", 404, 409),
      },
    },
    ({ params: { id } }) => ask(context, (verbs) => verbs.node(id)),
  );

  app.get<{ Params: { role: SwarmJoinToken["role"] } }>(
    "/api/swarm/join-token/:role",
    {
      config: admin,
      schema: {
        tags,
        summary: "With what a host joins as a worker or as a manager; a secret",
        params: swarmRequests.role,
        response: enveloped(ref("SwarmJoinToken"), examples.token, "The token"),
      },
    },
    ({ params: { role } }) => ask(context, (verbs) => verbs.joinToken(role)),
  );
}

function addGrades(app: FastifyInstance, context: ApiContext): void {
  const usage = new UsageReader(context.plane.engines());

  app.get(
    "/api/swarm/health",
    {
      schema: {
        tags,
        summary: "How well the Swarm is, and why not better",
        response: enveloped(ref("SwarmHealth"), examples.health, "Its health"),
      },
    },
    () => ask(context, async (verbs) => gradeSwarm(await verbs.rows(), new Date().toISOString())),
  );

  app.get(
    "/api/swarm/statistics",
    {
      schema: {
        tags,
        summary: "The numbers of the Swarm: how much there is, and how much is used",
        description:
          "Takes more than a second; what engines measured serves for 10 s, of disks for 60.",
        response: enveloped(ref("SwarmStatistics"), examples.statistics, "Its numbers"),
      },
    },
    () =>
      ask(context, async (verbs) => {
        const [rows, usages] = await Promise.all([verbs.rows(), usage.read()]);
        const { hosts } = context.plane.summary();
        return statisticsOf(rows, usages, hosts, new Date().toISOString());
      }),
  );
}

function addNodeChanges(app: FastifyInstance, context: ApiContext): void {
  app.put<ById & { Body: { availability: Availability | "pause" } }>(
    "/api/swarm/nodes/:id/availability",
    {
      config: { access: "operator" as const },
      schema: {
        tags,
        summary: "Let a node take tasks, take no new ones, or give up those that it has",
        params: swarmRequests.node,
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
    "/api/swarm/nodes/:id",
    {
      config: admin,
      schema: {
        tags,
        summary: "Remove a node that is down; with force, any",
        params: swarmRequests.node,
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
