// The mesh thread: socket, driver and core, apart from HTTP, BullMQ and their heap (design rule 3).

import { parentPort, workerData } from "node:worker_threads";
import type { Instant } from "../../proto/units.ts";
import type { CoordinatorSummary } from "../core/summary.ts";
import { MeshShell } from "./mesh-shell.ts";
import {
  sharedClock,
  type ActingOutput,
  type FromMesh,
  type MeshSetup,
  type ToMesh,
} from "./mesh-protocol.ts";

/** A picture of up to this many workers is made every 100 ms, of more every second: it is copied between threads. */
const manyWorkers = 500;
const summaryEvery = 100;
/** A lease takes a round trip. */
const leaseEvery = 10;
/** What a handover needs to be told, repeats included. */
const handoverTime = 150;

const port = parentPort;
if (port === null) throw new Error("the mesh thread is started by the coordinator");
const say = (message: FromMesh): void => {
  port.postMessage(message);
};

const shell = new MeshShell(workerData as MeshSetup, {
  onOutputs: (outputs: readonly ActingOutput[], now: Instant) => {
    say({ kind: "outputs", outputs, now, clock: sharedClock() });
    if (outputs.some(({ kind }) => kind === "role-changed")) setImmediate(showRole);
  },
  onLog: (level, text) => {
    say({ kind: "log", level, text });
  },
});

let ticks = 0;
const summaries = setInterval(() => {
  ticks++;
  if (lastCount > manyWorkers && ticks % 10 !== 0) return;
  sendSummary();
}, summaryEvery);
let lastCount = 0;

function sendSummary(): CoordinatorSummary | undefined {
  const summary = shell.summary();
  if (summary === undefined) return undefined;
  lastCount = summary.workers.length;
  say({ kind: "summary", summary });
  return summary;
}

/** A change of role is shown at once, and a new leader's lease as soon as it holds one: proxies and people wait for it. */
function showRole(): void {
  const summary = sendSummary();
  const awaitsLease = summary?.role === "leader" && summary.leaseFor === 0;
  if (awaitsLease && lastCount <= manyWorkers) setTimeout(showRole, leaseEvery);
}

port.on("message", (message: ToMesh) => {
  switch (message.kind) {
    case "input":
      shell.push(message.input);
      break;
    case "swap-ring":
      shell.swapRing(message.ring);
      break;
    case "stop":
      shell.push({ kind: "stop-asked" });
      setTimeout(() => void stop(), handoverTime);
      break;
  }
});

async function stop(): Promise<void> {
  clearInterval(summaries);
  await shell.stop();
  say({ kind: "stopped" });
  port?.close();
}

try {
  say({ kind: "ready", ...(await shell.start()) });
  sendSummary();
} catch (error) {
  clearInterval(summaries);
  say({ kind: "failed", reason: (error as Error).message });
}
