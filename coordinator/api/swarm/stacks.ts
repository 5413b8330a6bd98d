// `/api/swarm/deploy-stack`: a stack file is handed to the docker command line, and told what became of each service; before, what would.

import type { FastifyInstance } from "fastify";
import type { SwarmStackPreview, SwarmStackResult } from "../../../proto/swarm-rest.ts";
import { deployStack, StackRefused, type StackWish } from "../../docker/stack-deploy.ts";
import { previewStack } from "../../docker/stack-preview.ts";
import { TemplateRefused } from "../../docker/stack-template.ts";
import type { SwarmVerbs, VerbEngine } from "../../docker/swarm-verbs.ts";
import { ApiProblem } from "../problem.ts";
import { ref } from "../schema-words.ts";
import { ask, change } from "./desk.ts";
import { examples } from "./examples.ts";
import type { SwarmContext } from "./context.ts";
import { enveloped, swarmRequests } from "./schemas.ts";

/** Of a stack file, in its JSON. */
export const stackBytes = 512 * 1024;
/** The docker command line may take a minute. */
export const deployFor = 70_000;

export function swarmStacksPlugin(app: FastifyInstance, context: SwarmContext): void {
  addPreview(app, context);
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

function addPreview(app: FastifyInstance, context: SwarmContext): void {
  app.post<{ Body: StackWish }>(
    `${context.prefix}/preview-stack`,
    {
      bodyLimit: stackBytes,
      config: { access: "admin" as const },
      schema: {
        tags: ["swarm"],
        summary: "What deploying a stack file would create, change and remove",
        description:
          "By the images and replicas that it says, compared with what runs. Nothing is changed; docker itself looks at the rest of the file when it is deployed.",
        ...context.params(),
        body: swarmRequests.stack,
        response: enveloped(
          ref("SwarmStackPreview"),
          examples.stackPreview,
          "What it would do",
          ...[413, 415],
        ),
      },
    },
    (request) => ask(context, request, (verbs) => previewed(verbs, request.body)),
  );
}

export async function previewed(verbs: SwarmVerbs, wish: StackWish): Promise<SwarmStackPreview> {
  const services = await verbs.services();
  try {
    return previewStack(wish, services);
  } catch (error) {
    if (!(error instanceof TemplateRefused)) throw error;
    throw new ApiProblem(400, `The stack file: ${error.message}.`, error.problems);
  }
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
