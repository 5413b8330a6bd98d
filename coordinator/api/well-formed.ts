// Requests that could be read in two ways are refused before anybody reads them: two hosts, a compressed body, text that is no UTF-8.

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
