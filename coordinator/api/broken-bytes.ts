// What Node's HTTP parser would answer by itself, bare: here each is a problem like all others.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { problem, problemType, rawProblem } from "./problem.ts";

/** Bytes that are no request, or one that is too long or too slow. */
export function answerBrokenBytes(error: NodeJS.ErrnoException, socket: Socket): void {
  // What was begun cannot be mended: half an answer is better cut than continued by another.
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  socket.end(answerTo(error.code));
}

function answerTo(code: string | undefined): string {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return rawProblem(408, "Request Timeout", "The request did not arrive in time.");
    case "HPE_HEADER_OVERFLOW":
      return rawProblem(
        431,
        "Request Header Fields Too Large",
        "Path and headers together may have at most 16 KiB.",
      );
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return rawProblem(413, "Payload Too Large", "The chunks carry too much beside their data.");
    default:
      return rawProblem(400, "Bad Request", "The bytes are no HTTP request.");
  }
}

/** Requests that never reach a route: a tunnel, and an expectation that nobody knows. */
export function answerStrangeWishes(server: Server): void {
  server.on("connect", (_request: IncomingMessage, socket: Socket) => {
    // Somebody who hangs up first is nobody's failure.
    socket.on("error", () => socket.destroy());
    socket.end(rawProblem(405, "Method Not Allowed", "This is no proxy."));
  });
  server.on("checkExpectation", (_request: IncomingMessage, response: ServerResponse) => {
    const body = problem(417, "Of all expectations only 100-continue is known.");
    response.writeHead(417, { "content-type": problemType, connection: "close" });
    response.end(JSON.stringify(body));
  });
}
