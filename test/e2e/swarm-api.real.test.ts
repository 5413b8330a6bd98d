// The management of a Swarm over HTTP, by the client for programs, on a real Swarm of three hosts: what is asked is what docker shows.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { SwarmClient, SwarmFailed } from "../../coordinator/swarm-client.ts";
import type { EventView } from "../../proto/rest.ts";
import type { SwarmAnswer } from "../../proto/swarm-rest.ts";
import { run } from "../lab/engine.ts";
import { imageNames } from "../lab/images.ts";
import { needs } from "../lab/requirements.ts";
import { startSwarm, type SwarmLab } from "../lab/swarm.ts";
import { SwarmTrio } from "../lab/swarm-trio.ts";
import { until } from "../waiting.ts";

const tokens = {
  admin: "admin-token-0123456789",
  operator: "operator-token-0123456789",
  viewer: "viewer-token-0123456789",
};

describe("a Swarm over HTTP", { skip: needs("root", "engine", "redis") }, () => {
  let lab: SwarmLab;
  let trio: SwarmTrio;
  let follower: string;

  before(async () => {
    lab = await startSwarm({
      managers: 3,
      images: ["worker"],
      labels: { h1: { type: "primary" } },
    });
    const all = Object.entries(tokens).map(([role, token]) => `${role}:${token}`);
    const engines = lab.hosts.map(({ engine }) => engine.host);
    trio = await SwarmTrio.start(lab, { API_TOKENS: all.join(","), DOCKER_HOST: engines.join() });
    const leader = await trio.leader();
    follower = lab.hosts.find(({ name }) => name !== leader)?.name ?? "";
    const words = ["--replicas", "2", "--label", "tier=front", "--stop-grace-period", "1s"];
    const says = 'echo "it begins" >&2; while :; do echo "a line"; sleep 1; done';
    await lab.createService("web", words, [imageNames.worker, "sh", "-c", says]);
    await lab.createService("every", ["--mode", "global"]);
    await lab.untilRunning("web", 2);
    await lab.untilRunning("every", 3);
  });
  after(async () => {
    await trio.stop();
    await lab.stop();
  });

  const as = (role: keyof typeof tokens): SwarmClient =>
    new SwarmClient({ url: trio.url(follower), token: tokens[role] });
  const refused = async (asked: Promise<unknown>): Promise<readonly [number, string]> => {
    const failed = await asked.then(
      () => undefined,
      (error: unknown) => error,
    );
    assert.ok(failed instanceof SwarmFailed, String(failed));
    return [failed.status, failed.message];
  };

  test("what there is: the Swarm, its nodes, services and tasks", async () => {
    const viewer = as("viewer");
    const info = await viewer.info();
    assert.equal(info.id, await lab.docker("info", "--format", "{{.Swarm.Cluster.ID}}"));
    assert.deepEqual([info.nodes, info.managers], [3, 3]);
    const nodes = await viewer.nodes();
    assert.deepEqual(
      nodes.map(({ hostname, role, state, availability }) => [hostname, role, state, availability]),
      ["h1", "h2", "h3"].map((name) => [name, "manager", "ready", "active"]),
    );
    assert.equal(nodes.filter(({ isLeader }) => isLeader).length, 1);
    assert.deepEqual((await viewer.node("h1")).labels, { type: "primary" });
    const services = await viewer.services();
    assert.deepEqual(
      services.map(({ name, mode, desired, running }) => [name, mode, desired, running]),
      [
        ["every", "global", 3, 3],
        ["web", "replicated", 2, 2],
      ],
    );
    const names = async (filter: Parameters<SwarmClient["services"]>[0]) =>
      (await viewer.services(filter)).map(({ name }) => name);
    assert.deepEqual(await names({ label: "tier=front" }), ["web"]);
    assert.deepEqual(await names({ label: "tier=back" }), []);
    assert.deepEqual(await names({ name: "ver" }), ["every"]);
    const tasks = await viewer.tasks("web");
    assert.deepEqual(
      tasks.map(({ state }) => state),
      ["running", "running"],
    );
    const [container] = await lab.containers(tasks[0]?.hostname ?? "", "web");
    assert.ok(tasks.some(({ containerId }) => containerId === container?.id));
  });

  test("logs: the last lines of all tasks, and a stream that goes on", async () => {
    const viewer = as("viewer");
    const all = await until("every task has begun", async () => {
      const lines = await viewer.logs("web", { tail: 200 });
      return lines.filter(({ text }) => text === "it begins").length === 2 ? lines : undefined;
    });
    assert.ok(all.every(({ at }) => !Number.isNaN(Date.parse(at))));
    assert.deepEqual([...new Set(all.map(({ stream, text }) => `${stream}: ${text}`))].sort(), [
      "stderr: it begins",
      "stdout: a line",
    ]);
    const tasks = new Set((await viewer.tasks("web")).map(({ id }) => id));
    assert.ok(all.every(({ taskId }) => tasks.has(taskId)));
    const abort = new AbortController();
    const followed: string[] = [];
    const begun = new Date().toISOString();
    for await (const { at, text } of viewer.followLogs("web", { tail: 1, signal: abort.signal })) {
      if (at > begun) followed.push(text);
      if (followed.length === 3) break;
    }
    abort.abort();
    assert.deepEqual(followed, ["a line", "a line", "a line"]);
  });

  test("scaled, updated and removed by a word to a follower; each change is an event that says who, before and after", async () => {
    const operator = as("operator");
    const scaled = await operator.scale("web", 3);
    assert.deepEqual([scaled.before, scaled.after], ["2", "3"]);
    await lab.untilRunning("web", 3);
    const updated = await operator.setImage("every", imageNames.worker);
    assert.equal(updated.after, imageNames.worker);
    assert.match((await refused(operator.scale("every", 2))).join(), /^409,.*not replicated/);
    assert.match((await refused(operator.scale("none", 2))).join(), /^404,.*no service none/);
    assert.match((await refused(operator.scale("web", -1))).join(), /^400,.*must be >= 0/);
    assert.equal((await refused(as("viewer").scale("web", 1)))[0], 403);
    assert.equal((await refused(operator.removeService("every")))[0], 403);
    await as("admin").removeService("every");
    await until("it is gone", async () => {
      const left = await lab.docker("service", "ls", "--format", "{{.Name}}");
      return !left.split("\n").includes("every") || undefined;
    });
    const page = "events?limit=1000&kind=swarm-changed";
    const isWhole = async (): Promise<readonly EventView[] | undefined> => {
      const told = await trio.get<readonly EventView[]>(await trio.leader(), page);
      return told.length >= 3 ? told : undefined;
    };
    const events = await until("all is on record", isWhole, 10_000, 500);
    const texts = events.map(({ text }) => text).toReversed();
    assert.match(texts[0] ?? "", /^operator-\d \(c\d\): web has 3 replicas, and had 2$/);
    assert.match(texts[2] ?? "", /^admin-\d \(c\d\): every is removed$/);
    const audit = events.toReversed().map(({ change }) => change);
    const [first] = audit;
    assert.match(first?.actor ?? "", /^operator-\d \(c\d\)$/);
    assert.deepEqual(first, {
      ...{ actor: first?.actor, verb: "scale-service", subject: "web", cluster: "" },
      ...{ before: "2", after: "3", outcome: "done" },
    });
    const wanted = "events?changes=true&kind=change-refused";
    const no = await trio.get<readonly EventView[]>(await trio.leader(), wanted);
    assert.deepEqual(no.map(({ change }) => [change?.subject, change?.outcome]).toReversed(), [
      ["every", "refused"],
      ["none", "refused"],
    ]);
    assert.match(no[1]?.text ?? "", /not replicated/);
  });

  test("a node is drained and given work again; health says what is wrong, and why", async () => {
    const operator = as("operator");
    const change = await operator.setAvailability("h3", "drain");
    assert.deepEqual([change.before, change.after], ["active", "drain"]);
    assert.equal((await lab.node("h3")).availability, "drain");
    assert.deepEqual((await lab.node("h1")).labels, { type: "primary" });
    await until(
      "it is empty",
      async () => (await operator.node("h3")).runningTasks === 0 || undefined,
      20_000,
      500,
    );
    await operator.setAvailability("h3", "active");
    assert.match((await refused(as("admin").removeNode("h3"))).join(), /^409,.*h/);
    await until(
      "all is well",
      async () => {
        return (await operator.health()).overall_health === "healthy" || undefined;
      },
      20_000,
      500,
    );
    const name = "never";
    await lab.createService(name, ["--constraint", "node.labels.none==such"]);
    const health = await until("it is ill", async () => {
      const told = await operator.health();
      return told.overall_health === "critical" && told.reasons[0]?.includes("suitable")
        ? told
        : undefined;
    });
    assert.match(health.reasons.join(), /^never: 0 of 1 tasks run; no suitable node/);
    assert.deepEqual([health.nodes.total, health.nodes.ready], [3, 3]);
    await as("admin").removeService(name);
  });

  test("what the README says works with curl, too", async () => {
    const curl = async (token: string, path: string, ...words: readonly string[]) => {
      const login = ["-s", "-H", `Authorization: Bearer ${token}`];
      const ran = await run("curl", [...login, ...words, trio.url(follower) + path], {});
      return JSON.parse(ran.stdout) as SwarmAnswer<{ readonly overall_health?: string }>;
    };
    const health = await curl(tokens.viewer, "/api/swarm/health");
    assert.ok(health.success);
    assert.equal(health.data.overall_health, "healthy");
    const scale = ["--json", '{"replicas":3}'];
    const path = "/api/swarm/services/web/scale";
    assert.equal((await curl(tokens.operator, path, ...scale)).success, true);
    assert.deepEqual(await curl(tokens.viewer, path, ...scale), {
      success: false,
      error: "This needs the role operator; viewer-3 is viewer.",
    });
  });

  test("numbers: what there is, what runs, and what a busy service uses", async () => {
    const viewer = as("viewer");
    const burns = ["sh", "-c", "while :; do :; done"];
    await lab.createService("busy", ["--limit-cpu", "0.3"], [imageNames.worker, ...burns]);
    await lab.untilRunning("busy", 1);
    await lab.untilRunning("web", 3);
    const told = await viewer.statistics();
    assert.deepEqual(told.nodes, { total: 3, ready: 3, managers: 3, workers: 0 });
    const services = await viewer.services();
    assert.equal(told.services.total, services.length);
    assert.ok(told.tasks.running >= 4 && told.tasks.successRate > 0, JSON.stringify(told.tasks));
    for (const { load, memoryAvailable, diskUsed, hostname } of told.eachNode) {
      assert.ok(load !== null && (memoryAvailable ?? 0) > 1e6, hostname);
      assert.ok((diskUsed ?? 0) > 1e5, `${hostname}: ${diskUsed}`);
    }
    const of = (name: string) => told.eachService.find((one) => one.name === name);
    const { processorsUsed, memoryUsed, diskUsed } = of("busy") ?? {};
    // Its limit is 0.3; a busy machine may give it less.
    assert.ok((processorsUsed ?? 0) > 0.02 && (processorsUsed ?? 9) < 0.5, `${processorsUsed}`);
    assert.ok((memoryUsed ?? 0) > 1e4 && diskUsed !== null);
    await as("admin").removeService("busy");
  });

  test("a stack is deployed, changed and pruned, each service told; what docker refuses is said in its words", async () => {
    const file = (image: string, more = ""): string =>
      `version: "3.8"\nservices:\n  a:\n    image: ${image}\n    command: sleep 1000\n    stop_grace_period: 1s\n${more}`;
    const more = `  b:\n    image: ${imageNames.worker}\n    command: sleep 1000\n    stop_grace_period: 1s\n`;
    const deploy = async (stack: string, prune = false) => {
      const wish = { name: "shop", stack, prune, resolveImage: "never" as const };
      const { services } = await as("admin").deployStack(wish);
      return services.map(({ service, outcome }) => `${service} ${outcome}`).join();
    };
    assert.equal(await deploy(file(imageNames.worker, more)), "shop_a created,shop_b created");
    await lab.untilRunning("shop_a", 1);
    const labelled = file(imageNames.worker, "    deploy: { replicas: 2 }\n");
    assert.match(await deploy(labelled, true), /^shop_a updated,shop_b removed$/);
    await lab.untilRunning("shop_a", 2);
    const rows = await as("viewer").services({ stack: "shop" });
    assert.deepEqual(
      rows.map(({ name, desired }) => [name, desired]),
      [["shop_a", 2]],
    );
    const wrong = { name: "shop", stack: "services: [1]" };
    assert.match((await refused(as("admin").deployStack(wrong))).join(), /^400,.*services/s);
    const named = { name: "no such", stack: file(imageNames.worker) };
    assert.equal((await refused(as("admin").deployStack(named)))[0], 400);
    assert.equal((await refused(as("operator").deployStack(wrong)))[0], 403);
    await as("admin").removeService("shop_a");
  });

  test("join tokens are for an admin alone, and are the Swarm's own", async () => {
    const { token, remoteAddrs } = await as("admin").joinToken("worker");
    assert.equal(token, await lab.docker("swarm", "join-token", "--quiet", "worker"));
    assert.equal(remoteAddrs.length, 3);
    assert.equal((await refused(as("operator").joinToken("manager")))[0], 403);
  });
});
