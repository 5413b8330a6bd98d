// Bull Board at /queues behind our own login: viewers look, operators may retry and promote, admins may pause and clean; nobody writes jobs by hand.

import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { FastifyAdapter } from "@bull-board/fastify";
import type { FastifyInstance } from "fastify";
import type { Queue } from "bullmq";
import { mayAct, type Role } from "../../proto/roles.ts";
import type { ApiContext } from "./context.ts";
import { problem, problemOf, problemType, sendProblem } from "./problem.ts";

export const queuesPath = "/queues";

/** The page's own parts and nothing else; its styles are partly inline. Our own pages show it in a frame. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'self'";

/**
 * What may be written, by the end of the route's path. All else is refused to everybody: a job tells a runner which
 * container to kill, so it is made by the leader alone.
 */
const writes: readonly { readonly route: RegExp; readonly role: Role }[] = [
  { route: /^\/api\/queues\/[^/]+\/(:jobId\/)?retry(\/:queueStatus)?$/, role: "operator" },
  { route: /^\/api\/queues\/[^/]+\/(:jobId\/)?promote$/, role: "operator" },
  { route: /^\/api\/queues\/([^/]+\/)?(pause|resume)$/, role: "admin" },
  { route: /^\/api\/queues\/[^/]+\/(:jobId\/)?clean(\/:queueStatus)?$/, role: "admin" },
];

export async function queuesPlugin(app: FastifyInstance, { plane }: ApiContext): Promise<void> {
  const board = new FastifyAdapter();
  board.setBasePath(queuesPath);
  let shown = plane.boardQueues();
  const { replaceQueues } = createBullBoard({
    queues: adaptersOf(shown),
    serverAdapter: board,
    options: { uiConfig: { boardTitle: "heartmesh" } },
  });
  // Its own answer would tell an error's text; and problems have one shape everywhere.
  board.setErrorHandler((error) => {
    const body = problemOf(error);
    return { status: body.status as 500, body: { ...body } };
  });

  await app.register(
    async (scope) => {
      scope.addHook("onRequest", (_request, reply, done) => {
        reply.header("content-security-policy", policy);
        const queues = plane.boardQueues();
        if (queues.length !== shown.length || queues.some((one, i) => one !== shown[i])) {
          shown = queues;
          replaceQueues(adaptersOf(queues));
        }
        done();
      });
      scope.addHook("preValidation", async (request, reply) => {
        if (request.method === "GET" || request.method === "HEAD") return;
        const route = (request.routeOptions.url ?? "").slice(queuesPath.length);
        const allowed = writes.find((one) => one.route.test(route));
        if (allowed === undefined) {
          await sendProblem(reply, problem(403, "Jobs are made and changed by the leader alone."));
        } else if (!mayAct(request.caller?.role ?? "viewer", allowed.role)) {
          await sendProblem(reply, problem(403, `This needs the role ${allowed.role}.`));
        }
      });
      scope.addHook("preSerialization", (request, reply, payload, done) => {
        if (reply.statusCode < 400) {
          done(null, asSeenBy(request.caller?.role ?? "viewer", payload));
          return;
        }
        reply.type(problemType);
        done(null, asProblem(reply.statusCode, payload));
      });
      scope.addHook("onSend", (_request, reply, payload, done) => {
        const type = reply.getHeader("content-type");
        const isPage = typeof type === "string" && type.startsWith("text/html");
        done(null, isPage && typeof payload === "string" ? withoutStrangers(payload) : payload);
      });
      await scope.register(board.registerPlugin());
    },
    { prefix: queuesPath },
  );
}

const adaptersOf = (queues: readonly Queue[]): BullMQAdapter[] =>
  queues.map((queue) => new BullMQAdapter(queue));

/** The board's own answers say `{ error: { key } }`, which its page reads. */
function asProblem(status: number, payload: unknown): object {
  const said = typeof payload === "object" && payload !== null ? payload : {};
  if ("status" in said) return said;
  const { error } = said as { readonly error?: { readonly key?: string } };
  return { ...said, ...problem(status, `The board says: ${error?.key ?? "no"}.`) };
}

/** The page shows no buttons that would be refused. */
function asSeenBy(role: Role, payload: unknown): unknown {
  if (typeof payload !== "object" || payload === null || !("queues" in payload)) return payload;
  const { queues } = payload;
  if (mayAct(role, "operator") || !Array.isArray(queues)) return payload;
  return {
    ...payload,
    queues: queues.map((queue: object) => ({ ...queue, readOnlyMode: true, allowRetries: false })),
  };
}

/** A font from another host would tell that host who looks, and the policy refuses it anyway. */
const withoutStrangers = (page: string): string =>
  page.replace(/<link\b[^>]*href="https?:\/\/[^>]*>/g, "");
