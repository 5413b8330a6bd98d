// Every page in both themes and two widths, at a real mesh with a past: usable without a mouse or eyes, still, as wide as its window, and clean.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { Browser } from "../lab/browser.ts";
import { pagesToSee, takePictures } from "../lab/pictures.ts";
import { needs } from "../lab/requirements.ts";
import { people, setScene, tokens } from "../lab/scene.ts";
import { staged } from "../lab/stage.ts";

describe("the look of the pages", { skip: needs("root", "engine", "redis", "browser") }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), "heartmesh-pictures-"));
  const stage = staged(() => undefined, { trio: people });
  let browser: Browser;

  before(async () => {
    await setScene(stage, 4);
    browser = await Browser.start();
  });
  after(async () => {
    await browser.stop();
    rmSync(folder, { recursive: true });
  });

  test("has no serious fault, shifts nothing, fits, and asks nobody else", async () => {
    const { trio } = stage;
    const faults: string[] = [];
    const notes = async (name: string, check: () => Promise<void> | void): Promise<void> => {
      await Promise.resolve()
        .then(check)
        .catch((error: unknown) => faults.push(`${name}: ${(error as Error).message}`));
    };
    await takePictures({
      ...{ browser, trio, folder, token: tokens.admin, pages: await pagesToSee(trio) },
      onPage: async (visit, { name: page, theme, width }) => {
        const name = `${page}, ${theme}, ${width}`;
        faults.push(...(await visit.axe()).map((fault) => `${name}: ${fault}`));
        await notes(name, () => visit.assertFits());
        await notes(name, () => visit.assertStill());
        await notes(name, () => {
          visit.assertClean();
        });
      },
    });
    assert.deepEqual(faults, []);
  });
});
