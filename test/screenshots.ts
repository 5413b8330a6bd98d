// `npm run screenshots [-- FOLDER]`: a trio with twenty workers and a small history; every page in both themes and two widths, and the two pictures of the README.

import { fileURLToPath } from "node:url";
import path from "node:path";
import { Browser } from "./lab/browser.ts";
import { pagesToSee, takePictures } from "./lab/pictures.ts";
import { ensureInstalled, needs } from "./lab/requirements.ts";
import { people, setScene, tokens } from "./lab/scene.ts";
import { Stage } from "./lab/stage.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = path.resolve(process.argv[2] ?? path.join(root, "dist", "screenshots"));
const ofReadme = path.join(root, "compose", "pictures");
const workers = 20;

async function main(): Promise<void> {
  ensureInstalled(["engine", "redis", "browser"]);
  const missing = needs("root", "engine", "redis", "browser");
  if (missing !== false) throw new Error(`npm run screenshots ${missing}`);
  const stage = new Stage();
  let browser: Browser | undefined;
  try {
    console.error(`Starting three coordinators and ${workers} workers …`);
    await stage.set({ trio: people });
    await setScene(stage, workers);
    browser = await Browser.start();
    const { trio } = stage;
    const ask = { browser, trio, token: tokens.admin };
    await takeReadmes(browser, trio.url(await trio.leader()));
    await takePictures({ ...ask, folder, pages: await pagesToSee(trio) });
    console.log(`The pictures are in ${folder}, the README's in ${ofReadme}.`);
  } finally {
    await browser?.stop();
    await stage.strike();
  }
}

/** The overview in both themes, as much as a window shows. */
async function takeReadmes(browser: Browser, url: string): Promise<void> {
  for (const theme of ["light", "dark"] as const) {
    const visit = await browser.visit({
      url,
      theme,
      width: 1200,
      height: 760,
      token: tokens.admin,
    });
    await visit.sees("What happened last");
    await visit.settled();
    await visit.picture(path.join(ofReadme, `overview-${theme}.png`), "window");
    await visit.end();
  }
}

await main();
