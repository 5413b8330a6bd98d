// `/api/swarm/deploy-stack`: a stack file is handed to the docker command line, and told what became of each service.

import type { FastifyInstance } from "fastify";
import type { SwarmStackResult } from "../../../proto/swarm-rest.ts";
import { deployStack, StackRefused, type StackWish } from "../../docker/stack-deploy.ts";
import type { SwarmVerbs, VerbEngine } from "../../docker/swarm-verbs.ts";
import { ApiProblem } from "../problem.ts";
import { ref } from "../schema-words.ts";
import { change } from "./desk.ts";
import { examples } from "./examples.ts";
import type { SwarmContext } from "./context.ts";
import { enveloped, swarmRequests } from "./schemas.ts";

/** Of a stack file, in its JSON. */
export const stackBytes = 512 * 1024;
/** The docker command line may take a minute. */
export const deployFor = 70_000;

export function swarmStacksPlugin(app: FastifyInstance, context: SwarmContext): void {
  app.post<{ Body: StackWish }>(
    `${context.prefix}/deploy-stack`,
    {
      bodyLimit: stackBytes,
      config: { access: "admin" as const, forwardFor: deployFor },
      schema: {
        tags: ["swarm"],
        summary: "Deploy a stack file",
        description:
          "By the docker command line of the leader's machine; its own words where it refuses. `env_file` and `file` in it would name files there.",
        ...context.params(),
        body: swarmRequests.stack,
        response: enveloped(
          ref("SwarmStackResult"),
          examples.stack,
          "Taken by the Swarm",
          ...[409, 413, 415, 501, 504],
        ),
      },
    },
    (request, reply) => {
      const { name } = request.body;
      const deed = {
        verb: "deploy-stack",
        subject: name,
        carryOut: ({ engine }: SwarmVerbs) => deployed(engine, request.body),
      };
      return change(context, request, reply, deed);
    },
  );
}

export async function deployed(engine: VerbEngine, wish: StackWish): Promise<SwarmStackResult> {
  const { name } = wish;
  const services = await deployStack(engine, wish).catch((error: unknown) => {
    if (error instanceof StackRefused) throw new ApiProblem(400, error.message);
    throw error;
  });
  const counts = services.map(({ service, outcome }) => `${service} ${outcome}`);
  const text = `stack ${name} is deployed: ${counts.join(", ")}`;
  return { text, before: "", after: name, services };
}
