// What each coordinator remembers of a worker: sampled here once a second, and asked of the others when somebody looks.

import type { FastifyInstance } from "fastify";
import type { HistoryView } from "../../../proto/rest.ts";
import type { ApiContext } from "../context.ts";
import { examples } from "../examples.ts";
import { isForwarded } from "../forward.ts";
import { ref } from "../schema-words.ts";
import { answers, good, requests } from "../schemas.ts";
import { findWorker } from "../workers.ts";
import { History, sampleEvery } from "./history.ts";
import { askAll } from "./others.ts";

interface Asked {
  Params: { id: string };
  Querystring: { own?: boolean };
}

export function historiesPlugin(app: FastifyInstance, context: ApiContext): void {
  const { plane, id: self } = context;
  const history = new History();
  let endMs = Date.now();
  const timer = setInterval(() => {
    const second = Math.round(performance.now() / sampleEvery);
    endMs = Date.now();
    try {
      history.sample(plane.summary(), second);
    } catch {
      // It is starting: there is nothing to be remembered.
    }
  }, sampleEvery).unref();
  app.addHook("preClose", (done) => {
    clearInterval(timer);
    done();
  });

  app.get<Asked>(
    "/api/v1/workers/:id/history",
    {
      schema: {
        tags: ["workers"],
        summary: "Its last ten minutes, as each coordinator remembers them",
        description:
          "One sample a second, of each coordinator's own memory; one that does not answer within a second, or has just started, is missing.",
        params: requests.workerId,
        querystring: requests.history,
        response: answers(
          { 200: good(ref("History"), "The samples, oldest first", examples.history) },
          ...[400, 404, 409],
        ),
      },
    },
    async (request): Promise<HistoryView> => {
      const { id } = findWorker(plane.summary().workers, request.params.id);
      const own = (): HistoryView => {
        const known = history.of(id);
        const coordinators = known === undefined ? {} : { [self]: known };
        return { stepMs: sampleEvery, endMs, coordinators };
      };
      if (request.query.own === true || isForwarded(request)) return own();
      const path = `/api/v1/workers/${encodeURIComponent(id)}/history?own=true`;
      const told = await askAll(context, request, path, own);
      const each = told.flatMap((one) => (one.told.ok ? [one.told.view.coordinators] : []));
      return { ...own(), coordinators: Object.assign({}, ...each) as HistoryView["coordinators"] };
    },
  );
}
