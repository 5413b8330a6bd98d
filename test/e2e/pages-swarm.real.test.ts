// The pages of hosts, services, stacks and clusters in a real browser, beside a real Swarm of three hosts: each shows what docker shows, and each action does what its confirmation said.

import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { Browser } from "../lab/browser.ts";
import { inNamespace } from "../lab/engine.ts";
import { imageNames } from "../lab/images.ts";
import { needs } from "../lab/requirements.ts";
import { startSwarm, type SwarmLab } from "../lab/swarm.ts";
import { SwarmTrio } from "../lab/swarm-trio.ts";
import type { Visit } from "../lab/visit.ts";
import { until } from "../waiting.ts";

const tokens = {
  admin: "admin-token-0123456789",
  operator: "operator-token-0123456789",
  viewer: "viewer-token-0123456789",
};
const second = "heartmesh-lab/worker:second";
const tied = ["--constraint", "node.labels.type==primary", "--stop-grace-period", "1s"];

describe("the Swarm's pages", { skip: needs("root", "engine", "redis", "browser") }, () => {
  let lab: SwarmLab;
  let trio: SwarmTrio;
  let redis: ChildProcess;
  let browser: Browser;
  let url: string;
  let admin: Visit;

  before(async () => {
    const labels = { h1: { type: "primary" }, h2: { type: "secondary" } };
    lab = await startSwarm({ managers: 3, images: ["worker"], labels });
    for (const { engine } of lab.hosts) await engine.docker("tag", imageNames.worker, second);
    const all = Object.entries(tokens).map(([role, token]) => `${role}:${token}`);
    const engines = lab.hosts.map(({ engine }) => engine.host).join();
    const { engine: first, address } = lab.host("h1");
    // Templates, policies and clusters are in a Redis that all coordinators share.
    const open = ["--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--dir", first.dir];
    redis = inNamespace(first, "redis-server", open, { stdio: "ignore" });
    // The same Swarm once more, as one that is managed and not watched.
    const env = { API_TOKENS: all.join(), DOCKER_HOST: engines, SWARMS: `west=${first.host}` };
    trio = await SwarmTrio.start(lab, {
      ...env,
      VERIFY_WINDOW: "1",
      REDIS_URL: `redis://${address}:6379`,
    });
    const says = 'echo "it begins" >&2; n=0; while :; do n=$((n+1)); echo "line $n"; sleep 1; done';
    const words = ["--replicas", "2", "--label", "tier=front", "--stop-grace-period", "1s"];
    await lab.createService("web", words, [imageNames.worker, "sh", "-c", says]);
    await lab.createService("shop", tied);
    await lab.untilRunning("web", 2);
    await lab.untilRunning("shop", 1);
    // Whoever does not lead hands each change on.
    const leader = await trio.leader();
    url = trio.url(lab.hosts.find(({ name }) => name !== leader)?.name ?? "");
    browser = await Browser.start();
    admin = await browser.visit({ url, token: tokens.admin, path: "#/hosts" });
  });
  after(async () => {
    await browser.stop();
    await trio.stop();
    const gone = new Promise((resolve) => redis.once("exit", resolve));
    redis.kill("SIGKILL");
    await gone;
    await lab.stop();
  });

  const dialogOf = ({ page }: Visit) => page.getByRole("dialog");
  /** Opens the confirmation, and gives what it says. */
  const asks = async (visit: Visit, open: string): Promise<string> => {
    await visit.button(open).click();
    return dialogOf(visit).innerText();
  };
  const confirms = async (visit: Visit, verb: string): Promise<void> => {
    const dialog = dialogOf(visit);
    await dialog.getByRole("button", { name: verb, exact: true }).click();
    await dialog.waitFor({ state: "hidden" });
  };
  const inspect = (service: string, format: string): Promise<string> =>
    lab.docker("service", "inspect", "--format", format, service);
  const hostsOf = async (service: string): Promise<readonly string[]> => {
    const on = async (name: string) =>
      (await lab.containers(name, service)).length > 0 ? [name] : [];
    return (await Promise.all(lab.hosts.map(({ name }) => on(name)))).flat();
  };

  test("hosts: how each is, how busy, what it carries; the Swarm's health and its numbers", async () => {
    await admin.go("#/hosts");
    for (const name of ["h1", "h2", "h3"]) {
      const row = admin.page.getByRole("row", { name: new RegExp(`^${name} `) }).first();
      await row.getByText("healthy").waitFor();
      assert.match(await row.innerText(), /manager\s+.*active/s, name);
      await row.getByRole("meter", { name: new RegExp(`^Load of ${name}`) }).waitFor();
    }
    await admin.sees(/Health of the Swarm\s+.*healthy/s);
    await admin.sees("3 of 3 hosts ready");
    await admin.page.getByRole("table", { name: "What services use" }).getByText("web").waitFor();
    assert.deepEqual(await admin.axe(), []);
    const never = ["--constraint", "node.labels.none==such"];
    await lab.createService("never", never);
    await admin.sees(/never \(service\) 0 of 1 tasks run; no suitable node/);
    await lab.docker("service", "rm", "never");
    await admin.sees("run as many tasks as they shall");
    admin.assertClean();
  });

  test("a host is drained with its plan in the confirmation, and activated; what moved away is failed back", async () => {
    await admin.go("#/hosts/h1");
    await admin.page.getByRole("img", { name: /shop, 1 replica, moves to h2\./ }).waitFor();
    await admin.page.getByRole("table", { name: "Tasks" }).getByText("shop.1").first().waitFor();
    assert.deepEqual(await admin.axe(), []);
    await admin.button("Drain").click();
    const dialog = dialogOf(admin);
    await dialog.getByText("shop 1 replica to h2").waitFor();
    assert.match(await dialog.innerText(), /h1 is emptied: Swarm ends its tasks there/);
    await confirms(admin, "Drain");
    assert.equal((await lab.node("h1")).availability, "drain");
    await admin.sees("h1 is drained from now on; it was active.");
    await admin.sees("Moved away from here: shop.", 60_000);
    await until("it runs on h2", async () => (await hostsOf("shop")).join() === "h2", 60_000, 500);
    assert.match(await asks(admin, "Activate"), /h1 takes new tasks again/);
    await confirms(admin, "Activate");
    assert.equal((await lab.node("h1")).availability, "active");
    await admin.go("#/services/shop");
    await admin.sees("heartmesh has moved it away");
    await admin.go("#/hosts/h1");
    assert.match(await asks(admin, "Fail back"), /shop goes back to where a person placed it/);
    await confirms(admin, "Fail back");
    await until("it is back", async () => (await hostsOf("shop")).join() === "h1", 90_000, 500);
    await admin.seesNot("Moved away from here", 30_000);
    admin.assertClean();
  });

  test("a host is paused and given work again", async () => {
    await admin.go("#/hosts/h3");
    assert.match(await asks(admin, "Pause"), /keeps the tasks that it has and gets no new ones/);
    await confirms(admin, "Pause");
    assert.equal((await lab.node("h3")).availability, "pause");
    await asks(admin, "Activate");
    await confirms(admin, "Activate");
    assert.equal((await lab.node("h3")).availability, "active");
  });

  test("services are found by words; one is scaled and updated, and its tasks follow on the page", async () => {
    await admin.go("#/services");
    const table = admin.page.getByRole("table", { name: "Services" });
    await table.getByText("shop").waitFor();
    await admin.page.getByLabel("Search services").fill("tier=fr");
    await admin.sees("1 of 2 services");
    assert.deepEqual(await admin.axe(), []);
    await table.getByRole("link", { name: "web" }).click();
    await admin.sees("2 / 2");
    await admin.button("Scale").click();
    await dialogOf(admin).getByLabel("Replicas").fill("3");
    assert.match(await dialogOf(admin).innerText(), /1 task more: web has 2 now and 3 afterwards/);
    await confirms(admin, "Scale");
    await admin.sees("web has 3 replicas, and had 2.");
    assert.equal(await inspect("web", "{{.Spec.Mode.Replicated.Replicas}}"), "3");
    await admin.sees("3 / 3");
    await admin.button("Update image").click();
    await dialogOf(admin).getByLabel("Image").fill(second);
    await confirms(admin, "Update");
    const image = await inspect("web", "{{.Spec.TaskTemplate.ContainerSpec.Image}}");
    assert.equal(image, second);
    await admin.page.locator("dl").getByText(second).waitFor();
    assert.deepEqual(await admin.axe(), []);
    admin.assertClean();
  });

  test("logs are live, filtered and paused", async () => {
    await admin.go("#/services/web");
    const log = admin.page.getByRole("log");
    await log.getByText("it begins").first().waitFor();
    const lines = async (): Promise<number> => (await log.innerText()).split("\n").length;
    const before = await lines();
    await until("lines come by themselves", async () => (await lines()) > before + 3);
    await admin.page.getByLabel("Filter the lines").fill("begins");
    await until("only such lines", async () => !(await log.innerText()).includes("line "));
    await admin.page.getByLabel("Filter the lines").fill("");
    await admin.button("Pause").click();
    await admin.sees(/paused, [1-9]\d* held/);
    const held = await log.innerText();
    await admin.sees(/paused, ([4-9]|\d\d+) held/);
    assert.equal(await log.innerText(), held);
    await admin.button("Go on").click();
    await until("what was held is shown", async () => (await lines()) > held.split("\n").length);
  });

  test("a scaling policy is put, shown and deleted", async () => {
    await admin.go("#/services/web");
    await admin.button("Set a policy").click();
    const dialog = dialogOf(admin);
    await dialog.getByLabel("At least").fill("2");
    await dialog.getByLabel("At most").fill("5");
    await dialog.getByLabel("Seconds between changes").fill("300");
    assert.match(await dialog.innerText(), /From now on web has 2 to 5 replicas/);
    await confirms(admin, "Set");
    await admin.sees(/2 to 5 replicas at a load of 0.6,\s+300 s between two changes/);
    await asks(admin, "Delete");
    await confirms(admin, "Delete");
    await admin.sees("No policy: it has as many replicas as a person sets.");
  });

  test("a stack from a template: written, previewed, deployed, previewed again with what would change, and removed", async () => {
    await admin.go("#/stacks");
    await admin.page.getByRole("link", { name: "New template" }).click();
    await admin.page.getByLabel("Name", { exact: true }).fill("front");
    const text = `version: "3.8"\nservices:\n  a:\n    image: ${imageNames.worker}\n    command: sleep 1000\n    stop_grace_period: 1s\n    deploy:\n      replicas: \${COUNT}\n`;
    await admin.page.getByLabel("Stack file").fill(text);
    await admin.page.getByLabel("What COUNT is").fill("how many");
    assert.deepEqual(await admin.axe(), []);
    assert.match(await asks(admin, "Keep …"), /Nothing is deployed/);
    await confirms(admin, "Keep");
    await admin.sees("Still wanted: COUNT.");
    await admin.page.getByLabel(/^COUNT/).fill("1");
    await admin.page.getByLabel("Stack", { exact: true }).fill("blog");
    await admin.page.getByLabel("Images").selectOption("never");
    await admin.button("Preview").click();
    const preview = admin.page.getByRole("table", { name: "What deploying it would do" });
    const row = preview.getByRole("row", { name: /^blog_a/ });
    await row.getByText("created").waitFor();
    assert.deepEqual(await admin.axe(), []);
    assert.match(await asks(admin, "Deploy …"), /1 service created\.\s.*blog_a/s);
    await confirms(admin, "Deploy");
    await admin.sees("stack blog is deployed: blog_a created.");
    await lab.untilRunning("blog_a", 1);
    await admin.button("Preview").click();
    await row.getByText("unchanged").waitFor();
    await admin.page.getByLabel(/^COUNT/).fill("2");
    await preview.waitFor({ state: "hidden" });
    await admin.button("Preview").click();
    await preview.getByRole("row", { name: /^blog_a changed .* 1 → 2$/ }).waitFor();
    await asks(admin, "Deploy …");
    await confirms(admin, "Deploy");
    await lab.untilRunning("blog_a", 2);
    await admin.button("Delete").click();
    await confirms(admin, "Delete");
    await admin.sees("No template is kept.");
    await admin.page.getByRole("table", { name: "Stacks that run" }).getByText("blog").waitFor();
    admin.assertClean();
  });

  test("a stack from a file: what it would remove is said before; what cannot be deployed is said in words", async () => {
    await admin.go("#/stacks");
    const buffer = Buffer.from(
      `version: "3.8"\nservices:\n  b:\n    image: ${second}\n    command: sleep 1000\n    stop_grace_period: 1s\n`,
    );
    const file = { name: "blog.yaml", mimeType: "text/yaml", buffer };
    await admin.page.getByLabel("File", { exact: true }).setInputFiles(file);
    const name = admin.page.getByLabel("Stack", { exact: true });
    await until("the file names the stack", async () => (await name.inputValue()) === "blog");
    await admin.page.getByLabel("Images").selectOption("never");
    await admin.page.getByLabel("Remove services that it does not name any more").check();
    await admin.button("Preview").click();
    const preview = admin.page.getByRole("table", { name: "What deploying it would do" });
    await preview.getByRole("row", { name: /^blog_a removed/ }).waitFor();
    await preview.getByRole("row", { name: /^blog_b created/ }).waitFor();
    assert.match(await asks(admin, "Deploy …"), /1 service created, 1 service removed/);
    await confirms(admin, "Deploy");
    await lab.untilRunning("blog_b", 1);
    const left = (await lab.docker("service", "ls", "--format", "{{.Name}}")).split("\n").sort();
    assert.deepEqual(left, ["blog_b", "shop", "web"]);
    await admin.page.getByLabel("Text", { exact: true }).fill("services: [1]");
    await admin.allowing(/400/, async () => {
      await admin.button("Preview").click();
      await admin.sees("it has no services; expected a stack file");
    });
    await admin.go("#/services/blog_b");
    assert.match(await asks(admin, "Remove"), /blog_b and its 1 running task are removed/);
    await confirms(admin, "Remove");
    await admin.sees("2 of 2 services");
  });

  test("a cluster of containers is made, filled and removed", async () => {
    await admin.go("#/clusters");
    await admin.button("New cluster").click();
    await dialogOf(admin).getByLabel("Id").fill("jobs");
    await confirms(admin, "Make");
    await admin.page.getByRole("link", { name: "jobs" }).click();
    await admin.button("Add a node").click();
    await dialogOf(admin).getByLabel("Host").fill("h2");
    await dialogOf(admin).getByLabel("Room for so many containers").fill("4");
    await confirms(admin, "Add");
    await admin.page.getByRole("table", { name: "Nodes" }).getByText("joined").waitFor();
    await admin.button("Add a service").click();
    await dialogOf(admin)
      .getByRole("textbox", { name: /^Image/ })
      .fill(imageNames.worker);
    await dialogOf(admin)
      .getByRole("textbox", { name: /^Command/ })
      .fill("sleep 1000");
    await dialogOf(admin).getByLabel("Replicas").fill("3");
    await confirms(admin, "Run");
    await admin.sees("3 / 3", 60_000);
    await admin.sees("3 of 4 taken, 1 free");
    await admin.page.getByRole("meter", { name: "Taken of h2" }).waitFor();
    assert.deepEqual(await admin.axe(), []);
    await admin.button("Add a node").click();
    await dialogOf(admin).getByLabel("Host").fill("h3");
    await confirms(admin, "Add");
    const nodes = admin.page.getByRole("table", { name: "Nodes" });
    await nodes.getByRole("row", { name: /^h3 .*joined/ }).waitFor();
    await nodes.getByRole("button", { name: "Remove h2" }).click();
    assert.match(await dialogOf(admin).innerText(), /h2/);
    await confirms(admin, "Remove");
    await nodes.getByRole("row", { name: /^h2 / }).waitFor({ state: "detached" });
    await admin.sees("3 / 3", 60_000);
    const ofJobs = ["ps", "-q", "--filter", "label=heartmesh.cluster=jobs"];
    assert.equal((await lab.host("h2").engine.docker(...ofJobs)).stdout, "");
    assert.match(await asks(admin, "Remove"), /All that runs in it is stopped and removed/);
    await confirms(admin, "Remove");
    await admin.sees("There is none.", 60_000);
    admin.assertClean();
  });

  test("of a Swarm of SWARMS the same pages tell, and change what is there", async () => {
    await admin.go("#/services");
    await admin.page.getByLabel("Swarm").selectOption("west");
    await admin.sees("managed here, not watched");
    await admin.page.getByRole("link", { name: "shop" }).click();
    await admin.sees("1 / 1");
    assert.match(admin.page.url(), /swarm=west$/);
    assert.equal(await admin.page.getByText("Scaling by load").count(), 0);
    await admin.button("Scale").click();
    await dialogOf(admin).getByLabel("Replicas").fill("2");
    await confirms(admin, "Scale");
    await lab.untilRunning("shop", 2);
    await admin.go("#/hosts?swarm=west");
    await admin.page.getByRole("link", { name: "h3" }).first().click();
    await asks(admin, "Drain");
    await confirms(admin, "Drain");
    assert.equal((await lab.node("h3")).availability, "drain");
    await asks(admin, "Activate");
    await confirms(admin, "Activate");
    assert.equal((await lab.node("h3")).availability, "active");
    await lab.docker("service", "scale", "--detach", "shop=1");
    admin.assertClean();
  });

  const pages = ["#/hosts", "#/hosts/h1", "#/services", "#/services/web", "#/stacks", "#/clusters"];

  test("a viewer sees all of it, and nothing that changes anything", async () => {
    const viewer = await browser.visit({ url, token: tokens.viewer, path: "#/hosts" });
    const verbs =
      /^(Drain|Activate|Pause|Remove|Scale|Update|Delete|Deploy|Set|Preview|New|Add|Fail)/;
    for (const path of pages) {
      await viewer.go(path);
      await viewer.page.getByRole("heading", { level: 2 }).first().waitFor();
      await viewer.seesNot("Loading …");
      const found = (await viewer.button(verbs).allInnerTexts()).filter((text) => text !== "Pause");
      assert.deepEqual(found, [], path);
      assert.equal(await viewer.page.getByRole("link", { name: "New template" }).count(), 0);
    }
    const operator = await browser.visit({ url, token: tokens.operator, path: "#/services/web" });
    await operator.button("Scale").waitFor();
    assert.equal(await operator.button("Remove").count(), 0);
    viewer.assertClean();
    await viewer.end();
    await operator.end();
  });

  test("every page fits a phone, in the dark too, and has no serious fault for those who use no eyes", async () => {
    const look = { url, token: tokens.admin, path: "#/hosts", theme: "dark" as const };
    const phone = await browser.visit(look);
    await phone.page.setViewportSize({ width: 390, height: 844 });
    for (const path of [...pages, "#/stacks/new-template"]) {
      await phone.go(path);
      await phone.page.reload();
      await phone.page.getByRole("heading", { level: 2 }).first().waitFor();
      await phone.seesNot("Loading …");
      await phone.assertFits();
      await phone.assertStill();
      assert.deepEqual(await phone.axe(), [], path);
    }
    phone.assertClean();
    await phone.end();
  });
});
