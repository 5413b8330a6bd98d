// `/api/clusters`: the Swarms that are managed here.

import type { FastifyInstance } from "fastify";
import type { SwarmClusterRow } from "../../../proto/swarm-rest.ts";
import { ownCluster } from "../../docker/endpoints.ts";
import type { ApiContext } from "../context.ts";
import { ref } from "../schema-words.ts";
import { swarmsOf, type NamedSwarm } from "./context.ts";
import { told } from "./desk.ts";
import { examples } from "./examples.ts";
import { enveloped } from "./schemas.ts";

export function swarmListPlugin(app: FastifyInstance, context: ApiContext): void {
  app.get(
    "/api/clusters",
    {
      schema: {
        tags: ["swarm"],
        summary: "The Swarms that are managed here, and whether a manager of each answers",
        description: `\`${ownCluster}\` is the one of DOCKER_HOST, which heartmesh also watches and heals; the others, of SWARMS, are asked and changed by the API alone, under \`/api/clusters/<name>/swarm/\`.`,
        response: enveloped(
          { type: "array", items: ref("SwarmCluster") },
          [examples.cluster],
          "The Swarms",
        ),
      },
    },
    async () => told(await Promise.all(swarmsOf(context).map(rowOf))),
  );
}

async function rowOf(swarm: NamedSwarm): Promise<SwarmClusterRow> {
  const { name, endpoints } = swarm;
  const reading = await swarm.read();
  return reading.kind === "swarm"
    ? { name, endpoints, answers: true, manager: reading.by, text: "" }
    : { name, endpoints, answers: false, manager: null, text: reading.text };
}
