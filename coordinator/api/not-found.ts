// Paths and methods that lead nowhere: 405 with what is allowed where the path is known, else 404.

import type { FastifyInstance } from "fastify";
import { problem, sendProblem } from "./problem.ts";

/** Only for our own routes: those of pages are theirs to know. */
const isOurs = (path: string): boolean => !path.includes("*") && !path.startsWith("/queues");

/** Before the routes: it hears of each as it is added. */
export function answerUnknown(app: FastifyInstance): void {
  const methodsOf = new Map<string, { readonly path: RegExp; readonly methods: Set<string> }>();
  app.addHook("onRoute", ({ url, method }) => {
    if (!isOurs(url)) return;
    const known = methodsOf.get(url) ?? { path: patternOf(url), methods: new Set<string>() };
    for (const one of [method].flat()) known.methods.add(one);
    methodsOf.set(url, known);
  });
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, (request, reply) => {
    const path = pathOf(request.url);
    const allowed = [...methodsOf.values()]
      .filter((known) => known.path.test(path))
      .flatMap(({ methods }) => [...methods]);
    const shown = path.slice(0, 200);
    if (allowed.length === 0) {
      return sendProblem(reply, problem(404, `There is no ${request.method} ${shown}; see /docs.`));
    }
    reply.header("allow", allowed.join(", "));
    const text = `There is no ${request.method} ${shown}, only ${allowed.join(", ")}; see /docs.`;
    return sendProblem(reply, problem(405, text));
  });
}

/** `/workers/:id` with any id; a slash at the end is ignored. */
function patternOf(url: string): RegExp {
  const parts = url.split("/").map((part) => {
    return part.startsWith(":") ? "[^/]+" : part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("/").replace(/\/$/, "")}/?$`);
}

export const pathOf = (url: string): string => url.split("?")[0] ?? "";
