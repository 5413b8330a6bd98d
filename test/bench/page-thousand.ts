// What a thousand workers at 1 Hz cost the page: real agents, each with its own socket, asked by a real trio once a second each.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Browser as Connected, CDPSession, Page } from "playwright-core";
import type { WorkerView } from "../../proto/rest.ts";
import type { Browser } from "../lab/browser.ts";
import { inNamespace, type LabEngine } from "../lab/engine.ts";
import { meshKey, Trio } from "../lab/trio.ts";
import type { Visit } from "../lab/visit.ts";
import { pause, until } from "../waiting.ts";
import { framesOf, traceCategories } from "./frames.ts";
import { summarize, type BenchResult } from "./report.ts";

const child = path.join(import.meta.dirname, "page-agents-child.ts");
const workers = 1_000;
const firstPort = 20_001;
/** The first picture has been drawn, and what made it is forgotten, ms. */
const settling = 3_000;

const views = [
  ["overview", "#/"],
  ["workers", "#/workers"],
  // In the order of a figure the whole table is sorted anew once a second.
  ["workers-by-trip", "#/workers?by=roundTripMs"],
] as const;

interface ThousandOptions {
  /** Of each view. */
  readonly seconds: number;
  /** The first so many. */
  readonly views: number;
}

export async function benchThousand(
  engine: LabEngine,
  browser: Browser,
  options: ThousandOptions,
): Promise<BenchResult[]> {
  // They answer before anybody asks: a trio of which nobody is there doubts a thousand at once.
  const agents = inNamespace(
    engine,
    process.execPath,
    ["--import", "tsx", child, String(workers), String(firstPort), meshKey],
    { stdio: ["ignore", "ignore", "inherit", "ipc"] },
  );
  try {
    await once(agents, "message");
    return await withTrio(engine, (trio) => measure(trio, browser, options));
  } finally {
    if (agents.connected) agents.disconnect();
  }
}

async function withTrio(
  engine: LabEngine,
  act: (trio: Trio) => Promise<BenchResult[]>,
): Promise<BenchResult[]> {
  const named = Array.from(
    { length: workers },
    (_, at) => `w${String(at + 1)}=127.0.0.1:${String(firstPort + at)}`,
  );
  const env = { CHECK_INTERVAL: "1", WORKERS: named.join(",") };
  const trio = await Trio.start(engine, { env });
  try {
    await allHealthy(trio);
    return await act(trio);
  } finally {
    await trio.stop();
  }
}

async function measure(
  trio: Trio,
  browser: Browser,
  options: ThousandOptions,
): Promise<BenchResult[]> {
  const visit = await browser.visit({ url: trio.url(await trio.leader()) });
  try {
    const results = await firstLoad(visit.page);
    for (const [name, address] of views.slice(0, options.views)) {
      await visit.go(address);
      await visit.settled();
      results.push(...(await look(trio, visit, name, options.seconds)));
    }
    return [...results, elsewhere(visit)];
  } finally {
    await visit.end();
  }
}

const allHealthy = (trio: Trio): Promise<true> =>
  until(
    `${String(workers)} workers to be healthy`,
    async () => {
      const all = await trio.get<readonly WorkerView[]>("workers", await trio.leader());
      const healthy = all.filter(({ verdict }) => verdict === "healthy");
      return healthy.length === workers ? true : undefined;
    },
    60_000,
    500,
  );

/** All but the data: the document, scripts, styles, fonts and pictures, as they travel, compressed, with their headers. */
async function firstLoad(page: Page): Promise<BenchResult[]> {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  const files = new Map<string, number>();
  session.on("Network.requestWillBeSent", ({ requestId, request }) => {
    if (!new URL(request.url).pathname.startsWith("/api/")) files.set(requestId, 0);
  });
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (files.has(requestId)) files.set(requestId, encodedDataLength);
  });
  await page.reload();
  await page.locator(".map").waitFor();
  await pause(settling);
  await session.detach();
  const sizes = [...files.values()];
  const sum = sizes.reduce((total, size) => total + size, 0);
  // A file that never came would make it small.
  const sample = sizes.length > 1 && !sizes.includes(0) ? [sum] : [];
  return [summarize("first-load", sample, "B", { atMost: 150_000 })];
}

async function look(
  trio: Trio,
  visit: Visit,
  name: string,
  seconds: number,
): Promise<BenchResult[]> {
  const { page } = visit;
  const connected = page.context().browser();
  if (connected === null) throw new Error("the page has no browser");
  await pause(settling);
  const memory = await Memory.of(connected, page);
  const leader = await trio.leader();
  const before = (await trio.counters(leader))["answers"] ?? NaN;
  const begun = performance.now();
  await connected.startTracing(page, { categories: [...traceCategories] });
  for (let second = 0; second < seconds; second++) {
    await pause(1_000);
    await memory.sample();
  }
  const trace = await connected.stopTracing();
  const passed = (performance.now() - begun) / 1_000;
  const answers = ((await trio.counters(leader))["answers"] ?? NaN) - before;
  await memory.end();
  const frames = framesOf(trace.toString(), new URL(page.url()).origin);
  const bound = { of: "max", atMost: 150 } as const;
  return [
    // Of one of the three coordinators.
    summarize(`${name}-answers`, [answers / passed], "1/s", { atLeast: 0.9 * workers }),
    summarize(`${name}-frame`, frames.work, "ms", { atMost: 16 }),
    summarize(`${name}-frame-processor`, frames.processor, "ms", { atMost: 16 }),
    summarize(`${name}-longest-task`, [frames.longestTask], "ms"),
    summarize(`${name}-private`, memory.privateOf(frames.pid), "MB", bound),
    summarize(`${name}-heap`, memory.heap, "MB", bound),
  ];
}

/** What a page takes, MB: of its heap, and of the process that draws it. */
class Memory {
  readonly heap: number[] = [];
  readonly #private = new Map<number, number[]>();
  readonly #browser: CDPSession;
  readonly #page: CDPSession;

  private constructor(browser: CDPSession, page: CDPSession) {
    this.#browser = browser;
    this.#page = page;
  }

  static async of(connected: Connected, page: Page): Promise<Memory> {
    const session = await page.context().newCDPSession(page);
    await session.send("Performance.enable");
    return new Memory(await connected.newBrowserCDPSession(), session);
  }

  async sample(): Promise<void> {
    const { metrics } = await this.#page.send("Performance.getMetrics");
    const heap = metrics.find(({ name }) => name === "JSHeapUsedSize")?.value;
    if (heap !== undefined) this.heap.push(heap / 1e6);
    const { processInfo } = await this.#browser.send("SystemInfo.getProcessInfo");
    for (const { type, id } of processInfo) {
      if (type !== "renderer") continue;
      this.#private.set(id, [...this.privateOf(id), privateMb(id)]);
    }
  }

  privateOf(pid: number): readonly number[] {
    return this.#private.get(pid) ?? [];
  }

  async end(): Promise<void> {
    await this.#page.detach();
    await this.#browser.detach();
  }
}

/** What Chromium calls its private footprint: pages of no file, resident or swapped out. */
function privateMb(pid: number): number {
  const rollup = readFileSync(`/proc/${String(pid)}/smaps_rollup`, "utf8");
  const kib = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(rollup)?.[1] ?? NaN);
  return ((kib("Anonymous") + kib("Swap")) * 1_024) / 1e6;
}

/** Of all that the page has asked for since it was first loaded. */
function elsewhere(visit: Visit): BenchResult {
  return summarize("requests-elsewhere", [visit.askedElsewhere], "", { of: "max", atMost: 0 });
}
