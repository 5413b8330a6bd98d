// Environment → configuration: defaults, every problem at once, relations, secrets and their files, misspelt names.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  describeConfig,
  parseConfig,
  type CoordinatorConfig,
} from "../../../coordinator/config.ts";
import { ConfigReader } from "../../../coordinator/config-reader.ts";
import { coordinatorVariables } from "../../../coordinator/config-table.ts";
import { endpointText } from "../../../coordinator/docker/endpoints.ts";

const key = "0123456789abcdef0123456789abcdef";
const trio = {
  COORDINATOR_ID: "c1",
  COORDINATORS: "c1=10.0.0.1:7700,c2=10.0.0.2:7700,c3=10.0.0.3",
  MESH_KEY: key,
};
const noFiles = (): undefined => undefined;

function accepted(
  env: Record<string, string>,
  files: (path: string) => string | undefined = noFiles,
): { config: CoordinatorConfig; warnings: readonly string[] } {
  const outcome = parseConfig(env, files);
  assert.ok(outcome.ok, outcome.ok ? "" : outcome.problems.join("\n"));
  return outcome;
}

function refused(
  env: Record<string, string>,
  files: (path: string) => string | undefined = noFiles,
): readonly string[] {
  const outcome = parseConfig(env, files);
  assert.ok(!outcome.ok, "expected problems");
  return outcome.problems;
}

test("a trio with a key is all that must be given; the defaults are those of the design", () => {
  const { config, warnings } = accepted(trio);
  assert.deepEqual(warnings, []);
  assert.deepEqual(config.election, { heartbeatInterval: 100, leaderTimeout: 750 });
  const { checkInterval, timeout, maxFailedAttempts, verifyWindow } = config.workerDefaults;
  assert.deepEqual([checkInterval, timeout, maxFailedAttempts, verifyWindow], [1000, 500, 3, 5000]);
  assert.deepEqual(config.recovery, {
    stopHold: 3000,
    backoff: 1000,
    backoffMax: 60_000,
    quarantineRelease: 1_800_000,
  });
  assert.deepEqual(config.brake, { fraction: 0.3, min: 5, window: 10_000 });
  assert.deepEqual(config.retention, { age: 30 * 86_400_000, count: 100_000 });
  assert.deepEqual(config.workerLabels, [{ key: "role", value: "node" }]);
  assert.deepEqual(config.migration, {
    primary: { key: "type", value: "primary" },
    secondary: { key: "type", value: "secondary" },
    failback: "manual",
    failbackAfter: 300_000,
  });
  assert.deepEqual(config.fence, { after: 5_000, onTrioLoss: "keep" });
  assert.equal(config.coordinators[2]?.port, 7700);
  assert.equal(config.redisUrl, undefined);
  assert.equal(config.http.host, "127.0.0.1");
  assert.equal(config.http.urlOf("c2", "10.0.0.2"), "http://10.0.0.2:8080");
});

test("the fast and the gentle set of the design are accepted", () => {
  const fast = { CHECK_INTERVAL: "500ms", TIMEOUT: "0.25", MAX_FAILED_ATTEMPTS: "4" };
  assert.equal(accepted({ ...trio, ...fast }).config.workerDefaults.timeout, 250);
  const gentle = {
    CHECK_INTERVAL: "5s",
    TIMEOUT: "2",
    HEARTBEAT_INTERVAL: "3",
    LEADER_TIMEOUT: "10",
  };
  assert.equal(accepted({ ...trio, ...gentle }).config.election.leaderTimeout, 10_000);
});

test("a fence is longer than what its grants need, or the coordinator does not start", () => {
  const gentle = { CHECK_INTERVAL: "5s", TIMEOUT: "2" };
  // 2 × 1 s + 2 s × 4, and 1 % for the agent's clock.
  assert.equal(accepted({ ...trio, ...gentle }).config.fence.after, 10_200);
  assert.equal(accepted({ ...trio, ...gentle }).config.effective["FENCE_AFTER"], "10.2");
  const [problem = "", ...others] = refused({ ...trio, ...gentle, FENCE_AFTER: "5" });
  assert.deepEqual(others, []);
  assert.match(problem, /^FENCE_AFTER \(5 s\) must be at least 10.2 s here: .*TIMEOUT/);
  assert.match(refused({ ...trio, FENCE_AFTER: "4" })[0] ?? "", /at least 4.1 s/);
  assert.equal(accepted({ ...trio, FENCE_AFTER: "4.1" }).config.fence.after, 4_100);
  const warned = accepted({ ...trio, FENCE_AFTER: "13" }).warnings;
  assert.match(warned.join(), /FENCE_AFTER is 13 s: .*dispatcher-heartbeat/);
  assert.doesNotMatch(accepted({ ...trio, FENCE_AFTER: "12" }).warnings.join(), /FENCE/);
  assert.match(refused({ ...trio, FENCE_AFTER: "601" })[0] ?? "", /FENCE_AFTER: .*out of bounds/);
  assert.match(refused({ ...trio, FENCE_ON_TRIO_LOSS: "maybe" })[0] ?? "", /none of keep, stop/);
});

