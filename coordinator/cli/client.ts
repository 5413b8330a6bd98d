// Asks a coordinator's HTTP API for the command line; every failure becomes a sentence that says what to do.

import { readFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { rootCertificates } from "node:tls";
import type { Problem } from "../../proto/rest.ts";
import { isLoopback } from "../config-shapes.ts";
import { coded } from "../errors.ts";

export interface ClientOptions {
  /** Without a slash at the end. */
  readonly url: string;
  readonly token: string | undefined;
  /** A certificate that is trusted beside the usual ones. */
  readonly certFile: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** For a recording: a full ring is checked and sent within a second, over a slow line it takes longer. */
const fileTimeout = 60_000;

const timeout = 10_000;
/** A page of 50,000 workers is about 40 MB; beyond it something is wrong. */
const answerBytes = 128 * 1024 * 1024;

export class Client {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  get url(): string {
    return this.#options.url;
  }

  /** Rejects with HM_UNREACHABLE, or HM_REFUSED for an answer that is no success. */
  async get<View>(path: string, within = timeout): Promise<View> {
    return JSON.parse(await this.#success("GET", path, undefined, within)) as View;
  }

  /** A file; rejects as `get`. */
  async file(path: string): Promise<Buffer> {
    const answer = await this.#open("GET", path, {}, undefined, fileTimeout);
    const bytes = await this.#read(answer);
    if (answer.statusCode === 200) return bytes;
    throw refusal(answer.statusCode ?? 0, bytes.toString("utf8"));
  }

  async post<View>(path: string, body?: unknown, within = timeout): Promise<View> {
    return JSON.parse(await this.#success("POST", path, body, within)) as View;
  }

  async delete<View>(path: string): Promise<View> {
    return JSON.parse(await this.#success("DELETE", path)) as View;
  }

  /** Whatever the answer's status. */
  async ask(method: string, path: string, body?: unknown, within = timeout): Promise<Answer> {
    const answer = await this.#open(method, path, { accept: "application/json" }, body, within);
    return { status: answer.statusCode ?? 0, text: (await this.#read(answer)).toString("utf8") };
  }

  /** Each `data:` with its id, until the stream ends or `signal` aborts it. */
  async *stream(
    path: string,
    lastId: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly id: string; readonly data: string }> {
    const headers = {
      accept: "text/event-stream",
      ...(lastId === undefined ? {} : { "last-event-id": lastId }),
    };
    const answer = await this.#open("GET", path, headers, undefined, undefined, signal);
    if (answer.statusCode !== 200) {
      throw refusal(answer.statusCode ?? 0, (await readAll(answer)).toString("utf8"));
    }
    let text = "";
    answer.setEncoding("utf8");
    for await (const chunk of answer as AsyncIterable<string>) {
      const blocks = (text + chunk).split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (data !== undefined) yield { id: /^id: (.*)$/m.exec(block)?.[1] ?? "", data };
      }
    }
  }

  async #read(answer: IncomingMessage): Promise<Buffer> {
    try {
      return await readAll(answer);
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  async #success(method: string, path: string, body?: unknown, within = timeout): Promise<string> {
    const { status, text } = await this.ask(method, path, body, within);
    if (status >= 200 && status < 300) return text;
    throw refusal(status, text);
  }

  async #open(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: unknown,
    within: number | undefined,
    stop?: AbortSignal,
  ): Promise<IncomingMessage> {
    const { token } = this.#options;
    const url = new URL(this.#options.url + path);
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const options = {
      method,
      agent: false as const,
      headers: {
        ...headers,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(payload === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(within === undefined ? {} : { signal: AbortSignal.timeout(within) }),
      ...(stop === undefined ? {} : { signal: stop }),
    };
    try {
      return await new Promise<IncomingMessage>((resolve, reject) => {
        const outgoing =
          url.protocol === "https:"
            ? httpsRequest(url, { ...options, ...this.#trust(url.hostname) }, resolve)
            : httpRequest(url, options, resolve);
        outgoing.on("error", reject);
        outgoing.end(payload);
      });
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  /** On this machine's own loopback the certificate's name cannot fit, and there is nobody in between. */
  #trust(host: string): { ca?: string[]; rejectUnauthorized?: boolean } {
    if (isLoopback(host)) return { rejectUnauthorized: false };
    const { certFile } = this.#options;
    if (certFile === undefined) return {};
    return { ca: [...rootCertificates, readFileSync(certFile, "utf8")] };
  }

  #unreachable(error: unknown): Error {
    const why = error instanceof Error ? error.message : String(error);
    const text = why === "" && error instanceof AggregateError ? "connection refused" : why;
    return coded("HM_UNREACHABLE", `${this.#options.url} did not answer (${text})`, error);
  }
}

/** The cause of HM_REFUSED. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`HTTP ${status}`);
    this.status = status;
  }
}

/** An answer that is no success, as an error with its sentence. */
export function refusal(status: number, text: string): Error {
  return coded("HM_REFUSED", `${status}: ${problemText(text)}`, new Refusal(status));
}

function problemText(text: string): string {
  try {
    const { title, detail } = JSON.parse(text) as Partial<Problem>;
    return detail ?? title ?? text.slice(0, 300);
  } catch {
    return `this is no answer of heartmesh: ${text.slice(0, 100)}`;
  }
}

async function readAll(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > answerBytes) throw new Error("the answer is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
