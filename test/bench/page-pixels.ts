// From a worker's death to the frame that shows it. All clocks are this machine's.

import type { Browser } from "../lab/browser.ts";
import { crash } from "../lab/containers.ts";
import type { LabEngine } from "../lab/engine.ts";
import { Trio } from "../lab/trio.ts";
import type { Visit } from "../lab/visit.ts";
import { startWorker } from "../lab/workers.ts";
import { until } from "../waiting.ts";
import { summarize, type BenchResult } from "./report.ts";
import { tried } from "./tried.ts";

/** An event of the list on the overview: when it happened by its own word, and when a frame showed it. */
interface ShownEvent {
  readonly atMs: number;
  readonly shownMs: number;
  readonly text: string;
}

/** A cell of the map has got another label. */
interface ShownCell {
  readonly label: string;
  readonly shownMs: number;
}

interface Shown {
  readonly events: readonly ShownEvent[];
  readonly cells: readonly ShownCell[];
}

/**
 * Notes what is new after each change of the page, and the time once its next frame has been painted: a frame's callback comes before
 * its painting, a message sent from there after it.
 */
const watching = (cell: string): string => `{
  const shown = (window.__shown = { events: [], cells: [] });
  const known = new Set();
  let label = "";
  const afterPaint = (note) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => note(Date.now());
    port2.postMessage(0);
  });
  const look = () => {
    const events = [...document.querySelectorAll(".events > li")].flatMap((item) => {
      const text = item.querySelector("p").textContent;
      const at = item.querySelector("time").dateTime;
      if (known.has(at + text)) return [];
      known.add(at + text);
      return [{ atMs: Date.parse(at), text }];
    });
    const now = document.querySelector(${JSON.stringify(`[data-id="${cell}"]`)})?.ariaLabel ?? "";
    const cells = now === label ? [] : [{ label: (label = now) }];
    if (events.length + cells.length === 0) return;
    afterPaint((shownMs) => {
      for (const one of events) shown.events.push({ ...one, shownMs });
      for (const one of cells) shown.cells.push({ ...one, shownMs });
    });
  };
  look();
  new MutationObserver(look).observe(document.body, {
    subtree: true,
    childList: true,
    characterData: true,
    attributes: true,
    attributeFilter: ["aria-label", "datetime"],
  });
}`;

const worker = "box";

export async function benchPixels(
  engine: LabEngine,
  browser: Browser,
  kills: number,
): Promise<BenchResult[]> {
  const trio = await Trio.start(engine, { env: { VERIFY_WINDOW: "1", MAX_REVIVALS: "12" } });
  try {
    await startWorker(trio, { name: worker, arrangement: "joins-worker" });
    await trio.verdict(worker, "healthy");
    const visit = await browser.visit({ url: trio.url(await trio.leader()) });
    try {
      return await measure(trio, visit, kills);
    } finally {
      await visit.end();
    }
  } finally {
    await engine.docker("rm", "-f", worker, `${worker}-agent`);
    await trio.stop();
  }
}

async function measure(trio: Trio, visit: Visit, kills: number): Promise<BenchResult[]> {
  await visit.sees(worker);
  await visit.page.evaluate(watching(`lab/${worker}`));
  const [ofVerdict, ofAny, ofCell, ofKill]: number[][] = [[], [], [], []];
  for (let at = 0; at < kills; at++) {
    await tried("kill", async () => {
      const { killedMs, shown } = await killOnce(trio, visit);
      const verdict = shown.events.find(({ text }) => /verdict changed/i.test(text));
      const cell = shown.cells.find(({ label }) => !label.includes("healthy"));
      if (verdict === undefined || cell === undefined) throw new Error(JSON.stringify(shown));
      ofVerdict?.push(verdict.shownMs - verdict.atMs);
      ofCell?.push(cell.shownMs - verdict.atMs);
      ofKill?.push(Math.max(cell.shownMs, verdict.shownMs) - killedMs);
      ofAny?.push(...shown.events.map(({ atMs, shownMs }) => shownMs - atMs));
    });
  }
  const limit = { of: "max", atMost: 1_000 } as const;
  return [
    summarize("event-to-pixel", ofVerdict ?? [], "ms", limit),
    summarize("verdict-to-map", ofCell ?? [], "ms", limit),
    summarize("any-event-to-pixel", ofAny ?? [], "ms", limit),
    summarize("kill-to-pixel", ofKill ?? [], "ms"),
  ];
}

/** Resolves once the recovery has ended and the page has said so. */
async function killOnce(
  trio: Trio,
  visit: Visit,
): Promise<{ readonly killedMs: number; readonly shown: Shown }> {
  const killedMs = Date.now();
  await crash(trio.engine, worker);
  await trio.recovered(worker, killedMs);
  const shown = await until("the page to show the end", async () => {
    const all = await visit.page.evaluate<Shown>("window.__shown");
    const events = all.events.filter(({ atMs }) => atMs >= killedMs);
    const cells = all.cells.filter(({ shownMs }) => shownMs >= killedMs);
    const hasEnded = events.some(({ text }) => /recovery finished|recovered/i.test(text));
    return hasEnded ? { events, cells } : undefined;
  });
  return { killedMs, shown };
}
