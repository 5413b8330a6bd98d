// What the flight recorder of the answering coordinator holds, as a file. Never forwarded: each coordinator has a recording of its own.

import type { FastifyInstance } from "fastify";
import type { ApiContext } from "./context.ts";
import { ApiProblem } from "./problem.ts";
import { answers, goodFile } from "./schemas.ts";

export function recordPlugin(app: FastifyInstance, { id, plane }: ApiContext): void {
  app.get(
    "/api/v1/record",
    {
      // It tells all that the mesh knows, and making it costs: a few a minute are enough.
      config: { access: "admin", rateLimit: { max: 6, timeWindow: 60_000 } },
      schema: {
        tags: ["coordinator"],
        summary: "The flight recorder of this coordinator: its last minutes, to be replayed",
        response: answers({ 200: goodFile("The recording") }, 409),
      },
    },
    async (_request, reply) => {
      const recording = await plane.recording();
      if (recording === undefined) {
        throw new ApiProblem(409, `${id} keeps no recording: its RECORD_SPAN is 0.`);
      }
      return reply
        .type("application/octet-stream")
        .header("content-disposition", `attachment; filename="${id}.recording"`)
        .send(recording);
    },
  );
}
