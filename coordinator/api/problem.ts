// Every error as RFC 9457 `application/problem+json`: one shape for people and programs.

import type { FastifyError, FastifyReply } from "fastify";
import { CodedError } from "../../proto/coded-error.ts";
import type { Problem } from "../../proto/rest.ts";
import { errorTable, type ErrorCode } from "../errors.ts";

export const problemType = "application/problem+json";

const titles: Readonly<Record<number, string>> = {
  400: "The request is not understood",
  401: "A token is needed",
  403: "Not allowed",
  404: "Not found",
  405: "The method is not allowed here",
  408: "The request took too long to arrive",
  409: "Not possible now",
  413: "The request is too large",
  414: "The path is too long",
  415: "The content type is not understood",
  422: "Not the same request",
  417: "The expectation is not known",
  421: "Not the leader",
  429: "Too many requests",
  431: "The headers are too large",
  500: "The coordinator failed",
  501: "Not available here",
  502: "Another part failed",
  503: "Not available now",
  504: "Another part took too long",
};

/** Thrown or returned by a route; `problems` where there are several. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly problems: readonly string[] | undefined;

  constructor(status: number, detail: string, problems?: readonly string[]) {
    super(detail);
    this.name = "ApiProblem";
    this.status = status;
    this.problems = problems;
  }
}

/** A write that surely nobody has begun: it may be asked for again. */
export class NotTaken extends ApiProblem {}

export function problem(status: number, detail: string, problems?: readonly string[]): Problem {
  const title = titles[status] ?? (status < 500 ? "The request is refused" : "A failure");
  const type = "about:blank";
  return { type, title, status, detail, ...(problems === undefined ? {} : { problems }) };
}

/** What an error means to the one who asked. What is not known to be harmless is not told. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ApiProblem) return problem(error.status, error.message, error.problems);
  if (isOurs(error)) {
    const row = errorTable[error.code];
    return problem(row.status, `${error.detail}. ${row.advice}`);
  }
  if (!(error instanceof Error)) return problem(500, "See the coordinator's log.");
  const { validation, validationContext, statusCode = 500, code } = error as FastifyError;
  if (validation !== undefined) {
    const problems = validation.map((one) => {
      const where = `${validationContext ?? "request"}${one.instancePath}`;
      return `${where} ${one.message ?? "is not valid"}${more(one.params)}`;
    });
    return problem(400, problems.join("; "), problems);
  }
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    return problem(
      413,
      "The body may have at most 16384 bytes; a stack's or a template's 524288, a backup's 33554432.",
    );
  }
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") {
    return problem(415, "Send application/json, or no body at all.");
  }
  // Some repeat the whole path.
  if (statusCode >= 400 && statusCode < 500)
    return problem(statusCode, error.message.slice(0, 300));
  return problem(500, "See the coordinator's log.");
}

/** Under `/api/swarm`, `/api/clusters`, `/clusters` and `/stats` every answer has an envelope, a refusal too. */
const isEnveloped = (url: string): boolean =>
  /^\/(api\/swarm|api\/clusters|clusters|stats)(\/|\?|$)/.test(url);

export function sendProblem(reply: FastifyReply, body: Problem): FastifyReply {
  if (isEnveloped(reply.request.url)) {
    const failure = { success: false, error: body.detail };
    return reply.code(body.status).type("application/json").send(JSON.stringify(failure));
  }
  return reply.code(body.status).type(problemType).send(JSON.stringify(body));
}

/** The whole answer where there is no request yet, only broken bytes. */
export function rawProblem(status: number, reason: string, detail: string): string {
  const body = JSON.stringify(problem(status, detail));
  return [
    `HTTP/1.1 ${status} ${reason}`,
    `content-type: ${problemType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
    "",
    body,
  ].join("\r\n");
}

const isOurs = (error: unknown): error is CodedError<ErrorCode> =>
  error instanceof CodedError && error.code in errorTable;

/** Which property was unknown, which values are allowed: ajv keeps it apart from the sentence. */
function more(params: Readonly<Record<string, unknown>>): string {
  if (typeof params.additionalProperty === "string") return `: ${params.additionalProperty}`;
  if (Array.isArray(params.allowedValues)) return `: ${params.allowedValues.join(", ")}`;
  return "";
}
