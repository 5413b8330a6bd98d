// The compose files as Compose reads them: the project alone, and with the socket proxy before the engine.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { composeCommand } from "../lab/compose.ts";
import { needs } from "../lab/requirements.ts";

const folder = fileURLToPath(new URL("../../compose", import.meta.url));
const project = ["-f", "compose.yaml"];
const withProxy = [...project, "-f", "compose.proxy.yaml"];
const socket = "/var/run/docker.sock";
const secretNames = [
  ...["mesh_key", "api_tokens", "redis_password", "redis_url"],
  ...["metrics_token", "grafana_password"],
];

describe("the compose files", { skip: needs("compose") }, () => {
  let secrets = "";

  before(() => {
    secrets = mkdtempSync(path.join(tmpdir(), "heartmesh-compose-"));
    for (const file of secretNames) {
      writeFileSync(path.join(secrets, file), "x\n");
    }
  });

  after(() => {
    rmSync(secrets, { recursive: true, force: true });
  });

  /** What Compose made of them, as YAML; reading needs no engine. */
  const config = (...words: readonly string[]): string => {
    const [program = "", ...begin] = composeCommand();
    const ran = spawnSync(program, [...begin, ...words, "config"], {
      cwd: folder,
      encoding: "utf8",
      env: { PATH: process.env["PATH"], SECRETS_DIR: secrets },
    });
    assert.equal(ran.status, 0, ran.stderr);
    return ran.stdout;
  };
  /** The lines of one service. */
  const serviceOf = (yaml: string, name: string): string => {
    const found = new RegExp(`^  ${name}:\\n((?:    .*\\n|\\n)+)`, "m").exec(yaml);
    assert.ok(found?.[1] !== undefined, `${name} in\n${yaml}`);
    return found[1];
  };

  test("load, and their containers have no rights that they do not need", () => {
    const yaml = config(...project);
    for (const name of ["c1", "c2", "c3", "announcer", "web-agent", "api-agent"]) {
      const service = serviceOf(yaml, name);
      assert.match(service, /read_only: true/, name);
      assert.match(service, /cap_drop:\n\s+- ALL/, name);
      assert.match(service, /no-new-privileges:true/, name);
    }
    for (const name of ["c1", "c2", "c3"]) {
      assert.match(serviceOf(yaml, name), new RegExp(socket), name);
    }
    // Long lines are folded.
    const redis = serviceOf(yaml, "redis").replaceAll(/\s+/g, " ");
    assert.match(redis, /appendonly yes --appendfsync always --maxmemory-policy noeviction/);
    const more = config(...project, "--profile", "more");
    assert.match(serviceOf(more, "legacy"), /profiles:\n\s+- more/);
  });

  test("have Prometheus and Grafana by a profile, for this machine alone and without rights", () => {
    const yaml = config(...project, "--profile", "observability");
    for (const [name, port] of [
      ["prometheus", "9090"],
      ["grafana", "3000"],
    ] as const) {
      const service = serviceOf(yaml, name);
      assert.match(service, /profiles:\n\s+- observability/, name);
      assert.match(service, /read_only: true/, name);
      assert.match(service, /cap_drop:\n\s+- ALL/, name);
      assert.match(service, new RegExp(`127\\.0\\.0\\.1[^]*${port}`), name);
    }
    assert.match(serviceOf(yaml, "prometheus"), /metrics_token/);
    assert.match(serviceOf(yaml, "grafana"), /GF_SECURITY_ADMIN_PASSWORD__FILE: \/run\/secrets\//);
  });

  test("with the proxy leave the engine's socket to the proxy alone", () => {
    const yaml = config(...withProxy);
    for (const name of ["c1", "c2", "c3"]) {
      const service = serviceOf(yaml, name);
      assert.match(service, /DOCKER_HOST: tcp:\/\/socket-proxy:2375/, name);
      assert.match(service, /DOCKER_WRITE_HOST: tcp:\/\/socket-proxy:2376/, name);
      assert.doesNotMatch(service, new RegExp(`(source: |- )${socket}`), name);
      assert.match(service, /\/dev\/null/, name);
      // What it keeps is still mounted, and its own identity with it.
      assert.match(service, /\/data/, name);
      assert.match(service, new RegExp(`COORDINATOR_ID: ${name}`), name);
    }
    const proxy = serviceOf(yaml, "socket-proxy");
    assert.match(proxy, new RegExp(socket));
    assert.doesNotMatch(proxy, /ports:/);
    assert.match(yaml, /engine:\n(\s+name: .*\n)?\s+internal: true/);
  });
});
