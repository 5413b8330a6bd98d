// A cluster of containers that is a Swarm, on a real one of three hosts: services of the cluster are services of the Swarm.

import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { after, before, describe, test } from "node:test";
import type { ClusterServiceRow } from "../../proto/cluster-rest.ts";
import { callCluster, callToItsEnd, restful, type CallAnswer } from "../lab/cluster-calls.ts";
import { inNamespace } from "../lab/engine.ts";
import { needs } from "../lab/requirements.ts";
import { startSwarm, type SwarmLab } from "../lab/swarm.ts";
import { SwarmTrio } from "../lab/swarm-trio.ts";
import { until } from "../waiting.ts";

const token = "admin-token-0123456789";

describe("a cluster that is a Swarm", { skip: needs("root", "engine", "redis") }, () => {
  let lab: SwarmLab;
  let trio: SwarmTrio;
  let redis: ChildProcess;

  before(async () => {
    lab = await startSwarm({ managers: 3, images: ["worker"] });
    const engines = lab.hosts.map(({ engine }) => engine.host);
    const [first] = lab.hosts;
    assert.ok(first !== undefined);
    // The log is in a Redis that all coordinators share.
    const words = ["--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--dir"];
    redis = inNamespace(first.engine, "redis-server", [...words, first.engine.dir], {
      stdio: "ignore",
    });
    trio = await SwarmTrio.start(lab, {
      REDIS_URL: `redis://${first.address}:6379`,
      DOCKER_HOST: engines.join(),
      API_TOKENS: `admin:${token}`,
    });
  });
  after(async () => {
    await trio.stop();
    redis.kill("SIGKILL");
    await lab.stop();
  });

  /** Of whatever coordinator. */
  const ask = (method: string, path: string, body?: unknown): Promise<CallAnswer> =>
    callToItsEnd({ url: trio.url("h2"), method, path, body, token });
  const docker = async (...words: readonly string[]): Promise<string> =>
    (await lab.hosts[0]?.engine.docker(...words))?.stdout.trim() ?? "";

  test("runs what is asked as services, placed anew when told, and removed with it", async () => {
    assert.equal((await ask("POST", "/clusters", { id: "shop", swarm: true })).status, 200);
    const body = {
      containers: [
        { ...restful, label: "front", env: { COLOUR: "blue" }, replicas: 3 },
        { ...restful, label: "back", replicas: 1 },
      ],
    };
    const { data } = await ask("POST", "/clusters/shop/service", body);
    assert.deepEqual([data.state, data.log_index], ["done", 2]);
    await lab.untilRunning("hm-shop-2-1", 3);
    await lab.untilRunning("hm-shop-2-2", 1);
    const format = "{{json .Spec.Labels}} {{json .Spec.TaskTemplate.ContainerSpec.Env}}";
    const shown = await docker("service", "inspect", "-f", format, "hm-shop-2-1");
    assert.match(shown, /"heartmesh.cluster":"shop".*"heartmesh.log-index":"2".*COLOUR=blue/);
    await until(
      "it is told to run",
      async () => {
        const path = "/clusters/shop/services";
        const wish = { url: trio.url("h3"), path, token };
        const told = await callCluster<readonly ClusterServiceRow[]>(wish).catch(() => undefined);
        const [service] = told?.data ?? [];
        return (service?.desired === 4 && service.running === 4) || undefined;
      },
      60_000,
      500,
    );
    const refused = await ask("POST", "/clusters/shop/nodes", { host: "h1", capacity: 3 });
    assert.deepEqual([refused.status, /is a Swarm/.test(refused.error)], [409, true]);
    assert.equal((await ask("POST", "/clusters/shop/rebalance")).data.state, "done");
    const forced = await docker(
      "service",
      "inspect",
      "-f",
      "{{.Spec.TaskTemplate.ForceUpdate}}",
      "hm-shop-2-1",
    );
    assert.equal(forced, "4");
    assert.equal((await ask("DELETE", "/clusters/shop/services/2")).data.state, "done");
    assert.equal(await docker("service", "ls", "-q"), "");
    assert.equal((await ask("DELETE", "/clusters/shop")).data.state, "done");
  });
});
