// E-mail by SMTP. All mails of one recovery share subject and References, so that a mail program shows them as one thread.

import { createTransport, type Transporter } from "nodemailer";
import type { CoordinatorConfig } from "../config.ts";
import { currentText } from "../secret.ts";
import { deliveryTimeout, failure, type Channel } from "./channel.ts";
import type { Message } from "./message.ts";

export function emailChannel(
  mail: NonNullable<CoordinatorConfig["notify"]["mail"]>,
  timeout = deliveryTimeout,
): Channel {
  return {
    kind: "email",
    async send(message) {
      // A transport a mail: mails are rare, and the URL may have been rotated.
      const transport: Transporter = createTransport({
        url: currentText(mail.url),
        // nodemailer's own bounds; the race below bounds the whole.
        connectionTimeout: timeout,
        greetingTimeout: timeout,
        socketTimeout: timeout,
      });
      const alarm = new Alarm(timeout);
      try {
        await Promise.race([
          transport.sendMail({
            from: mail.from,
            to: [...mail.to],
            subject: subjectOf(message),
            text: mailText(message),
            ...threadingOf(message),
            // Nobody's holiday notice shall answer, and a text is never read from a file or a URL.
            headers: { "Auto-Submitted": "auto-generated" },
            disableFileAccess: true,
            disableUrlAccess: true,
          }),
          alarm.rings,
        ]);
      } catch (error) {
        throw failure("email", error, alarm.hasRung ? timeout : undefined);
      } finally {
        alarm.stop();
        transport.close();
      }
    },
    stop: () => undefined,
  };
}

/** Rejects after a while, unless stopped. */
class Alarm {
  hasRung = false;
  readonly rings: Promise<never>;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number) {
    this.rings = new Promise((_, reject) => {
      this.#timer = setTimeout(() => {
        this.hasRung = true;
        reject(new Error("timeout"));
      }, ms);
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

interface Threading {
  readonly messageId: string;
  readonly inReplyTo?: string;
  readonly references?: string;
}

/** The first mail of a recovery has the id that the others refer to; where it never went, they still share it. */
function threadingOf(message: Message): Threading {
  const domain = `${message.cluster.replace(/[^A-Za-z0-9.-]/g, "-")}.heartmesh`;
  const own = `<${message.id}@${domain}>`;
  if (message.thread === "") return { messageId: own };
  const root = `<recovery-${message.thread}@${domain}>`;
  return message.opens
    ? { messageId: root }
    : { messageId: own, inReplyTo: root, references: root };
}

/** The same within a thread: mail programs go by it as well. */
function subjectOf(message: Message): string {
  const name = message.thread === "" ? "" : ` ${message.thread}`;
  const subject = `[${message.cluster}] ${message.topic}${name}`;
  return message.thread !== "" && !message.opens ? `Re: ${subject}` : subject;
}

function mailText(message: Message): string {
  const parts = [`${message.title}\n\n${message.text}`];
  if (message.evidence.length > 0) {
    parts.push(`Evidence:\n${message.evidence.map((one) => `  - ${one}`).join("\n")}`);
  }
  if (message.advice !== "") parts.push(`What to do: ${message.advice}`);
  const worker = message.worker === "" ? "" : `, worker ${message.worker}`;
  parts.push(`-- \nheartmesh ${message.cluster}, coordinator ${message.by}${worker}`);
  return `${parts.join("\n\n")}\n`;
}
