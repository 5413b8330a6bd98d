// One visitor of the dashboard: what they see and press; and what a page must never do, which fails whoever asks `assertClean`.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { until } from "../waiting.ts";

export interface VisitOptions {
  /** Of the coordinator, without a slash at the end. */
  readonly url: string;
  /** Signs in with it; left out where the mesh has none, or the test does it itself. */
  readonly token?: string;
  /** As in the address: `#/workers`; the overview unless given. */
  readonly path?: string;
  /** As the visitor's system has it; light unless given. */
  readonly theme?: "light" | "dark";
  /** CSS pixels; 1440 × 900 unless given. */
  readonly width?: number;
  readonly height?: number;
}

/** A fault that axe-core finds, in a line. */
export type Fault = string;

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string | null;
    readonly help: string;
    readonly nodes: readonly { readonly target: readonly unknown[]; readonly html: string }[];
  }[];
}

const patience = 20_000;
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"));

/** Cumulative layout shift as browsers define it: the worst burst, of at most 5 s, with gaps of less than 1 s, without what follows an input. */
const watchShifts = `
  window.__shift = { worst: 0, from: [] };
  let burst = 0, begun = 0, last = 0, from = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.hadRecentInput) continue;
      if (entry.startTime - last > 1000 || entry.startTime - begun > 5000) {
        [burst, begun, from] = [0, entry.startTime, []];
      }
      last = entry.startTime;
      burst += entry.value;
      from.push(...entry.sources.map(({ node }) => node?.outerHTML?.slice(0, 120) ?? "?"));
      if (burst > window.__shift.worst) window.__shift = { worst: burst, from };
    }
  }).observe({ type: "layout-shift", buffered: true });
`;

export class Visit {
  readonly page: Page;
  readonly #context: BrowserContext;
  readonly #url: string;
  #faults: string[] = [];
  #elsewhere = 0;
  #allowed: RegExp | undefined;

  private constructor(context: BrowserContext, page: Page, url: string) {
    this.#context = context;
    this.page = page;
    this.#url = url;
  }

