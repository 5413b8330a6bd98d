// Labels of a worker: each says one thing, and one that cannot be parsed is a finding beside the default.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseWorkerLabels } from "../../../coordinator/core/labels.ts";
import type { WorkerSettings } from "../../../coordinator/core/worker.ts";

const defaults: WorkerSettings = {
  port: 8888,
  checkInterval: 1000,
  timeout: 500,
  maxFailedAttempts: 3,
  startPeriod: 30_000,
  stopTimeout: undefined,
  verifyWindow: 5000,
  maxTries: 3,
  maxRevivals: 5,
  revivalWindow: 600_000,
  stopPolicy: "revive",
  recreate: false,
  dependsOn: [],
};

const parse = (labels: Record<string, string>) =>
  parseWorkerLabels(
    Object.fromEntries(Object.entries(labels).map(([key, value]) => [`heartmesh.${key}`, value])),
    defaults,
  );

test("without labels the defaults hold and nothing is found", () => {
  assert.deepEqual(
    parseWorkerLabels({ role: "node", "com.docker.compose.project": "p" }, defaults),
    {
      settings: defaults,
      check: undefined,
      findings: [],
    },
  );
});

test("each label tunes its setting", () => {
  const { settings, findings } = parse({
    port: "9000",
    "check-interval": "2s",
    timeout: "0.8",
    "max-failed-attempts": "5",
    "start-period": "1m",
    "stop-timeout": "0",
    verify: "500ms",
    "max-tries": "7",
    "max-revivals": "2",
    "stop-policy": "respect",
    recreate: "true",
    "depends-on": "db, cache",
    worker: "read elsewhere",
  });
  assert.deepEqual(findings, []);
  assert.deepEqual(settings, {
    port: 9000,
    checkInterval: 2000,
    timeout: 800,
    maxFailedAttempts: 5,
    startPeriod: 60_000,
    stopTimeout: 0,
    verifyWindow: 500,
    maxTries: 7,
    maxRevivals: 2,
    revivalWindow: 600_000,
    stopPolicy: "respect",
    recreate: true,
    dependsOn: ["db", "cache"],
  });
});

test("a label that cannot be parsed is a finding that names it, and the default holds", () => {
  for (const [key, value] of Object.entries({
    port: "70000",
    "check-interval": "often",
    timeout: "-1",
    "max-failed-attempts": "0",
    "start-period": "long",
    "stop-timeout": "x",
    verify: "x",
    "max-tries": "0",
    "max-revivals": "99",
    "stop-policy": "never",
    recreate: "perhaps",
    "depends-on": "a b",
    check: "https://x",
    "check.status": "200",
  })) {
    const { settings, check, findings } = parse({ [key]: value });
    assert.deepEqual(settings, defaults, key);
    assert.equal(check, undefined, key);
    assert.equal(findings.length, 1, key);
    assert.equal(findings[0]?.label, `heartmesh.${key}`);
    assert.match(findings[0].text, new RegExp(`^heartmesh\\.${key.replace(".", "\\.")}: `));
  }
});

test("a misspelt label is named with the one that was meant, an unknown one as without effect", () => {
  assert.match(
    parse({ chek: "tcp://a:1" }).findings[0]?.text ?? "",
    /did you mean heartmesh\.check\?/,
  );
  assert.match(parse({ colour: "red" }).findings[0]?.text ?? "", /no effect/);
});

test("a timeout that does not fit its interval is a finding, also across label and default", () => {
  for (const labels of [{ timeout: "1" }, { "check-interval": "400ms" }]) {
    const { settings, findings } = parse(labels);
    assert.equal(findings.length, 1);
    assert.deepEqual([settings.timeout, settings.checkInterval], [500, 1000]);
  }
  assert.deepEqual(parse({ timeout: "1", "check-interval": "3" }).findings, []);
});

test("checks: tcp, http, and what http expects by query or by labels of their own", () => {
  assert.deepEqual(parse({ check: "tcp://db:5432" }).check, {
    kind: "tcp",
    host: "db",
    port: 5432,
  });
  assert.deepEqual(parse({ check: "tcp://[fd00::1]:1" }).check, {
    kind: "tcp",
    host: "fd00::1",
    port: 1,
  });
  assert.deepEqual(parse({ check: "http://web:80/health" }).check, {
    kind: "http",
    url: "http://web:80/health",
  });
  assert.deepEqual(parse({ check: "http://web/h?a=1&status=204&body=up" }).check, {
    kind: "http",
    url: "http://web/h?a=1",
    status: 204,
    body: "up",
  });
  assert.deepEqual(parse({ check: "http://web/h?status=open", "check.status": "200" }).check, {
    kind: "http",
    url: "http://web/h?status=open",
    status: 200,
  });
  assert.equal(parse({ check: "none" }).check, undefined);
  assert.equal(parse({ check: "http://web/h?status=never" }).findings.length, 1);
  assert.equal(parse({ check: "tcp://db:99999" }).findings.length, 1);
});
