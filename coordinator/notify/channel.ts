// One way to reach people, and the request that the ways by HTTP share: bounded in time and size, its failures coded.

import { coded } from "../errors.ts";
import { inTime } from "../io/in-time.ts";
import type { ChannelKind, Message } from "./message.ts";

export interface Channel {
  readonly kind: ChannelKind;
  /** Resolves once the other side took it; rejects with HM_NOTIFY_FAILED, in bounded time. */
  send(message: Message): Promise<void>;
  /** Lets go of connections. */
  stop(): void;
}

/** A receiver that takes longer has failed; the queue tries again. */
export const deliveryTimeout = 10_000;
/** Of an answer, for the error's detail. */
const answerBytes = 300;

/** Posts JSON. The URL may be a secret and is never part of an error. */
export async function postJson(
  kind: ChannelKind,
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  timeout: number,
): Promise<void> {
  const post = async (signal: AbortSignal): Promise<void> => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json; charset=utf-8", ...headers },
      body,
      signal,
      // A signed message must not follow a redirect to somebody else.
      redirect: "manual",
    });
    const answer = await beginningOf(response);
    if (response.ok) return;
    throw coded("HM_NOTIFY_FAILED", `${kind}: answered ${response.status} ${answer}`.trim());
  };
  try {
    await inTime(timeout, post);
  } catch (error) {
    const isLate = error instanceof DOMException && error.name === "TimeoutError";
    throw failure(kind, error, isLate ? timeout : undefined);
  }
}

/** `timedOutAfter`: ms, where our own patience ended it. */
export function failure(kind: ChannelKind, error: unknown, timedOutAfter?: number): Error {
  if (timedOutAfter !== undefined) {
    return coded("HM_NOTIFY_FAILED", `${kind}: no answer within ${timedOutAfter} ms`, error);
  }
  if (error instanceof Error && error.name === "CodedError") return error;
  return coded("HM_NOTIFY_FAILED", `${kind}: ${reasonOf(error)}`, error);
}

/** The innermost cause says more than "fetch failed". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  return error.message === "" ? error.name : error.message;
}

async function beginningOf(response: Response): Promise<string> {
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = response.body?.getReader();
  if (reader === undefined) return "";
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (length < answerBytes) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    length += value.length;
  }
  await reader.cancel();
  return Buffer.concat(chunks).toString("utf8").slice(0, answerBytes).replace(/\s+/g, " ").trim();
}
