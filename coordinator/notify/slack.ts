// Slack by an incoming webhook. A webhook cannot reply in a thread, so all messages of one recovery carry the same short name in their context line.

import type { Secret } from "../config.ts";
import { currentText } from "../secret.ts";
import { deliveryTimeout, postJson, type Channel } from "./channel.ts";
import type { Message, Severity } from "./message.ts";

const marks: Readonly<Record<Severity, string>> = {
  info: ":information_source:",
  resolved: ":white_check_mark:",
  warning: ":warning:",
  critical: ":rotating_light:",
};

export function slackChannel(url: Secret, timeout = deliveryTimeout): Channel {
  return {
    kind: "slack",
    send: (message) =>
      postJson("slack", currentText(url), JSON.stringify(slackBody(message)), {}, timeout),
    stop: () => undefined,
  };
}

/** Block Kit; `text` is what a phone's notification shows. Bounds are Slack's: 3,000 characters a section, 150 a header. */
function slackBody(message: Message): unknown {
  const mark = marks[message.severity];
  const blocks: unknown[] = [
    section(`${mark} *${escaped(message.title)}*\n${escaped(message.text)}`),
  ];
  if (message.evidence.length > 0) {
    blocks.push(section(message.evidence.map((one) => `• ${escaped(one)}`).join("\n")));
  }
  if (message.advice !== "") blocks.push(section(`:point_right: ${escaped(message.advice)}`));
  blocks.push({
    type: "context",
    elements: [{ type: "mrkdwn", text: cut(escaped(contextOf(message)), 2000) }],
  });
  return { text: cut(`${mark} ${escaped(message.title)}`, 2900), blocks };
}

function contextOf(message: Message): string {
  const parts = [message.cluster, message.by];
  if (message.worker !== "") parts.push(message.worker);
  if (message.thread !== "") parts.push(`recovery ${message.thread}`);
  return parts.join(" · ");
}

const section = (text: string): unknown => ({
  type: "section",
  text: { type: "mrkdwn", text: cut(text, 2900) },
});

/** Slack's own three; what stays cannot mention anybody nor link anywhere. */
const escaped = (text: string): string =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

const cut = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`;
