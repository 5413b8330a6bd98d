// Ten minutes at each rate of loss: nobody who is alive is condemned or touched.

import { after, before, describe, test } from "node:test";
import { LossyMesh } from "../lab/lossy-mesh.ts";
import { needs } from "../lab/requirements.ts";
import { assertUndisturbed } from "../lab/undisturbed.ts";

const tenMinutes = 600_000;

describe("under loss of datagrams for long", { skip: needs("root", "engine", "redis") }, () => {
  let mesh: LossyMesh;

  before(async () => {
    mesh = await LossyMesh.start(20);
  });

  after(async () => {
    await mesh.stop();
  });

  for (const percent of [10, 20, 30]) {
    test(`of ${percent} % no living worker is condemned or touched`, async () => {
      await assertUndisturbed(mesh, percent / 100, tenMinutes);
    });
  }
});
