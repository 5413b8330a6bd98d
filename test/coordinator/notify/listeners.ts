// Real listeners for notification tests: HTTP and SMTP on loopback, which record what they get and answer as told.

import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import type { MeshEvent } from "../../../coordinator/core/event.ts";
import type { Secret } from "../../../coordinator/config.ts";

export interface Received {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpListener {
  readonly url: string;
  readonly received: Received[];
  /** What the next requests are answered with; the last one stays. `hang` never answers. */
  readonly answers: (number | "hang")[];
  close(): Promise<void>;
}

export async function listenHttp(): Promise<HttpListener> {
  const received: Received[] = [];
  const answers: (number | "hang")[] = [200];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      received.push({ method: request.method ?? "", headers: request.headers, body });
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer === "hang" || answer === undefined) return;
      response.writeHead(answer, answer === 302 ? { location: "/elsewhere" } : {});
      response.end(answer === 200 ? "ok" : "not\nnow");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook/s3cret-path`,
    received,
    answers,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}

export interface MailListener {
  readonly port: number;
  readonly mails: { readonly to: readonly string[]; readonly text: string }[];
  close(): Promise<void>;
}

export async function listenSmtp(options: SMTPServerOptions = {}): Promise<MailListener> {
  const mails: { to: readonly string[]; text: string }[] = [];
  const server = new SMTPServer({
    disabledCommands: ["STARTTLS"],
    authOptional: true,
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const to = session.envelope.rcptTo.map((one) => one.address);
        mails.push({ to, text: Buffer.concat(chunks).toString("utf8") });
        done();
      });
    },
    ...options,
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.server.address() as AddressInfo;
  return {
    port,
    mails,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
      }),
  };
}

export const secret = (text: string): Secret => ({ text, file: undefined });

export const event = (some: Partial<MeshEvent>): MeshEvent => ({
  kind: "recovery-enqueued",
  at: Date.UTC(2026, 0, 2, 3, 12, 7),
  by: "c1",
  worker: "h1/web-1",
  recovery: "",
  text: "web-1 crashed (exit 137)",
  evidence: [],
  notify: true,
  ...some,
});
