// A port on this machine's loopback that leads into an engine's network namespace: through a unix socket, which no namespace separates.

import { connect, createServer, type Server, type Socket } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ChildProcess } from "node:child_process";
import { inNamespace, type LabEngine } from "./engine.ts";
import { labPrefix, markOwner } from "./leftovers.ts";

export interface Bridge {
  /** On 127.0.0.1 of this machine. */
  readonly port: number;
  /** Idempotent. */
  stop(): Promise<void>;
}

/** Runs inside the namespace: accepts on a unix socket, and goes on to a port of the namespace's own loopback. */
const inside = `
const net = require("node:net");
const [file, port] = process.argv.slice(1);
const server = net.createServer((from) => {
  const to = net.connect(Number(port), "127.0.0.1");
  from.pipe(to).pipe(from);
  const end = () => { from.destroy(); to.destroy(); };
  from.on("error", end); to.on("error", end); from.on("close", end); to.on("close", end);
});
server.listen(file, () => process.send("ready"));
process.on("disconnect", () => process.exit(0));
`;

/** @param port on the loopback of the engine's namespace; @param wanted the port here, any free one where not given */
export async function bridge(engine: LabEngine, port: number, wanted = 0): Promise<Bridge> {
  const dir = await mkdtemp(path.join(tmpdir(), `${labPrefix}${String(process.pid)}-bridge-`));
  await markOwner(dir);
  const file = path.join(dir, "socket");
  const child = inNamespace(engine, process.execPath, ["-e", inside, file, String(port)], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  await new Promise<void>((resolve, reject) => {
    child.once("message", () => {
      resolve();
    });
    child.once("exit", (code) => {
      reject(new Error(`the bridge ended with ${String(code)}`));
    });
  });
  const sockets = new Set<Socket>();
  const server = createServer((from) => {
    const to = connect(file);
    sockets.add(from);
    from.pipe(to).pipe(from);
    const end = (): void => {
      sockets.delete(from);
      from.destroy();
      to.destroy();
    };
    for (const one of [from, to]) one.on("error", end).on("close", end);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(wanted, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { port: address.port, stop: () => stopBridge(server, sockets, child, dir) };
}

async function stopBridge(
  server: Server,
  sockets: ReadonlySet<Socket>,
  child: ChildProcess,
  dir: string,
): Promise<void> {
  for (const socket of sockets) socket.destroy();
  server.close();
  if (child.connected) child.disconnect();
  await rm(dir, { recursive: true, force: true });
}
