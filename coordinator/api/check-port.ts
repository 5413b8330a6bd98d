// CHECK_PORT: HAProxy's agent checks. One line asks, one line answers, and the connection ends.

import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { CoordinatorSummary } from "../core/summary.ts";
import { parseTrafficAsk, trafficTo, type Traffic } from "./traffic.ts";

export interface RunningCheckPort {
  readonly port: number;
  /** Ends open connections; idempotent. */
  stop(): Promise<void>;
}

const bounds = {
  /** At a time. More: closed at once, which HAProxy takes for no news. */
  connections: 1_000,
  /** Of a line; more than any name there is. Longer: closed. */
  lineBytes: 512,
  /** From the connection to its end, ms. Later: closed. */
  patience: 2_000,
} as const;

/** HAProxy keeps what an agent said until it says otherwise: `ready` takes back `drain` and `maint`, `up` takes back `down`. */
const answers: Readonly<Record<Traffic, string>> = {
  up: "up ready\n",
  drain: "up drain\n",
  maint: "maint\n",
  down: "down\n",
};

/**
 * @param summary the latest picture, undefined while there is none
 * Rejects with Node's error where the port cannot be had.
 */
export async function startCheckPort(
  at: { readonly host: string; readonly port: number },
  summary: () => CoordinatorSummary | undefined,
): Promise<RunningCheckPort> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    serve(socket, summary);
  });
  server.maxConnections = bounds.connections;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(at.port, at.host, resolve);
  });
  let stopping: Promise<void> | undefined;
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      stopping ??= stop(server, sockets);
      return stopping;
    },
  };
}

function serve(socket: Socket, summary: () => CoordinatorSummary | undefined): void {
  const overdue = setTimeout(() => socket.destroy(), bounds.patience);
  socket.on("close", () => {
    clearTimeout(overdue);
  });
  // A peer that resets the connection is nothing to be told of.
  socket.on("error", () => socket.destroy());
  let line = "";
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => {
    line += text;
    const end = line.indexOf("\n");
    if (end < 0 && line.length <= bounds.lineBytes) return;
    socket.removeAllListeners("data");
    if (end < 0 || end > bounds.lineBytes) socket.destroy();
    else socket.end(answerTo(line.slice(0, end).trim(), summary()));
  });
}

/** Nothing where this coordinator cannot say: then HAProxy goes on as before. */
function answerTo(line: string, summary: CoordinatorSummary | undefined): string {
  if (summary === undefined || line === "") return "";
  const traffic = trafficTo(summary, parseTrafficAsk(line));
  return traffic === undefined ? "" : answers[traffic];
}

async function stop(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  for (const socket of sockets) socket.destroy();
  await closed;
}
