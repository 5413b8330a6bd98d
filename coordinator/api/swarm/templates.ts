// `/api/swarm/templates/*`: stack files with parameters that people keep here, in Redis, and deploy by name to any Swarm.

import { createHash } from "node:crypto";
import type { FastifyInstance } from "fastify";
import type {
  SwarmTemplate,
  SwarmTemplateParameter,
  SwarmTemplateRow,
} from "../../../proto/swarm-rest.ts";
import {
  fillTemplate,
  readTemplate,
  TemplateRefused,
  type Declared,
} from "../../docker/stack-template.ts";
import type { StackWish } from "../../docker/stack-deploy.ts";
import type { SwarmVerbs } from "../../docker/swarm-verbs.ts";
import { ShelfFull } from "../../io/shelf.ts";
import { ApiProblem } from "../problem.ts";
import { fromRecord } from "../record-read.ts";
import { ref } from "../schema-words.ts";
import type { SwarmContext } from "./context.ts";
import { ask, change, onRecord, told } from "./desk.ts";
import { examples } from "./examples.ts";
import { enveloped, swarmRequests } from "./schemas.ts";
import { deployed, deployFor, previewed, stackBytes } from "./stacks.ts";

interface ByName {
  Params: { name: string };
}

/** As it lies on the shelf. */
interface Document {
  readonly description: string;
  readonly text: string;
  readonly parameters: readonly SwarmTemplateParameter[];
  readonly updatedAt: string;
  readonly updatedBy: string;
}

interface Wish {
  description?: string;
  text: string;
  parameters?: readonly Declared[];
}

interface Deployment {
  stack: string;
  parameters?: Readonly<Record<string, string>>;
  prune: boolean;
  resolveImage: "always" | "changed" | "never";
}

const tags = ["swarm"];
const admin = { access: "admin" as const };
const failures = [404, 409, 413, 415, 504];

export function swarmTemplatesPlugin(app: FastifyInstance, context: SwarmContext): void {
  addReads(app, context);
  addChanges(app, context);
  addDeploy(app, context);
  addPreview(app, context);
}

const shelfOf = ({ plane }: SwarmContext) => plane.shelf<Document>("templates");

async function templateOf(context: SwarmContext, name: string): Promise<SwarmTemplate> {
  const found = await fromRecord(() => shelfOf(context).get(name));
  if (found === undefined) throw new ApiProblem(404, `There is no template ${name}.`);
  return { name, ...found };
}

function addReads(app: FastifyInstance, context: SwarmContext): void {
  app.get(
    `${context.prefix}/templates`,
    {
      schema: {
        tags,
        summary: "The templates, by name; the same for every Swarm",
        ...context.params(),
        response: enveloped(
          { type: "array", items: ref("SwarmTemplateRow") },
          [examples.templateRow],
          "The templates",
        ),
      },
    },
    async (request) => {
      context.at(request);
      const all = await fromRecord(() => shelfOf(context).list());
      return told([...all].map(([name, document]) => rowOf(name, document)));
    },
  );

  app.get<ByName>(
    `${context.prefix}/templates/:name`,
    {
      schema: {
        tags,
        summary: "One template, with its text",
        ...context.params(swarmRequests.template),
        response: enveloped(ref("SwarmTemplate"), examples.template, "The template", 404),
      },
    },
    async (request) => {
      context.at(request);
      return told(await templateOf(context, request.params.name));
    },
  );
}