test("the configuration is frozen all through", () => {
  const { config } = accepted(trio);
  assert.throws(() => {
    (config.workerDefaults as { port: number }).port = 1;
  }, TypeError);
  assert.throws(() => {
    (config.coordinators as unknown[]).push({});
  }, TypeError);
});

test("all problems come at once, each with its variable, what was wrong and what was expected", () => {
  const problems = refused({
    COORDINATOR_ID: "c9",
    COORDINATORS: "c1=10.0.0.1:7700,c2=10.0.0.1:7700,c3=10.0.0.3:7700",
    CHECK_INTERVAL: "soon",
    MAX_TRIES: "0",
    STOP_POLICY: "maybe",
    BRAKE_FRACTION: "1.5",
    WORKERS: "redis",
    DOCKER_HOST: "ftp://x",
    API_TOKENS: "root:0123456789abcdef",
    SMTP_URL: "http://mail",
    RETENTION: "30d,many",
    LOG_LEVEL: "loud",
  });
  const begins = [
    "COORDINATORS: c2 has the address of another",
    "COORDINATOR_ID: c9 does not stand in COORDINATORS; expected one of c1, c2, c3",
    'CHECK_INTERVAL: "soon" is not a duration; expected 5, 5s or 500ms',
    'MAX_TRIES: "0" is not a whole number from 1 to 100',
    'STOP_POLICY: "maybe" is none of revive, respect',
    'BRAKE_FRACTION: "1.5" is not a share',
    'WORKERS: "redis" has no usable name; expected name=host:port[@container]',
    'DOCKER_HOST: "ftp://x" is not an engine\'s address',
    "API_TOKENS: entry 1 has no role of viewer, operator, admin",
    "SMTP_URL: has the scheme http://; expected smtp:// or smtps://",
    "SMTP_URL needs SMTP_FROM and SMTP_TO",
    'RETENTION: "many" is not a whole number',
    'LOG_LEVEL: "loud" is none of',
    "MESH_KEY is missing",
  ];
  for (const begin of begins) {
    assert.ok(
      problems.some((one) => one.startsWith(begin)),
      `${begin}\nin\n${problems.join("\n")}`,
    );
  }
});

for (const [what, env, problem] of [
  [
    "an attempt as long as the interval",
    { TIMEOUT: "1" },
    /^TIMEOUT \(1 s\) must be less than CHECK_INTERVAL/,
  ],
  [
    "a leader's timeout under three heartbeats",
    { LEADER_TIMEOUT: "0.29" },
    /^LEADER_TIMEOUT .* 3 × HEARTBEAT/,
  ],
  [
    "a back-off above its maximum",
    { BACKOFF: "61" },
    /^BACKOFF \(61 s\) must not exceed BACKOFF_MAX/,
  ],
  ["a cap beyond what is remembered", { MAX_REVIVALS: "13" }, /^MAX_REVIVALS/],
  [
    "HTTP beyond loopback without tokens",
    { HTTP_HOST: "0.0.0.0" },
    /^HTTP_HOST: 0\.0\.0\.0 .* API_TOKENS/,
  ],
  ["a certificate without its key", { HTTP_TLS_CERT: "/cert" }, /^HTTP_TLS_CERT and HTTP_TLS_KEY/],
  [
    "a webhook's secret without the webhook",
    { WEBHOOK_SECRET: "x" },
    /^WEBHOOK_SECRET is given without/,
  ],
  [
    "a Docker verification without certificates",
    { DOCKER_TLS_VERIFY: "1" },
    /^DOCKER_TLS_VERIFY needs/,
  ],
  ["a short mesh key", { MESH_KEY: "short" }, /^MESH_KEY: key 1 of 1 has 5 bytes/],
  [
    "a misspelt variable",
    { CHECK_INTERVALL: "2" },
    /^CHECK_INTERVALL .* did you mean CHECK_INTERVAL\?/,
  ],
  [
    "an unknown variable of our prefix",
    { HEARTMESH_TOKN: "2" },
    /^HEARTMESH_TOKN .* HEARTMESH_TOKEN\?/,
  ],
  [
    "eight coordinators",
    { COORDINATORS: [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `c${n}=h${n}:1`).join(",") },
    /^COORDINATORS names 8; at most 7/,
  ],
  ["no coordinators", { COORDINATORS: "," }, /^COORDINATORS names none/],
] as const) {
  test(`${what} is refused with the reason`, () => {
    const problems = refused({ ...trio, ...env }, (path) => (path === "/cert" ? "pem" : undefined));
    assert.ok(
      problems.some((one) => problem.test(one)),
      problems.join("\n"),
    );
  });
}

