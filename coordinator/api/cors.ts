// Pages of other origins that may ask the API from a browser. Logins travel in a header that such a page sets itself, never by themselves.

import type { FastifyInstance } from "fastify";

const methods = "GET, HEAD, POST, PUT, DELETE";
const headers = "authorization, content-type, last-event-id";
/** Seconds that a browser remembers the answer. */
const rememberedFor = "600";

export function allowOrigins(app: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return;
  app.addHook("onRequest", (request, reply, done) => {
    const { origin } = request.headers;
    // On the answer itself, so that streams, which are written past the server, have them too.
    reply.raw.setHeader("vary", "Origin");
    if (origin === undefined || !origins.includes(origin.toLowerCase())) {
      done();
      return;
    }
    reply.raw.setHeader("access-control-allow-origin", origin);
    const isQuestion = request.headers["access-control-request-method"] !== undefined;
    if (request.method !== "OPTIONS" || !isQuestion) {
      done();
      return;
    }
    reply.raw.setHeader("access-control-allow-methods", methods);
    reply.raw.setHeader("access-control-allow-headers", headers);
    reply.raw.setHeader("access-control-max-age", rememberedFor);
    void reply.code(204).send();
  });
}
