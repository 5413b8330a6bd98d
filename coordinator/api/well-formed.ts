// Requests that could be read in two ways are refused before anybody reads them: two hosts, a compressed body, text that is no UTF-8, null for a number.

import { isUtf8 } from "node:buffer";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { ApiProblem } from "./problem.ts";

/** Before all other hooks. Node itself would answer a missing Host without a body. */
export function refuseMalformed(app: FastifyInstance): void {
  app.addHook("onRequest", (request, _reply, done) => {
    done(faultOf(request));
  });
  const parseJson = app.getDefaultJsonParser("error", "error");
  app.removeContentTypeParser(["text/plain", "application/json"]);
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) => {
    if (isUtf8(body as Buffer)) void parseJson(request, body.toString(), done);
    else done(new ApiProblem(400, "The body is not UTF-8."));
  });
}

/**
 * Values of a query are texts and become what the schema says; by the same rule null in a body would become 0. So what a body's
 * properties are is held to their types before. After `authorizeCallers`.
 */
export function refuseOtherTypes(app: FastifyInstance): void {
  app.addHook("preValidation", (request, _reply, done) => {
    const schema = (request.routeOptions.schema?.body ?? {}) as BodySchema;
    const { body } = request;
    const isObject = typeof body === "object" && body !== null && !Array.isArray(body);
    const faults = isObject ? typeFaults(body as Record<string, unknown>, schema) : [];
    done(faults.length === 0 ? undefined : new ApiProblem(400, faults.join("; "), faults));
  });
}

interface Typed {
  readonly type?: string | readonly string[];
}

interface BodySchema {
  readonly properties?: Readonly<Record<string, Typed>>;
  /** Of a map, whose names are the caller's. */
  readonly additionalProperties?: boolean | Typed;
}

function typeFaults(
  body: Readonly<Record<string, unknown>>,
  { properties = {}, additionalProperties }: BodySchema,
): readonly string[] {
  const others = typeof additionalProperties === "object" ? additionalProperties : {};
  return Object.entries(body).flatMap(([name, value]) => {
    const { type = [] } = Object.hasOwn(properties, name) ? (properties[name] ?? {}) : others;
    const types = [type].flat();
    if (value === undefined || types.length === 0 || types.some((one) => isOf(value, one))) {
      return [];
    }
    return [`body/${name} must be ${types.join(" or ")}`];
  });
}

function isOf(value: unknown, type: string): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "integer":
    case "number":
      return typeof value === "number";
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}

function faultOf({ raw, headers }: FastifyRequest): ApiProblem | undefined {
  const hosts = raw.headersDistinct.host ?? [];
  if (hosts.length > 1 || (hosts.length === 0 && raw.httpVersion !== "1.0")) {
    return new ApiProblem(400, "Send exactly one Host header.");
  }
  const coding = headers["content-encoding"];
  if (coding !== undefined && coding.toLowerCase() !== "identity") {
    return new ApiProblem(415, "Send the body as it is, without Content-Encoding.");
  }
  return undefined;
}
