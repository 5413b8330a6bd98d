// Every page of the dashboard, in both themes and two widths.

import { mkdirSync } from "node:fs";
import path from "node:path";
import type { RecoveryView } from "../../proto/rest.ts";
import type { Browser } from "./browser.ts";
import { cast } from "./scene.ts";
import type { Trio } from "./trio.ts";
import type { Visit } from "./visit.ts";

interface PageToSee {
  /** Of its picture. */
  readonly name: string;
  /** As in the address. */
  readonly path: string;
  /** What stands there when all of it was loaded. */
  readonly shows: string | RegExp;
  /** And in its frame. */
  readonly framed?: string;
}

/** After `setScene`. */
export async function pagesToSee(trio: Trio): Promise<readonly PageToSee[]> {
  const worker = encodeURIComponent(`lab/${cast.healed}`);
  const [recovery] = (await trio.recoveries(cast.healed)) as [RecoveryView];
  return [
    { name: "overview", path: "#/", shows: "What happened last" },
    { name: "workers", path: "#/workers", shows: /\d+ of \d+ workers/ },
    { name: "worker", path: `#/workers/${worker}`, shows: "answered again after" },
    { name: "recoveries", path: "#/recoveries", shows: `lab/${cast.healed}` },
    { name: "recovery", path: `#/recoveries/${recovery.id}`, shows: "recovered" },
    { name: "events", path: "#/events", shows: /\d+ events read/ },
    { name: "audit", path: "#/events?changes=true", shows: "is left alone for" },
    {
      name: "explain",
      path: `#/explain?at=${recovery.decidedAtMs}&worker=${worker}`,
      shows: "What happened",
    },
    { name: "hosts", path: "#/hosts", shows: "these are the engines of DOCKER_HOST" },
    { name: "services", path: "#/services", shows: "There is no Swarm here." },
    { name: "stacks", path: "#/stacks", shows: "There is no Swarm here." },
    { name: "clusters", path: "#/clusters", shows: "A cluster spreads containers" },
    { name: "queues", path: "#/queues", shows: "Queues", framed: "notification" },
  ];
}

/** How a visitor sees the pages; sizes are CSS pixels. */
export interface Look {
  readonly theme: "light" | "dark";
  readonly width: number;
  readonly height: number;
}

const wide = { width: 1440, height: 900 };
const phone = { width: 390, height: 844 };

export const looks = {
  wide: { theme: "light", ...wide },
  phone: { theme: "light", ...phone },
  wideDark: { theme: "dark", ...wide },
  phoneDark: { theme: "dark", ...phone },
} as const satisfies Record<string, Look>;

export interface PicturesAsk {
  readonly browser: Browser;
  readonly trio: Trio;
  readonly token: string;
  /** Made where it is not there; `<page>-<theme>-<width>.png`. */
  readonly folder: string;
  readonly pages: readonly PageToSee[];
  /** All unless given. */
  readonly seenAs?: readonly Look[];
  /** Called with each page before its picture is taken. */
  readonly onPage?: (visit: Visit, page: string, look: Look) => Promise<void>;
}

export async function takePictures(ask: PicturesAsk): Promise<void> {
  mkdirSync(ask.folder, { recursive: true });
  for (const look of ask.seenAs ?? Object.values(looks)) await takeLook(ask, look);
}

async function takeLook(ask: PicturesAsk, look: Look): Promise<void> {
  const { browser, trio, token, folder, pages, onPage } = ask;
  const visit = await browser.visit({ url: trio.url(await trio.leader()), ...look });
  const taken = async (page: string): Promise<void> => {
    await onPage?.(visit, page, look);
    await visit.picture(path.join(folder, `${page}-${look.theme}-${look.width}.png`));
  };
  await visit.sees("asks for a token");
  await taken("sign-in");
  await visit.signIn(token);
  for (const page of pages) {
    // A document of its own for each: what shifts is counted from its begin.
    await visit.page.goto("about:blank");
    await visit.go(page.path);
    await visit.sees(page.shows);
    if (page.framed !== undefined) {
      const inside = visit.page.frameLocator("iframe").getByText(page.framed);
      await inside.filter({ visible: true }).first().waitFor();
    }
    await visit.settled();
    await taken(page.name);
  }
  await visit.end();
}
