// Writes happen on the leader: elsewhere they are forwarded, and held for a moment while there is none.

import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ApiContext } from "./context.ts";
import { isForwarded } from "./forward.ts";
import { ApiProblem, NotTaken } from "./problem.ts";
import { holdsLease } from "./views.ts";

/** How long a write waits for a leader that takes it, ms. Then: 503. */
export const holdFor = 2_000;
/** A picture is at most 100 ms old. */
const lookEvery = 50;

/**
 * @param carryOut on the leader, told who asks; elsewhere the leader's own answer is given. It is tried again only where it threw NotTaken.
 * Throws 503 where nobody led, and 502 where the leader could not be reached, for as long as a write is held.
 */
export async function atLeader<View>(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  carryOut: (by: string) => Promise<View>,
): Promise<View | FastifyReply> {
  const end = performance.now() + context.holdFor;
  for (;;) {
    try {
      return await atLeaderNow(context, request, reply, carryOut);
    } catch (error) {
      if (!(error instanceof NotTaken)) throw error;
      // Who forwarded it holds it: the next leader may be another.
      if (isForwarded(request)) throw new ApiProblem(421, error.message);
      if (performance.now() >= end) throw error;
    }
    await sleep(lookEvery);
    // Nobody waits for the answer any more, and a write that is told as failed shall not be made later.
    if (request.socket.destroyed) throw noLeader();
  }
}

async function atLeaderNow<View>(
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

export const noLeader = (): NotTaken =>
  new NotTaken(503, "No coordinator leads at the moment. Ask again in a second.");
