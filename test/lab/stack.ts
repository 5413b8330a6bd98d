// The stack of this repository on a Swarm of the lab: images built by its Dockerfile, deployed by its own script, asked by its published port.

import assert from "node:assert/strict";
import { cpSync, existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { HostsView, StatusView, WorkerView } from "../../proto/rest.ts";
import { bridge, type Bridge } from "./bridge.ts";
import { run, type Ran } from "./engine.ts";
import { imageNames } from "./images.ts";
import { startSwarm, type SwarmLab } from "./swarm.ts";
import { ensureBuilt } from "./trio.ts";
import { until } from "../waiting.ts";
import { inTime } from "../../coordinator/io/in-time.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const compose = path.join(root, "compose");
const command = path.join(root, "dist", "heartmesh.mjs");
const targets = ["coordinator", "agent"];
/** A kernel without ESP, as some machines for tests have, lets nothing through an encrypted network. */
const encryption = '    driver_opts: { encrypted: "" }\n';

export class Stack {
  readonly lab: SwarmLab;
  /** Where the images lie that were built before. */
  readonly #folder: string;
  readonly #bridges = new Map<string, Bridge>();
  #token = "";

  private constructor(lab: SwarmLab, folder: string) {
    this.lab = lab;
    this.#folder = folder;
  }

  /** @param folder for the images, which are built where they are not there yet */
  static async deploy(hosts: number, folder: string): Promise<Stack> {
    ensureBuilt();
    const lab = await startSwarm({
      hosts,
      managers: hosts,
      images: ["node", "haproxy", "redis", "worker"],
    });
    const stack = new Stack(lab, folder);
    try {
      await stack.#bringImages();
      stack.#layOut();
      const ran = await stack.script();
      assert.equal(ran.code, 0, ran.stderr);
      stack.#token = /shown this once: ([0-9a-f]{32})$/m.exec(ran.stdout)?.[1] ?? "";
      assert.notEqual(stack.#token, "", ran.stdout);
      for (const { name, engine } of lab.hosts) {
        stack.#bridges.set(name, await bridge(engine, 8080));
      }
      return stack;
    } catch (error) {
      await stack.stop();
      throw error;
    }
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    await Promise.all([...this.#bridges.values()].map((one) => one.stop()));
    await this.lab.stop();
  }

  /** The script, as on the first host. */
  script(): Promise<Ran> {
    const { engine } = this.lab.host("h1");
    return run("sh", [path.join(engine.dir, "compose/deploy.sh"), "--resolve-image", "never"], {
      env: {
        PATH: process.env["PATH"],
        DOCKER_HOST: engine.host,
        DOCKER_CONFIG: path.join(engine.dir, "home"),
        // A host's engine has a socket of its own here.
        DOCKER_SOCKET: path.join(engine.dir, "{{.Node.Hostname}}.sock"),
        HAPROXY_IMAGE: imageNames.haproxy,
        REDIS_IMAGE: imageNames.redis,
      },
    });
  }

  heartmesh(on: string, ...words: readonly string[]): Promise<Ran> {
    const env = { HEARTMESH_URL: this.#url(on), HEARTMESH_TOKEN: this.#token };
    return run(process.execPath, [command, ...words], { env });
  }

  async get<Answer>(on: string, what: string): Promise<Answer> {
    return inTime(3_000, async (signal) => {
      const headers = { authorization: `Bearer ${this.#token}` };
      const response = await fetch(`${this.#url(on)}/api/v1/${what}`, { headers, signal });
      assert.equal(response.status, 200, what);
      return (await response.json()) as Answer;
    });
  }

  /** The hosts and its own parts, by the word of each coordinator there is. */
  allHealthy(patience = 60_000): Promise<true> {
    const names = this.lab.hosts.map(({ name }) => name);
    const isHealthy = async (on: string): Promise<boolean> => {
      const { hosts } = await this.get<HostsView>(on, "hosts");
      const workers = (await this.get<readonly WorkerView[]>(on, "workers")).filter(({ id }) =>
        id.startsWith("swarm/heartmesh_"),
      );
      const status = await this.get<StatusView>(on, "status");
      return (
        status.readiness.ready &&
        hosts.length === names.length &&
        hosts.every(({ verdict }) => verdict?.kind === "healthy") &&
        workers.length > names.length &&
        workers.every(({ verdict }) => verdict === "healthy")
      );
    };
    return until(
      "everything is healthy by everybody's word",
      async () => {
        const told = await Promise.all(names.map((on) => isHealthy(on).catch(() => false)));
        return told.every(Boolean) || undefined;
      },
      patience,
      300,
    );
  }

  /** The id of the service's container on that host. */
  async container(host: string, service: string): Promise<string> {
    const [only] = await this.lab.containers(host, `heartmesh_${service}`);
    assert.ok(only !== undefined, `${service} runs on ${host}`);
    return only.id;
  }

  /** What a program of Node's prints inside it, as the container's user. */
  async inside(host: string, service: string, program: string): Promise<string> {
    const { engine } = this.lab.host(host);
    const words = ["exec", await this.container(host, service), "node", "-e", program];
    const ran = await engine.docker(...words);
    assert.equal(ran.code, 0, ran.stderr);
    return ran.stdout.trim();
  }

  #url(on: string): string {
    return `http://127.0.0.1:${this.#bridges.get(on)?.port ?? 0}`;
  }

  /** Built by the project's own Dockerfile on one host, as no registry can be asked. */
  async #bringImages(): Promise<void> {
    const { engine } = this.lab.host("h1");
    const build = ["build", "--quiet", "--build-arg", `NODE_IMAGE=${imageNames.node}`];
    const file = ["--file", path.join(compose, "Dockerfile"), path.join(compose, "build")];
    const tags = targets.map((target) => `heartmesh-${target}:local`);
    const tar = path.join(this.#folder, "images.tar");
    if (!existsSync(tar)) {
      for (const [at, target] of targets.entries()) {
        const words = ["--target", target, "--tag", tags[at] ?? ""];
        const ran = await engine.docker(...build, ...words, ...file);
        assert.equal(ran.code, 0, ran.stderr);
      }
      assert.equal((await engine.docker("save", "--output", tar, ...tags)).code, 0);
    }
    const loading = this.lab.hosts.map((host) => host.engine.docker("load", "--input", tar));
    for (const { code, stderr } of await Promise.all(loading)) assert.equal(code, 0, stderr);
  }

  #layOut(): void {
    const { dir } = this.lab.host("h1").engine;
    for (const { name, engine } of this.lab.hosts) {
      symlinkSync(engine.socket, path.join(dir, `${name}.sock`));
    }
    for (const name of ["deploy.sh", "stack.yaml", "haproxy"]) {
      cpSync(path.join(compose, name), path.join(dir, "compose", name), { recursive: true });
    }
    const file = path.join(dir, "compose", "stack.yaml");
    const text = readFileSync(file, "utf8");
    assert.ok(text.includes(encryption));
    writeFileSync(file, text.replace(encryption, ""));
  }
}
