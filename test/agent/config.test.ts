// The agent's environment: defaults, every kind of check, and all problems at once.

import { deepEqual, equal, match } from "node:assert/strict";
import { describe, it } from "node:test";
import { splitWords } from "../../agent/check-spec.ts";
import {
  agentVariables,
  parseAgentConfig,
  type AgentConfig,
  type ReadSecret,
} from "../../agent/config.ts";
import { misspelt, namesOf, type Environment } from "../../proto/config-parse.ts";

const key = "sixteen letters or more";
const noFile: ReadSecret = (path) => ({ ok: false, failure: "unreadable", detail: `no ${path}` });

function configOf(env: Environment, readSecret = noFile): AgentConfig {
  const parsed = parseAgentConfig({ MESH_KEY: key, ...env }, readSecret);
  if (!parsed.ok) throw new Error(parsed.problems.join("\n"));
  return parsed.config;
}

function problemsOf(env: Environment, readSecret = noFile): readonly string[] {
  const parsed = parseAgentConfig(env, readSecret);
  return parsed.ok ? [] : parsed.problems;
}

describe("the agent's configuration", () => {
  it("has a default for everything but the key", () => {
    deepEqual(configOf({}), {
      host: "0.0.0.0",
      port: 8888,
      scope: "worker",
      name: undefined,
      coordinators: [],
      cluster: "heartmesh",
      ring: { keys: [key], insecure: false },
      keyFile: undefined,
      logLevel: "info",
      check: { kind: "none" },
      timing: { interval: 1000, timeout: 500, threshold: 2, startPeriod: 30_000 },
      http: { status: [{ low: 200, high: 399 }], body: undefined, redirects: 0 },
      watchedProcess: undefined,
      dataDir: "/var/lib/heartmesh",
    });
  });

  it("reads every kind of check", () => {
    const checkOf = (text: string): unknown => configOf({ WORKER_CHECK: text }).check;
    deepEqual(checkOf("tcp://db:5432"), { kind: "tcp", host: "db", port: 5432 });
    deepEqual(checkOf("tcp://[::1]:80"), { kind: "tcp", host: "::1", port: 80 });
    deepEqual(checkOf("http://127.0.0.1:8080/health?deep=1"), {
      kind: "http",
      url: "http://127.0.0.1:8080/health?deep=1",
    });
    deepEqual(checkOf('exec:sh -c "exit 0"'), {
      kind: "exec",
      command: "sh",
      args: ["-c", "exit 0"],
    });
    deepEqual(checkOf("none"), { kind: "none" });
    const watching = configOf({ WORKER_CHECK: "process:nginx" });
    deepEqual([watching.check, watching.watchedProcess], [{ kind: "none" }, "nginx"]);
    const both = configOf({ WORKER_CHECK: "tcp://a:1", WORKER_PROCESS: "/run/a.pid" });
    deepEqual([both.check.kind, both.watchedProcess], ["tcp", "/run/a.pid"]);
  });

  it("reads what an HTTP check expects", () => {
    const env = { WORKER_CHECK: "http://a/", WORKER_CHECK_STATUS: "200-299, 304" };
    deepEqual(configOf(env).http.status, [
      { low: 200, high: 299 },
      { low: 304, high: 304 },
    ]);
    deepEqual(configOf({ ...env, WORKER_CHECK_BODY: "ok" }).http.body, {
      kind: "contains",
      text: "ok",
    });
    deepEqual(configOf({ ...env, WORKER_CHECK_BODY: "/^ok$/im" }).http.body, {
      kind: "matches",
      pattern: /^ok$/im,
    });
  });

  it("of a host's agent checks the engine of DOCKER_HOST, which has no start period", () => {
    const ofHost = configOf({ AGENT_SCOPE: "host", WORKER_NAME: "h1" });
    deepEqual(ofHost.check, { kind: "engine", socketPath: "/var/run/docker.sock" });
    equal(ofHost.scope, "host");
    equal(ofHost.timing.startPeriod, 0);
    deepEqual(configOf({ AGENT_SCOPE: "host", DOCKER_HOST: "unix:///run/engine" }).check, {
      kind: "engine",
      socketPath: "/run/engine",
    });
    deepEqual(configOf({ DOCKER_HOST: "tcp://elsewhere:2375" }).check, { kind: "none" });
    for (const DOCKER_HOST of ["tcp://h2:2375", "/var/run/docker.sock", "unix://sock"]) {
      const [problem = ""] = problemsOf({ MESH_KEY: key, AGENT_SCOPE: "host", DOCKER_HOST });
      match(problem, /^DOCKER_HOST: .* expected unix:\/\/\/path\/of\/socket$/);
    }
    const checks = { WORKER_CHECK: "tcp://a:1", WORKER_PROCESS: "nginx" };
    deepEqual(problemsOf({ MESH_KEY: key, AGENT_SCOPE: "host", ...checks }), [
      "WORKER_CHECK belongs to a worker, but AGENT_SCOPE is host; remove one",
      "WORKER_PROCESS belongs to a worker, but AGENT_SCOPE is host; remove one",
    ]);
  });

  it("tells all problems at once, each with what was expected", () => {
    const problems = problemsOf({
      AGENT_PORT: "70000",
      AGENT_HOST: "worker",
      AGENT_SCOPE: "planet",
      COORDINATORS: "c1",
      LOG_LEVEL: "loud",
      WORKER_CHECK: "ftp://x",
      WORKER_CHECK_INTERVAL: "fast",
      WORKER_CHECK_TIMEOUT: "0",
      WORKER_CHECK_THRESHOLD: "0",
      WORKER_CHECK_STATUS: "2xx",
      WORKER_CHECK_TRESHOLD: "3",
    });
    for (const beginning of [
      "WORKER_CHECK_TRESHOLD is not a variable of the agent; did you mean WORKER_CHECK_THRESHOLD?",
      'AGENT_PORT: "70000" is not a whole number from 0 to 65535',
      'AGENT_HOST: "worker" is not an IP address',
      'AGENT_SCOPE: "planet" is not known; expected worker',
      'COORDINATORS: "c1" has no usable name; expected name=host:port',
      'LOG_LEVEL: "loud" is not known; expected debug, info, warn, error, silent',
      'WORKER_CHECK: "ftp://x" is not a check; expected tcp://host:port',
      'WORKER_CHECK_INTERVAL: "fast" is not a duration',
      'WORKER_CHECK_TIMEOUT: "0" is out of bounds; expected 0.01 to 600 seconds',
      'WORKER_CHECK_THRESHOLD: "0" is not a whole number from 1 to 100',
      'WORKER_CHECK_STATUS: "2xx" is not a list of statuses',
      "WORKER_CHECK_STATUS belongs to an HTTP check",
      "MESH_KEY is not set",
    ]) {
      equal(problems.filter((problem) => problem.startsWith(beginning)).length, 1, beginning);
    }
    equal(problems.length, 13);
  });

  it("takes a key from its file, and refuses what contradicts itself", () => {
    const readSecret: ReadSecret = () => ({ ok: true, value: `${key}\nthe second key of ours\n` });
    const { ring, keyFile } = configOf({ MESH_KEY: "", MESH_KEY_FILE: "/run/key" }, readSecret);
    deepEqual(ring.keys, [key, "the second key of ours"]);
    equal(keyFile, "/run/key");
    deepEqual(problemsOf({ MESH_KEY_FILE: "/run/key" }), ["MESH_KEY_FILE: no /run/key"]);
    equal(problemsOf({ MESH_KEY: key, MESH_KEY_FILE: "/run/key" }).length, 1);
    equal(problemsOf({ MESH_KEY: key, MESH_INSECURE: "1" }).length, 1);
    deepEqual(problemsOf({ MESH_INSECURE: "1" }), []);
    equal(problemsOf({ MESH_KEY: key, WORKER_CHECK: "process:a", WORKER_PROCESS: "b" }).length, 1);
    equal(
      problemsOf({ MESH_KEY: key, COORDINATORS: "a=1:1,b=1:1,c=1:1,d=1:1,e=1:1,f=1:1,g=1:1,h=1:1" })
        .length,
      1,
    );
  });

  it("does not take the coordinator's variables, nor a container's own, for misspelt ones", () => {
    const others = [
      ..."CHECK_INTERVAL TIMEOUT MAX_FAILED_ATTEMPTS HEARTBEAT_INTERVAL LEADER_TIMEOUT COORDINATOR_ID MESH_PORT".split(
        " ",
      ),
      ..."HTTP_PORT HTTP_HOST REDIS_URL DATA_DIR DOCKER_HOST DOCKER_WRITE_HOST WORKER_LABEL WORKERS".split(
        " ",
      ),
      ..."STOP_POLICY STOP_HOLD MAX_TRIES BACKOFF BACKOFF_MAX VERIFY_WINDOW API_TOKENS METRICS_OPEN".split(
        " ",
      ),
      ..."HOSTNAME HOME PATH PWD LANG NODE_VERSION YARN_VERSION NODE_OPTIONS TERM USER SHELL LOGNAME".split(
        " ",
      ),
    ];
    const env = Object.fromEntries(others.map((name) => [name, ""]));
    deepEqual(misspelt(env, namesOf(agentVariables)), []);
  });
});

describe("words of an exec check", () => {
  it("are split as a shell would, without its other powers", () => {
    const wordsOf = (text: string): unknown => {
      const words = splitWords(text);
      return words.ok ? words.value : words.detail;
    };
    deepEqual(wordsOf(" pg_isready  -q "), ["pg_isready", "-q"]);
    deepEqual(wordsOf(`a "b c" 'd "e' f\\ g "h\\"i" ''`), ["a", "b c", 'd "e', "f g", 'h"i', ""]);
    deepEqual(wordsOf("echo $HOME *"), ["echo", "$HOME", "*"]);
    equal(wordsOf('a "b'), '"a "b" has a quote that does not end');
  });
});
