// The API's own description: OpenAPI at /docs/json, a page to read and try it at /docs.

import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance, FastifySchema } from "fastify";

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Before the routes: it hears of each as it is added. */
export async function describeRoutes(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "heartmesh",
        version: "1",
        description:
          "What a coordinator sees, and what an operator may ask of it. Writes on a follower are forwarded to the leader. Errors are application/problem+json; under /api/swarm, /api/clusters, /clusters and /stats every answer, a refusal too, has an envelope with success, data or error. `x-role` is the least role that an operation needs: viewer, operator, admin, or open to anybody.",
      },
      components: {
        securitySchemes: {
          bearer: { type: "http", scheme: "bearer" },
          basic: { type: "http", scheme: "basic", description: "The token as password" },
          session: {
            type: "apiKey",
            in: "cookie",
            name: "heartmesh",
            description:
              "Set by POST /api/v1/session, under TLS with the prefix __Host-; writes also need the header x-heartmesh-csrf",
          },
        },
      },
      security: [{ bearer: [] }, { basic: [] }, { session: [] }],
    },
    // Who may ask: the same that the server goes by.
    transform: ({ schema, url, route }) => {
      const role = route.config?.access ?? "viewer";
      return { schema: { ...schema, "x-role": role } as FastifySchema, url };
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) =>
        typeof json.$id === "string" ? json.$id : `Schema${index}`,
    },
  });
}

export async function docsPlugin(app: FastifyInstance): Promise<void> {
  await app.register(swaggerUi, {
    routePrefix: "/docs",
    staticCSP: policy,
    theme: { title: "heartmesh API" },
  });
}
