// Who may do what: identified first, bounded in rate, then let in by role; a browser's writes only from our own pages.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { isLoopback } from "../config-shapes.ts";
import { problem, sendProblem } from "./problem.ts";
import { mayAct, type Caller, type Role } from "./tokens.ts";
import type { TokenStore } from "./token-store.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Who may ask; viewers where nothing is said. `open`: anybody, so the answer carries no detail. */
    access?: Role | "open";
    /** How long a follower waits for the leader's answer, ms; 5 s where nothing is said. */
    forwardFor?: number;
  }
  interface FastifyRequest {
    caller: Caller | undefined;
  }
}

const isRead = (method: string): boolean => ["GET", "HEAD", "OPTIONS"].includes(method);

/** Before the rate is counted: a caller with a token has a count of its own. */
export function identifyCallers(app: FastifyInstance, tokens: TokenStore): void {
  app.decorateRequest("caller", undefined);
  app.addHook("onRequest", (request, _reply, done) => {
    request.caller = tokens.callerOf(request.headers.authorization);
    done();
  });
}

/** After the rate is counted, before a body is read. */
export function authorizeCallers(
  app: FastifyInstance,
  tokens: TokenStore,
  origins: readonly string[],
): void {
  app.addHook("preParsing", (request, reply, _body, done) => {
    if (isAuthorized(request, reply, tokens, origins)) done();
  });
}

/** Otherwise it has answered. */
function isAuthorized(
  request: FastifyRequest,
  reply: FastifyReply,
  tokens: TokenStore,
  origins: readonly string[],
): boolean {
  const access = request.routeOptions.config.access ?? "viewer";
  if (access === "open") return true;
  const { caller } = request;
  if (caller === undefined) {
    const scheme = isOfBrowser(request) ? "Basic" : "Bearer";
    reply.header("www-authenticate", `${scheme} realm="heartmesh", charset="UTF-8"`);
    const how = "Send Authorization: Bearer <token>, or the token as password of any user name.";
    sendProblem(reply, problem(401, how));
    return false;
  }
  const refusal =
    refusedHost(request, tokens) ?? refusedOrigin(request, origins) ?? refusedRole(caller, access);
  if (refusal === undefined) return true;
  sendProblem(reply, problem(403, refusal));
  return false;
}

/**
 * Only a person's browser shall ask for a password: for a page, and for what our own pages load, since it sends along
 * what it knows of a login only below the folder where it was asked.
 */
const isOfBrowser = ({ headers }: FastifyRequest): boolean =>
  (headers.accept ?? "").includes("text/html") || headers["sec-fetch-site"] === "same-origin";

/**
 * Without tokens being on this machine is the only proof, and a page elsewhere could get there by a name that is made to
 * resolve to loopback (DNS rebinding): so the name must be loopback's own.
 */
function refusedHost(request: FastifyRequest, tokens: TokenStore): string | undefined {
  if (tokens.areNeeded || isLoopback(hostnameOf(request.host))) return undefined;
  return "Without API_TOKENS only http://localhost and http://127.0.0.1 are answered.";
}

/** A browser sends what it knows of a login along with any page's requests; but it also says which page it was. */
function refusedOrigin(request: FastifyRequest, origins: readonly string[]): string | undefined {
  if (isRead(request.method)) return undefined;
  const { origin } = request.headers;
  if (origin !== undefined && origins.includes(origin.toLowerCase())) return undefined;
  const site = request.headers["sec-fetch-site"];
  const isForeign = origin !== undefined && hostOf(origin) !== request.host.toLowerCase();
  const isCrossSite = site !== undefined && site !== "same-origin" && site !== "none";
  if (!isForeign && !isCrossSite) return undefined;
  return "Writes of a browser are taken from heartmesh's own pages only.";
}

function refusedRole(caller: Caller, needed: Role): string | undefined {
  if (mayAct(caller.role, needed)) return undefined;
  return `This needs the role ${needed}; ${caller.name} is ${caller.role}.`;
}

const hostOf = (origin: string): string | undefined =>
  URL.canParse(origin) ? new URL(origin).host.toLowerCase() : undefined;

const hostnameOf = (host: string): string =>
  host.startsWith("[") ? host.slice(1, host.indexOf("]")) : (host.split(":")[0] ?? "");
