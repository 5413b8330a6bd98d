// A tenth to a third of all datagrams is lost in each direction: nobody who is alive is condemned, and who is dead is still found.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { crash } from "../lab/containers.ts";
import { Loss } from "../lab/loss.ts";
import { LossyMesh } from "../lab/lossy-mesh.ts";
import { assertUndisturbed } from "../lab/undisturbed.ts";
import { soakAlone, soakNeeds } from "../lab/requirements.ts";

describe("under loss of datagrams", { skip: soakNeeds("root", "engine", "redis") }, () => {
  let mesh: LossyMesh;

  before(async () => {
    mesh = await LossyMesh.start(20);
  });

  after(async () => {
    await mesh.stop();
  });

  for (const percent of [10, 20]) {
    test(
      `of ${percent} % no living worker is condemned or touched`,
      { skip: soakAlone },
      async () => {
        await assertUndisturbed(mesh, percent / 100, 20_000);
      },
    );
  }

  test("of 30 % no other worker is condemned or touched while the dead are found", async () => {
    const [killed = "", cutOff = ""] = mesh.workers;
    const strike = async (): Promise<void> => {
      const at = Date.now();
      const deafness = await Loss.begin([await mesh.arrivingAt(cutOff)], 1);
      await crash(mesh.engine, killed);
      await mesh.trio.recovered(killed, at);
      const { verdict } = await mesh.trio.recovered(cutOff, at);
      await deafness.lift();
      assert.equal(verdict, "silent");
    };
    await assertUndisturbed(mesh, 0.3, 20_000, { workers: [killed, cutOff], strike });
  });
});
