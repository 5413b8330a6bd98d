// Does an HTTP server answer with the right status, and where asked with the right body?

import type { ClientRequest, IncomingMessage } from "node:http";
import { fromError, settleOnce, type CheckAnswer, type CheckLimits } from "./result.ts";

export interface StatusRange {
  readonly low: number;
  readonly high: number;
}

export type BodyExpectation =
  | { readonly kind: "contains"; readonly text: string }
  | { readonly kind: "matches"; readonly pattern: RegExp };

export interface HttpCheck {
  /** `http://…`. */
  readonly url: string;
  readonly status: readonly StatusRange[];
  readonly body?: BodyExpectation | undefined;
  /** How many redirects to follow; none where not given, so that a 3xx is judged as it is. */
  readonly redirects?: number | undefined;
}

/** So much of a body is read; what is looked for must stand within. */
const bodyBytes = 64 * 1024;

export async function checkHttp(options: HttpCheck & CheckLimits): Promise<CheckAnswer> {
  // Imported here, so that an agent without an HTTP check does not pay for it, in a bundle neither.
  const { request } = await import("node:http");
  return settleOnce(options, (answer) => {
    let current: ClientRequest | undefined;
    const ask = (url: string, redirectsLeft: number): void => {
      try {
        current = request(url, {
          agent: false, // A kept connection would prove less than a new one.
          headers: { connection: "close", "user-agent": "heartmesh", accept: "*/*" },
        });
      } catch (error) {
        answer(fromError(error));
        return;
      }
      current.on("error", (error) => {
        answer(fromError(error));
      });
      current.on("response", (response) => {
        const target = redirectsLeft > 0 ? redirectOf(response, url) : undefined;
        if (target !== undefined) {
          response.resume();
          ask(target, redirectsLeft - 1);
        } else {
          judge(response, options, answer);
        }
      });
      current.end();
    };
    ask(options.url, options.redirects ?? 0);
    return () => {
      current?.destroy();
    };
  });
}

function redirectOf(response: IncomingMessage, url: string): string | undefined {
  const { statusCode = 0, headers } = response;
  if (statusCode < 300 || statusCode > 399 || headers.location === undefined) return undefined;
  const target = URL.canParse(headers.location, url) ? new URL(headers.location, url) : undefined;
  return target?.protocol === "http:" ? target.href : undefined;
}

function judge(
  response: IncomingMessage,
  { status, body }: HttpCheck,
  answer: (answer: CheckAnswer) => void,
): void {
  const code = response.statusCode ?? 0;
  if (!status.some(({ low, high }) => code >= low && code <= high)) {
    answer(badAnswer(`status ${code}, expected ${rangesText(status)}`));
    return;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  response.on("data", (chunk: Buffer) => {
    if (length >= bodyBytes) return;
    chunks.push(chunk.subarray(0, bodyBytes - length));
    length += chunk.length;
    if (length >= bodyBytes) answer(judgeBody(chunks, body));
  });
  response.on("error", (error) => {
    answer(fromError(error));
  });
  response.on("end", () => {
    answer(judgeBody(chunks, body));
  });
}

function judgeBody(chunks: readonly Buffer[], body: BodyExpectation | undefined): CheckAnswer {
  if (body === undefined) return { ok: true };
  const text = Buffer.concat(chunks).toString("utf8");
  const isRight =
    body.kind === "contains" ? text.includes(body.text) : text.search(body.pattern) >= 0;
  if (isRight) return { ok: true };
  const expected = body.kind === "contains" ? `"${body.text}"` : String(body.pattern);
  return badAnswer(`the body lacks ${expected}`);
}

const rangesText = (ranges: readonly StatusRange[]): string =>
  ranges.map(({ low, high }) => (low === high ? String(low) : `${low}-${high}`)).join(",");

const badAnswer = (reason: string): CheckAnswer => ({ ok: false, kind: "bad-answer", reason });

export const anySuccess: readonly StatusRange[] = [{ low: 200, high: 399 }];
