// The last lines of a worker's container.

import type { FastifyInstance } from "fastify";
import type { WorkerLogsView } from "../../../proto/rest.ts";
import { containerLogs } from "../../docker/container-logs.ts";
import { hasStatus } from "../../docker/engines.ts";
import type { ApiContext } from "../context.ts";
import { examples } from "../examples.ts";
import { ApiProblem } from "../problem.ts";
import { ref } from "../schema-words.ts";
import { answers, good, requests } from "../schemas.ts";
import { findWorker } from "../workers.ts";

interface Asked {
  Params: { id: string };
  Querystring: { tail: number };
}

export function workerLogsPlugin(app: FastifyInstance, { plane }: ApiContext): void {
  app.get<Asked>(
    "/api/v1/workers/:id/logs",
    {
      schema: {
        tags: ["workers"],
        summary: "The last lines of its container, oldest first",
        params: requests.workerId,
        querystring: requests.logs,
        response: answers(
          { 200: good(ref("WorkerLogs"), "The lines", examples.logs) },
          ...[400, 404, 409, 502, 503],
        ),
      },
    },
    async (request): Promise<WorkerLogsView> => {
      const { id, host, containerId } = findWorker(plane.summary().workers, request.params.id);
      if (containerId === "") {
        throw new ApiProblem(
          404,
          `${id} has no container that heartmesh knows, so it has no lines.`,
        );
      }
      const engine = plane.engines().find((one) => one.host === host);
      if (engine === undefined) {
        throw new ApiProblem(
          404,
          `The engine of ${host} is none of DOCKER_HOST, so nobody tells its lines.`,
        );
      }
      const { tail } = request.query;
      try {
        return { lines: await containerLogs(engine, containerId, tail) };
      } catch (error) {
        if (!hasStatus(error, 404)) throw error;
        throw new ApiProblem(404, `The container of ${id} has just been removed.`);
      }
    },
  );
}
