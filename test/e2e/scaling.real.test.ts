// Services of a real Swarm of three hosts under a real load: their tasks burn processors, the agents inside them tell it, and the leader scales. What was changed and when is read off Swarm's own events.

import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { SwarmClient } from "../../coordinator/swarm-client.ts";
import type { EventView, WorkerView } from "../../proto/rest.ts";
import type { SwarmAnswer, SwarmChange, SwarmScalingState } from "../../proto/swarm-rest.ts";
import { inNamespace, run } from "../lab/engine.ts";
import { imageNames } from "../lab/images.ts";
import { needs, soakAlone } from "../lab/requirements.ts";
import { startSwarm, type SwarmHost, type SwarmLab } from "../lab/swarm.ts";
import { SwarmTrio } from "../lab/swarm-trio.ts";
import { ensureBuilt, meshKey } from "../lab/trio.ts";
import { pause, until } from "../waiting.ts";

const dist = fileURLToPath(new URL("../../dist", import.meta.url));
const cooldown = 10;
/** ms */
const whole = cooldown * 1000;
/** A task may use no more, so that its load is nearly 1 when it burns, also on a busy machine. */
const limit = "0.1";

/** It burns while there is a file, and its agent runs beside it. */
const program = [
  ...[imageNames.node, "sh", "-c"],
  "node /opt/heartmesh/heartmesh-agent.mjs & trap 'exit 0' TERM; while :; do if test -e /tmp/burn; then i=0; while test $i -lt 3000; do i=$((i+1)); done; else sleep 0.2; fi; done",
];

/** For the whole trio, as it should be: whoever leads knows the policies. */
async function startRedisOn({ engine }: SwarmHost): Promise<ChildProcess> {
  const dir = path.join(engine.dir, "redis");
  mkdirSync(dir);
  const words = ["--dir", dir, "--protected-mode", "no", "--appendonly", "yes", "--save", ""];
  const server = inNamespace(engine, "redis-server", words, { stdio: "ignore" });
  await until("Redis", () => existsSync(path.join(dir, "appendonlydir")) || undefined);
  return server;
}

