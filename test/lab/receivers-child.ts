// Runs in an engine's network namespace: a person's HTTP and SMTP servers, and what they were sent.

import { listenHttp, listenSmtp } from "../coordinator/notify/listeners.ts";
import type { FromReceivers } from "./receivers.ts";

const [slack, webhook, deadman, smtp] = await Promise.all([
  listenHttp(),
  listenHttp(),
  listenHttp(),
  listenSmtp(),
]);
const tell = (message: FromReceivers): void => {
  process.send?.(message);
};
process.on("message", () => {
  tell({
    kind: "received",
    slack: slack.received,
    webhook: webhook.received,
    deadman: deadman.received,
    mails: smtp.mails,
  });
});
process.on("disconnect", () => process.exit(0));
tell({
  kind: "ready",
  slack: slack.url,
  webhook: webhook.url,
  deadman: deadman.url,
  smtp: `smtp://127.0.0.1:${smtp.port}`,
});
