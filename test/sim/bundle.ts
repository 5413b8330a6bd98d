// Bundles the simulation with the product: its I/O at the edges replaced, everything that decides as it is, mistakes planted on request.

import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { build, type Plugin } from "esbuild";
import { openCore } from "../../compose/open-core.ts";
import { mutated } from "./mutate.ts";

const root = path.join(import.meta.dirname, "..", "..");
const here = import.meta.dirname;
const cache = path.join(root, "node_modules", ".cache", "heartmesh-sim");
let bundles = 0;

/** What is replaced, by path of the product's module or name of the package. */
const replacements: Readonly<Record<string, string>> = {
  "agent/io/clock.ts": "clock.ts",
  "agent/io/chance.ts": "chance.ts",
  "agent/io/load-gauge.ts": "load-gauge.ts",
  "agent/io/process-watch.ts": "process-watch.ts",
  "agent/io/socket.ts": "socket.ts",
  "agent/io/checks/tcp.ts": "checks.ts",
  "agent/io/checks/http.ts": "checks.ts",
  "coordinator/api/server.ts": "http-server.ts",
  "coordinator/cluster-room.ts": "cluster-room.ts",
  "coordinator/core/coordinator.ts": "observed-core.ts",
  "coordinator/docker/connection.ts": "connection.ts",
  "coordinator/docker/swarm-nodes.ts": "swarm-nodes.ts",
  "coordinator/io/ballot-store.ts": "ballot-store.ts",
  "coordinator/io/mesh-spawn.ts": "mesh-spawn.ts",
  "coordinator/io/recorder.ts": "recorder.ts",
  "coordinator/io/redis.ts": "redis.ts",
  "proto/mac.ts": "mac.ts",
  bullmq: "bullmq.ts",
  "node:os": "os.ts",
  "node:timers/promises": "timers-promises.ts",
};

const objectReplacements: Readonly<Record<string, string>> = {
  "proto/codec.ts": "plain-codec.ts",
  "proto/seal.ts": "plain-seal.ts",
};

/** A mistake: in `file`, `from` (which must be there once) becomes `to`. */
export interface Mutation {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface BundleAsk {
  /** Messages travel as objects (fast) or as sealed bytes. */
  readonly messages: "objects" | "bytes";
  readonly mutations?: readonly Mutation[] | undefined;
  /** With flight recorders, whose blocks are collected, and another entry that replays them. */
  readonly isRecorded?: boolean;
}

/** @returns the bundle's path; whoever asked for it removes it */
export async function bundleSimulation(ask: BundleAsk): Promise<string> {
  mkdirSync(cache, { recursive: true });
  const outfile = path.join(cache, `${process.pid}-${bundles++}.mjs`);
  await build({
    absWorkingDir: root,
    entryPoints: [path.join(here, ask.isRecorded === true ? "recorded-child.ts" : "child.ts")],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    sourcemap: ask.mutations === undefined ? "inline" : false,
    logLevel: "warning",
    inject: [path.join(here, "globals.ts")],
    define: { "process.hrtime.bigint": "simHrtime" },
    plugins: [
      edges(ask),
      mistakes(ask.mutations ?? []),
      ...(ask.isRecorded === true ? [openCore()] : []),
    ],
  });
  return outfile;
}

function edges({ messages, isRecorded }: BundleAsk): Plugin {
  const table: Readonly<Record<string, string>> = {
    ...replacements,
    ...(messages === "objects" ? objectReplacements : {}),
    ...(isRecorded === true ? { "coordinator/io/recorder.ts": "collecting-recorder.ts" } : {}),
  };
  return {
    name: "edges",
    setup(builder) {
      builder.onResolve({ filter: /.*/ }, ({ path: wanted, importer, kind }) => {
        if (kind === "entry-point") return undefined;
        const isOurs = importer.startsWith(`${here}${path.sep}`);
        const isFile = wanted.startsWith(".");
        const name = isFile
          ? path.relative(root, path.resolve(path.dirname(importer), wanted))
          : wanted;
        const replacement = isOurs ? undefined : table[name];
        if (replacement !== undefined) return { path: path.join(here, "parts", replacement) };
        // Packages stay outside; Node loads them as it does in production.
        return isFile || path.isAbsolute(wanted) ? undefined : { path: wanted, external: true };
      });
    },
  };
}

function mistakes(mutations: readonly Mutation[]): Plugin {
  return {
    name: "mistakes",
    setup(builder) {
      for (const file of new Set(mutations.map((one) => one.file))) {
        const full = path.join(root, file);
        const filter = new RegExp(`${full.replaceAll(/[.\\/]/g, "\\$&")}$`);
        builder.onLoad({ filter }, () => {
          const contents = mutated(file, readFileSync(full, "utf8"), mutations);
          return { contents, loader: "ts" };
        });
      }
    },
  };
}
