// Hung tasks of a real Swarm of three hosts: the trio kills, Swarm replaces, wherever it likes, and nobody starts anything by hand.

import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { RecoveryView, WorkerView } from "../../proto/rest.ts";
import { pidOf } from "../lab/containers.ts";
import { imageNames } from "../lab/images.ts";
import { needs, soakAlone } from "../lab/requirements.ts";
import { startSwarm, type SwarmHost, type SwarmLab } from "../lab/swarm.ts";
import { SwarmTrio } from "../lab/swarm-trio.ts";
import { ensureBuilt, meshKey } from "../lab/trio.ts";
import { pause, until } from "../waiting.ts";

const dist = fileURLToPath(new URL("../../dist", import.meta.url));
const web = "swarm/web.1";
const port = 8899;

/** A web server as process 1, and its agent beside it in the same container. */
const program = [
  ...[imageNames.node, "sh", "-c"],
  "echo ok > /tmp/index.html; node /opt/heartmesh/heartmesh-agent.mjs & exec httpd -f -p 8080 -h /tmp",
];

interface Running {
  readonly host: SwarmHost;
  readonly id: string;
}

describe("hung tasks of a Swarm", { skip: needs("root", "engine", "redis") }, () => {
  let lab: SwarmLab;
  let trio: SwarmTrio;
  let began: number;

  before(async () => {
    ensureBuilt();
    lab = await startSwarm({ managers: 3, images: ["worker", "node"] });
    trio = await SwarmTrio.start(lab, {
      DOCKER_HOST: lab.hosts.map(({ engine }) => engine.host).join(","),
      VERIFY_WINDOW: "2",
      MAX_REVIVALS: "2",
    });
    began = Date.now();
    const members = lab.hosts.map(({ address }, at) => `c${at + 1}=${address}:7700`).join(",");
    const env = {
      WORKER_NAME: "web.{{.Task.Slot}}",
      WORKER_CHECK: "http://127.0.0.1:8080/index.html",
      AGENT_PORT: String(port),
      COORDINATORS: members,
      MESH_KEY: meshKey,
    };
    const words = [
      ...Object.entries(env).flatMap(([key, value]) => ["--env", `${key}=${value}`]),
      ...["--container-label", "role=node", "--container-label", "heartmesh.start-period=10s"],
      ...["--publish", `mode=host,protocol=udp,target=${port},published=${port}`],
      ...["--mount", `type=bind,readonly,source=${path.resolve(dist)},target=/opt/heartmesh`],
    ];
    await lab.createService("web", words, program);
  });
  after(async () => {
    await trio.stop();
    await lab.stop();
  });

  const get = async <Answer>(what: string): Promise<Answer> => {
    const response = await fetch(`${trio.url(await trio.leader())}/api/v1/${what}`);
    assert.equal(response.status, 200, what);
    return (await response.json()) as Answer;
  };
  const worker = async (id: string): Promise<WorkerView | undefined> =>
    (await get<readonly WorkerView[]>("workers")).find((one) => one.id === id);
  const recoveries = async (): Promise<readonly RecoveryView[]> =>
    get<readonly RecoveryView[]>(`recoveries?worker=${encodeURIComponent(web)}`);
  const healthy = (id: string): Promise<WorkerView> =>
    until(
      `${id} is healthy`,
      async () => {
        const seen = await worker(id).catch(() => undefined);
        return seen?.verdict === "healthy" ? seen : undefined;
      },
      40_000,
      200,
    );
  /** Where the service runs, by the hosts' own engines. */
  const runningNow = async (service: string): Promise<readonly Running[]> => {
    const found = lab.hosts.map(async (host) => {
      const containers = await lab.containers(host.name, service);
      return containers.map(({ id }) => ({ host, id }));
    });
    return (await Promise.all(found)).flat();
  };
  const only = async (service: string): Promise<Running> => {
    const [one, ...others] = await runningNow(service);
    assert.ok(one !== undefined && others.length === 0);
    return one;
  };
  const hang = async ({ host, id }: Running): Promise<number> => {
    process.kill(await pidOf(host.engine, id), "SIGSTOP");
    return Date.now();
  };

  test("one that hangs is killed, replaced by Swarm, and recovered on record", async (t) => {
    for (let round = 1; round <= 2; round++) {
      const { host } = await healthy(web);
      const before = await only("web");
      assert.equal(before.host.name, host);
      const hungAt = await hang(before);
      const ended = await until(
        `recovery ${round} has ended`,
        async () => {
          const all = await recoveries();
          return all.length === round && all[0]?.outcome !== "running" ? all[0] : undefined;
        },
        60_000,
        200,
      );
      assert.deepEqual([ended.action, ended.outcome], ["kill", "recovered"]);
      assert.equal(ended.tries.length, 1);
      const now = await only("web");
      assert.notEqual(now.id, before.id);
      assert.equal((await healthy(web)).containerId, now.id);
      const took = [ended.tries[0]?.actedAtMs, ended.verifiedAtMs].map((at) => (at ?? 0) - hungAt);
      t.diagnostic(
        `hung on ${before.host.name} → killed ${took[0]} ms → answers on ${now.host.name} ${took[1]} ms`,
      );
      await pause(1_000);
    }
  });

  test(
    "one that hangs over and over is in quarantine, whatever its containers are called",
    { skip: soakAlone },
    async () => {
      const before = await only("web");
      await hang(before);
      await until(
        "its quarantine",
        async () => ((await worker(web))?.quarantinedForMs ?? null) !== null,
        20_000,
        200,
      );
      await pause(8_000);
      assert.equal((await only("web")).id, before.id);
      assert.equal((await recoveries()).length, 2);
    },
  );

  test("one whose HEALTHCHECK fails is replaced by Swarm itself, and not touched", async (t) => {
    const health = [
      ...["--health-cmd", "test ! -e /tmp/ill", "--health-interval", "1s"],
      ...["--health-timeout", "2s", "--health-retries", "2"],
      ...["--container-label", "role=node", "--stop-grace-period", "3s"],
    ];
    await lab.createService("db", health, [imageNames.worker, "httpd", "-f", "-p", "8080"]);
    await healthy("swarm/db.1");
    const before = await only("db");
    const fallsIll = await before.host.engine.docker("exec", before.id, "touch", "/tmp/ill");
    assert.equal(fallsIll.code, 0, fallsIll.stderr);
    const illAt = Date.now();
    await until(
      "Swarm has replaced it",
      async () => {
        const now = await runningNow("db");
        return now.length === 1 && now[0]?.id !== before.id;
      },
      40_000,
      100,
    );
    t.diagnostic(`ill → replaced by Swarm after ${Date.now() - illAt} ms`);
    await healthy("swarm/db.1");
    const all = await get<readonly RecoveryView[]>("recoveries?worker=swarm%2Fdb.1");
    assert.deepEqual(all, []);
  });

  test("nothing was started by hand: each container once, by Swarm", async () => {
    for (const { engine, name } of lab.hosts) {
      const [since, until] = [began, Date.now()].map((at) => (at / 1000).toFixed(3));
      const asked = ["--filter", "event=start", "--filter", "event=restart"];
      const words = ["--since", since ?? "", "--until", until ?? "", ...asked];
      const line = '{{.Action}} {{.Actor.ID}} {{index .Actor.Attributes "com.docker.swarm.task"}}';
      const ran = await engine.docker("events", ...words, "--format", line);
      assert.equal(ran.code, 0, ran.stderr);
      const lines = ran.stdout.trim().split("\n").filter(Boolean);
      assert.equal(new Set(lines).size, lines.length, `${name}: ${ran.stdout}`);
      for (const one of lines) assert.match(one, /^start /, name);
    }
  });
});
