// Workers: what is known of each, and what an operator may ask for.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { parseDuration } from "../../proto/config-parse.ts";
import type { CommandView, WorkerView } from "../../proto/rest.ts";
import { toReason } from "../../proto/text.ts";
import { atLeader, noLeader } from "./at-leader.ts";
import type { ApiContext } from "./context.ts";
import { examples } from "./examples.ts";
import type { OperatorCommand } from "./plane.ts";
import { ApiProblem } from "./problem.ts";
import { ref } from "./schema-words.ts";
import { answers, good, requests } from "./schemas.ts";
import { workerView } from "./views.ts";
import { theOne } from "./the-one.ts";

const longestSilence = 30 * 86_400_000;

interface ById {
  Params: { id: string };
}

export function workersPlugin(app: FastifyInstance, context: ApiContext): void {
  const { plane } = context;
  const tags = ["workers"];

  app.get(
    "/api/v1/workers",
    {
      schema: {
        tags,
        summary: "All workers",
        response: answers({
          200: good({ type: "array", items: ref("Worker") }, "Workers, by id", examples.workers),
        }),
      },
    },
    (): WorkerView[] => {
      const summary = plane.summary();
      const byId = summary.workers.toSorted((a, b) => (a.id < b.id ? -1 : 1));
      return byId.map((one) => workerView(summary, one));
    },
  );

  app.get<ById>(
    "/api/v1/workers/:id",
    {
      schema: {
        tags,
        summary: "One worker",
        params: requests.workerId,
        response: answers(
          { 200: good(ref("Worker"), "The worker", examples.worker) },
          400,
          404,
          409,
        ),
      },
    },
    (request): WorkerView => {
      const summary = plane.summary();
      return workerView(summary, findWorker(summary.workers, request.params.id));
    },
  );

  addCommands(app, context);
}

function addCommands(app: FastifyInstance, context: ApiContext): void {
  const base = (example: CommandView) => ({
    tags: ["workers"],
    params: requests.workerId,
    response: answers(
      { 200: good(ref("Command"), "Done, by the leader", example) },
      ...[400, 404, 409, 413, 415, 502, 503, 504],
    ),
  });
  const operator = { access: "operator" as const };

  app.post<ById & { Body: { reason?: string } | null }>(
    "/api/v1/workers/:id/revive",
    {
      config: operator,
      schema: {
        ...base(examples.revived),
        summary: "Revive it now",
        description:
          "Begins a recovery although nothing failed, or in spite of quarantine. A paused worker is refused.",
        body: requests.revive,
      },
    },
    (request, reply) =>
      carryOut(context, request, reply, (worker) => ({
        kind: "revive",
        worker,
        reason: toReason(request.body?.reason ?? ""),
      })),
  );

  app.post<ById & { Body: { for: string; reason: string } }>(
    "/api/v1/workers/:id/silence",
    {
      config: operator,
      schema: {
        ...base(examples.silenced),
        summary: "Leave it alone for a while",
        body: requests.silence,
      },
    },
    (request, reply) =>
      carryOut(context, request, reply, (worker) => ({
        kind: "silence",
        worker,
        duration: silenceOf(request.body.for),
        reason: toReason(request.body.reason),
      })),
  );

  app.delete<ById>(
    "/api/v1/workers/:id/silence",
    { config: operator, schema: { ...base(examples.unsilenced), summary: "Care for it again" } },
    (request, reply) =>
      carryOut(context, request, reply, (worker) => ({ kind: "unsilence", worker })),
  );

  app.delete<ById>(
    "/api/v1/workers/:id/quarantine",
    { config: operator, schema: { ...base(examples.released), summary: "End its quarantine" } },
    (request, reply) =>
      carryOut(context, request, reply, (worker) => ({ kind: "release-quarantine", worker })),
  );
}

function carryOut(
  context: ApiContext,
  request: FastifyRequest<ById>,
  reply: FastifyReply,
  build: (worker: string) => OperatorCommand,
): Promise<CommandView | FastifyReply> {
  const { plane } = context;
  return atLeader(context, request, reply, async (by) => {
    const { workers, services } = plane.summary();
    const worker = findWorker([...workers, ...services], request.params.id).id;
    const result = await plane.command(build(worker), by);
    switch (result.kind) {
      case "done":
        return { text: result.text, recovery: result.recovery ?? null };
      case "refused":
        throw new ApiProblem(409, result.text);
      case "unknown-worker":
        throw new ApiProblem(404, `${worker} is not watched any more.`);
      case "not-leader":
        throw noLeader();
    }
  });
}

/** By its id, or by its container's name where one alone is called so. */
export function findWorker<Known extends { readonly id: string }>(
  workers: readonly Known[],
  asked: string,
): Known {
  const exact = workers.find((one) => one.id === asked);
  if (exact !== undefined) return exact;
  const named = workers.filter((one) => one.id.slice(one.id.lastIndexOf("/") + 1) === asked);
  const text = `No worker is called ${asked}; GET /api/v1/workers lists all.`;
  return theOne(named, asked, () => new ApiProblem(404, text));
}

function silenceOf(text: string): number {
  const duration = parseDuration(text);
  if (!duration.ok) throw new ApiProblem(400, `body/for: ${duration.detail ?? "malformed"}`);
  if (duration.value >= 1000 && duration.value <= longestSilence) return duration.value;
  throw new ApiProblem(400, `body/for: "${text}" is out of bounds; expected 1s to 30d`);
}
