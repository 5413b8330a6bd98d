// The browser of the tests: it tells of every fault that a page can have, and leaves nothing behind.

import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { Browser } from "./browser.ts";
import { leftOf } from "./leftovers.ts";
import { needs } from "./requirements.ts";

const good = `<!doctype html><html lang="en"><head><title>good</title></head>
  <body><main><h1>All is well</h1><button>Press</button></main></body></html>`;
const bad = `<!doctype html><html><head><title>bad</title></head><body>
  <p id="late"></p><h1>Shifted</h1><input>
  <img src="http://example.org/picture.png" alt=""><img src="/missing.png" alt="">
  <script src="/bad.js"></script></body></html>`;
const script = `console.error("a planted fault"); setTimeout(() => { throw new Error("thrown") });
  setTimeout(() => { document.querySelector("#late").style.height = "400px"; }, 300);`;

const bodies: Readonly<Record<string, readonly [type: string, body: string]>> = {
  "/": ["text/html", good],
  "/favicon.ico": ["image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg"/>`],
  "/bad": ["text/html", bad],
  "/bad.js": ["text/javascript", script],
};

describe("the browser of the tests", { skip: needs("root", "browser") }, () => {
  let server: Server;
  let browser: Browser;
  let url: string;

  before(async () => {
    server = createServer((request, response) => {
      const [type, body] = bodies[request.url ?? ""] ?? ["text/plain", ""];
      response.writeHead(body === "" ? 404 : 200, {
        "content-type": type,
        "content-security-policy":
          "default-src 'none'; script-src 'self'; img-src *; style-src 'self'",
      });
      response.end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await Browser.start();
  });

  after(async () => {
    await browser.stop();
    server.close();
    assert.deepEqual(leftOf(process.pid), []);
  });

  test("finds nothing on a page without a fault", async () => {
    const visit = await browser.visit({ url });
    await visit.sees("All is well");
    await visit.seesNot("Nothing else");
    assert.equal(await visit.button("Press").count(), 1);
    assert.deepEqual(await visit.axe(), []);
    await visit.assertStill();
    await visit.assertFits();
    await visit.allowing(/connect-src|missing/, () =>
      visit.page.evaluate("fetch('/missing').catch(() => 0)"),
    );
    visit.assertClean();
    await visit.end();
  });

  test("tells of errors, of what cannot be had, of other hosts, of what shifts and of what cannot be used", async () => {
    const visit = await browser.visit({ url, path: "bad" });
    await visit.sees("Shifted");
    await visit.page.waitForFunction("window.__shift.worst > 0");
    assert.throws(
      () => {
        visit.assertClean();
      },
      ({ actual }: { actual: readonly string[] }) => {
        const said = actual.join("\n");
        for (const one of [/a planted fault/, /uncaught: thrown/, /404/, /example\.org/]) {
          assert.match(said, one);
        }
        return true;
      },
    );
    await assert.rejects(visit.assertStill(), /layout shift/);
    assert.match((await visit.axe()).join("\n"), /^label:/m);
    await visit.end();
  });
});
