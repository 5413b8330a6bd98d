// The coordinator itself: its status, who leads, and the probes that need no token and tell no detail.

import type { FastifyInstance } from "fastify";
import type { LeaderView, StatusView } from "../../proto/rest.ts";
import type { CoordinatorSummary } from "../core/summary.ts";
import type { ApiContext } from "./context.ts";
import { examples } from "./examples.ts";
import type { ControlPlane } from "./plane.ts";
import { ref } from "./schema-words.ts";
import { answers, good, goodText, openToAll } from "./schemas.ts";
import { holdsLease, leaderView, statusView } from "./views.ts";

export function statusPlugin(app: FastifyInstance, { plane }: ApiContext): void {
  const statusText = statusTextOf(plane);
  app.get(
    "/api/v1/status",
    {
      schema: {
        tags: ["coordinator"],
        summary: "This coordinator and what it sees",
        response: answers({ 200: good(ref("Status"), "The status", examples.status) }),
      },
    },
    (_request, reply) => reply.type("application/json; charset=utf-8").send(statusText()),
  );

  app.get(
    "/api/v1/leader",
    {
      schema: {
        tags: ["coordinator"],
        summary: "Who leads",
        response: answers({
          200: good(ref("Leader"), "The leader, as far as known", examples.leader),
        }),
      },
    },
    (): LeaderView => leaderView(plane.summary(), plane.leaderUrl()),
  );
}

/** Written once a picture, of which there are ten a second and may be thousands of reads. */
function statusTextOf(plane: ControlPlane): () => string {
  let written: { readonly of: CoordinatorSummary; readonly why: string; text: string } | undefined;
  return () => {
    const [of, readiness] = [plane.summary(), plane.readiness()];
    const facts = plane.facts();
    const why = [facts.leaderSince, ...readiness.reasons].join("\n");
    if (written?.of !== of || written.why !== why) {
      const view: StatusView = statusView(of, readiness, facts);
      written = { of, why, text: JSON.stringify(view) };
    }
    return written.text;
  };
}

/** For proxies and orchestrators: not bound in rate, since a refused probe would take a healthy coordinator away. */
export function probesPlugin(app: FastifyInstance, { plane }: ApiContext): void {
  const config = { access: "open" as const, rateLimit: false as const };
  const word = (said: string) => goodText(said, `${said}\n`);
  const probe = (
    path: string,
    summary: string,
    words: readonly [yes: string, no: string],
    isTrue: () => boolean,
  ): void => {
    app.get(
      path,
      {
        config,
        schema: {
          tags: ["probes"],
          summary,
          ...openToAll,
          response: { 200: word(words[0]), 503: word(words[1]) },
        },
      },
      (_request, reply) => {
        const yes = isTrue();
        return reply
          .code(yes ? 200 : 503)
          .type("text/plain; charset=utf-8")
          .send(`${yes ? words[0] : words[1]}\n`);
      },
    );
  };
  probe("/livez", "Whether the process answers", ["alive", "dead"], () => true);
  probe("/readyz", "Whether it can do its work", ["ready", "not ready"], () => {
    return plane.readiness().ready;
  });
  probe("/leader", "200 on the leader alone, for proxies", ["leader", "not leader"], () =>
    holdsLease(plane.summary()),
  );
}
