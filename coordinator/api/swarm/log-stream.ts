// A service's logs as server-sent events: the last lines, then each as it is written, while the receiver keeps up.

import type { FastifyReply, FastifyRequest } from "fastify";
import type { SwarmLogLine } from "../../../proto/swarm-rest.ts";
import type { ApiContext } from "../context.ts";
import { ApiProblem } from "../problem.ts";
import { inWords, managerOf } from "./desk.ts";

/** Proxies close what is silent; and whether the token still holds is looked at as often. */
const stillHereEvery = 15_000;
/** Of all callers; each holds a stream of a manager open. */
const streamsAtMost = 50;

const open = new WeakMap<ApiContext, { count: number }>();

/** Takes the answer over. */
export async function followLogs(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { service, tail }: { readonly service: string; readonly tail: number },
): Promise<void> {
  const streams = open.get(context) ?? { count: 0 };
  open.set(context, streams);
  if (streams.count >= streamsAtMost) {
    throw new ApiProblem(503, `${streamsAtMost} logs are followed already. Try again later.`);
  }
  streams.count++;
  const abort = new AbortController();
  const { authorization } = request.headers;
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    if (abort.signal.aborted) return;
    streams.count--;
    clearInterval(timer);
    abort.abort();
  };
  try {
    const lines = await inWords(async () =>
      (await managerOf(context)).follow(service, tail, abort.signal),
    );
    const response = reply.hijack().raw;
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "x-accel-buffering": "no",
    });
    timer = setInterval(() => {
      if (context.tokens.callerOf(authorization) === undefined) lines.destroy();
      else response.write(": still here\n\n");
    }, stillHereEvery);
    response.on("close", () => lines.destroy());
    lines.on("close", () => {
      end();
      response.end();
    });
    // Lines wait in the manager while the receiver does not keep up.
    lines.on("data", (line: SwarmLogLine) => {
      if (response.write(`event: line\ndata: ${JSON.stringify(line)}\n\n`)) return;
      lines.pause();
      response.once("drain", () => lines.resume());
    });
  } catch (error) {
    end();
    throw error;
  }
}