interface Scaled {
  /** Of the manager's clock, ms. */
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

describe("scaling by load", { skip: needs("root", "engine", "redis") }, () => {
  let lab: SwarmLab;
  let trio: SwarmTrio;
  let redis: ChildProcess;
  let began: number;

  before(async () => {
    ensureBuilt();
    lab = await startSwarm({ managers: 3, images: ["worker", "node"] });
    redis = await startRedisOn(lab.host("h1"));
    const engines = lab.hosts.map(({ engine }) => engine.host);
    trio = await SwarmTrio.start(lab, {
      DOCKER_HOST: engines.join(),
      VERIFY_WINDOW: "1",
      REDIS_URL: `redis://${lab.host("h1").address}:6379`,
    });
    began = Date.now();
  });
  after(async () => {
    await trio.stop();
    const gone = new Promise((resolve) => redis.once("exit", resolve));
    redis.kill("SIGKILL");
    await gone;
    await lab.stop();
  });

  const client = async (): Promise<SwarmClient> =>
    new SwarmClient({ url: trio.url(await trio.leader()) });

  /** Each task with an agent of its own inside, on a port of its host. */
  const start = async (name: string, port: number, more: readonly string[] = []): Promise<void> => {
    const members = lab.hosts.map(({ address }, at) => `c${at + 1}=${address}:7700`).join(",");
    const env = {
      WORKER_NAME: `${name}.{{.Task.Slot}}`,
      AGENT_PORT: String(port),
      COORDINATORS: members,
      MESH_KEY: meshKey,
    };
    const words = [
      ...Object.entries(env).flatMap(([key, value]) => ["--env", `${key}=${value}`]),
      ...["--container-label", "role=node", "--container-label", "heartmesh.start-period=60s"],
      ...["--limit-cpu", limit, "--stop-grace-period", "2s", ...more],
      ...["--publish", `mode=host,protocol=udp,target=${port},published=${port}`],
      ...["--mount", `type=bind,readonly,source=${path.resolve(dist)},target=/opt/heartmesh`],
    ];
    await lab.createService(name, words, program);
    await lab.untilRunning(name, 1, 40_000);
  };

  /** In every container of the service that runs now. */
  const burn = async (name: string, isOn: boolean): Promise<void> => {
    for (const { name: host, engine } of lab.hosts) {
      for (const { id } of await lab.containers(host, name)) {
        const words = isOn ? ["touch", "/tmp/burn"] : ["rm", "-f", "/tmp/burn"];
        await engine.docker("exec", id, ...words);
      }
    }
  };

  /** By Swarm's own word: every change of how many replicas it shall have. */
  const changes = async (name: string): Promise<readonly Scaled[]> => {
    const span = [began, Date.now()].map((at) => (at / 1000).toFixed(3));
    const asked = ["--filter", "type=service", "--filter", "event=update"];
    const words = ["--since", span[0] ?? "", "--until", span[1] ?? "", ...asked];
    const told = await lab.docker("events", ...words, "--format", "{{json .}}");
    const lines = told.split("\n").filter(Boolean);
    return lines.flatMap((line) => {
      const { timeNano, Actor } = JSON.parse(line) as {
        readonly timeNano: number;
        readonly Actor: { readonly Attributes: Readonly<Record<string, string>> };
      };
      const own = Actor.Attributes;
      if (own["name"] !== name || own["replicas.new"] === undefined) return [];
      const [from, to] = [Number(own["replicas.old"]), Number(own["replicas.new"])];
      return [{ at: timeNano / 1e6, from, to }];
    });
  };
  const replicas = async (name: string): Promise<number> => {
    const rows = await (await client()).services({ name });
    return rows[0]?.desired ?? -1;
  };
  /** Its agent tells, and its start, which is work too, is over. */
  const untilCalm = (name: string): Promise<WorkerView> =>
    until(
      `${name} is calm`,
      async () => {
        const all = await trio.get<readonly WorkerView[]>(await trio.leader(), "workers");
        const found = all.find(({ id }) => id === `swarm/${name}.1`);
        return found !== undefined && (found.load ?? 1) < 0.15 ? found : undefined;
      },
      60_000,
      500,
    );
  const untilFree = (name: string): Promise<SwarmScalingState> =>
    until(
      `nothing holds ${name}`,
      async () => {
        const { state } = await (await client()).scaling(name);
        return state?.loadOf === "tasks" && state.heldBecause === "" ? state : undefined;
      },
      60_000,
      500,
    );
  const assertApart = (all: readonly Scaled[], what: string): void => {
    for (const [place, one] of all.entries()) {
      const before = all[place - 1];
      if (before !== undefined)
        assert.ok(one.at - before.at >= whole - 50, `${what}: ${JSON.stringify(all)}`);
    }
  };
  const told = async (name: string): Promise<readonly string[]> => {
    const page = "events?limit=1000&kind=swarm-changed";
    const events = await trio.get<readonly EventView[]>(await trio.leader(), page);
    return events.map(({ text }) => text).filter((text) => text.includes(`: ${name} has `));
  };

  test("its load rises: there are more of it within two cooldowns, with the reason on record", async (t) => {
    await start("web", 8901);
    await untilCalm("web");
    const url = `${trio.url(await trio.leader())}/api/swarm/services/web/scaling`;
    const wish = JSON.stringify({ min: 1, max: 3, target: 0.3, cooldown });
    const put = await run("curl", ["-s", "-X", "PUT", "--json", wish, url]);
    assert.equal((JSON.parse(put.stdout) as SwarmAnswer<SwarmChange>).success, true, put.stdout);
    const calm = await untilFree("web");
    assert.deepEqual([calm.replicas, calm.wanted], [1, 1]);
    await burn("web", true);
    const burnsSince = Date.now();
    const first = await until("it is scaled", async () => (await changes("web"))[0], 60_000, 500);
    const took = first.at - burnsSince;
    t.diagnostic(`burns → ${first.to} replicas after ${Math.round(took)} ms`);
    assert.ok(took <= 2 * whole, `${took} ms`);
    assert.equal(first.from, 1);
    assert.ok(first.to > 1);
    await lab.untilRunning("web", first.to, 40_000);
    const [text = ""] = await until("it is on record", async () => {
      const all = await told("web");
      return all.length > 0 ? all : undefined;
    });
    assert.match(
      text,
      /^scaling policy: web has \d replicas, and had 1: the load of 1 tasks is [\d.]+, its target 0\.3$/,
    );
    // By the policy's next look; by then there may have been a second change.
    await until(
      "its last change is shown, between that of Swarm's own and the one before",
      async () => {
        const { state } = await (await client()).scaling("web");
        const all = await changes("web");
        const place = all.findIndex(({ to }) => to === state?.replicas);
        const lastChangeAt = Date.parse(state?.lastChangeAt ?? "");
        const [before = began, at = 0] = [all[place - 1]?.at, all[place]?.at];
        return lastChangeAt > before && lastChangeAt <= at;
      },
    );
  });

  test(
    "its load goes up and down, and the leader changes: at most one change a cooldown",
    { skip: soakAlone },
    async () => {
      const end = Date.now() + 7 * whole;
      let isOn = false;
      for (let round = 0; Date.now() < end; round++) {
        isOn = !isOn;
        await burn("web", isOn);
        await pause(whole * 0.4);
        if (round !== 4) continue;
        const leader = await trio.leader();
        await trio.kill(leader);
        trio.revive(leader);
        await trio.leader();
      }
      assertApart(await changes("web"), "web");
      await burn("web", false);
      await until(
        "it is idle, and there is one again",
        async () => (await replicas("web")) === 1 || undefined,
        120_000,
        500,
      );
      assertApart(await changes("web"), "web");
    },
  );

  test(
    "a person's word holds for a cooldown, also against the load",
    { skip: soakAlone },
    async () => {
      await untilFree("web");
      const before = (await changes("web")).length;
      await lab.docker("service", "scale", "--detach", "web=3");
      const { state } = await until("it is seen", async () => {
        const seen = await (await client()).scaling("web");
        return seen.state?.replicas === 3 ? seen : undefined;
      });
      assert.match(
        state?.heldBecause ?? "",
        /^somebody else changed it to 3 replicas; the policy waits/,
      );
      await until(
        "the policy goes on",
        async () => (await replicas("web")) < 3 || undefined,
        120_000,
        500,
      );
      const [persons, next] = (await changes("web")).slice(before);
      assert.deepEqual([persons?.from, persons?.to, next?.from], [1, 3, 3]);
      assert.ok((next?.at ?? 0) - (persons?.at ?? 0) >= whole);
      await (await client()).removeScaling("web");
    },
  );

  test(
    "while its host falls out it is moved, and not scaled; from then on for a cooldown neither",
    { skip: soakAlone },
    async () => {
      // Redis stays.
      await start("api", 8902, ["--constraint", "node.hostname!=h1"]);
      const [task] = await lab.runningTasks("api");
      const host = lab.hosts.find(({ nodeId }) => nodeId === task?.nodeId)?.name ?? "";
      await untilCalm("api");
      await (await client()).setScaling("api", { min: 1, max: 3, target: 0.3, cooldown });
      await untilFree("api");
      await burn("api", true);
      await lab.cut(host);
      const cutAt = Date.now();
      try {
        const held = await until(
          "it is held back",
          async () => {
            const seen = await (await client()).scaling("api").catch(() => undefined);
            const why = seen?.state?.heldBecause ?? "";
            return /its host|moved/.test(why) ? why : undefined;
          },
          60_000,
          200,
        );
        assert.match(held, /^(its host h\d is|it has lost its host|it is being moved)/);
        const elsewhere = async (): Promise<true | undefined> => {
          const others = lab.hosts.filter(({ name }) => name !== host);
          const found = await Promise.all(others.map(({ name }) => lab.containers(name, "api")));
          return found.flat().length > 0 || undefined;
        };
        await until("it runs elsewhere", elsewhere, 60_000, 200);
        await burn("api", true);
        const first = await until(
          "it is scaled there",
          async () => (await changes("api")).find(({ at }) => at > cutAt),
          120_000,
          500,
        );
        const updates = await updatesOf("api", first.at);
        assert.ok(updates.length > 0, "it was moved by an update");
        for (const at of updates)
          assert.ok(first.at - at >= whole, `${first.at} after ${updates.join()}`);
      } finally {
        await lab.heal(host);
      }
    },
  );

  /** Instants of all updates before, ms: of a move as well. */
  async function updatesOf(name: string, until: number): Promise<readonly number[]> {
    const span = [began, until - 1].map((at) => (at / 1000).toFixed(3));
    const asked = ["--filter", "type=service", "--filter", "event=update"];
    const words = ["--since", span[0] ?? "", "--until", span[1] ?? "", ...asked];
    const told = await lab.docker(
      "events",
      ...words,
      "--format",
      "{{.TimeNano}} {{.Actor.Attributes.name}}",
    );
    const lines = told.split("\n").map((line) => line.split(" "));
    return lines.flatMap(([at = "", service]) => (service === name ? [Number(at) / 1e6] : []));
  }
});
