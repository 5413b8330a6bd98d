// Workers with real agents on a lab engine, in both arrangements of the sidecar.

import path from "node:path";
import { fileURLToPath } from "node:url";
import type { LabEngine } from "./engine.ts";
import { imageNames } from "./images.ts";
import { meshKey, type Trio } from "./trio.ts";

const dist = fileURLToPath(new URL("../../dist", import.meta.url));

export interface WorkerWish {
  readonly name: string;
  /** `joins-worker`: the agent joins the worker's network namespace · `joins-agent`: the worker joins the agent's · `none`: no agent. */
  readonly arrangement: "joins-worker" | "joins-agent" | "none";
  /** More options of `docker run` for the worker, labels among them. */
  readonly options?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly agentEnv?: Readonly<Record<string, string>>;
  /** The worker's command; a web server on port 8080 unless given. */
  readonly command?: readonly string[];
}

export interface LabWorker {
  readonly name: string;
  /** Its agent's container; empty where it has none. */
  readonly agent: string;
}

/** A busybox web server that is its container's PID 1. */
const webServer = ["sh", "-c", "echo ok > /tmp/index.html; exec httpd -f -p 8080 -h /tmp"];

/** Containers are there and running when it resolves; nobody has looked at them yet. */
export async function startWorker(trio: Trio, wish: WorkerWish): Promise<LabWorker> {
  const { engine } = trio;
  const agent = wish.arrangement === "none" ? "" : `${wish.name}-agent`;
  if (wish.arrangement === "joins-agent") {
    await runAgent(trio, agent, wish, []);
    await runWorker(engine, wish, ["--network", `container:${agent}`]);
  } else {
    await runWorker(engine, wish, []);
    if (agent !== "") await runAgent(trio, agent, wish, ["--network", `container:${wish.name}`]);
  }
  return { name: wish.name, agent };
}

async function runWorker(
  engine: LabEngine,
  wish: WorkerWish,
  network: readonly string[],
): Promise<void> {
  const labels = { role: "node", "heartmesh.start-period": "10s", ...wish.labels };
  await must(
    engine,
    "run",
    "-d",
    ...["--name", wish.name, ...network],
    ...Object.entries(labels).flatMap(([key, value]) => ["--label", `${key}=${value}`]),
    ...(wish.options ?? []),
    imageNames.worker,
    ...(wish.command ?? webServer),
  );
}

async function runAgent(
  trio: Trio,
  name: string,
  wish: WorkerWish,
  network: readonly string[],
): Promise<void> {
  const env = {
    COORDINATORS: trio.members,
    MESH_KEY: meshKey,
    WORKER_NAME: wish.name,
    WORKER_CHECK: "http://127.0.0.1:8080/index.html",
    ...wish.agentEnv,
  };
  await must(
    trio.engine,
    "run",
    "-d",
    ...["--name", name, ...network],
    ...["--label", "heartmesh.agent=true", "-v", `${path.resolve(dist)}:/opt/heartmesh:ro`],
    ...Object.entries(env).flatMap(([key, value]) => ["-e", `${key}=${value}`]),
    imageNames.node,
    "node",
    "/opt/heartmesh/heartmesh-agent.mjs",
  );
}

async function must(engine: LabEngine, ...words: readonly string[]): Promise<void> {
  const ran = await engine.docker(...words);
  if (ran.code !== 0) throw new Error(`docker ${words.join(" ")}: ${ran.stderr}`);
}
