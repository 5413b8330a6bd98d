// What a person says about moves, on the pages: a service is failed back, a fenced one is let go, a host that is lost is removed.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Browser } from "../lab/browser.ts";
import { primary, secondary, startMoving, tied, type Moving } from "../lab/moving.ts";
import { soakNeeds } from "../lab/requirements.ts";
import type { Visit } from "../lab/visit.ts";
import { until } from "../waiting.ts";

const token = "admin-token-0123456789";

describe("moves at the pages", { skip: soakNeeds("root", "engine", "redis", "browser") }, () => {
  let moving: Moving;
  let browser: Browser;
  let visit: Visit;

  before(async () => {
    moving = await startMoving({ API_TOKENS: `ada:admin:${token}` });
    await moving.lab.createService("plain", tied);
    await moving.lab.untilRunning("plain", 1);
    browser = await Browser.start();
    const url = moving.trio.url(await moving.trio.leader());
    visit = await browser.visit({ url, token, path: "#/services/plain" });
  });
  after(async () => {
    await browser.stop();
    await moving.stop();
  });

  const dialog = () => visit.page.getByRole("dialog");
  const confirms = async (verb: string): Promise<void> => {
    await dialog().getByRole("button", { name: verb, exact: true }).click();
    await dialog().waitFor({ state: "hidden" });
  };

  test("a service that was moved is failed back from its own page", async () => {
    const { lab, untilOn } = moving;
    assert.equal(await visit.button("Fail back").count(), 0);
    await lab.cut(primary, "out");
    await untilOn([secondary], "plain", 1);
    await visit.sees("heartmesh has moved it away from where a person placed it.", 60_000);
    await lab.heal(primary);
    await until("its host is well", async () => {
      const { verdict } = await moving.trio.host(primary, await moving.trio.leader());
      return verdict?.kind === "healthy" || undefined;
    });
    await visit.button("Fail back").click();
    await dialog().getByText("goes back to where a person placed it").waitFor();
    await confirms("Fail back");
    await untilOn([primary], "plain", 1, 90_000);
    await visit.seesNot("heartmesh has moved it away", 60_000);
    visit.assertClean();
  });

  test("a fenced service that nobody knows to have ended is named on the first page, and let go on its own", async () => {
    const { lab, trio, untilOn, count } = moving;
    await lab.createService("fenced", [...tied, "--container-label", "heartmesh.fence=true"]);
    await lab.untilRunning("fenced", 1);
    await trio.killAgent(primary);
    await until("its agent is missed", async () => {
      const { verdict } = await trio.host(primary, await trio.leader());
      return verdict?.kind === "agent-lost" || undefined;
    });
    await visit.go("#/services/fenced");
    await visit.sees("1 / 1");
    assert.equal(await visit.button("It may move").count(), 0);
    await visit.go("#/");
    await lab.cut(primary);
    await visit.sees("Service fenced is stranded.", 90_000);
    await visit.sees(
      /Nothing is done: it is fenced, and [^]*heartmesh migrate fenced moves it once/,
    );
    assert.deepEqual(await visit.axe(), []);
    await untilOn([secondary], "plain", 1);
    await lab.powerOff(primary);
    assert.equal(await count("fenced", [secondary]), 0);
    await visit.page.getByRole("link", { name: /Service fenced is stranded/ }).click();
    await visit.sees("It is stranded: 1 of its replicas are on h4");
    await visit.button("It may move").click();
    await dialog().getByText("must not run twice").waitFor();
    assert.deepEqual(await visit.axe(), []);
    await confirms("It has ended");
    await untilOn([secondary], "fenced", 1);
    await visit.seesNot("It is stranded");
    assert.equal(await visit.button("It may move").count(), 0);
    visit.assertClean();
  });

  test("a host that is lost for good is removed from the Swarm", async () => {
    await visit.go(`#/hosts/${primary}`);
    // Swarm takes longer than the mesh to find it so, and forgets none that it takes for ready.
    const isDown = async () => (await moving.lab.node(primary)).state === "down" || undefined;
    await until("Swarm to find it down", isDown, 30_000, 500);
    await visit.button("Remove").click();
    await dialog().getByText(`The Swarm forgets ${primary}: tasks there are lost to it.`).waitFor();
    await confirms("Remove");
    await visit.sees("4 of 4 hosts ready");
    const left = await moving.lab.docker("node", "ls", "--format", "{{.Hostname}}");
    assert.deepEqual(left.split("\n").sort(), ["h1", "h2", "h3", "h5"]);
    visit.assertClean();
  });
});
