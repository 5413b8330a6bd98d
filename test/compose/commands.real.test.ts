// The compose project by its own three commands: init, run and stop; two HAProxies, a coordinator that hangs, and what is known after the whole was down.

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { RecoveryView, WorkerView } from "../../proto/rest.ts";
import { ofItsOwn, type DemoEngine } from "../demo/engine.ts";
import { run, startEngine, type Ran } from "../lab/engine.ts";
import { soakNeeds } from "../lab/requirements.ts";
import { ensureBuilt } from "../lab/trio.ts";
import { until } from "../waiting.ts";
import { inTime } from "../../coordinator/io/in-time.ts";

const compose = fileURLToPath(new URL("../../compose", import.meta.url));
const secretNames = [
  "mesh_key",
  "api_tokens",
  "redis_password",
  "redis_url",
  "metrics_token",
  "grafana_password",
];

/** Stops the coordinator's process, which is not its container's first. */
const hang = `
const fs = require("node:fs");
for (const pid of fs.readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name))) {
  let words = "";
  try { words = fs.readFileSync("/proc/" + pid + "/cmdline", "utf8"); } catch {}
  if (words.includes("heartmesh.mjs\\0coordinator\\0") && words.startsWith("node\\0")) process.kill(Number(pid), "SIGSTOP");
}`;

