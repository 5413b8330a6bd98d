// The links between this coordinator and the others, and how a test cuts one: datagrams of a cut link are lost both ways.

import type { FastifyInstance } from "fastify";
import type { ConnectionsView } from "../../proto/rest.ts";
import type { ApiContext } from "./context.ts";
import { examples } from "./examples.ts";
import { ApiProblem } from "./problem.ts";
import { ref } from "./schema-words.ts";
import { answers, good, requests } from "./schemas.ts";

export function connectionsPlugin(app: FastifyInstance, context: ApiContext): void {
  const { plane } = context;
  const tags = ["coordinator"];
  const view = (): ConnectionsView =>
    Object.fromEntries(
      plane.links().map(({ host, port, isCut }) => [`${host}:${port}`, isCut ? 0 : 1]),
    );

  app.get(
    "/connections",
    {
      schema: {
        tags,
        summary: "The links between this coordinator and the others",
        description: "1 for each that is left alone, 0 for one that POST has cut.",
        response: answers({
          200: good(ref("Connections"), "By the other one's host:port", examples.links),
        }),
      },
    },
    view,
  );

  app.post<{ Body: ConnectionsView }>(
    "/connections",
    {
      config: { access: "admin" },
      schema: {
        tags,
        summary: "Cut links of this coordinator, or restore them",
        description:
          "Fault injection, for tests: 0 cuts a link, 1 restores it; the others stay as they are. Refused unless FAULT_INJECTION=1. A restart of the coordinator forgets it.",
        body: requests.connections,
        response: answers(
          { 200: good(ref("Connections"), "All links, after it", examples.linkCut) },
          ...[400, 409],
        ),
      },
    },
    (request) => {
      if (!context.faultInjection) {
        const text = "Links are cut where FAULT_INJECTION=1 only; it is not set here.";
        throw new ApiProblem(409, text);
      }
      const links = plane.links();
      const wishes = Object.entries(request.body).map(([address, wish]) => {
        const link = links.find(({ host, port }) => `${host}:${port}` === address);
        if (link !== undefined) return { id: link.id, isCut: wish === 0 };
        const known = links.map(({ host, port }) => `${host}:${port}`).join(", ");
        throw new ApiProblem(400, `body: there is no link to ${address}; there are ${known}.`);
      });
      const by = request.caller?.name ?? "";
      for (const { id, isCut } of wishes) plane.cutLink(id, isCut, by);
      return view();
    },
  );
}
