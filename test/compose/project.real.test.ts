// The compose project as people start it, the proxy before the engine's socket: rights, health, and a leader that dies behind HAProxy.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ofItsOwn, type DemoEngine } from "../demo/engine.ts";
import { DemoProject } from "../demo/project.ts";
import { everythingHealthy } from "../demo/scenarios.ts";
import { Avahi } from "../lab/avahi.ts";
import { run, startEngine } from "../lab/engine.ts";
import { Lan } from "../lab/lan.ts";
import { Namespace } from "../lab/namespace.ts";
import { soakNeeds } from "../lab/requirements.ts";
import { ensureBuilt } from "../lab/trio.ts";
import { until } from "../waiting.ts";

/** What a process may do and where it may write, said by itself. */
const rights = `
const fs = require("node:fs");
const status = fs.readFileSync("/proc/self/status", "utf8");
const field = (name) => new RegExp("^" + name + ":\\\\s+(\\\\S+)", "m").exec(status)?.[1];
const writes = (dir) => { try { fs.writeFileSync(dir + "/probe", "x"); fs.rmSync(dir + "/probe"); return "yes"; } catch (error) { return error.code; } };
const kind = (file) => { try { const s = fs.statSync(file); return s.isSocket() ? "socket" : s.isCharacterDevice() ? "device" : "file"; } catch { return "none"; } };
console.log(JSON.stringify({
  uid: process.getuid(), gid: process.getgid(), capabilities: field("CapEff"), noNewPrivileges: field("NoNewPrivs"),
  root: writes(""), program: writes("/opt/heartmesh"), data: writes("/data"), socket: kind("/var/run/docker.sock"),
}));`;

const trio = ["c1", "c2", "c3"];

describe(
  "the compose project behind the socket proxy",
  {
    skip: soakNeeds("root", "engine", "redis", "haproxy", "compose", "avahi"),
  },
  () => {
    let lan: Lan;
    let person: Namespace;
    let engine: DemoEngine;
    let project: DemoProject;

    before(async () => {
      ensureBuilt();
      lan = await Lan.create(["project", "person"]);
      person = await Namespace.create("person");
      await lan.plug("person", person.name);
      const network = (netns: string): Promise<void> => lan.plug("project", netns);
      engine = await ofItsOwn(await startEngine({ name: "project", network }));
      project = new DemoProject(engine, ["compose.proxy.yaml"]);
      await project.up();
      await everythingHealthy(project, 120_000);
    });

    after(async () => {
      await project.down();
      await engine.stop();
      await person.stop();
      await lan.stop();
    });

    const inspect = async (service: string, what: string): Promise<string> => {
      const ran = await engine.docker("inspect", "-f", what, await project.container(service));
      assert.equal(ran.code, 0, ran.stderr);
      return ran.stdout.trim();
    };
    const rightsIn = async (service: string): Promise<Record<string, unknown>> => {
      const ran = await engine.docker(
        "exec",
        await project.container(service),
        "node",
        "-e",
        rights,
      );
      assert.equal(ran.code, 0, ran.stderr);
      return JSON.parse(ran.stdout) as Record<string, unknown>;
    };

    /** By hand, as the engine sees it: its own restart policy leaves it dead. */
    const kill = async (service: string): Promise<void> => {
      const ran = await engine.docker("kill", "-s", "KILL", await project.container(service));
      assert.equal(ran.code, 0, ran.stderr);
    };
    const startedAfter = (service: string, began: string): Promise<unknown> =>
      until(
        `${service} to be started again`,
        async () => {
          const now = await inspect(service, "{{.State.Running}} {{.State.StartedAt}}");
          return now.startsWith("true") && !now.endsWith(began);
        },
        60_000,
        500,
      );

    test("runs as a user without rights, on a root that cannot be written, without the engine's socket", async () => {
      const bare = {
        uid: 1000,
        gid: 1000,
        capabilities: "0000000000000000",
        noNewPrivileges: "1",
        root: "EROFS",
        program: "EROFS",
      };
      for (const service of trio) {
        // What it keeps lies in a volume, which belongs to its user.
        assert.deepEqual(
          await rightsIn(service),
          { ...bare, data: "yes", socket: "device" },
          service,
        );
      }
      for (const service of ["web-agent", "api-agent"]) {
        assert.deepEqual(
          await rightsIn(service),
          { ...bare, data: "ENOENT", socket: "none" },
          service,
        );
      }
    });

    test("is found by its name on another machine of the network", async () => {
      const avahi = await Avahi.start(person);
      const address = await until("heartmesh.local to be known", () =>
        avahi.resolve("heartmesh.local"),
      );
      assert.equal(address, lan.address("project"));
      // As a browser asks that is given the name.
      const words = ["--silent", "--show-error", "--include", "--max-time", "10"];
      const resolved = ["--resolve", `heartmesh.local:8000:${address}`];
      const ran = await run("nsenter", [
        ...[`--net=${person.path}`, "curl", ...words, ...resolved],
        "http://heartmesh.local:8000/readyz",
      ]);
      assert.match(ran.stdout, /^HTTP\/1\.1 200 /, ran.stderr);
    });

    test("is healthy by the images' own health check", async () => {
      for (const service of trio) {
        await until(
          `${service} to be healthy by the engine's word`,
          async () => (await inspect(service, "{{.State.Health.Status}}")) === "healthy",
          40_000,
          500,
        );
      }
    });

    test("heals a worker through the proxy", async () => {
      const began = await inspect("web", "{{.State.StartedAt}}");
      const at = Date.now();
      await kill("web");
      const recovery = await until(
        "web to be recovered",
        async () => {
          const all = await project.recoveries().catch(() => []);
          return all.find((one) => one.decidedAtMs >= at && one.outcome === "recovered");
        },
        40_000,
        250,
      );
      assert.equal(recovery.tries.length, 1);
      assert.notEqual(await inspect("web", "{{.State.StartedAt}}"), began);
    });

    test("answers on one port whoever leads, and gets its dead coordinator back", async () => {
      const { leader, term } = await project.status();
      assert.equal((await fetch(project.statsUrl)).status, 200);
      const began = await inspect(leader, "{{.State.StartedAt}}");
      await kill(leader);
      const next = await until(
        "the next leader to answer on the same port",
        async () => {
          const status = await project.status().catch(() => undefined);
          return status !== undefined && !["", leader].includes(status.leader) ? status : undefined;
        },
        15_000,
        200,
      );
      assert.ok(next.term > term);
      await startedAfter(leader, began);
      await everythingHealthy(project, 60_000);
    });

    test("gets back the HAProxy by which people reach it", async () => {
      const began = await inspect("haproxy", "{{.State.StartedAt}}");
      await kill("haproxy");
      await startedAfter("haproxy", began);
      await everythingHealthy(project, 60_000);
      assert.equal((await fetch(project.statsUrl)).status, 200);
    });
  },
);
