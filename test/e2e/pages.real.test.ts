// What people see while things happen, in a real browser at a real mesh: a worker dies and heals, the leader changes, the coordinator that serves the page goes and comes back.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Browser } from "../lab/browser.ts";
import { crash } from "../lab/containers.ts";
import type { LabEngine } from "../lab/engine.ts";
import { needs } from "../lab/requirements.ts";
import { staged } from "../lab/stage.ts";
import type { Trio } from "../lab/trio.ts";
import type { Visit } from "../lab/visit.ts";
import { until } from "../waiting.ts";

const name = "web";
/** On a busy machine its agent tells of the failed check before the engine tells of its end. */
const fails = /web is (stopped|unhealthy)\./;
const allWell = /All .*healthy|All is well|healthy/;

describe("the pages", { skip: needs("root", "engine", "redis", "browser") }, () => {
  let engine: LabEngine;
  let trio: Trio;
  let browser: Browser;
  const stage = staged((set) => ({ engine, trio } = set));

  before(async () => {
    await stage.healthy({ name, arrangement: "joins-worker" });
    await stage.healthy({ name: "api", arrangement: "joins-worker" });
    browser = await Browser.start();
  });
  after(async () => {
    await browser.stop();
  });

  const followers = async (): Promise<readonly string[]> => {
    const leader = await trio.leader();
    return trio.ids.filter((id) => id !== leader);
  };
  const cell = (visit: Visit, worker: string) => visit.page.locator(`[data-id="lab/${worker}"]`);

  test("show a worker that dies and heals, without a reload", async () => {
    const visit = await browser.visit({ url: trio.url((await followers())[0] ?? "") });
    await visit.sees(allWell);
    await visit.page.evaluate("window.__loaded = 'once'");
    await visit.watch("main");
    const at = Date.now();
    await crash(engine, name);
    await visit.saw(fails);
    await visit.saw(/Under way[^]*verifying/);
    const { id } = await trio.recovered(name, at);
    await visit.seesNot("Under way");
    await visit.seesNot(fails);
    await until("its cell to be well", async () => {
      const label = await cell(visit, name).getAttribute("aria-label");
      return label === `${name}: healthy`;
    });
    await visit.sees("Recovered");
    assert.equal(await visit.page.evaluate("window.__loaded"), "once");
    await visit.go("#/recoveries");
    await visit.sees(`lab/${name}`);
    const row = visit.page.locator("details", { hasText: "recovered" }).first();
    await row.locator("summary").click();
    await visit.sees(/detected: \w+[^]*answers again[^]*recovered/);
    await visit.page.getByRole("link", { name: "All of this recovery" }).click();
    await visit.sees(`Recovery ${id}`);
    await visit.sees("What happened to this worker meanwhile");
    await visit.page.getByRole("link", { name: "Explain the moment" }).click();
    await visit.sees("What was known then");
    await visit.sees(/leads term \d+/);
    await visit.sees("Recovery enqueued");
    visit.assertClean();
    await visit.end();
  });

  test("tell when their coordinator is gone, how old the picture is, and when it is back", async () => {
    const [id = ""] = await followers();
    const visit = await browser.visit({ url: trio.url(id) });
    await visit.sees(allWell);
    await visit.allowing(/ERR_|Failed to load|failed/, async () => {
      await trio.kill(id);
      await visit.sees(`${id} does not answer; it is asked every second.`);
      await visit.sees(/What you see is \d+(\.\d)? s old/);
      trio.startCoordinator(id);
      await visit.seesNot("does not answer", 40_000);
      await visit.seesNot("Events do not come through", 40_000);
      await visit.seesNot("Connecting again");
    });
    await visit.watch("h1");
    const at = Date.now();
    await crash(engine, name);
    await visit.saw(fails);
    await trio.recovered(name, at);
    await visit.seesNot(fails);
    visit.assertClean();
    await visit.end();
  });

  test("show another leader when the leader is gone", async () => {
    const leader = await trio.leader();
    const [id = ""] = await followers();
    const visit = await browser.visit({ url: trio.url(id) });
    await visit.sees(new RegExp(`${leader} leads, term \\d+`));
    await trio.kill(leader);
    const next = await trio.leader();
    await visit.sees(new RegExp(`${next} leads, term \\d+`));
    await visit.sees("Leader changed");
    trio.startCoordinator(leader);
    await until("it to answer", () => trio.status(leader).catch(() => undefined), 20_000, 100);
    visit.assertClean();
    await visit.end();
  });

  test("list events as they happen, hold still on demand, and save what is asked for", async () => {
    const visit = await browser.visit({ url: trio.url(await trio.leader()), path: "#/events" });
    await visit.sees("Leader changed");
    await visit.button("Pause").click();
    const at = Date.now();
    await crash(engine, "api");
    await visit.sees(/Go on: \d+ new/);
    await visit.seesNot("api\nhealthy → stopped", 100);
    await trio.recovered("api", at);
    await visit.button(/Go on/).click();
    await visit.sees(/Recovered · api/);
    await visit.page.getByLabel("Kind").selectOption("recovered");
    await visit.seesNot("Leader changed: ");
    await visit.page.getByLabel("Worker").fill("lab/api");
    await visit.page.getByLabel("Worker").press("Enter");
    await until("one of them to be left", async () => {
      const kinds = await visit.page.locator("main ol.events > li > div > strong").allInnerTexts();
      return kinds.length === 1 && kinds[0] === "Recovered";
    });
    const download = visit.page.waitForEvent("download");
    await visit.button("Export as CSV").click();
    const stream = await (await download).createReadStream();
    let text = "";
    for await (const chunk of stream) text += String(chunk);
    const [head, row, ...rest] = text.trim().split("\r\n");
    assert.match(head ?? "", /^at,kind,by,worker,/);
    assert.match(row ?? "", /,recovered,c\d,lab\/api,/);
    assert.deepEqual(rest, []);
    visit.assertClean();
    await visit.end();
  });
});
