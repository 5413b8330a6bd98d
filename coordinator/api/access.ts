// Who may do what: identified first, bounded in rate, then let in by role; a browser's writes only from our own pages.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { mayAct, type Role } from "../../proto/roles.ts";
import { isLoopback } from "../config-shapes.ts";
import { pathOf } from "./not-found.ts";
import { problem, sendProblem } from "./problem.ts";
import { queuesPath } from "./queues.ts";
import { isSame, type Session } from "./session-cookie.ts";
import type { Caller } from "./tokens.ts";
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
    /** Where its cookie let the caller in, no token. */
    session: Session | undefined;
  }
}

/** What a write by a session has to show. */
export const csrfHeader = "x-heartmesh-csrf";

const isRead = (method: string): boolean => ["GET", "HEAD", "OPTIONS"].includes(method);

/** Before the rate is counted: a caller with a token has a count of its own. */
export function identifyCallers(app: FastifyInstance, tokens: TokenStore): void {
  app.decorateRequest("caller", undefined);
  app.decorateRequest("session", undefined);
  app.addHook("onRequest", (request, _reply, done) => {
    Object.assign(request, tokens.whoAsks(request.headers));
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
  const { caller } = request;
  if (access !== "open" && caller === undefined) {
    askToSignIn(request, reply);
    return false;
  }
  const refusal = refusedFor(request, access, tokens, origins);
  if (refusal === undefined) return true;
  sendProblem(reply, problem(403, refusal));
  return false;
}

/** A browser that opens a page is led to ours; nothing makes it ask for a password by itself. */
function askToSignIn(request: FastifyRequest, reply: FastifyReply): void {
  const { method, headers, url } = request;
  const isNavigation = isRead(method) && (headers.accept ?? "").includes("text/html");
  if (isNavigation && pathOf(url) !== "/") {
    // Two slashes would begin another host's name.
    const next = /^\/(?![/\\])/.test(url) ? `?next=${encodeURIComponent(url)}` : "";
    reply.redirect(`/#/sign-in${next}`);
    return;
  }
  reply.header("www-authenticate", 'Bearer realm="heartmesh", charset="UTF-8"');
  const how = "Send Authorization: Bearer <token>, or the token as password of any user name.";
  sendProblem(reply, problem(401, how));
}

function refusedFor(
  request: FastifyRequest,
  access: Role | "open",
  tokens: TokenStore,
  origins: readonly string[],
): string | undefined {
  const { caller, method } = request;
  if (access === "open" || caller === undefined) {
    // Anybody may begin and end a session, but no other site's page for him: not even one that may use a token of its own.
    return isRead(method)
      ? undefined
      : (refusedHost(request, tokens) ?? refusedOrigin(request, []));
  }
  return (
    refusedHost(request, tokens) ??
    refusedOrigin(request, origins) ??
    refusedForgery(request) ??
    refusedRole(caller, access)
  );
}

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

/** A cookie comes along by itself; what it has to be shown with only our own pages can read. */
function refusedForgery(request: FastifyRequest): string | undefined {
  const { session, method, headers, routeOptions } = request;
  if (session === undefined || isRead(method)) return undefined;
  const shown = headers[csrfHeader];
  if (typeof shown === "string" && isSame(shown, session.csrf)) return undefined;
  // Bull Board's page knows nothing of it.
  const isOfBoard = routeOptions.url?.startsWith(`${queuesPath}/`) === true;
  if (isOfBoard && isFromOwnPage(request)) return undefined;
  return `A write by a session needs the header ${csrfHeader}; GET /api/v1/session tells it.`;
}

const isFromOwnPage = ({ headers, host }: FastifyRequest): boolean =>
  headers["sec-fetch-site"] === "same-origin" ||
  (headers.origin !== undefined && hostOf(headers.origin) === host.toLowerCase());

function refusedRole(caller: Caller, needed: Role): string | undefined {
  if (mayAct(caller.role, needed)) return undefined;
  return `This needs the role ${needed}; ${caller.name} is ${caller.role}.`;
}

const hostOf = (origin: string): string | undefined =>
  URL.canParse(origin) ? new URL(origin).host.toLowerCase() : undefined;

const hostnameOf = (host: string): string =>
  host.startsWith("[") ? host.slice(1, host.indexOf("]")) : (host.split(":")[0] ?? "");