describe(
  "init, run and stop",
  { skip: soakNeeds("root", "engine", "redis", "haproxy", "compose") },
  () => {
    let engine: DemoEngine;
    /** Copied, so that the sources are not built anew under the feet of others. */
    let folder = "";
    let token = "";
    const ports = new Map<number, number>();

    before(async () => {
      ensureBuilt();
      const lab = await startEngine({ name: "commands" });
      engine = await ofItsOwn(lab);
      folder = mkdtempSync(path.join(lab.dir, "copied-"));
      cpSync(compose, path.join(folder, "compose"), {
        recursive: true,
        filter: (file) => !file.startsWith(path.join(compose, "secrets")),
      });
    });

    after(async () => {
      await heartmesh("stop");
      await engine.stop();
    });

    const heartmesh = (verb: string, env: Readonly<Record<string, string>> = {}): Promise<Ran> =>
      run("sh", [path.join(folder, "compose/heartmesh.sh"), verb], {
        env: {
          PATH: process.env["PATH"],
          HOME: folder,
          COMPOSE_PROJECT_NAME: "trio",
          ...engine.env,
          ...env,
        },
      });
    const works = async (verb: string, env?: Readonly<Record<string, string>>): Promise<string> => {
      const ran = await heartmesh(verb, env);
      assert.equal(ran.code, 0, `${verb}: ${ran.stdout}${ran.stderr}`);
      return ran.stdout;
    };
    const secrets = (): readonly string[] =>
      secretNames.map((name) => readFileSync(path.join(folder, "compose/secrets", name), "utf8"));

    const reach = async (port: number): Promise<string> => {
      const known = ports.get(port) ?? (await engine.reach(port));
      ports.set(port, known);
      return `http://127.0.0.1:${known}`;
    };
    const ask = async (method: string, what: string, body?: unknown): Promise<unknown> => {
      const url = `${await reach(8000)}/api/v1/${what}`;
      return inTime(5_000, async (signal) => {
        const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
        const text = body === undefined ? {} : { body: JSON.stringify(body) };
        const answer = await fetch(url, { method, headers, signal, ...text });
        if (!answer.ok) throw new Error(`${what}: ${answer.status} ${await answer.text()}`);
        return answer.json();
      });
    };
    const workers = async (): Promise<readonly WorkerView[]> =>
      (await ask("GET", "workers")) as readonly WorkerView[];
    const allHealthy = (count: number): Promise<unknown> =>
      until(
        `${count} to be healthy`,
        async () => {
          const all = await workers().catch(() => []);
          return all.length >= count && all.every(({ verdict }) => verdict === "healthy");
        },
        120_000,
        500,
      );
    const recovered = (name: string, since: number): Promise<RecoveryView> =>
      until(
        `${name} to be recovered`,
        async () => {
          const all = (await ask("GET", "recoveries?limit=50").catch(() => [])) as RecoveryView[];
          return all.find(
            (one) =>
              one.worker.includes(name) && one.decidedAtMs >= since && one.outcome === "recovered",
          );
        },
        60_000,
        500,
      );
    /** The id of a service's container. */
    const containerOf = async (service: string): Promise<string> => {
      const label = `label=com.docker.compose.service=${service}`;
      const ran = await engine.docker("ps", "-aq", "--filter", label);
      return ran.stdout.trim();
    };
    const startedAt = async (service: string): Promise<string> => {
      const id = await containerOf(service);
      return (await engine.docker("inspect", "-f", "{{.State.StartedAt}}", id)).stdout.trim();
    };

    test("a run before init, and a word that is none, say what to do", async () => {
      const early = await heartmesh("run");
      assert.equal(early.code, 1);
      assert.match(early.stderr, /^heartmesh: .*mesh_key is missing; run: sh .* init$/m);
      const unknown = await heartmesh("start");
      assert.equal(unknown.code, 1);
      assert.match(unknown.stderr, /expected init, run or stop/);
      const lost = await heartmesh("run", { DOCKER_HOST: "unix:///nowhere" });
      assert.equal(lost.code, 1);
      assert.match(lost.stderr, /no Docker engine answers/);
    });

    test("init makes the secrets and the images, and makes none anew", async () => {
      await works("init");
      const made = secrets();
      const tokens = /^admin:admin:([0-9a-f]{32})\nmetrics:viewer:([0-9a-f]{32})\n$/.exec(
        made[1] ?? "",
      );
      token = tokens?.[1] ?? "";
      assert.notEqual(token, "", "a token for people");
      assert.equal(made[4], `${tokens?.[2] ?? ""}\n`);
      await works("init");
      assert.deepEqual(secrets(), made);
    });

    test("run brings everything up, and may be repeated", async () => {
      await works("run");
      await allHealthy(9);
      await works("run");
      await allHealthy(9);
    });

    test("a coordinator that hangs is restarted by the others, and comes back by itself", async () => {
      const { leader } = (await ask("GET", "leader")) as { leader: string };
      const follower = ["c1", "c2", "c3"].find((id) => id !== leader) ?? "";
      const began = await startedAt(follower);
      const at = Date.now();
      await engine.docker("exec", await containerOf(follower), "node", "-e", hang);
      await recovered(follower, at);
      assert.notEqual(await startedAt(follower), began);
      await allHealthy(9);
    });

    test("two HAProxies serve alike, show the sample's backend, and are watched and revived", async () => {
      await works("run", { COMPOSE_PROFILES: "two" });
      await allHealthy(10);
      for (const port of [1936, 1937]) {
        await until(
          "the sample's backend to be shown",
          async () => {
            const page = await fetch(`${await reach(port)}/;csv`).catch(() => undefined);
            const text = (await page?.text()) ?? "";
            return ["coordinators,c1,", "redis,redis,", "sample,web,"].every((row) =>
              text.split("\n").some((line) => line.startsWith(row) && line.includes(",UP,")),
            );
          },
          30_000,
          500,
        );
      }
      const at = Date.now();
      await engine.docker("kill", await containerOf("haproxy"));
      assert.equal((await fetch(`${await reach(8001)}/readyz`)).status, 200);
      assert.equal((await fetch(`${await reach(8011)}/healthz`)).status, 200);
      await until(
        "the first to serve again",
        async () => {
          const answer = await fetch(`${await reach(8000)}/readyz`).catch(() => undefined);
          return answer?.status === 200;
        },
        60_000,
        500,
      );
      await recovered("haproxy", at);
    });

    test("what is known outlasts stop and run: recoveries, silences, the token", async () => {
      const at = Date.now();
      await engine.docker("kill", await containerOf("jobs"));
      const recovery = await recovered("jobs", at);
      const web = (await workers()).find(({ id }) => id.includes("_web_") || id.includes("-web-1"));
      assert.ok(web !== undefined);
      const silence = `workers/${encodeURIComponent(web.id)}/silence`;
      await ask("POST", silence, { for: "2h", reason: "it stays" });
      await works("stop");
      assert.equal((await engine.docker("ps", "-aq")).stdout.trim(), "");
      await works("run");
      await allHealthy(9);
      const known = (await ask("GET", `recoveries/${recovery.id}`)) as RecoveryView;
      assert.deepEqual(known, recovery);
      const still = (await workers()).find(({ id }) => id === web.id);
      assert.match(still?.silenceReason ?? "", /^by admin \(c[123]\): it stays$/);
      assert.ok((still?.silencedForMs ?? 0) > 3_600_000);
    });
  },
);
