// The alert rules and the dashboard name only what /metrics has; every alert says what to do, and has a test.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test, type TestContext } from "node:test";
import { parse } from "yaml";
import { bearer, serve } from "../coordinator/api/scripted-plane.ts";

const read = (file: string): string =>
  readFileSync(new URL(`../../compose/${file}`, import.meta.url), "utf8");

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const rules = (
  parse(read("prometheus/alerts.yml")) as {
    readonly groups: readonly { readonly rules: readonly Rule[] }[];
  }
).groups.flatMap((group) => group.rules);

/** What PromQL itself means by a word that looks like ours, and what Prometheus makes. */
const ofPrometheus = ["up"];

/** Every metric that an expression names. */
function namesIn(expr: string): readonly string[] {
  const bare = expr.replaceAll(/"[^"]*"|\{[^}]*\}/g, "");
  return bare.match(/\b(heartmesh[a-z_:]*|process_[a-z_]+|nodejs_[a-z_]+|up)\b/g) ?? [];
}

/** The names that a coordinator's /metrics declares, a histogram's samples included. */
async function declared(t: TestContext): Promise<ReadonlySet<string>> {
  const { url } = await serve(t);
  const text = await (await fetch(`${url}/metrics`, { headers: bearer("viewer") })).text();
  const families = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  const names = families.flatMap(([, name = "", type]) =>
    type === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  );
  const recorded = rules.flatMap(({ record }) => record ?? []);
  return new Set([...names, ...recorded, ...ofPrometheus]);
}

/** Every `expr` in the dashboard, wherever it stands. */
function expressions(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "expr" && typeof inner === "string" ? [inner] : expressions(inner),
  );
}

test("every metric that the rules and the dashboard name is declared by /metrics", async (t) => {
  const known = await declared(t);
  const dashboard = expressions(JSON.parse(read("grafana/dashboards/heartmesh.json")));
  assert.ok(dashboard.length > 25, `${dashboard.length}`);
  const all = [...dashboard, ...rules.map(({ expr }) => expr)];
  for (const expr of all) assert.notDeepEqual(namesIn(expr), [], expr);
  const unknown = all.flatMap(namesIn).filter((name) => !known.has(name));
  assert.deepEqual(unknown, []);
});

test("every alert has a severity, a summary and a description that says what to do, and a test", () => {
  const tests = read("prometheus/alerts.test.yml");
  const alerts = rules.filter(({ alert }) => alert !== undefined);
  assert.ok(alerts.length >= 6);
  for (const { alert = "", labels = {}, annotations = {} } of alerts) {
    assert.match(labels["severity"] ?? "", /^(critical|warning)$/, alert);
    const { summary = "", description = "" } = annotations;
    assert.ok(summary.length > 10 && description.length > 80, alert);
    assert.ok(tests.includes(`ALERTS{alertname="${alert}",alertstate="firing",`), alert);
  }
});

test("every name of ours in /metrics is by Prometheus' conventions, and none has a worker's id", async (t) => {
  const { url } = await serve(t);
  const text = await (await fetch(`${url}/metrics`, { headers: bearer("viewer") })).text();
  for (const [, name = "", type = ""] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    assert.match(name, /^(heartmesh|process|nodejs)_[a-z]+(_[a-z]+)*$/);
    assert.equal(name.endsWith("_total"), type === "counter", name);
    if (type === "histogram") assert.match(name, /_seconds$/);
  }
  assert.doesNotMatch(text, /web-1|worker="/);
});
