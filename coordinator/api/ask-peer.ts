// A question to another coordinator's API, with the login of whoever asks us: answered in bounded time, or why not in words.

import { readFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { rootCertificates } from "node:tls";
import type { FastifyRequest } from "fastify";
import { inTime } from "../io/in-time.ts";

const answerBytes = 16 * 1024 * 1024;

export interface PeerQuestion {
  /** Without a slash at the end. */
  readonly url: string;
  readonly path: string;
  /** Of the caller, whose token holds there too. */
  readonly headers: FastifyRequest["headers"];
  /** Ms. */
  readonly within: number;
  /** Our own certificate chain: the trio often shares one that no authority signed. */
  readonly certFile: string | undefined;
}

/** Rejects with an error whose message says why in a few words. */
export async function askPeer<View>(question: PeerQuestion): Promise<View> {
  const { status, text } = await inTime(question.within, (signal) => send(question, signal));
  if (status === 200) return JSON.parse(text) as View;
  throw new Error(`it answered ${status}`);
}

function send(
  { url, path, headers, certFile }: PeerQuestion,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> {
  const { authorization } = headers;
  const to = new URL(url + path);
  const options = {
    agent: false as const,
    signal,
    headers: {
      accept: "application/json",
      ...(authorization === undefined ? {} : { authorization }),
    },
  };
  return new Promise((resolve, reject) => {
    const onAnswer = (answer: IncomingMessage): void => {
      readText(answer).then((text) => {
        resolve({ status: answer.statusCode ?? 0, text });
      }, reject);
    };
    const isTls = to.protocol === "https:";
    const outgoing = isTls
      ? httpsRequest(to, { ...options, ...trust(certFile) }, onAnswer)
      : httpRequest(to, options, onAnswer);
    outgoing.on("error", reject);
    outgoing.end();
  });
}

function trust(certFile: string | undefined): { ca?: string[] } {
  if (certFile === undefined) return {};
  return { ca: [...rootCertificates, readFileSync(certFile, "utf8")] };
}

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > answerBytes) throw new Error("its answer is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
