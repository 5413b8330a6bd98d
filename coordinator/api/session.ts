// `/api/v1/session`: a person signs in with a token, and the browser keeps a cookie that no page can read.

import type { FastifyInstance, FastifyRequest } from "fastify";
import type { SessionView } from "../../proto/rest.ts";
import { version } from "../version.ts";
import type { ApiContext } from "./context.ts";
import { examples } from "./examples.ts";
import { FailedSignIns, type SignInFrom } from "./failed-sign-ins.ts";
import { ApiProblem } from "./problem.ts";
import { ref } from "./schema-words.ts";
import { answers, good, openToAll, requests } from "./schemas.ts";
import type { Asker } from "./token-store.ts";

const path = "/api/v1/session";
const config = { access: "open" } as const;
const tags = ["session"];

export function sessionPlugin(app: FastifyInstance, context: ApiContext): void {
  const viewOf = viewFor(context);
  addSignIn(app, context);

  app.get(
    path,
    {
      config,
      schema: {
        tags,
        summary: "Who is signed in here, and whether anybody has to",
        ...openToAll,
        response: answers({ 200: good(ref("Session"), "The session", examples.session) }),
      },
    },
    (request): SessionView => viewOf(request),
  );

  app.delete(
    path,
    {
      config,
      schema: {
        tags,
        summary: "Sign out: the browser forgets its cookie",
        ...openToAll,
        response: answers({ 200: good(ref("Session"), "What is left", examples.signedOut) }),
      },
    },
    (request, reply): SessionView => {
      reply.header("set-cookie", context.tokens.cookies.clearing());
      return viewOf(request.session === undefined ? request : {});
    },
  );
}

function addSignIn(app: FastifyInstance, context: ApiContext): void {
  const { tokens, log } = context;
  const viewOf = viewFor(context);
  const failed = new FailedSignIns();
  app.post<{ Body: { token: string } }>(
    path,
    {
      config,
      schema: {
        tags,
        summary: "Sign in with a token: the answer sets a cookie for 12 hours",
        description:
          "Ten wrong tokens a minute, then 429. Writes by the cookie need the header x-heartmesh-csrf with the answer's `csrf`. Where no token is needed, nothing is set.",
        ...openToAll,
        body: requests.session,
        response: answers({ 200: good(ref("Session"), "Signed in", examples.session) }, 400),
      },
    },
    (request, reply): SessionView => {
      if (!tokens.areNeeded) return viewOf(request);
      const from = fromOf(request);
      const wait = failed.waitOf(from, performance.now());
      if (wait > 0) {
        const seconds = Math.ceil(wait / 1000);
        reply.header("retry-after", seconds);
        throw new ApiProblem(429, `Too many wrong tokens; wait ${seconds} seconds.`);
      }
      const session = tokens.beginSession(request.body.token);
      if (session === undefined) {
        failed.add(from, performance.now());
        log.warn(from, "a wrong token was shown at sign-in");
        reply.header("www-authenticate", 'Bearer realm="heartmesh"');
        throw new ApiProblem(401, "No such token holds here. Look into API_TOKENS.");
      }
      log.info({ ...from, name: session.caller.name }, "somebody signed in");
      reply.header("set-cookie", tokens.cookies.setting(session));
      return viewOf({ caller: session.caller, session });
    },
  );
}

const viewFor =
  ({ tokens, id, cluster }: ApiContext) =>
  ({ caller, session }: Partial<Asker>): SessionView => ({
    isNeeded: tokens.areNeeded,
    name: caller?.name ?? "",
    role: caller?.role ?? null,
    expiresAtMs: session?.expiresAt ?? null,
    csrf: session?.csrf ?? "",
    coordinator: id,
    cluster,
    version,
  });

function fromOf({ ip, headers }: FastifyRequest): SignInFrom {
  const named = headers["x-forwarded-for"] ?? "";
  const client = [named].flat().join().split(",").at(-1) ?? "";
  return { address: ip, client: client.trim().slice(0, 60) };
}
