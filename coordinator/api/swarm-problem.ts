// Why no manager tells of the Swarm, as an answer.

import type { SwarmReading } from "../docker/swarm.ts";
import { coded } from "../errors.ts";

export function swarmProblem({
  kind,
  text,
}: Exclude<SwarmReading, { readonly kind: "swarm" }>): Error {
  switch (kind) {
    case "none":
      return coded("HM_SWARM_NONE", text);
    case "no-quorum":
      return coded("HM_SWARM_QUORUM", text);
    case "refused":
      return coded("HM_ENGINE_REFUSED", text);
    case "silent":
      return coded("HM_ENGINE_UNAVAILABLE", text);
  }
}
