// What HAProxy's HTTP checks ask about other people's servers. They need no token: a status and no detail.

import type { FastifyInstance, FastifyReply, RouteShorthandOptions } from "fastify";
import type { ApiContext } from "./context.ts";
import type { ControlPlane } from "./plane.ts";
import { text, type Schema } from "./schema-words.ts";
import { goodText, openToAll, refusal, requests } from "./schemas.ts";
import { trafficTo, type TrafficAsk } from "./traffic.ts";

interface ById {
  Params: { id: string };
}

/** Not bound in rate, as the other probes: a refused one would take a healthy server away. */
export function checksPlugin(app: FastifyInstance, { plane }: ApiContext): void {
  app.get<ById>(
    "/api/v1/workers/:id/check",
    optionsOf("Whether traffic should go to a worker, for proxies", requests.workerId),
    ({ params }, reply) => answer(plane, { of: "worker", name: params.id }, reply),
  );

  app.get<ById & { Querystring: { host?: string } }>(
    "/api/v1/services/:id/check",
    {
      ...optionsOf(
        "Whether a service of a Swarm has a healthy task, for proxies",
        requests.serviceId,
        {
          querystring: {
            type: "object",
            additionalProperties: false,
            properties: {
              host: { ...text("only tasks on this host, by its engine's name"), maxLength: 200 },
            },
          },
        },
      ),
    },
    ({ params, query }, reply) =>
      answer(plane, { of: "service", name: params.id, host: query.host }, reply),
  );

  app.get<ById>(
    "/api/v1/hosts/:id/check",
    optionsOf("Whether a host is well and not being emptied, for proxies", requests.hostId),
    ({ params }, reply) => answer(plane, { of: "host", name: params.id }, reply),
  );
}

const optionsOf = (
  summary: string,
  params: Schema,
  more: Readonly<Record<string, Schema>> = {},
): RouteShorthandOptions => ({
  config: { access: "open", rateLimit: false },
  schema: {
    tags: ["probes"],
    summary,
    ...openToAll,
    params,
    ...more,
    response: {
      200: goodText("up", "up\n"),
      400: refusal(400),
      503: goodText("drain, maint, down (a name that nobody bears, too) or unknown", "down\n"),
    },
  },
});

function answer(plane: ControlPlane, ask: TrafficAsk, reply: FastifyReply): FastifyReply {
  const traffic = trafficTo(plane.summary(), ask) ?? "unknown";
  return reply
    .code(traffic === "up" ? 200 : 503)
    .type("text/plain; charset=utf-8")
    .send(`${traffic}\n`);
}
