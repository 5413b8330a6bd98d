// Prometheus itself: its tool on the shipped rules and on what a real trio tells, and its server on that trio while things fail.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { crash } from "../lab/containers.ts";
import { startEngine, type LabEngine } from "../lab/engine.ts";
import { ensureImages } from "../lab/images.ts";
import { LabPrometheus } from "../lab/prometheus.ts";
import { needs } from "../lab/requirements.ts";
import { Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { until } from "../waiting.ts";

const folder = fileURLToPath(new URL("../../compose/prometheus", import.meta.url));

/** What promtool says of it; it must find nothing. */
function promtool(words: readonly string[], input = ""): void {
  const ran = spawnSync("promtool", words, { cwd: folder, encoding: "utf8", input });
  assert.equal(ran.status, 0, `promtool ${words.join(" ")}: ${ran.stdout}${ran.stderr}`);
  if (words[1] === "metrics") assert.equal(ran.stdout + ran.stderr, "");
}

describe("the files for Prometheus", { skip: needs("prometheus") }, () => {
  test("are valid, and the alerts rise when they should and not before", () => {
    promtool(["check", "config", "--syntax-only", "prometheus.yml"]);
    promtool(["check", "rules", "--lint-fatal", "alerts.yml"]);
    promtool(["test", "rules", "alerts.test.yml"]);
  });
});

describe(
  "a trio under Prometheus",
  { skip: needs("root", "engine", "redis", "prometheus") },
  () => {
    const tokens = { admin: "admin-token-of-the-lab-0123", viewer: "viewer-token-of-the-lab-0123" };
    let engine: LabEngine;
    let trio: Trio;
    let prometheus: LabPrometheus;

    before(async () => {
      engine = await startEngine({ name: "lab" });
      await ensureImages(engine, ["worker", "node"]);
      const API_TOKENS = `admin:admin:${tokens.admin},metrics:viewer:${tokens.viewer}`;
      trio = await Trio.start(engine, {
        env: { VERIFY_WINDOW: "1", API_TOKENS },
        token: tokens.admin,
      });
      prometheus = await LabPrometheus.start(trio, tokens.viewer);
    });

    after(async () => {
      await prometheus.stop();
      await trio.stop();
      await engine.stop();
    });

    /** Waits until the expression has one value, and that one. */
    const comesTo = (expr: string, value: number): Promise<unknown> =>
      until(
        `${expr} to be ${value}`,
        async () => {
          const samples = await prometheus.query(expr);
          return samples.length === 1 && samples[0]?.value === value;
        },
        60_000,
        500,
      );

    test("is read by the viewer's token, and has one leader", async () => {
      await comesTo('sum(up{job="heartmesh"})', 3);
      await comesTo("sum(heartmesh_leader)", 1);
      await comesTo("count(heartmesh_build_info)", 3);
      await comesTo("count(heartmesh_queue_jobs{state='failed',queue='revival'})", 1);
    });

    test("counts a healed worker once, with the times of its stages", async () => {
      const name = "web";
      await startWorker(trio, { name, arrangement: "joins-worker" });
      await trio.verdict(name, "healthy");
      await comesTo('heartmesh:workers:leader{verdict="healthy"}', 1);
      const at = Date.now();
      await crash(engine, name);
      await trio.recovered(name, at);
      await comesTo(
        'sum(heartmesh_revivals_total{action="start",reason="stopped",outcome="recovered"})',
        1,
      );
      await comesTo("sum(heartmesh_revivals_total)", 1);
      for (const stage of ["detection", "enqueue_to_running", "kill_to_verified"]) {
        await comesTo(`sum(heartmesh_${stage}_seconds_count)`, 1);
      }
      await comesTo('sum(heartmesh_events_total{kind="recovered"})', 1);
    });

    test("tells what promtool finds nothing wrong with", async () => {
      for (const id of trio.ids) {
        const headers = { authorization: `Bearer ${tokens.viewer}` };
        const text = await (await fetch(`${trio.url(id)}/metrics`, { headers })).text();
        assert.match(text, /^heartmesh_round_trip_seconds_count [1-9]/m);
        promtool(["check", "metrics"], text);
      }
    });

    test("without its leader has another one, and an alert that one is missing", async () => {
      const leader = await trio.leader();
      const instance = `127.0.0.1:${8081 + trio.ids.indexOf(leader)}`;
      await trio.kill(leader);
      await trio.leader();
      await comesTo(
        `count(ALERTS{alertname="HeartmeshCoordinatorMissing",instance="${instance}"})`,
        1,
      );
      await comesTo("sum(heartmesh_leader)", 1);
      assert.deepEqual(await prometheus.query(`heartmesh_leader{instance="${instance}"}`), []);
      trio.startCoordinator(leader);
      await comesTo('sum(up{job="heartmesh"})', 3);
      await until("the alert to end", async () => {
        const alerts = await prometheus.query('ALERTS{alertname="HeartmeshCoordinatorMissing"}');
        return alerts.length === 0;
      });
    });
  },
);
