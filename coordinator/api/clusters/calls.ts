// How requests of `/clusters/*` reach the log: by the leader, once for each Idempotency-Key, answered when they stand there durably.

import type { FastifyReply, FastifyRequest } from "fastify";
import type { CallRow } from "../../../proto/cluster-rest.ts";
import type { SwarmAnswer } from "../../../proto/swarm-rest.ts";
import type { CallTold } from "../../clusters/desk.ts";
import type { ClusterCall } from "../../core/clusters/cluster.ts";
import { atLeader, noLeader } from "../at-leader.ts";
import type { ApiContext } from "../context.ts";
import { ApiProblem } from "../problem.ts";
import { told } from "../swarm/desk.ts";

/** A follower waits so long for the leader, whose own answer may wait for the call's end. */
export const forwardFor = 8_000;

export interface Asked {
  readonly cluster: string;
  /** Made on the leader, which knows what it may be. */
  readonly call: () => ClusterCall;
}

/** 202 where the call has not ended yet; 409 with the log's own words where it has failed. */
export function makeCall(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { cluster, call }: Asked,
): Promise<SwarmAnswer<CallRow> | FastifyReply> {
  const key = keyOf(request);
  return atLeader(context, request, reply, async (by) => {
    const asked = { cluster, call: call(), by, key };
    const row = rowOf(await context.plane.clusters().call(asked), cluster);
    const { log_index, term, state, text } = row;
    if (state === "failed") {
      throw new ApiProblem(409, `Log entry ${log_index} of term ${term} has failed: ${text}.`);
    }
    reply.code(state === "done" ? 200 : 202);
    return told(row);
  });
}

function rowOf(answer: CallTold, cluster: string): CallRow {
  switch (answer.kind) {
    case "told":
      return answer.row;
    case "missing":
      throw noCluster(cluster);
    case "exists":
      throw new ApiProblem(409, `There is a cluster ${cluster} already.`);
    case "full":
      throw new ApiProblem(
        503,
        `${cluster} has as many open calls, or there are as many clusters, as may be. Ask again later.`,
      );
    case "differs":
      throw new ApiProblem(
        422,
        `Another call was made under this Idempotency-Key; it is log entry ${answer.index}. Use a new key.`,
      );
    case "stale":
      throw noLeader();
  }
}

export const noCluster = (id: string): ApiProblem =>
  new ApiProblem(404, `There is no cluster ${id}.`);

function keyOf({ headers }: FastifyRequest): string {
  const key = headers["idempotency-key"];
  if (key === undefined) return "";
  if (typeof key === "string" && key.length >= 1 && key.length <= 200) return key;
  throw new ApiProblem(400, "Idempotency-Key has 1 to 200 characters.");
}
