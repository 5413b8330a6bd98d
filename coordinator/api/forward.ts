// Writes on a follower go to the leader: the same request with the same login, in bounded time, and no second time once it was sent.

import { readFileSync } from "node:fs";
import { request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { rootCertificates } from "node:tls";
import type { FastifyReply, FastifyRequest } from "fastify";
import { csrfHeader } from "./access.ts";
import { ApiProblem, NotTaken } from "./problem.ts";

/** Who forwarded it; a request that carries it is forwarded no further. */
const forwardedHeader = "x-heartmesh-forwarded-by";
/** For the leader's whole answer. Later: 504. */
export const forwardTimeout = 5_000;
/** For the connection to the leader. Later it is taken for dead: 502. */
const connectWithin = 500;
/** Of an answer; a plan of a thousand services is the longest. */
const answerBytes = 8 * 1024 * 1024;

export interface Forwarder {
  /** Answers with the leader's own answer. Throws 502, 503 or 504; NotTaken where the leader surely has not begun. */
  forward(request: FastifyRequest, reply: FastifyReply, leaderUrl: string): Promise<FastifyReply>;
  /** What that coordinator answers to a read, with the caller's login. Rejects with the reason in words. */
  read(request: FastifyRequest, url: string, path: string, within: number): Promise<ReadAnswer>;
}

export interface ReadAnswer {
  readonly status: number;
  readonly text: string;
}

export const isForwarded = ({ headers }: FastifyRequest): boolean =>
  headers[forwardedHeader] !== undefined;

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
        throw new NotTaken(
          503,
          `${String(by)} took ${id} for the leader, which it is not: the lead is changing. Ask again in a second.`,
        );
      }
      const patience = request.routeOptions.config.forwardFor ?? timeout;
      const answer = await ask(request, leaderUrl, { id, certFile, timeout: patience });
      if (answer.status === 421) {
        throw new NotTaken(503, `${leaderUrl} does not lead: the lead is changing. Ask again.`);
      }
      return reply.code(answer.status).type(answer.type).send(answer.body);
    },
    async read(request, url, path, within) {
      const answer = await ask(request, url, { id, certFile, timeout: within, path });
      return { status: answer.status, text: answer.body.toString("utf8") };
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
    path: read,
  }: Readonly<{ id: string; certFile: string | undefined; timeout: number; path?: string }>,
): Promise<Answer> {
  const url = new URL(leaderUrl);
  const isTls = url.protocol === "https:";
  const body =
    request.body === undefined || request.body === null ? "" : JSON.stringify(request.body);
  const { authorization, "idempotency-key": key, [csrfHeader]: csrf } = request.headers;
  const headers = {
    accept: "application/json",
    [forwardedHeader]: id,
    ...(body === "" ? {} : { "content-type": "application/json" }),
    "content-length": String(Buffer.byteLength(body)),
    ...(authorization === undefined ? {} : { authorization }),
    // No cookie but ours.
    ...(request.session === undefined ? {} : { cookie: request.session.cookie }),
    ...(csrf === undefined ? {} : { [csrfHeader]: csrf }),
    ...(key === undefined ? {} : { "idempotency-key": key }),
  };
  const signal = AbortSignal.timeout(timeout);
  // As it came: a URL would resolve `..` in it, and a proxy's form begins with a host.
  const path =
    url.pathname.replace(/\/$/, "") + (read ?? request.url.replace(/^https?:\/\/[^/]*/i, ""));
  const method = read === undefined ? request.method : "GET";
  const options = { method, path, headers, signal, agent: false as const };
  const begin = (onAnswer: (answer: IncomingMessage) => void): ClientRequest =>
    isTls
      ? httpsRequest(url, { ...options, ...trust(certFile) }, onAnswer)
      : httpRequest(url, options, onAnswer);
  const way = { isOpen: false };
  try {
    return await send(begin, isTls ? "secureConnect" : "connect", body, way);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (read !== undefined) {
      const text = signal.aborted ? `it did not answer within ${timeout} ms` : why;
      throw new Error(text, { cause: error });
    }
    if (!way.isOpen) {
      throw new NotTaken(
        502,
        `The leader (${leaderUrl}) could not be reached: ${why}. Without API_TOKENS it listens on its own loopback only; ask it there, or set COORDINATOR_URLS.`,
      );
    }
    const look = "Whether it was done is not known: look before you ask again.";
    throw signal.aborted
      ? new ApiProblem(
          504,
          `The leader (${leaderUrl}) did not answer within ${timeout} ms. ${look}`,
        )
      : new ApiProblem(502, `The leader (${leaderUrl}) was lost (${why}). ${look}`);
  }
}

/** @param way is open from when something may have been sent */
function send(
  begin: (onAnswer: (answer: IncomingMessage) => void) => ClientRequest,
  whenOpen: "connect" | "secureConnect",
  body: string,
  way: { isOpen: boolean },
): Promise<Answer> {
  return new Promise<Answer>((resolve, reject) => {
    const outgoing = begin((answer) => {
      readAnswer(answer).then(resolve, reject);
    });
    const overdue = setTimeout(() => {
      outgoing.destroy(new Error(`no connection within ${connectWithin} ms`));
    }, connectWithin);
    outgoing.on("socket", (socket) => {
      socket.once(whenOpen, () => {
        clearTimeout(overdue);
        way.isOpen = true;
      });
    });
    outgoing.on("close", () => {
      clearTimeout(overdue);
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
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
