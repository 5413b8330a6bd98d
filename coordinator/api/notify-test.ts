// The test of the notifications: sends through every channel of this coordinator, and tells how each went.

import type { FastifyInstance } from "fastify";
import type { NotifyTestView } from "../../proto/rest.ts";
import type { ApiContext } from "./context.ts";
import { examples } from "./examples.ts";
import { ref } from "./schema-words.ts";
import { answers, good } from "./schemas.ts";

export function notifyTestPlugin(app: FastifyInstance, { plane }: ApiContext): void {
  app.post(
    "/api/v1/notify-test",
    {
      // Each call reaches people: a few a minute are enough.
      config: { access: "operator", rateLimit: { max: 6, timeWindow: 60_000 } },
      schema: {
        tags: ["notifications"],
        summary: "Send a test message through every channel of this coordinator",
        response: answers({
          200: good(ref("NotifyTest"), "How each channel went", examples.notifyTest),
        }),
      },
    },
    async (): Promise<NotifyTestView> => ({ channels: await plane.notifyTest() }),
  );
}
