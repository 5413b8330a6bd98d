// Starts the mesh thread.

import { Worker } from "node:worker_threads";
import type { FromMesh, MeshSetup, ToMesh } from "./mesh-protocol.ts";

/** As much of a thread as its handle needs. */
export interface MeshThread {
  on(event: "message", listener: (message: FromMesh) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "exit", listener: (code: number) => void): unknown;
  postMessage(message: ToMesh): void;
  terminate(): Promise<unknown>;
}

/** Built, it is a file of its own beside this one. From source, the thread needs the loader that this one runs with. */
export function spawnThread(workerData: MeshSetup): MeshThread {
  if (!import.meta.url.endsWith(".ts")) {
    return new Worker(new URL("./mesh-thread.mjs", import.meta.url), { workerData });
  }
  const source = JSON.stringify(new URL("./mesh-thread.ts", import.meta.url).href);
  const loader = `import("tsx/esm/api").then(({ register }) => { register(); return import(${source}); });`;
  return new Worker(loader, { eval: true, workerData });
}
