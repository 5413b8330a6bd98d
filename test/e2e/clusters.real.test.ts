// Clusters of containers over HTTP, on real engines: what is asked of any coordinator is what docker shows, once and in the order of the log.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import type {
  CallRow,
  ClusterRow,
  ClusterServiceRow,
  ClusterState,
  ClusterStats,
  CoordinatorStats,
} from "../../proto/cluster-rest.ts";
import {
  callCluster,
  containersOf,
  restful,
  type CallAnswer,
  type ShownContainer,
} from "../lab/cluster-calls.ts";
import type { EventView } from "../../proto/rest.ts";
import { crash } from "../lab/containers.ts";
import { startEngine, type LabEngine } from "../lab/engine.ts";
import { ensureImages } from "../lab/images.ts";
import { needs } from "../lab/requirements.ts";
import { Trio } from "../lab/trio.ts";
import { until } from "../waiting.ts";

describe("a cluster of containers", { skip: needs("root", "engine", "redis") }, () => {
  let lab: LabEngine;
  /** An engine that DOCKER_HOST does not name. */
  let far: LabEngine;
  let trio: Trio;
  let follower: string;

  before(async () => {
    [lab, far] = await Promise.all([startEngine({ name: "lab" }), startEngine({ name: "far" })]);
    await Promise.all([ensureImages(lab, ["worker"]), ensureImages(far, ["worker"])]);
    trio = await Trio.start(lab, { env: { VERIFY_WINDOW: "1", CLUSTER_IMAGE: restful.image } });
    const leader = await trio.leader();
    follower = trio.ids.find((id) => id !== leader) ?? "";
  });
  after(async () => {
    far.resume();
    await trio.stop();
    await Promise.all([lab.stop(), far.stop()]);
  });

  /** Of any coordinator but the first leader; sent again under the same key where nobody leads for a moment. */
  const ask = async <Data = CallRow>(
    method: string,
    path: string,
    body?: unknown,
    key: string = randomUUID(),
  ): Promise<CallAnswer<Data>> => {
    const wish = { url: trio.url(follower), method, path, body, key };
    return await until(
      `an answer to ${method} ${path}`,
      async () => {
        const answer = await callCluster<Data>(wish).catch(() => undefined);
        return (answer?.status ?? 500) >= 500 ? undefined : answer;
      },
      60_000,
      300,
    );
  };
  const get = async <Data>(path: string): Promise<Data> => {
    const { status, data, error } = await ask<Data>("GET", path);
    assert.equal(status, 200, `${path}: ${error}`);
    return data;
  };
  /** Waits for the call's end where the answer did not. */
  const done = async (asked: Promise<CallAnswer>): Promise<CallRow> => {
    const { status, data, error } = await asked;
    assert.ok(status === 200 || status === 202, error);
    return await until(
      `log entry ${data.log_index} of ${data.cluster} has ended`,
      async () => {
        const { log } = await get<CoordinatorStats>(`/stats?cluster=${data.cluster}&limit=2000`);
        const entry = log.find(({ log_index: index }) => index === data.log_index);
        assert.notEqual(entry?.state, "failed", entry?.text);
        return entry?.state === "done" ? entry : undefined;
      },
      60_000,
      200,
    );
  };
  const shown = (engine: LabEngine, cluster = "web"): Promise<readonly ShownContainer[]> =>
    containersOf(engine, cluster);
  const running = (engine: LabEngine, count: number, cluster = "web") =>
    until(
      `${count} containers of ${cluster} run on ${engine.name}`,
      async () => {
        const all = await shown(engine, cluster);
        return all.length === count && all.every(({ state }) => state === "running")
          ? all
          : undefined;
      },
      60_000,
      200,
    );

  test("is made, gets nodes, and runs a service, spread over them by their capacity", async () => {
    assert.equal((await ask("GET", "/clusters/web")).status, 404);
    assert.equal((await done(ask("POST", "/clusters", { id: "web" }))).log_index, 1);
    assert.equal((await ask("POST", "/clusters", { id: "web" })).status, 409);
    await done(ask("POST", "/clusters/web/nodes", { id: "n1", host: "lab", capacity: 2 }));
    await done(ask("POST", "/clusters/web/nodes", { id: "n2", spawn: true, capacity: 4 }));
    const body = {
      container: { ...restful, label: "front", env: { COLOUR: "blue", KEY: "secret" } },
      replicas: 3,
    };
    const row = await done(ask("POST", "/clusters/web/service", body));
    assert.deepEqual([row.log_index, row.state], [4, "done"]);
    const found = await running(lab, 3);
    assert.deepEqual(
      found.map(({ name, index, ordinal, node }) => `${name} ${index} ${ordinal} ${node}`),
      ["hm-web-4-1 4 1 n2", "hm-web-4-2 4 2 n2", "hm-web-4-3 4 3 n1"],
    );
    const words = ["-f", "{{json .Config.Env}} {{json .Config.Labels}}", "hm-web-4-1"];
    const { stdout } = await lab.docker("inspect", ...words);
    assert.match(stdout, /COLOUR=blue/);
    assert.match(stdout, /"role":"node"/);
    const [service] = await get<readonly ClusterServiceRow[]>("/clusters/web/services");
    assert.deepEqual([service?.n, service?.desired, service?.running], [4, 3, 3]);
    assert.deepEqual(service?.containers[0]?.env, ["COLOUR", "KEY"]);
    assert.ok(!JSON.stringify(await get("/stats")).includes("secret"), "values are not told");
    const state = await get<ClusterState>("/clusters/web/state");
    assert.deepEqual([state.state, state.replicas.running, state.log.open], ["ready", 3, 0]);
    const stats = await get<ClusterStats>("/clusters/web/stats");
    assert.deepEqual(
      stats.nodes.map(({ id, capacity, used, containers }) => [
        id,
        capacity,
        used,
        containers?.length,
      ]),
      [
        ["n1", 2, 1, 1],
        ["n2", 4, 2, 2],
      ],
    );
    const [cluster] = await get<readonly ClusterRow[]>("/clusters");
    assert.deepEqual([cluster?.id, cluster?.capacity, cluster?.replicas], ["web", 6, 3]);
  });

  test("refuses what cannot be, says why, and runs nothing of it", async () => {
    const before = await shown(lab);
    const many = { container: restful, replicas: 4 };
    const full = await ask("POST", "/clusters/web/service", many);
    assert.equal(full.status, 409);
    assert.match(full.error, /room for 3 of 4/);
    const missing = { container: { ...restful, image: "nowhere/nothing:1" } };
    const none = await ask("POST", "/clusters/web/service", missing);
    assert.ok([202, 409].includes(none.status), none.error);
    await until(
      "no call is open",
      async () => {
        const state = await get<ClusterState>("/clusters/web/state");
        return state.log.open === 0 || undefined;
      },
      60_000,
      200,
    );
    const wrong: readonly (readonly [string, string, unknown, number])[] = [
      ["POST", "/clusters/none/service", { container: restful }, 404],
      ["POST", "/clusters/web/service", { replicas: 2 }, 400],
      ["POST", "/clusters/web/service", { container: restful, replicas: -1 }, 400],
      ["POST", "/clusters/web/service", { container: { command: "'unclosed" } }, 400],
      ["DELETE", "/clusters/web/services/99", undefined, 409],
      ["POST", "/clusters/web/nodes", { id: "n1", host: "lab", capacity: 2 }, 409],
      ["DELETE", "/clusters/web/nodes", { id: "n9" }, 409],
      ["POST", "/clusters", { id: "Not an id" }, 400],
      ["POST", "/clusters", { id: "other", engine: "nowhere" }, 404],
    ];
    for (const [method, path, body, status] of wrong) {
      const answer = await ask(method, path, body);
      assert.equal(answer.status, status, `${method} ${path}: ${answer.error}`);
    }
    assert.deepEqual(await shown(lab), before);
  });

  test("takes a call once for its key, and another body under it not at all", async () => {
    const body = { containers: [{ ...restful, description: "back", replicas: 1 }] };
    const path = "/clusters/web/service";
    const first = await done(ask("POST", path, body, "key-1"));
    const again = await done(ask("POST", path, body, "key-1"));
    assert.deepEqual([again.log_index, again.term], [first.log_index, first.term]);
    const other = { containers: [{ ...restful, description: "other", replicas: 1 }] };
    assert.equal((await ask("POST", path, other, "key-1")).status, 422);
    await running(lab, 4);
    await done(ask("DELETE", `/clusters/web/services/${first.log_index}`));
    assert.deepEqual(
      (await running(lab, 3)).map(({ index }) => index),
      [4, 4, 4],
    );
  });

  test("has what dies revived by heartmesh, and what is removed made again", async () => {
    const old = (await shown(lab))[0];
    await trio.watched("hm-web-4-1");
    await crash(lab, "hm-web-4-1");
    await running(lab, 3);
    assert.equal((await shown(lab))[0]?.id, old?.id, "it was started, not made anew");
    await lab.docker("rm", "-f", "hm-web-4-2");
    assert.equal((await running(lab, 3))[1]?.name, "hm-web-4-2");
  });

  test("takes a new node without moving anything, evens out when told, and lets it go", async () => {
    const node = { id: "far", host: far.host, capacity: 6 };
    await done(ask("POST", "/clusters/web/nodes", node));
    assert.equal((await shown(lab)).length, 3);
    const row = await done(ask("POST", "/clusters/web/rebalance"));
    assert.match(row.text, /2 containers are placed elsewhere/);
    await Promise.all([running(lab, 1), running(far, 2)]);
    await done(ask("DELETE", "/clusters/web/nodes", { id: "far" }));
    await Promise.all([running(lab, 3), running(far, 0)]);
    const { error } = await ask("DELETE", "/clusters/web/nodes", { id: "n2" });
    assert.match(error, /room for 1 of its 2/);
    const gone = { id: "gone", host: "127.0.0.1", port: 9, capacity: 1 };
    await ask("POST", "/clusters/web/nodes", gone);
    await until(
      "it is given up",
      async () => {
        const { log } = await get<CoordinatorStats>("/stats?cluster=web");
        return (
          log.some(({ call, state }) => call === "add-node gone" && state === "failed") || undefined
        );
      },
      60_000,
      500,
    );
  });

  test("spreads again what a dead node ran, and clears it when that is back", async () => {
    await done(ask("POST", "/clusters", { id: "duo" }));
    await done(ask("POST", "/clusters/duo/nodes", { id: "here", host: "lab", capacity: 4 }));
    const node = { id: "there", host: far.host, capacity: 4 };
    await done(ask("POST", "/clusters/duo/nodes", node));
    await done(ask("POST", "/clusters/duo/service", { container: restful, replicas: 4 }));
    await Promise.all([running(lab, 2, "duo"), running(far, 2, "duo")]);
    far.pause();
    await running(lab, 4, "duo");
    const state = await get<ClusterState>("/clusters/duo/state");
    assert.deepEqual([state.state, state.reasons[0]], ["degraded", "node there is dead"]);
    far.resume();
    await running(far, 0, "duo");
    await until(
      "it has joined again",
      async () => {
        const { nodes } = await get<ClusterState>("/clusters/duo/state");
        return nodes.joined === 2 || undefined;
      },
      60_000,
      200,
    );
    assert.equal((await running(lab, 4, "duo")).length, 4);
    await done(ask("DELETE", "/clusters/duo"));
    await running(lab, 0, "duo");
    assert.equal((await ask("GET", "/clusters/duo")).status, 404);
  });

  test("stands as a node of another, which spreads calls down it and bears its loss", async () => {
    for (const id of ["up", "down"]) await done(ask("POST", "/clusters", { id }));
    await done(ask("POST", "/clusters/down/nodes", { id: "share", spawn: true, capacity: 3 }));
    await done(ask("POST", "/clusters/up/nodes", { id: "there", host: far.host, capacity: 3 }));
    await done(ask("POST", "/clusters/up/nodes", { cluster: "down" }));
    const circle = await ask("POST", "/clusters/down/nodes", { cluster: "up" });
    assert.deepEqual([circle.status, /circle/.test(circle.error)], [409, true]);
    const many = await ask("POST", "/clusters/up/service", { container: restful, replicas: 7 });
    assert.match(many.error, /room for 6 of 7/);
    const row = await done(
      ask("POST", "/clusters/up/service", { container: restful, replicas: 4 }),
    );
    const [here] = await Promise.all([running(lab, 2, "down"), running(far, 2, "up")]);
    const origin = ["inspect", "-f", '{{index .Config.Labels "heartmesh.origin"}}'];
    const labelled = await lab.docker(...origin, here[0]?.id ?? "");
    assert.equal(labelled.stdout.trim(), `up/${row.log_index}`);
    await until(
      "all four are told to run",
      async () => {
        const [service] = await get<readonly ClusterServiceRow[]>("/clusters/up/services");
        return service?.running === 4 || undefined;
      },
      60_000,
      300,
    );
    await done(ask("DELETE", "/clusters/down"));
    await Promise.all([running(lab, 0, "down"), running(far, 3, "up")]);
    const { replicas } = await get<ClusterState>("/clusters/up/state");
    assert.equal(replicas.waiting, 1, "there is no room for the fourth");
    await done(ask("DELETE", "/clusters/up"));
    await running(far, 0, "up");
  });

  test("is told of: each change with who, what, before and after", async () => {
    const events = await trio.get<readonly EventView[]>("events?kind=cluster-changed&limit=1000");
    const added = events.find(({ text }) => /entry 4 of cluster web/.test(text));
    assert.match(added?.text ?? "", /: service 4 runs with 3 containers$/);
    assert.match(added?.change?.actor ?? "", /^anybody on loopback \(c[123]\)$/);
    assert.deepEqual(added?.change, {
      ...{ actor: added?.change?.actor, verb: "add-service", subject: "web", cluster: "" },
      before: "2 nodes, 0 services, 0 containers",
      after: "2 nodes, 1 services, 3 containers",
      outcome: "done",
    });
  });

  test("that is removed leaves nothing", async () => {
    await done(ask("DELETE", "/clusters/web"));
    await running(lab, 0);
    assert.deepEqual(await get<readonly ClusterRow[]>("/clusters"), []);
  });
});
