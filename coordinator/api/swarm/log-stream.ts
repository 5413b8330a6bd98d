// A service's logs as server-sent events: the last lines, then each as it is written, while the receiver keeps up.

import type { FastifyReply, FastifyRequest } from "fastify";
import type { SwarmLogLine } from "../../../proto/swarm-rest.ts";
import { ApiProblem } from "../problem.ts";
import { ServerSent } from "../server-sent.ts";
import type { TokenStore } from "../token-store.ts";
import type { SwarmAt } from "./context.ts";
import { inWords, managerOf } from "./desk.ts";

/** Of all callers; each holds a stream of a manager open. */
const streamsAtMost = 50;

export class LogStreams {
  readonly #tokens: TokenStore;
  /** Each ends one. */
  readonly #open = new Set<AbortController>();

  constructor(tokens: TokenStore) {
    this.#tokens = tokens;
  }

  /** Takes the answer over. */
  async follow(
    request: FastifyRequest,
    reply: FastifyReply,
    at: SwarmAt,
    { service, tail }: { readonly service: string; readonly tail: number },
  ): Promise<void> {
    if (this.#open.size >= streamsAtMost) {
      throw new ApiProblem(503, `${streamsAtMost} logs are followed already. Try again later.`);
    }
    const abort = new AbortController();
    const leave = (): void => {
      abort.abort();
    };
    this.#open.add(abort);
    // Also who leaves before the manager has answered.
    reply.raw.once("close", leave);
    abort.signal.addEventListener("abort", () => this.#open.delete(abort), { once: true });
    try {
      const lines = await inWords(async () =>
        (await managerOf(at)).follow(service, tail, abort.signal),
      );
      const { headers } = request;
      const answer = new ServerSent({
        response: reply.hijack().raw,
        mayStay: () => this.#tokens.whoAsks(headers).caller !== undefined,
        onEnd: () => {
          lines.destroy();
          abort.abort();
        },
      });
      answer.begin();
      lines.on("close", () => {
        answer.end();
      });
      // Lines wait in the manager while the receiver does not keep up.
      lines.on("data", (line: SwarmLogLine) => {
        if (answer.write(`event: line\ndata: ${JSON.stringify(line)}\n\n`)) return;
        lines.pause();
        answer.onDrain(() => lines.resume());
      });
    } catch (error) {
      reply.raw.off("close", leave);
      abort.abort();
      throw error;
    }
  }

  end(): void {
    for (const abort of this.#open) abort.abort();
  }
}
