// Writes on a follower go to the leader: the same request with the same login, once, in bounded time.

import { readFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { rootCertificates } from "node:tls";
import type { FastifyReply, FastifyRequest } from "fastify";
import { ApiProblem } from "./problem.ts";

/** Who forwarded it; a request that carries it is forwarded no further. */
const forwardedHeader = "x-heartmesh-forwarded-by";
/** For the leader's whole answer. Later: 504. */
export const forwardTimeout = 5_000;
/** Of an answer; a plan of a thousand services is the longest. */
const answerBytes = 8 * 1024 * 1024;

export interface Forwarder {
  /** Answers with the leader's own answer. Throws 502, 503 or 504. */
  forward(request: FastifyRequest, reply: FastifyReply, leaderUrl: string): Promise<FastifyReply>;
}

/** @param certFile our own certificate chain: the trio often shares one that no authority signed. */
export function buildForwarder(
  id: string,
  certFile: string | undefined,
  timeout: number,
): Forwarder {
  return {
    async forward(request, reply, leaderUrl) {
      const by = request.headers[forwardedHeader];
      if (by !== undefined) {
        throw new ApiProblem(
          503,
          `${String(by)} took ${id} for the leader, which it is not: the lead is changing. Ask again in a second.`,
        );
      }
      const patience = request.routeOptions.config.forwardFor ?? timeout;
      const answer = await ask(request, leaderUrl, { id, certFile, timeout: patience });
      return reply.code(answer.status).type(answer.type).send(answer.body);
    },
  };
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

async function ask(
  request: FastifyRequest,
  leaderUrl: string,
  {
    id,
    certFile,
    timeout,
  }: Readonly<{ id: string; certFile: string | undefined; timeout: number }>,
): Promise<Answer> {
  const url = new URL(leaderUrl);
  const isTls = url.protocol === "https:";
  const body =
    request.body === undefined || request.body === null ? "" : JSON.stringify(request.body);
  const { authorization } = request.headers;
  const headers = {
    accept: "application/json",
    [forwardedHeader]: id,
    ...(body === "" ? {} : { "content-type": "application/json" }),
    "content-length": String(Buffer.byteLength(body)),
    ...(authorization === undefined ? {} : { authorization }),
  };
  const signal = AbortSignal.timeout(timeout);
  // As it came: a URL would resolve `..` in it, and a proxy's form begins with a host.
  const path = url.pathname.replace(/\/$/, "") + request.url.replace(/^https?:\/\/[^/]*/i, "");
  const options = { method: request.method, path, headers, signal, agent: false as const };
  try {
    return await new Promise<Answer>((resolve, reject) => {
      const onAnswer = (answer: IncomingMessage): void => {
        readAnswer(answer).then(resolve, reject);
      };
      const outgoing = isTls
        ? httpsRequest(url, { ...options, ...trust(certFile) }, onAnswer)
        : httpRequest(url, options, onAnswer);
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  } catch (error) {
    if (signal.aborted) {
      throw new ApiProblem(
        504,
        `The leader (${leaderUrl}) did not answer within ${timeout} ms. Ask again.`,
      );
    }
    const why = error instanceof Error ? error.message : String(error);
    throw new ApiProblem(
      502,
      `The leader (${leaderUrl}) could not be reached: ${why}. Without API_TOKENS it listens on its own loopback only; ask it there, or set COORDINATOR_URLS.`,
    );
  }
}

function trust(certFile: string | undefined): { ca?: string[] } {
  if (certFile === undefined) return {};
  return { ca: [...rootCertificates, readFileSync(certFile, "utf8")] };
}

async function readAnswer(answer: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > answerBytes) throw new Error("the answer is too long");
    chunks.push(chunk);
  }
  return {
    status: answer.statusCode ?? 502,
    type: answer.headers["content-type"] ?? "application/octet-stream",
    body: Buffer.concat(chunks),
  };
}