test("one coordinator and an even number of them start with a warning", () => {
  const one = accepted({ ...trio, COORDINATORS: "c1=10.0.0.1:7700" });
  assert.match(one.warnings.join(), /names one: it acts alone/);
  const two = accepted({ ...trio, COORDINATORS: "c1=10.0.0.1:7700,c2=10.0.0.2:7700" });
  assert.match(two.warnings.join(), /even number/);
  const later = accepted({ ...trio, COORDINATOR_URLS: "c7=http://x" });
  assert.match(later.warnings.join(), /^COORDINATOR_URLS: c7 .* added later/);
});

test("without a key the mesh starts only when told, and warns", () => {
  const { MESH_KEY: _, ...keyless } = trio;
  assert.match(refused(keyless).join(), /MESH_KEY is missing/);
  const { config, warnings } = accepted({ ...keyless, MESH_INSECURE: "1" });
  assert.equal(config.mesh.key, undefined);
  assert.match(warnings.join(), /MESH_INSECURE=1/);
});

test("with tokens HTTP listens everywhere unless told otherwise", () => {
  const tokens = { API_TOKENS: "viewer:0123456789abcdef,anna:admin:fedcba9876543210" };
  assert.equal(accepted({ ...trio, ...tokens }).config.http.host, "0.0.0.0");
  const chosen = accepted({ ...trio, ...tokens, HTTP_HOST: "10.0.0.1" });
  assert.equal(chosen.config.http.host, "10.0.0.1");
});

test("every secret also comes from a file, not from both, and an unreadable or empty file is named", () => {
  for (const row of coordinatorVariables) {
    if (!("secret" in row)) continue;
    const both = refused({ ...trio, [row.name]: "x", [`${row.name}_FILE`]: "/x" });
    assert.ok(
      both.some((one) => one.startsWith(`${row.name}: ${row.name}_FILE is given too`)),
      row.name,
    );
    const { [row.name as "MESH_KEY"]: _, ...rest } = trio;
    const absent = refused({ ...rest, [`${row.name}_FILE`]: "/absent" });
    assert.ok(
      absent.some((one) => one.startsWith(`${row.name}_FILE: /absent cannot be read`)),
      row.name,
    );
    const empty = refused({ ...rest, [`${row.name}_FILE`]: "/empty" }, () => "\n");
    assert.ok(
      empty.some((one) => one.startsWith(`${row.name}_FILE: /empty is empty`)),
      row.name,
    );
  }
  const { MESH_KEY: _, ...rest } = trio;
  const { config } = accepted({ ...rest, MESH_KEY_FILE: "/run/key" }, () => `${key}\n`);
  assert.deepEqual(config.mesh.key, { text: key, file: "/run/key" });
});

test("the description names every variable and no secret", () => {
  const secrets = {
    MESH_KEY: key,
    API_TOKENS: "viewer:tokentokentokent",
    REDIS_URL: "redis://user:redispassword@redis.example:6379/0",
    SLACK_WEBHOOK_URL: "https://hooks.slack.com/services/T0/B0/slacksecret",
    WEBHOOK_URL: "https://example.org/hook?key=hooksecret",
    WEBHOOK_SECRET: "signingsecret",
    SMTP_URL: "smtp://user:mailpassword@mail.example",
    SMTP_FROM: "hm@example.org",
    SMTP_TO: "ops@example.org",
    DEADMAN_URL: "https://hc.example.org/deadmansecret",
  };
  const text = describeConfig(accepted({ ...trio, ...secrets }).config);
  for (const hidden of [
    key,
    "tokentoken",
    "redispassword",
    "slacksecret",
    "hooksecret",
    "signingsecret",
    "mailpassword",
    "deadmansecret",
  ]) {
    assert.ok(!text.includes(hidden), hidden);
  }
  assert.match(text, /^MESH_KEY=\(set\)$/m);
  assert.match(text, /redis\.example:6379/);
  assert.match(text, /^CHECK_INTERVAL=1$/m);
  assert.match(text, /^HTTP_HOST=0\.0\.0\.0$/m);
  for (const { name } of coordinatorVariables) assert.match(text, new RegExp(`^${name}=`, "m"));
});

