// Events: a page as JSON, or a stream of server-sent events, by what the caller accepts.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { EventView } from "../../proto/rest.ts";
import type { ListedEvent, PageAsk } from "../io/record-store.ts";
import type { ApiContext } from "./context.ts";
import { EventStream } from "./event-stream.ts";
import type { ControlPlane } from "./plane.ts";
import { ApiProblem } from "./problem.ts";
import { fromRecord } from "./record-read.ts";
import { ref } from "./schema-words.ts";
import { answers, requests } from "./schemas.ts";
import { eventView } from "./views.ts";

/** More would cost the process that heals. */
const streamsAtMost = 100;
/** Pages read at most to fill one that is filtered by kind. */
const pagesRead = 10;

type EventQuery = PageAsk & { readonly kind?: string };

export function eventsPlugin(app: FastifyInstance, context: ApiContext): void {
  const streams = new Set<EventStream>();
  app.addHook("preClose", (done) => {
    for (const stream of streams) stream.end();
    done();
  });

  app.get<{ Querystring: EventQuery }>(
    "/api/v1/events",
    {
      schema: {
        tags: ["events"],
        summary: "Events, newest first; or a stream of them",
        description:
          "With Accept: text/event-stream each event is sent as it happens, oldest first; `Last-Event-ID` first repeats what was missed.",
        querystring: requests.events,
        response: answers(
          {
            200: {
              description: "A page, or a stream",
              content: {
                "application/json": { schema: { type: "array", items: ref("Event") } },
                "text/event-stream": { schema: { type: "string" } },
              },
            },
          },
          ...[400, 503],
        ),
      },
    },
    async (request, reply): Promise<EventView[] | FastifyReply> => {
      const wantsStream = (request.headers.accept ?? "").includes("text/event-stream");
      // HEAD would never be told that it has ended.
      if (wantsStream && request.method === "GET") {
        return openStream(context, streams, request, reply);
      }
      const found = await fromRecord(() => listMatching(context.plane, request.query));
      return found.map(({ id, event }) => eventView(id, event));
    },
  );
}

/** The record is not sorted by kind: pages are read until enough of that kind are found. */
async function listMatching(
  plane: ControlPlane,
  query: EventQuery,
): Promise<readonly ListedEvent[]> {
  const { kind, ...ask } = query;
  if (kind === undefined) return plane.listEvents(ask);
  const found: ListedEvent[] = [];
  let { before } = ask;
  for (let pages = 0; pages < pagesRead; pages++) {
    const page: PageAsk = { ...ask, limit: 1000, ...(before === undefined ? {} : { before }) };
    const entries = await plane.listEvents(page);
    found.push(...entries.filter((one) => one.event.kind === kind));
    before = entries.at(-1)?.id;
    if (found.length >= ask.limit || entries.length < 1000) break;
  }
  return found.slice(0, ask.limit);
}

function openStream(
  context: ApiContext,
  streams: Set<EventStream>,
  request: FastifyRequest<{ Querystring: EventQuery }>,
  reply: FastifyReply,
): FastifyReply {
  if (streams.size >= streamsAtMost) {
    throw new ApiProblem(503, `${streamsAtMost} streams are open already. Try again later.`);
  }
  const { worker, kind } = request.query;
  const { authorization } = request.headers;
  const lastId = request.headers["last-event-id"];
  const stream = new EventStream({
    response: reply.hijack().raw,
    plane: context.plane,
    wanted: (event) =>
      (worker === undefined || event.worker === worker) &&
      (kind === undefined || event.kind === kind),
    mayStay: () => context.tokens.callerOf(authorization) !== undefined,
    lastId: typeof lastId === "string" && lastId !== "" ? lastId : undefined,
    onEnd: () => streams.delete(stream),
  });
  streams.add(stream);
  stream.begin();
  return reply;
}