function addChanges(app: FastifyInstance, context: SwarmContext): void {
  app.put<ByName & { Body: Wish }>(
    `${context.prefix}/templates/:name`,
    {
      bodyLimit: stackBytes,
      config: admin,
      schema: {
        tags,
        summary: "Keep a stack file with parameters, in place of the one of that name",
        description:
          "Parameters are `${NAME}` and `${NAME:-default}` in values; `$$` is a dollar. One without a default is required unless declared otherwise.",
        ...context.params(swarmRequests.template),
        body: swarmRequests.templateWish,
        response: enveloped(ref("SwarmChange"), examples.templateKept, "Kept", ...failures),
      },
    },
    (request, reply) => {
      const { name } = request.params;
      const { description = "", text, parameters = [] } = request.body;
      const carryOut = async (by: string) => {
        const read = inProblems(name, () => readTemplate(text, parameters));
        const before = await fromRecord(() => shelfOf(context).get(name));
        const updatedAt = new Date().toISOString();
        await keep(context, name, {
          ...{ description, text, parameters: read, updatedAt, updatedBy: by },
        });
        const what = before === undefined ? "is new" : "is another one";
        const told = { text: `template ${name} ${what}`, after: digestOf(text) };
        return { ...told, before: before === undefined ? "" : digestOf(before.text) };
      };
      return onRecord(context, request, reply, { verb: "put-template", subject: name, carryOut });
    },
  );

  app.delete<ByName>(
    `${context.prefix}/templates/:name`,
    {
      config: admin,
      schema: {
        tags,
        summary: "Forget a template; what was deployed by it stays",
        ...context.params(swarmRequests.template),
        response: enveloped(ref("SwarmChange"), examples.templateGone, "Forgotten", ...failures),
      },
    },
    (request, reply) => {
      const { name } = request.params;
      const carryOut = async () => {
        const { text } = await templateOf(context, name);
        await fromRecord(() => shelfOf(context).remove(name));
        return { text: `template ${name} is forgotten`, before: digestOf(text), after: "" };
      };
      return onRecord(context, request, reply, {
        verb: "remove-template",
        subject: name,
        carryOut,
      });
    },
  );
}

function addDeploy(app: FastifyInstance, context: SwarmContext): void {
  app.post<ByName & { Body: Deployment }>(
    `${context.prefix}/templates/:name/deploy`,
    {
      bodyLimit: stackBytes,
      config: { ...admin, forwardFor: deployFor },
      schema: {
        tags,
        summary: "Deploy a template as a stack",
        description:
          "Parameters that are missing, and those that it has not, are all named. By the docker command line, as `deploy-stack`.",
        ...context.params(swarmRequests.template),
        body: swarmRequests.deployment,
        response: enveloped(
          ref("SwarmStackResult"),
          examples.stack,
          "Taken by the Swarm",
          ...[...failures, 501],
        ),
      },
    },
    (request, reply) => {
      const { name } = request.params;
      const { stack } = request.body;
      const carryOut = async ({ engine }: SwarmVerbs) =>
        deployed(engine, await wishOf(context, name, request.body));
      const deed = { verb: "deploy-template", subject: `${stack} by ${name}`, carryOut };
      return change(context, request, reply, deed);
    },
  );
}

function addPreview(app: FastifyInstance, context: SwarmContext): void {
  app.post<ByName & { Body: Deployment }>(
    `${context.prefix}/templates/:name/preview`,
    {
      bodyLimit: stackBytes,
      config: admin,
      schema: {
        tags,
        summary: "What deploying a template would create, change and remove",
        description: "As `preview-stack`. Nothing is changed.",
        ...context.params(swarmRequests.template),
        body: swarmRequests.deployment,
        response: enveloped(
          ref("SwarmStackPreview"),
          examples.stackPreview,
          "What it would do",
          ...[404, 413, 415],
        ),
      },
    },
    (request) =>
      ask(context, request, async (verbs) =>
        previewed(verbs, await wishOf(context, request.params.name, request.body)),
      ),
  );
}

/** The stack that a template becomes by these parameters. */
async function wishOf(
  context: SwarmContext,
  name: string,
  { stack, parameters = {}, prune, resolveImage }: Deployment,
): Promise<StackWish> {
  const { text, parameters: known } = await templateOf(context, name);
  const filled = inProblems(name, () => fillTemplate(text, known, parameters));
  return { name: stack, prune, resolveImage, ...filled };
}

async function keep(context: SwarmContext, name: string, document: Document): Promise<void> {
  try {
    await shelfOf(context).put(name, document);
  } catch (error) {
    if (error instanceof ShelfFull) throw new ApiProblem(409, error.message);
    await fromRecord(() => Promise.reject(error as Error));
  }
}

const rowOf = (name: string, { text, ...rest }: Document): SwarmTemplateRow => ({
  name,
  ...rest,
  size: text.length,
});

function inProblems<Value>(name: string, make: () => Value): Value {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof TemplateRefused)) throw error;
    throw new ApiProblem(400, `Template ${name}: ${error.message}.`, error.problems);
  }
}

/** Which text it was. */
const digestOf = (text: string): string =>
  `sha256:${createHash("sha256").update(text).digest("hex").slice(0, 12)}`;