test("no problem repeats a secret", () => {
  const problems = refused({
    ...trio,
    MESH_KEY: "tooshort",
    API_TOKENS: "viewer:shorttoken",
    REDIS_URL: "http://:redispassword@h",
    SLACK_WEBHOOK_URL: "slacksecret",
    SMTP_URL: "ftp://u:mailpassword@h",
  }).join("\n");
  for (const hidden of ["tooshort", "shorttoken", "redispassword", "slacksecret", "mailpassword"]) {
    assert.ok(!problems.includes(hidden), hidden);
  }
});

test("the table's every variable is read", () => {
  const reader = new ConfigReader({}, noFiles);
  assert.equal(reader.effective.size, 0);
  const effective = Object.keys(accepted(trio).config.effective);
  assert.deepEqual(
    effective,
    coordinatorVariables.map((row) => row.name),
  );
  // A row that nobody reads would keep an empty effective value in spite of its default.
  for (const row of coordinatorVariables) {
    if (row.default === "") continue;
    assert.notEqual(accepted(trio).config.effective[row.name], "", row.name);
  }
});

test("static workers, labels and engines in their written forms", () => {
  const { config } = accepted({
    ...trio,
    WORKERS: "db=10.1.1.1:9000, cache=cache.local@my_redis ,six=[fd00::1]:8888",
    WORKER_LABEL: "role=node,autoheal=true,watched",
    DOCKER_HOST: "a=unix:///var/run/docker.sock,b=tcp://10.0.0.9:2375",
    DOCKER_WRITE_HOST: "b=tcp://10.0.0.9:2376,a=unix:///write.sock",
  });
  assert.deepEqual(config.staticWorkers, [
    { name: "db", host: "10.1.1.1", port: 9000, container: undefined },
    { name: "cache", host: "cache.local", port: 8888, container: "my_redis" },
    { name: "six", host: "fd00::1", port: 8888, container: undefined },
  ]);
  assert.deepEqual(config.workerLabels[2], { key: "watched", value: undefined });
  const engines = config.docker.engines.map(({ name, read, write }) => [
    name,
    endpointText(read),
    endpointText(write),
  ]);
  assert.deepEqual(engines, [
    ["a", "unix:///var/run/docker.sock", "unix:///write.sock"],
    ["b", "tcp://10.0.0.9:2375", "tcp://10.0.0.9:2376"],
  ]);
  assert.deepEqual(accepted({ ...trio, DOCKER_HOST: "none" }).config.docker.engines, []);
  const unequal = { DOCKER_HOST: "tcp://a:1,tcp://b:1", DOCKER_WRITE_HOST: "tcp://c:1" };
  assert.match(
    refused({ ...trio, ...unequal }).join(),
    /DOCKER_WRITE_HOST has no endpoint for tcp:\/\/a:1/,
  );
});

test("SWARMS may stand in a file; their files are looked for, and no secret is shown", () => {
  const given = { ...trio, SWARMS: "prod=tcp://user:word@10.0.0.1 unix:///a.sock" };
  const { config } = accepted(given);
  assert.deepEqual(
    config.docker.swarms.map(({ name, engines }) => [name, engines.length]),
    [["prod", 2]],
  );
  assert.match(
    describeConfig(config),
    /^SWARMS=prod=tcp:\/\/10\.0\.0\.1:2375 unix:\/\/\/a\.sock$/m,
  );
  assert.deepEqual(accepted(trio).config.docker.swarms, []);
  const none = { ...trio, DOCKER_HOST: "none", DOCKER_TLS_VERIFY: "1" };
  const tls = { ...none, SWARMS: "prod=tcp://10.0.0.1", SWARMS_CERT_PATH: "/s" };
  assert.match(refused(tls).join("; "), /SWARMS_CERT_PATH: \/s\/prod\/ca\.pem cannot be read/);
  assert.match(refused({ ...trio, SWARMS: "prod" }).join(), /^SWARMS: "prod" has no usable name/);
  assert.match(refused({ ...trio, SWARMS_FILE: "/none" }).join(), /^SWARMS_FILE: \/none cannot be/);
});
