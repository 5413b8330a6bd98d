// Floods of ten seconds each, of every kind, on every part of a mesh: nobody is condemned, and each datagram is counted.

import { after, before, describe, test } from "node:test";
import type { FloodKind } from "../lab/attacker.ts";
import { assertBorne } from "../lab/borne.ts";
import { HostileMesh, type Victim } from "../lab/hostile-mesh.ts";
import { needs } from "../lab/requirements.ts";

const kinds: readonly FloodKind[] = ["mixed", "long", "text"];

describe("ten seconds of hostile datagrams", { skip: needs("root", "engine", "redis") }, () => {
  let mesh: HostileMesh;

  before(async () => {
    mesh = await HostileMesh.start(3);
  });

  after(async () => {
    await mesh.stop();
  });

  const leader = (): Promise<string> => mesh.mesh.trio.leader();
  const victims: Readonly<Record<string, () => Promise<Victim>>> = {
    "the leader": async () => mesh.coordinator(await leader()),
    "a follower": async () => {
      const leads = await leader();
      return mesh.coordinator(mesh.mesh.trio.ids.find((id) => id !== leads) ?? "");
    },
    "a worker": () => mesh.worker("w1"),
  };

  for (const [name, victim] of Object.entries(victims)) {
    for (const of of kinds) {
      test(`${of}, at ${name}`, async () => {
        await assertBorne(mesh, await victim(), { of, seconds: 10, perSecond: 100_000, seed: 1 });
      });
    }
  }
});
