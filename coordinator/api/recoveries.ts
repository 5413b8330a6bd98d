// Recoveries: the times of every stage, tries, evidence, outcome.

import type { FastifyInstance } from "fastify";
import type { RecoveryView } from "../../proto/rest.ts";
import type { RecoveryAsk } from "../io/record-asks.ts";
import type { ApiContext } from "./context.ts";
import { examples } from "./examples.ts";
import { ApiProblem } from "./problem.ts";
import { fromRecord } from "./record-read.ts";
import { ref } from "./schema-words.ts";
import { answers, good, requests } from "./schemas.ts";
import { recoveryView } from "./views.ts";

export function recoveriesPlugin(app: FastifyInstance, { plane }: ApiContext): void {
  const tags = ["recoveries"];

  app.get<{ Querystring: RecoveryAsk }>(
    "/api/v1/recoveries",
    {
      schema: {
        tags,
        summary: "Recoveries, newest first",
        querystring: requests.recoveries,
        response: answers(
          { 200: good({ type: "array", items: ref("Recovery") }, "A page", examples.recoveries) },
          ...[400, 503],
        ),
      },
    },
    async (request): Promise<RecoveryView[]> => {
      const page = await fromRecord(() => plane.listRecoveries(request.query));
      return page.map(recoveryView);
    },
  );

  app.get<{ Params: { id: string } }>(
    "/api/v1/recoveries/:id",
    {
      schema: {
        tags,
        summary: "One recovery",
        params: requests.recoveryId,
        response: answers(
          { 200: good(ref("Recovery"), "The recovery", examples.recovery) },
          400,
          404,
          503,
        ),
      },
    },
    async (request): Promise<RecoveryView> => {
      const { id } = request.params;
      const record = await fromRecord(() => plane.getRecovery(id));
      if (record === undefined) {
        throw new ApiProblem(404, `No recovery ${id} is known, or it is older than RETENTION.`);
      }
      return recoveryView(record);
    },
  );
}
