// The coordinators themselves: who they are, and the two ways to change that, one at a time.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { parseAddressList } from "../../proto/config-parse.ts";
import type { CommandView, CoordinatorsView } from "../../proto/rest.ts";
import type { Member } from "../../proto/messages.ts";
import type { MemberChange } from "../core/member-set.ts";
import { atLeader } from "./at-leader.ts";
import type { ApiContext } from "./context.ts";
import { examples } from "./examples.ts";
import { ApiProblem } from "./problem.ts";
import { ref } from "./schema-words.ts";
import { answers, good, requests } from "./schemas.ts";
import { coordinatorsView } from "./views.ts";

const defaultPort = 7700;

export function coordinatorsPlugin(app: FastifyInstance, context: ApiContext): void {
  const { plane } = context;
  const tags = ["coordinator"];
  const config = { access: "admin" as const };
  const changed = (example: CommandView) =>
    answers(
      {
        200: good(
          ref("Command"),
          "Done, by a quorum of the coordinators before and after it",
          example,
        ),
      },
      ...[400, 409, 413, 415, 502, 503, 504],
    );

  app.get(
    "/api/v1/coordinators",
    {
      schema: {
        tags,
        summary: "Who the coordinators are",
        response: answers({
          200: good(ref("Coordinators"), "The set, as this one knows it", examples.coordinators),
        }),
      },
    },
    (): CoordinatorsView => coordinatorsView(plane.summary()),
  );

  app.post<{ Body: { id: string; address: string } }>(
    "/api/v1/coordinators",
    {
      config,
      schema: {
        tags,
        summary: "Add a coordinator",
        description:
          "It must run already, with the present coordinators and itself in COORDINATORS, so that they hear it.",
        body: requests.coordinator,
        response: changed(examples.coordinatorAdded),
      },
    },
    (request, reply) =>
      carryOut(context, request, reply, () => ({ kind: "add", member: memberOf(request.body) })),
  );

  app.delete<{ Params: { id: string } }>(
    "/api/v1/coordinators/:id",
    {
      config,
      schema: {
        tags,
        summary: "Remove a coordinator",
        description: "One that leads hands over first and answers 503: ask again.",
        params: requests.coordinatorId,
        response: changed(examples.coordinatorRemoved),
      },
    },
    (request, reply) =>
      carryOut(context, request, reply, () => ({ kind: "remove", id: request.params.id })),
  );
}

async function carryOut(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  build: () => MemberChange,
): Promise<CommandView | FastifyReply> {
  // What is not understood is so on every coordinator.
  const change = build();
  return atLeader(context, request, reply, async (by) => {
    const { how, text } = await context.plane.changeCoordinators(change, by);
    if (how === "made") return { text, recovery: null };
    throw new ApiProblem(how === "refused" ? 409 : 503, `${text}.`);
  });
}

function memberOf({ id, address }: { readonly id: string; readonly address: string }): Member {
  const parsed = parseAddressList(`${id}=${address}`, defaultPort);
  const [only] = parsed.ok ? parsed.value : [];
  if (!parsed.ok || only === undefined || parsed.value.length > 1) {
    const why = parsed.ok ? "expected one name and one host:port" : parsed.detail;
    throw new ApiProblem(400, `body: ${why ?? "malformed"}`);
  }
  return { id: only.name, host: only.host, port: only.port };
}
