// What each person may see and do on the pages, in a real browser at a real mesh: sign-in, roles, changes with a reason, the keyboard alone.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { Browser } from "../lab/browser.ts";
import { crash } from "../lab/containers.ts";
import { startEngine, type LabEngine } from "../lab/engine.ts";
import { ensureImages } from "../lab/images.ts";
import { needs } from "../lab/requirements.ts";
import { people, tokens } from "../lab/scene.ts";
import { Trio } from "../lab/trio.ts";
import type { Visit } from "../lab/visit.ts";
import { startWorker } from "../lab/workers.ts";
import { until } from "../waiting.ts";

const leaving = "a-leavers-token-0123456789";
const pageOf = (worker: string): string => `#/workers/${encodeURIComponent(`lab/${worker}`)}`;
const check = ["--health-cmd", "test -f /tmp/index.html", "--health-interval", "1s"];

describe("people at the pages", { skip: needs("root", "engine", "redis", "browser") }, () => {
  let engine: LabEngine;
  let trio: Trio;
  let browser: Browser;
  let tokensFile: string;
  /** Of these, what has begun: it is stopped also where the next did not begin. */
  const running: { stop(): Promise<void> }[] = [];

  before(async () => {
    engine = await startEngine({ name: "lab" });
    running.push(engine);
    await ensureImages(engine, ["worker", "node"]);
    tokensFile = path.join(engine.dir, "tokens");
    writeFileSync(tokensFile, `${people.env.API_TOKENS},lea:operator:${leaving}`);
    const env = { VERIFY_WINDOW: "1", API_TOKENS_FILE: tokensFile };
    trio = await Trio.start(engine, { token: tokens.admin, env });
    running.push(trio);
    for (const name of ["web", "api"]) {
      await startWorker(trio, { name, arrangement: "joins-worker" });
    }
    const labels = { "heartmesh.max-revivals": "1" };
    await startWorker(trio, { name: "mail", arrangement: "none", labels, options: check });
    for (const name of ["web", "api", "mail"]) await trio.verdict(name, "healthy", 60_000);
    browser = await Browser.start();
    running.push(browser);
  });
  after(async () => {
    for (const one of running.toReversed()) await one.stop();
  });

  /** At a follower: what is changed goes by way of it to the leader. */
  const visitOf = async (token?: string, at = "#/"): Promise<Visit> => {
    const leader = await trio.leader();
    const url = trio.url(trio.ids.find((id) => id !== leader) ?? "");
    return browser.visit({ url, path: at, ...(token === undefined ? {} : { token }) });
  };
  const leave = async (visit: Visit): Promise<void> => {
    visit.assertClean();
    await visit.end();
  };
  const buttons = (visit: Visit): Promise<readonly string[]> =>
    visit.page.locator("main button:visible").allInnerTexts();
  const dialogOf = (visit: Visit) => visit.page.locator("dialog[open]");
  /** How the focus is called: by its label, else by its text. */
  const focused = (visit: Visit): Promise<string> =>
    visit.page.evaluate(
      `((one) => one?.dataset?.id ?? (one?.id || one?.innerText?.trim()))(document.activeElement) ?? ""`,
    );
  const isFocused = (visit: Visit, what: string): Promise<true> =>
    until(`the focus on ${what}`, async () => ((await focused(visit)) === what ? true : undefined));
  const tabTo = async (visit: Visit, what: string): Promise<void> => {
    const passed: string[] = [];
    for (let tabs = 0; tabs < 40; tabs++) {
      await visit.page.keyboard.press("Tab");
      passed.push(await focused(visit));
      if (passed.at(-1) === what) return;
    }
    assert.fail(`Tab never comes to ${what}, but to ${passed.join(", ")}`);
  };
  const press = async (visit: Visit, ...keys: readonly string[]): Promise<void> => {
    for (const key of keys) await visit.page.keyboard.press(key);
  };

  test("sign in: a wrong token is told and asked for again, the right one lets in", async () => {
    const visit = await visitOf();
    const field = visit.page.getByLabel("Token");
    await visit.allowing(/401/, async () => {
      await field.fill("no-such-token-0123456789");
      await visit.button("Sign in").click();
      await visit.sees("No such token holds here.");
    });
    await until("the field to be empty", async () => (await field.inputValue()) === "");
    const focusedField = visit.page.locator("input[name=token]:focus");
    await until("it to have the focus", async () => (await focusedField.count()) === 1);
    assert.equal(await visit.page.getByRole("navigation").count(), 0);
    await visit.page.keyboard.type(tokens.viewer);
    await press(visit, "Enter");
    await visit.sees("eve · viewer");
    await visit.sees("What happened last");
    await visit.seesNot("No such token");
    const content = visit.page.locator("main:focus");
    await until("its content to have the focus", async () => (await content.count()) === 1);
    await leave(visit);
  });

  test("who opens the board of the queues signs in first, and comes to it", async () => {
    const visit = await visitOf(undefined, "queues");
    await visit.sees("asks for a token");
    assert.match(visit.page.url(), /#\/.*next=(%2F|\/)queues/);
    await visit.page.getByLabel("Token").fill(tokens.viewer);
    await visit.button("Sign in").click();
    await visit.page.waitForURL(/:\d+\/queues\/?$/);
    await visit.sees(/revival/i);
    await visit.end();
  });

  test("each role sees what it may do, and no button for more", async () => {
    for (const [role, wanted] of [
      ["viewer", []],
      ["operator", ["Revive", "Silence"]],
      ["admin", ["Revive", "Silence"]],
    ] as const) {
      const visit = await visitOf(tokens[role], pageOf("web"));
      await visit.sees(new RegExp(`\\w+ · ${role}`));
      await visit.sees("It never had to be revived.");
      await visit.settled();
      assert.deepEqual(await buttons(visit), wanted, role);
      await leave(visit);
    }
  });

  test("a person silences a worker with a reason, sees it, and is named in the audit log", async () => {
    const visit = await visitOf(tokens.operator, pageOf("web"));
    await visit.button("Silence").click();
    const dialog = dialogOf(visit);
    await dialog.getByText("if it dies, it stays dead until the silence ends").waitFor();
    const confirm = dialog.getByRole("button", { name: "Silence" });
    assert.equal(await confirm.isDisabled(), true);
    await dialog.getByLabel("Reason").fill("   ");
    assert.equal(await confirm.isDisabled(), true);
    await dialog.getByLabel("Reason").fill("its disk is being replaced");
    await dialog.getByLabel("For").selectOption("15 minutes");
    await confirm.click();
    await dialog.waitFor({ state: "hidden" });
    await visit.sees(/Left alone until [^]*its disk is being replaced/);
    await visit.sees(/silenced 1[45]/);
    await visit.button("End the silence").waitFor();
    for (const filter of ["", "&actor=olga"]) {
      await visit.go(`#/events?changes=true${filter}`);
      await visit.sees(
        /olga \(c\d\): lab\/web is left alone for 900 s: its disk is being replaced/,
      );
    }
    await visit.go("#/events?changes=true&actor=ada");
    await visit.sees("Nothing on record is like that.");
    await visit.go(pageOf("web"));
    await visit.button("End the silence").click();
    await dialog.getByRole("button", { name: "End it" }).click();
    await visit.seesNot("Left alone until");
    await visit.button("Silence").waitFor();
    await leave(visit);
  });

  test("a healthy worker is revived only after a word on what that means", async () => {
    const at = Date.now();
    const visit = await visitOf(tokens.operator, pageOf("api"));
    await visit.button("Revive").click();
    const dialog = dialogOf(visit);
    await dialog.getByText("It is healthy. Its container is restarted all the same").waitFor();
    await dialog.getByLabel("Reason").fill("it looks odd");
    assert.deepEqual(await trio.recoveries("api"), []);
    await dialog.getByRole("button", { name: "Revive" }).click();
    await dialog.waitFor({ state: "hidden" });
    await trio.recovered("api", at);
    await visit.seesNot("It never had to be revived.");
    await visit.sees(/Revive requested[^]*olga[^]*it looks odd/);
    await leave(visit);
  });

  test("a worker in quarantine is released, and revived", async () => {
    const visit = await visitOf(tokens.operator, pageOf("mail"));
    const first = Date.now();
    await crash(engine, "mail");
    await trio.recovered("mail", first);
    await crash(engine, "mail");
    const release = visit.button("Release from quarantine");
    await release.waitFor();
    const at = Date.now();
    await release.click();
    const dialog = dialogOf(visit);
    await dialog.getByText("Its count of recoveries begins anew").waitFor();
    await dialog.getByRole("button", { name: "Release" }).click();
    await dialog.waitFor({ state: "hidden" });
    await trio.recovered("mail", at);
    await release.waitFor({ state: "detached" });
    await visit.sees(/Quarantine ended[^]*olga/);
    await leave(visit);
  });

  test("who signs out sees the sign-in, and is out", async () => {
    const visit = await visitOf(tokens.operator);
    await visit.button("Sign out").click();
    await visit.sees("asks for a token");
    const status = await visit.allowing(/401/, () =>
      visit.page.evaluate(`fetch("/api/v1/workers").then(({ status }) => status)`),
    );
    assert.equal(status, 401);
    await visit.page.reload();
    await visit.sees("asks for a token");
    await leave(visit);
  });

  test("a session ends with its token, and the sign-in shows itself", async () => {
    const gone = await visitOf(leaving, pageOf("web"));
    const overview = await visitOf(leaving);
    const stays = await visitOf(tokens.operator, pageOf("web"));
    for (const visit of [gone, overview]) await visit.sees("lea · operator");
    await stays.sees("olga · operator");
    const ended = [gone, overview].map((visit) =>
      visit.allowing(/401/, () => visit.sees("asks for a token", 40_000)),
    );
    writeFileSync(tokensFile, people.env.API_TOKENS);
    await Promise.all(ended);
    assert.deepEqual(await buttons(stays), ["Revive", "Silence"]);
    for (const visit of [gone, overview, stays]) await leave(visit);
  });

  test("a cookie alone writes nothing: the page's own word must come with it", async () => {
    const visit = await visitOf(tokens.operator);
    const silence = (headers: object): Promise<number> =>
      visit.page.evaluate(`fetch("/api/v1/workers/lab%2Fweb/silence", {
        method: "POST",
        headers: { "content-type": "application/json", ...${JSON.stringify(headers)} },
        body: JSON.stringify({ for: "1h", reason: "by a cookie" }),
      }).then(({ status }) => status)`);
    await visit.allowing(/403/, async () => {
      assert.equal(await silence({}), 403);
      assert.equal(await silence({ "x-heartmesh-csrf": "0".repeat(43) }), 403);
    });
    const worker = await trio.worker("web", await trio.leader());
    assert.equal(worker?.silencedForMs, null);
    const word = await visit.page.evaluate<string>(
      `fetch("/api/v1/session").then((answer) => answer.json()).then(({ csrf }) => csrf)`,
    );
    assert.equal(await silence({ "x-heartmesh-csrf": word }), 200);
    // Another leader knows of it a moment later.
    await until("its silence to be ended", async () => {
      const leader = await trio.leader();
      return trio
        .ask("DELETE", "workers/lab%2Fweb/silence", undefined, leader)
        .then(() => true)
        .catch(() => false);
    });
    assert.equal(await visit.page.evaluate("document.cookie"), "");
    await leave(visit);
  });

  test("by the keyboard alone: the skip link, the navigation and the map of workers", async () => {
    const visit = await visitOf(tokens.operator);
    await visit.page.reload();
    await visit.sees("What happened last");
    await tabTo(visit, "Skip to the content");
    await press(visit, "Enter");
    await isFocused(visit, "main");
    await tabTo(visit, "All as a table");
    // The map is one stop, whatever its size.
    await press(visit, "Tab");
    assert.equal(await focused(visit), "lab/api");
    for (const [key, id] of [
      ["ArrowRight", "lab/mail"],
      ["ArrowRight", "lab/web"],
      ["ArrowRight", "lab/web"],
      ["ArrowLeft", "lab/mail"],
      ["Home", "lab/api"],
      ["End", "lab/web"],
    ] as const) {
      await press(visit, key);
      assert.equal(await focused(visit), id, key);
    }
    await press(visit, "Tab");
    assert.equal(await focused(visit), "All events");
    await press(visit, "Shift+Tab");
    assert.equal(await focused(visit), "lab/web");
    await press(visit, "Enter");
    await visit.sees("Last log lines");
    await isFocused(visit, "main");
    await visit.page.reload();
    await visit.sees("Last log lines");
    await tabTo(visit, "Recoveries");
    await press(visit, "Enter");
    await until("the recoveries", () => visit.page.url().endsWith("#/recoveries"));
    await isFocused(visit, "main");
    await leave(visit);
  });

  test("by the keyboard alone: a dialog is opened, left, and confirmed", async () => {
    const visit = await visitOf(tokens.operator, pageOf("web"));
    await visit.sees("Last log lines");
    await tabTo(visit, "Silence");
    await press(visit, "Enter");
    const dialog = dialogOf(visit);
    await dialog.waitFor();
    await press(visit, "Escape");
    await dialog.waitFor({ state: "hidden" });
    await isFocused(visit, "Silence");
    await press(visit, "Enter");
    await dialog.waitFor();
    const focusedInput = dialog.locator("input:focus");
    for (let tabs = 0; tabs < 4 && (await focusedInput.count()) === 0; tabs++) {
      await press(visit, "Tab");
    }
    // Without a reason nothing is done.
    await press(visit, "Enter");
    assert.equal(await dialog.isVisible(), true);
    await visit.page.keyboard.type("by the keyboard");
    await press(visit, "Enter");
    await dialog.waitFor({ state: "hidden" });
    await visit.sees(/Left alone until [^]*by the keyboard/);
    await isFocused(visit, "End the silence");
    await press(visit, "Enter");
    await dialog.waitFor();
    await tabTo(visit, "End it");
    await press(visit, "Enter");
    await visit.seesNot("Left alone until");
    await leave(visit);
  });
});