  static async begin(browser: Browser, options: VisitOptions): Promise<Visit> {
    const { url, token, path = "#/", theme = "light", width = 1440, height = 900 } = options;
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: theme,
      timezoneId: "UTC",
      locale: "en-GB",
    });
    await context.addInitScript(watchShifts);
    const page = await context.newPage();
    page.setDefaultTimeout(3 * patience);
    const visit = new Visit(context, page, url);
    visit.#watch();
    await page.goto(`${url}/${path}`);
    if (token !== undefined) await visit.signIn(token);
    return visit;
  }

  #watch(): void {
    const { page } = this;
    page.on("console", (message) => {
      if (message.type() !== "error" && message.type() !== "warning") return;
      this.#note(`console ${message.type()}: ${message.text()} (${message.location().url})`);
    });
    page.on("pageerror", (error) => {
      this.#note(`uncaught: ${error.message}`);
    });
    page.on("request", (request) => {
      const address = new URL(request.url());
      if (!["data:", "blob:", "about:"].includes(address.protocol) && !this.#isOurs(address)) {
        this.#elsewhere++;
        this.#note(`another host was asked: ${request.url()}`);
      }
    });
    page.on("requestfailed", (request) => {
      const why = request.failure()?.errorText ?? "";
      // What the page itself takes back, as the requests of one that is left.
      if (why !== "net::ERR_ABORTED") this.#note(`${request.url()} failed: ${why}`);
    });
  }

  #isOurs(address: URL): boolean {
    return address.origin === new URL(this.#url).origin;
  }

  #note(fault: string): void {
    if (this.#allowed?.test(fault) !== true) this.#faults.push(fault);
  }

  /** Requests to another host since the visit's begin. */
  get askedElsewhere(): number {
    return this.#elsewhere;
  }

  async signIn(token: string): Promise<void> {
    await this.page.getByLabel("Token").fill(token);
    await this.button("Sign in").click();
    // On a phone it is folded away, and has no role then.
    await this.page.locator("nav[aria-label=Pages]").waitFor({ state: "attached" });
  }

  /** @param path as in the address: `#/workers` */
  async go(path: string): Promise<void> {
    await this.page.goto(`${this.#url}/${path}`);
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole("button", { name, exact: typeof name === "string" });
  }

  /** What is visible, as a reader would copy it. */
  text(): Promise<string> {
    return this.page.locator("body").innerText();
  }

  /** Waits until this stands somewhere on the page. */
  async sees(what: string | RegExp, within = patience): Promise<void> {
    await this.#untilText(what, true, within);
  }

  async seesNot(what: string | RegExp, within = patience): Promise<void> {
    await this.#untilText(what, false, within);
  }

  async #untilText(what: string | RegExp, isThere: boolean, within: number): Promise<void> {
    let text = "";
    const holds = async (): Promise<boolean> => {
      // A page that is being replaced has no text for a moment.
      text = await this.text().catch(() => text);
      return (typeof what === "string" ? text.includes(what) : what.test(text)) === isThere;
    };
    const wanted = `the page ${isThere ? "shows" : "no longer shows"} ${String(what)}`;
    await until(wanted, holds, within, 50).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}; it shows:\n${text.slice(0, 4_000)}`, {
        cause: error,
      });
    });
  }

  /** From now on keeps what stands in the first that fits, each time that it changes: what lasts a moment is seen too. */
  async watch(selector: string): Promise<void> {
    await this.page.evaluate(`{
      const note = () => {
        const text = document.querySelector(${JSON.stringify(selector)})?.innerText ?? "";
        if (window.__seen.at(-1) !== text) window.__seen.push(text);
      };
      window.__watcher?.disconnect();
      window.__seen = [];
      window.__watcher = new MutationObserver(note);
      window.__watcher.observe(document, { subtree: true, childList: true, characterData: true });
      note();
    }`);
  }

  /** Waits until what is watched has shown this. */
  async saw(what: string | RegExp, within = patience): Promise<void> {
    let seen: readonly string[] = [];
    const holds = async (): Promise<boolean> => {
      seen = await this.page.evaluate<string[]>("window.__seen");
      return seen.some((text) =>
        typeof what === "string" ? text.includes(what) : what.test(text),
      );
    };
    await until(`${String(what)} to have been shown`, holds, within, 50).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}; shown was:\n${seen.join("\n")}`, {
        cause: error,
      });
    });
  }

  /** Waits until nothing says any more that it is being loaded. */
  async settled(): Promise<void> {
    const busy = this.page.locator("[aria-busy=true]:visible");
    await until("all is loaded", async () => (await busy.count()) === 0, patience, 50);
    await this.page.evaluate("document.fonts.ready.then(() => undefined)");
  }

  /** Faults that match are expected while `act` runs, as of requests to a coordinator that does not run. */
  async allowing<Value>(pattern: RegExp, act: () => Promise<Value>): Promise<Value> {
    this.#allowed = pattern;
    try {
      return await act();
    } finally {
      this.#allowed = undefined;
    }
  }

  /** Of the console, of failed requests, of requests to another host; since the visit's begin or the last call. */
  assertClean(): void {
    const faults = this.#faults;
    this.#faults = [];
    assert.deepEqual(faults, []);
  }

  /** What axe-core calls serious or critical on the page as it is now. */
  async axe(): Promise<readonly Fault[]> {
    // By the debugger: the page's own policy lets nobody bring a script.
    const session = await this.#context.newCDPSession(this.page);
    try {
      await session.send("Runtime.evaluate", { expression: axeSource.toString() });
      const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
        expression: `axe.run(document, { resultTypes: ["violations"] })`,
        awaitPromise: true,
        returnByValue: true,
      });
      assert.equal(exceptionDetails, undefined, "axe-core failed");
      return (result.value as AxeResult).violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .flatMap(({ id, help, nodes }) =>
          nodes.map(({ target, html }) => `${id}: ${help}: ${target.join(" ")}: ${html}`),
        );
    } finally {
      await session.detach();
    }
  }

  /** The worst layout shift since the document was loaded, and what shifted. */
  shift(): Promise<{ readonly worst: number; readonly from: readonly string[] }> {
    return this.page.evaluate("window.__shift");
  }

  /** The bounds of the dashboard: nothing shifts by more than 0.02. */
  async assertStill(): Promise<void> {
    const { worst, from } = await this.shift();
    assert.ok(worst <= 0.02, `a layout shift of ${worst.toFixed(4)}: ${from.join("\n")}`);
  }

  /** The page is as wide as the window: only tables scroll sideways. */
  async assertFits(): Promise<void> {
    const wide = await this.page.evaluate<number>(
      "document.documentElement.scrollWidth - document.documentElement.clientWidth",
    );
    assert.ok(wide <= 0, `the page is ${wide} px wider than the window`);
  }

  /** A PNG; of the whole page unless only the window is wanted. */
  async picture(file: string, what: "page" | "window" = "page"): Promise<void> {
    await this.page.screenshot({ path: file, fullPage: what === "page", animations: "disabled" });
  }

  /** Idempotent. */
  async end(): Promise<void> {
    await this.#context.close();
  }
}
