// Does the Docker engine of this machine answer `GET /_ping` on its socket? One request by hand, so that no HTTP client is loaded for it.

import { connect } from "node:net";
import { fromError, settleOnce, type CheckAnswer, type CheckLimits } from "./result.ts";

export interface EngineCheck {
  readonly socketPath: string;
}

/** An answer's first line is shorter than this, or it is no engine's. */
const longestLine = 256;

export function checkEngine(options: EngineCheck & CheckLimits): Promise<CheckAnswer> {
  return settleOnce(options, (answer) => {
    const socket = connect({ path: options.socketPath });
    let head = "";
    socket.once("connect", () => {
      socket.write("GET /_ping HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n");
    });
    socket.on("data", (chunk: Buffer) => {
      head += chunk.toString("latin1", 0, longestLine);
      const end = head.indexOf("\r\n");
      if (end >= 0) answer(judge(head.slice(0, end)));
      else if (head.length >= longestLine) answer(badAnswer("what answers there is no engine"));
    });
    socket.on("error", (error) => {
      answer(fromError(error));
    });
    socket.on("close", () => {
      answer(badAnswer("the engine closed the connection without an answer"));
    });
    return () => {
      socket.destroy();
    };
  });
}

function judge(line: string): CheckAnswer {
  const status = /^HTTP\/1\.[01] (\d{3})\b/.exec(line)?.[1];
  if (status === undefined) return badAnswer("what answers there is no engine");
  return status === "200" ? { ok: true } : badAnswer(`the engine answers with status ${status}`);
}

const badAnswer = (reason: string): CheckAnswer => ({ ok: false, kind: "bad-answer", reason });
