// Requests to the Docker engine behind a unix socket, by hand, so that no HTTP client is loaded for them. HTTP/1.0: the answer ends with the connection.

import { connect } from "node:net";
import type { Duration } from "../../proto/units.ts";

export interface EngineAnswer {
  readonly status: number;
  readonly body: string;
}

/** A longer answer is none. */
const mostBytes = 16 * 1024 * 1024;

/** Undefined where the engine does not answer in time, or with something else. Never rejects. */
export function askEngine(
  socketPath: string,
  method: "GET" | "POST",
  target: string,
  timeout: Duration,
): Promise<EngineAnswer | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ path: socketPath });
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (answer: EngineAnswer | undefined): void => {
      clearTimeout(bound);
      socket.destroy();
      resolve(answer);
    };
    const bound = setTimeout(settle, timeout, undefined);
    bound.unref();
    socket.once("connect", () => {
      socket.write(requestOf(method, target));
    });
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > mostBytes) settle(undefined);
    });
    socket.on("error", () => {
      settle(undefined);
    });
    socket.on("close", () => {
      settle(answerOf(Buffer.concat(chunks).toString("utf8")));
    });
    socket.unref();
  });
}

/** Calls `onNews` whenever something comes on a stream that does not end, and `onEnd` once it has. @returns what ends it */
export function followEngine(
  socketPath: string,
  target: string,
  onNews: () => void,
  onEnd: () => void,
): () => void {
  const socket = connect({ path: socketPath });
  socket.once("connect", () => {
    socket.write(requestOf("GET", target));
  });
  socket.on("data", onNews);
  socket.on("error", () => {
    socket.destroy();
  });
  socket.once("close", onEnd);
  socket.unref();
  return () => {
    socket.removeListener("close", onEnd);
    socket.destroy();
  };
}

const requestOf = (method: string, target: string): string =>
  `${method} ${target} HTTP/1.0\r\nHost: engine\r\nContent-Length: 0\r\n\r\n`;

function answerOf(text: string): EngineAnswer | undefined {
  const status = /^HTTP\/1\.[01] (\d{3})\b/.exec(text)?.[1];
  const head = text.indexOf("\r\n\r\n");
  if (status === undefined || head < 0) return undefined;
  return { status: Number(status), body: text.slice(head + 4) };
}
