// All that a page shows, as a stream of changes, or as one picture for who polls.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ApiContext } from "../context.ts";
import { examples } from "../examples.ts";
import { ApiProblem } from "../problem.ts";
import { ref } from "../schema-words.ts";
import { answers, good } from "../schemas.ts";
import { ServerSent, wantsStream } from "../server-sent.ts";
import { LiveFeed, type Listener } from "./feed.ts";

/** More would cost the process that heals. */
const streamsAtMost = 100;
/** A receiver with more than that of changes waiting, beside its first picture, is cut off: it comes back to a new picture. */
const bytesWaiting = 1_048_576;

export function livePlugin(app: FastifyInstance, context: ApiContext): void {
  const streams = new Streams(context);
  app.addHook("preClose", (done) => {
    streams.end();
    done();
  });
  const tags = ["live"];
  const json = "application/json; charset=utf-8";

  app.get(
    "/api/v1/live",
    {
      schema: {
        tags,
        summary: "All that a page shows, live",
        description:
          "With Accept: text/event-stream first `picture`, a whole LiveView, then `change` with what has changed (LiveChange), at most ten a second, and `event` with each event as it happens. A receiver that does not keep up is cut off, and comes back to a new picture. Otherwise the picture alone.",
        response: answers(
          {
            200: {
              description: "The picture, or a stream of what changes in it",
              content: {
                "application/json": { schema: ref("LiveView"), example: examples.live },
                "text/event-stream": { schema: { type: "string" }, example: examples.liveStream },
              },
            },
          },
          503,
        ),
      },
    },
    async (request, reply) => {
      if (!wantsStream(request)) return reply.type(json).send(await streams.feed.picture());
      await streams.open(request, reply);
      return reply;
    },
  );

  app.get(
    "/api/v1/picture",
    {
      schema: {
        tags,
        summary: "All that a page shows, once",
        description: "For polling where no stream gets through.",
        response: answers({ 200: good(ref("LiveView"), "The picture", examples.live) }, 503),
      },
    },
    async (_request, reply) => reply.type(json).send(await streams.feed.picture()),
  );
}

class Streams {
  readonly feed: LiveFeed;
  readonly #tokens: ApiContext["tokens"];
  readonly #open = new Set<ServerSent>();
  /** Also those of which the picture is awaited. */
  #count = 0;

  constructor({ plane, tokens }: ApiContext) {
    this.feed = new LiveFeed(plane);
    this.#tokens = tokens;
  }

  /** Takes the answer over. */
  async open(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (this.#count >= streamsAtMost) {
      throw new ApiProblem(503, `${streamsAtMost} pages are open already. Try again later.`);
    }
    this.#count++;
    try {
      await this.feed.enter();
    } catch (error) {
      this.#count--;
      throw error;
    }
    this.#begin(request, reply);
  }

  #begin(request: FastifyRequest, reply: FastifyReply): void {
    const { headers } = request;
    let bound = bytesWaiting;
    const listener: Listener = (text) => {
      if (sent.waiting > bound) sent.cut();
      else sent.write(text);
    };
    const sent = new ServerSent({
      response: reply.hijack().raw,
      mayStay: () => this.#tokens.whoAsks(headers).caller !== undefined,
      onEnd: () => {
        this.feed.leave(listener);
        this.#open.delete(sent);
        this.#count--;
      },
    });
    sent.begin();
    if (sent.isEnded) return;
    this.#open.add(sent);
    const picture = this.feed.listen(listener);
    bound += picture.length;
    sent.write(`retry: 2000\n\n${picture}`);
  }

  end(): void {
    for (const sent of this.#open) sent.end();
  }
}
