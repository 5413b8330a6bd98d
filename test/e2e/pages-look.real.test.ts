// Every page in both themes and two widths, at a real mesh with a past: usable without a mouse or eyes, still, as wide as its window, and clean.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { Browser } from "../lab/browser.ts";
import { looks, pagesToSee, takePictures, type Look } from "../lab/pictures.ts";
import { soakNeeds } from "../lab/requirements.ts";
import { people, setScene, tokens } from "../lab/scene.ts";
import { staged } from "../lab/stage.ts";
import type { Visit } from "../lab/visit.ts";

describe("the look of the pages", { skip: soakNeeds("root", "engine", "redis", "browser") }, () => {
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

  /** Each page once in each of these looks; what is wrong with it, by page and look. */
  const faultsOf = async (
    seenAs: readonly Look[],
    check: (visit: Visit) => Promise<readonly string[]>,
  ): Promise<readonly string[]> => {
    const { trio } = stage;
    const faults: string[] = [];
    await takePictures({
      ...{ browser, trio, folder, seenAs, token: tokens.admin, pages: await pagesToSee(trio) },
      onPage: async (visit, page, { theme, width }) => {
        const found = [
          ...(await check(visit)),
          ...(await faultsIn(() => {
            visit.assertClean();
          })),
        ];
        faults.push(...found.map((fault) => `${page}, ${theme}, ${width}: ${fault}`));
      },
    });
    return faults;
  };
  const faultsIn = async (check: () => Promise<void> | void): Promise<readonly string[]> => {
    try {
      await check();
      return [];
    } catch (error) {
      return [(error as Error).message];
    }
  };

  test("has no serious fault in either theme", async () => {
    const faults = await faultsOf([looks.wide, looks.wideDark], (visit) => visit.axe());
    assert.equal(faults.join("\n"), "");
  });

  test("shifts nothing, and fits, on a wide screen and on a phone", async () => {
    const faults = await faultsOf([looks.wide, looks.phone], async (visit) => [
      ...(await faultsIn(() => visit.assertFits())),
      ...(await faultsIn(() => visit.assertStill())),
    ]);
    assert.equal(faults.join("\n"), "");
  });
});
