// The pages of hosts, services and stacks where there is no Swarm: they say so calmly, and show what there is.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Browser } from "../lab/browser.ts";
import { startEngine, type LabEngine } from "../lab/engine.ts";
import { needs } from "../lab/requirements.ts";
import { Trio } from "../lab/trio.ts";

const token = "admin-token-0123456789";

describe(
  "the Swarm's pages without one",
  { skip: needs("root", "engine", "redis", "browser") },
  () => {
    let lab: LabEngine;
    let trio: Trio;
    let browser: Browser;

    before(async () => {
      lab = await startEngine({ name: "lab" });
      trio = await Trio.start(lab, { token, env: { API_TOKENS: `admin:${token}` } });
      browser = await Browser.start();
    });
    after(async () => {
      await browser.stop();
      await trio.stop();
      await lab.stop();
    });

    test("the engines are shown as hosts, and what only a Swarm has is not asked for", async () => {
      const url = trio.url(await trio.leader());
      const visit = await browser.visit({ url, token, path: "#/hosts" });
      await visit.sees("There is no Swarm here: these are the engines of DOCKER_HOST");
      const hosts = visit.page.getByRole("table", { name: "Hosts" });
      await hosts
        .getByText(/ready|healthy/)
        .first()
        .waitFor();
      assert.equal(await visit.page.getByText("Health of the Swarm").count(), 0);
      await visit.allowing(/503/, async () => {
        await hosts.getByRole("link").first().click();
        await visit.sees("Nothing there moves");
      });
      await visit.sees("No container there is a worker.");
      assert.equal(await visit.button("Drain").count(), 0);
      await visit.go("#/services");
      await visit.sees("There is no Swarm here. The containers of each engine are under Workers");
      await visit.go("#/stacks");
      await visit.sees("There is no Swarm here.");
      assert.equal(await visit.page.getByText("Deploy from a file").count(), 0);
      assert.deepEqual(await visit.axe(), []);
      visit.assertClean();
    });
  },
);
