// How soon does the page show what happened, and what do 1,000 workers cost it? Real coordinators, real agents, a real headless Chromium.

import { startEngine } from "../lab/engine.ts";
import { Browser } from "../lab/browser.ts";
import { ensureImages } from "../lab/images.ts";
import { benchPixels } from "./page-pixels.ts";
import { benchThousand } from "./page-thousand.ts";
import type { BenchResult } from "./report.ts";

export async function benchPage(options: { readonly short: boolean }): Promise<BenchResult[]> {
  const seconds = options.short ? 15 : 60;
  const engine = await startEngine({ name: "lab" });
  try {
    await ensureImages(engine, ["worker", "node"]);
    // No visitor's machine runs a thousand agents and three coordinators beside the browser.
    const browser = await Browser.start(-10);
    try {
      return [
        ...(await benchPixels(engine, browser, options.short ? 2 : 10)),
        ...(await benchThousand(engine, browser, { seconds, views: options.short ? 2 : 3 })),
      ];
    } finally {
      await browser.stop();
    }
  } finally {
    await engine.stop();
  }
}
