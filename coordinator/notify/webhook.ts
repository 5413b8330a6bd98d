// Any HTTP listener: each message as JSON, signed, so that the listener can tell ours from a stranger's and a fresh one from a replay.

import { createHmac } from "node:crypto";
import type { CoordinatorConfig } from "../config.ts";
import { currentText } from "../secret.ts";
import { deliveryTimeout, postJson, type Channel } from "./channel.ts";

/**
 * Header `x-heartmesh-signature: t=<unix seconds>,v1=<hex>` with v1 = HMAC-SHA256(WEBHOOK_SECRET, `<t>.<body>`), the body
 * byte for byte as received. A listener compares v1 in constant time, refuses a `t` older than 5 minutes, and drops
 * a `x-heartmesh-delivery` that it has seen: a message may come twice, never changed.
 */
export function webhookChannel(
  webhook: NonNullable<CoordinatorConfig["notify"]["webhook"]>,
  wall: () => number = Date.now,
  timeout = deliveryTimeout,
): Channel {
  return {
    kind: "webhook",
    send(message) {
      const body = JSON.stringify({ version: 1, ...message });
      const headers: Record<string, string> = {
        "user-agent": "heartmesh",
        "x-heartmesh-delivery": message.id,
      };
      if (webhook.secret !== undefined) {
        const seconds = Math.floor(wall() / 1000);
        headers["x-heartmesh-signature"] = signatureOf(currentText(webhook.secret), seconds, body);
      }
      return postJson("webhook", currentText(webhook.url), body, headers, timeout);
    },
    stop: () => undefined,
  };
}

function signatureOf(secret: string, seconds: number, body: string): string {
  const mac = createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex");
  return `t=${seconds},v1=${mac}`;
}
