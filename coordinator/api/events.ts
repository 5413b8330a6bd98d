// Events: a page as JSON, or a stream of server-sent events, by what the caller accepts.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { EventView } from "../../proto/rest.ts";
import { isWanted } from "../core/event.ts";
import type { EventAsk } from "../io/record-store.ts";
import type { ApiContext } from "./context.ts";
import { EventStream } from "./event-stream.ts";
import { examples } from "./examples.ts";
import { ApiProblem } from "./problem.ts";
import { fromRecord } from "./record-read.ts";
import { ref } from "./schema-words.ts";
import { wantsStream } from "./server-sent.ts";
import { answers, requests } from "./schemas.ts";
import { eventView } from "./views.ts";

/** More would cost the process that heals. */
const streamsAtMost = 100;
export function eventsPlugin(app: FastifyInstance, context: ApiContext): void {
  const streams = new Set<EventStream>();
  app.addHook("preClose", (done) => {
    for (const stream of streams) stream.end();
    done();
  });

  app.get<{ Querystring: EventAsk }>(
    "/api/v1/events",
    {
      schema: {
        tags: ["events"],
        summary: "Events, newest first; or a stream of them",
        description:
          "With Accept: text/event-stream each event is sent as it happens, oldest first; `Last-Event-ID` first repeats what was missed. What people asked for, done or refused, has a `change`: who, what, before and after.",
        querystring: requests.events,
        response: answers(
          {
            200: {
              description: "A page, or a stream",
              content: {
                "application/json": {
                  schema: { type: "array", items: ref("Event") },
                  example: examples.events,
                },
                "text/event-stream": { schema: { type: "string" }, example: examples.stream },
              },
            },
          },
          ...[400, 503],
        ),
      },
    },
    async (request, reply): Promise<EventView[] | FastifyReply> => {
      if (wantsStream(request)) return openStream(context, streams, request, reply);
      const found = await fromRecord(() => context.plane.listEvents(request.query));
      return found.map(({ id, event }) => eventView(id, event));
    },
  );
}

function openStream(
  context: ApiContext,
  streams: Set<EventStream>,
  request: FastifyRequest<{ Querystring: EventAsk }>,
  reply: FastifyReply,
): FastifyReply {
  if (streams.size >= streamsAtMost) {
    throw new ApiProblem(503, `${streamsAtMost} streams are open already. Try again later.`);
  }
  const { query, headers } = request;
  const lastId = headers["last-event-id"];
  const stream = new EventStream({
    response: reply.hijack().raw,
    plane: context.plane,
    wanted: (event) => isWanted(event, query),
    mayStay: () => context.tokens.whoAsks(headers).caller !== undefined,
    lastId: typeof lastId === "string" && lastId !== "" ? lastId : undefined,
    onEnd: () => streams.delete(stream),
  });
  streams.add(stream);
  stream.begin();
  return reply;
}
