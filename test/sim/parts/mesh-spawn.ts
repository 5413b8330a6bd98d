// The mesh thread of a simulated coordinator: another loop of the same process.

import { runMesh } from "../../../coordinator/io/mesh-loop.ts";
import type { FromMesh, MeshSetup, ToMesh } from "../../../coordinator/io/mesh-protocol.ts";
import type { MeshThread } from "../../../coordinator/io/mesh-spawn.ts";
import { currentLoop, Loop } from "../loop.ts";
import { onlooker } from "../onlooker.ts";

export type { MeshThread };

/** A message between two threads takes so long, ms. */
const crossing = { low: 0.01, high: 0.1 };

export function spawnThread(setup: MeshSetup): MeshThread {
  const main = currentLoop();
  const { process } = main;
  const { world } = process;
  const thread = new Loop(process);
  let onMain: (message: FromMesh) => void = () => undefined;
  let onThread: (message: ToMesh) => void = () => undefined;
  const toMain = channelTo(main);
  const toThread = channelTo(thread);
  const port = {
    on: (_event: "message", listener: (message: ToMesh) => void): void => {
      onThread = listener;
    },
    postMessage: (message: FromMesh): void => {
      if (!process.effect()) return;
      if (message.kind === "summary") onlooker().onSummary(message.summary);
      toMain(() => {
        onMain(message);
      });
    },
    close: (): void => undefined,
  };
  world.after(1, () => {
    if (process.alive) thread.enter(() => void runMesh(setup, port));
  });
  return {
    on: (event: string, listener: (value: never) => void): void => {
      if (event === "message") onMain = listener as (message: FromMesh) => void;
    },
    postMessage: (message: ToMesh): void => {
      toThread(() => {
        onThread(message);
      });
    },
    terminate: () => {
      thread.end();
      return Promise.resolve();
    },
  };
}

/** In order, as a channel between threads carries messages. */
function channelTo(loop: Loop): (run: () => void) => void {
  const { world } = loop.process;
  let arrivesAt = 0;
  return (run) => {
    arrivesAt = Math.max(arrivesAt, world.now + world.random.between(crossing.low, crossing.high));
    world.at(arrivesAt, () => {
      loop.deliver(run);
    });
  };
}
