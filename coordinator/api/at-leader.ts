// Writes happen on the leader: elsewhere they are forwarded.

import type { FastifyReply, FastifyRequest } from "fastify";
import type { ApiContext } from "./context.ts";
import { ApiProblem } from "./problem.ts";
import { holdsLease } from "./views.ts";

/** @param carryOut on the leader, told who asks; elsewhere the leader's own answer is given. Throws 503 where none is known. */
export async function atLeader<View>(
  { plane, forwarder, id }: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  carryOut: (by: string) => Promise<View>,
): Promise<View | FastifyReply> {
  const summary = plane.summary();
  if (holdsLease(summary)) return carryOut(`${request.caller?.name ?? "nobody"} (${id})`);
  const url = plane.leaderUrl();
  if (url === undefined || summary.leader === id) throw noLeader();
  return forwarder.forward(request, reply, url);
}

export const noLeader = (): ApiProblem =>
  new ApiProblem(503, "No coordinator leads at the moment. Ask again in a second.");
