// The hands of the queue's runner: they rest while a quorum cannot reach Redis, for then the leader may act beside the queue.

import type { Actor } from "./ports.ts";

/**
 * The action lease alone does not keep them apart: whoever still reaches Redis could take and renew it.
 * @param isInForce by what this coordinator knows of the quorum; asked right before every call that changes something
 */
export const queueActor = (actor: Actor, isInForce: () => boolean): Actor => ({
  perform: (job, mayAct) => actor.perform(job, () => isInForce() && mayAct()),
});
