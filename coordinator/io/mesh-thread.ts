// The mesh thread: socket, driver and core, apart from HTTP, BullMQ and their heap (design rule 3).

import { parentPort, workerData } from "node:worker_threads";
import { runMesh } from "./mesh-loop.ts";
import type { MeshSetup } from "./mesh-protocol.ts";

if (parentPort === null) throw new Error("the mesh thread is started by the coordinator");
await runMesh(workerData as MeshSetup, parentPort);
