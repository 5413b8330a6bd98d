// One side of the ping benchmark as a process of its own: `echo` and `agent` answer, `bounce` and `coordinator` ask.

import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { MeshSocket } from "../../agent/io/socket.ts";
import { freshBootId } from "../../agent/io/chance.ts";
import { MeshShell } from "../../coordinator/io/mesh-shell.ts";
import { decodeMessage, encodeMessage } from "../../proto/codec.ts";
import { insecureRing } from "../../proto/key-ring.ts";
import { createSeal } from "../../proto/seal.ts";
import { incarnation } from "../../proto/units.ts";
import { membersNamed } from "../coordinator/core/members-named.ts";

const cluster = "bench";
/** Asked so often that the processor is never idle: deadlines move by our own lateness, so the rate settles at what it can do. */
const workers = 2_000;
const checkInterval = 10;
const inFlight = 64;

const [mode = "", port = "0", seconds = "1"] = process.argv.slice(2);

function echo(): void {
  const socket = createSocket("udp4");
  socket.on("message", (bytes, from) => {
    socket.send(bytes, from.port, from.address);
  });
  socket.bind(0, "127.0.0.1", () => process.send?.(socket.address().port));
}

/** Answers each PING with a PONG, sealed, and does nothing else. */
async function agent(): Promise<void> {
  const seal = await createSeal({ cluster, boot: freshBootId(), ring: insecureRing });
  const own = incarnation(Date.now());
  const health = { state: "healthy", checkedAgo: 10, reason: "" } as const;
  const socket = new MeshSocket({
    host: "127.0.0.1",
    port: 0,
    onDatagram: (bytes, address, from) => {
      const opened = seal.open(bytes);
      const decoded = opened.ok ? decodeMessage(opened.value.payload) : undefined;
      if (decoded?.ok !== true || decoded.value.message.kind !== "ping") return;
      const { nonce } = decoded.value.message;
      const pong = {
        kind: "pong",
        nonce,
        name: "all",
        incarnation: own,
        health,
        lag: 0,
        load: 0,
      } as const;
      socket.send(seal.seal(encodeMessage("all", pong)), from, address);
    },
  });
  process.send?.((await socket.open()).port);
}

function bounce(): void {
  const socket = createSocket("udp4");
  let roundTrips = 0;
  const bytes = Buffer.alloc(70);
  socket.on("message", () => {
    roundTrips++;
    socket.send(bytes, Number(port), "127.0.0.1");
  });
  socket.bind(0, "127.0.0.1", () => {
    for (let at = 0; at < inFlight; at++) socket.send(bytes, Number(port), "127.0.0.1");
    report(() => roundTrips);
  });
}

const defaults = {
  port: 8888,
  checkInterval,
  timeout: 500,
  maxFailedAttempts: 3,
  startPeriod: 30_000,
  stopTimeout: undefined,
  verifyWindow: 5_000,
  maxTries: 3,
  maxRevivals: 5,
  revivalWindow: 600_000,
  stopPolicy: "revive",
  recreate: false,
  dependsOn: [],
} as const;
const statics = Array.from({ length: workers }, (_, at) => ({
  name: `w${at}`,
  host: "127.0.0.1",
  port: Number(port),
  container: undefined,
}));

async function coordinator(): Promise<void> {
  const dataDir = mkdtempSync(path.join(tmpdir(), "heartmesh-bench-"));
  process.once("SIGTERM", () => {
    rmSync(dataDir, { recursive: true, force: true });
    process.exit();
  });
  const own = incarnation(Date.now());
  const shell = new MeshShell(
    {
      leaseBoard: new SharedArrayBuffer(16),
      core: {
        election: {
          id: "c1",
          members: membersNamed("c1"),
          heartbeatInterval: 100,
          leaderTimeout: 750,
          tick: 5,
        },
        wards: {
          self: "c1",
          coordinators: ["c1"],
          heartbeatInterval: 100,
          pinger: { coordinatorIndex: 0, coordinatorCount: 1 },
          census: { workerLabels: ["role=node"], statics, defaults, meshPort: 0, hostname: "" },
          stopHold: 3_000,
          backoff: 1_000,
        },
        recovery: {
          ...defaults,
          backoff: 1_000,
          backoffMax: 60_000,
          quarantineRelease: 1_800_000,
          brakeFraction: 0.3,
          brakeMin: 5,
          brakeWindow: 10_000,
          settle: 300,
          actionLease: 3_000,
        },
        incarnation: own,
        hostname: "bench",
      },
      clusterId: cluster,
      boot: freshBootId(),
      incarnation: own,
      coordinators: [],
      host: "127.0.0.1",
      port: 0,
      ring: insecureRing,
      dataDir,
      seed: 1,
      recordSpan: 600_000,
    },
    { onOutputs: () => undefined, onLog: () => undefined, onRecorded: () => undefined },
  );
  await shell.start();
  report(() => shell.summary()?.counters["answers"] ?? 0);
}

/** After a warm-up, how many round trips there were in how long. */
function report(count: () => number): void {
  setTimeout(() => {
    const before = count();
    setTimeout(
      () => {
        process.send?.({
          roundTrips: count() - before,
          ms: Number(seconds) * 1000,
        });
      },
      Number(seconds) * 1000,
    );
  }, 3_000);
}

if (mode === "echo") echo();
else if (mode === "agent") await agent();
else if (mode === "bounce") bounce();
else if (mode === "coordinator") await coordinator();
else throw new Error(`unknown mode ${mode}`);
