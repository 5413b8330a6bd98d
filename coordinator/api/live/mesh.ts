// The coordinators as each of them tells itself, so that every link is seen from both of its ends.

import type { FastifyInstance } from "fastify";
import type { MeshMember, MeshView, StatusView } from "../../../proto/rest.ts";
import type { ApiContext } from "../context.ts";
import { examples } from "../examples.ts";
import { ref } from "../schema-words.ts";
import { answers, good } from "../schemas.ts";
import { statusView } from "../views.ts";
import { askAll, type Other } from "./others.ts";

export function meshPlugin(app: FastifyInstance, context: ApiContext): void {
  const { plane } = context;
  app.get(
    "/api/v1/mesh",
    {
      schema: {
        tags: ["live"],
        summary: "Every coordinator as it tells itself",
        description:
          "The others are asked with the caller's login, each for a second at most; one that does not answer is told with the reason.",
        response: answers({ 200: good(ref("Mesh"), "The coordinators", examples.mesh) }, 503),
      },
    },
    async (request): Promise<MeshView> => {
      const own = () => statusView(plane.summary(), plane.readiness(), plane.facts());
      const told = await askAll<StatusView>(context, request, "/api/v1/status", own);
      return { coordinators: told.map(memberOf) };
    },
  );
}

function memberOf({ id, url, told }: Other<StatusView>): MeshMember {
  const known = told.ok ? told.view : undefined;
  if (known?.id !== id) {
    const text = told.ok ? `another answers there: ${told.view.id}` : told.text;
    return {
      ...{ id, url, answers: false, text, role: null, term: null, leaseForMs: null, fit: null },
      ...{ unfitReason: "", redis: "unknown", heardAgoMs: {} },
    };
  }
  const { role, term, leaseForMs, fit, unfitReason, redis, peers } = known;
  const heardAgoMs = Object.fromEntries(peers.map((peer) => [peer.id, peer.heardAgoMs]));
  return {
    ...{ id, url, answers: true, text: "", role, term, leaseForMs, fit, unfitReason, redis },
    heardAgoMs,
  };
}
