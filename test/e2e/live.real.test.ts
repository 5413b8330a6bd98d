// What a page shows live, against a running trio: a worker dies and heals before its eyes, and every coordinator tells its part.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HistoryView, MeshView, WorkerLogsView } from "../../proto/rest.ts";
import { LivePage } from "../coordinator/api/live-page.ts";
import { crash, pidOf } from "../lab/containers.ts";
import type { LabEngine } from "../lab/engine.ts";
import { needs } from "../lab/requirements.ts";
import { staged } from "../lab/stage.ts";
import type { Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { until } from "../waiting.ts";

const patience = 40_000;

describe("a page that follows the live stream", { skip: needs("root", "engine", "redis") }, () => {
  let engine: LabEngine;
  let trio: Trio;
  staged((set) => ({ engine, trio } = set), {
    trio: { env: { BRAKE_MIN: "50", VERIFY_WINDOW: "2" } },
  });

  const name = "seen";
  const id = `lab/${name}`;

  async function follow(coordinator: string): Promise<LivePage> {
    const page = new LivePage();
    await page.open(trio.url(coordinator));
    return page;
  }

  const sees = (page: LivePage, what: string, isTrue: () => boolean): Promise<void> =>
    page.until(what, isTrue, patience);

  test("sees a worker die, its recovery stage by stage, and its health, from the leader and from a follower", async (t) => {
    await startWorker(trio, { name, arrangement: "joins-worker" });
    await trio.verdict(name, "healthy");
    const leader = await trio.leader();
    const follower = trio.ids.find((one) => one !== leader) ?? "";
    const pages = [await follow(leader), await follow(follower)];
    t.after(() => {
      for (const page of pages) page.close();
    });
    for (const page of pages) {
      await sees(page, "health", () => page.workers.get(id)?.verdict === "healthy");
    }
    const at = Date.now();
    await crash(engine, name);
    const recovery = await trio.recovered(name, at);
    for (const page of pages) {
      await sees(page, "the end of its recovery", () => page.recoveries.length === 0);
      await sees(page, "health", () => page.workers.get(id)?.verdict === "healthy");
      await sees(page, "the event", () => page.events.some((one) => one.kind === "recovered"));
      const verdicts = page.changes.flatMap(({ workers = [] }) =>
        workers.filter((row) => row.id === id).map(({ verdict }) => verdict),
      );
      assert.ok(verdicts.includes("stopped"), verdicts.join(" "));
      const open = page.changes
        .flatMap(({ recoveries = [] }) => recoveries)
        .filter((one) => one.id === recovery.id);
      const stages = new Set(open.map(({ stage }) => stage));
      assert.ok(stages.has("acting") || stages.has("verifying"), [...stages].join(" "));
      const watched = open.findLast(({ stage }) => stage === "verifying");
      assert.equal(watched?.action, "start");
      assert.equal(watched.verdict, "stopped");
      assert.equal(watched.detectedAtMs, recovery.detectedAtMs);
      assert.equal(watched.stageAtMs, recovery.verifiedAtMs);
      // VERIFY_WINDOW from when the first healthy answer was heard of; a guess would be 5 s.
      const ahead = (watched.dueAtMs ?? 0) - watched.stageAtMs;
      assert.ok(ahead >= 1_900 && ahead < 4_900, `${ahead} ms`);
      assert.equal(page.pictures, 1);
    }
  });

  test("sees a worker fall silent", async (t) => {
    const page = await follow(await trio.leader());
    t.after(() => {
      page.close();
    });
    const hung = "hung";
    await startWorker(trio, { name: hung, arrangement: "joins-worker" });
    await trio.verdict(hung, "healthy");
    process.kill(await pidOf(engine, hung), "SIGSTOP");
    const isIll = (): boolean =>
      ["unhealthy", "silent"].includes(page.workers.get(`lab/${hung}`)?.verdict ?? "");
    await sees(page, "its illness", isIll);
    await sees(page, "its health", () => page.workers.get(`lab/${hung}`)?.verdict === "healthy");
  });

  test("reads the history of all three, and the last lines", async () => {
    const path = `workers/${encodeURIComponent(id)}/history`;
    const history = await until(
      "samples of all three",
      async () => {
        const found = await trio.get<HistoryView>(path);
        const each = trio.ids.map((one) => found.coordinators[one]);
        const isThere = each.every((one) => one?.roundTripMs.some((trip) => trip !== null));
        return isThere ? found : undefined;
      },
      patience,
      500,
    );
    for (const one of trio.ids) {
      assert.ok(history.coordinators[one]?.standing.includes("up"));
      assert.equal(history.coordinators[one]?.standing.length, 600);
    }
    const { lines } = await trio.get<WorkerLogsView>(
      `workers/${encodeURIComponent(id)}/logs?tail=20`,
    );
    for (const line of lines) assert.ok(line.atMs !== null && line.atMs > Date.now() - 3_600_000);
    const engineLines = await engine.docker("logs", "--tail", "20", name);
    const told = `${engineLines.stdout}${engineLines.stderr}`.split("\n").filter(Boolean);
    assert.equal(lines.length, told.length);
  });

  test("knows since when the leader leads, also from one that came later", async () => {
    const leader = await trio.leader();
    const { leaderSinceMs, startedAtMs } = await trio.status(leader);
    const follower = trio.ids.find((one) => one !== leader) ?? "";
    await trio.kill(follower);
    const restartedAt = Date.now();
    trio.startCoordinator(follower);
    const late = await until(
      "its status",
      async () => {
        const status = await trio.status(follower).catch(() => undefined);
        const isKnown = status?.leader === leader && status.leaderSinceMs !== null;
        return isKnown && status.leaderSinceMs < restartedAt ? status : undefined;
      },
      patience,
      200,
    );
    assert.ok(leaderSinceMs !== null && leaderSinceMs >= startedAtMs);
    assert.ok(Math.abs((late.leaderSinceMs ?? 0) - leaderSinceMs) < 2_000);
    assert.ok(late.startedAtMs >= restartedAt - 1_000);
  });

  test("sees the mesh from both ends, and who is stopped by name", async () => {
    const leader = await trio.leader();
    const stopped = trio.ids.find((one) => one !== leader) ?? "";
    const whole = await until(
      "all to answer",
      async () => {
        const mesh = await trio.get<MeshView>("mesh", leader);
        const isWhole = mesh.coordinators.every(
          ({ answers, heardAgoMs }) => answers && Object.values(heardAgoMs).length === 2,
        );
        return isWhole ? mesh : undefined;
      },
      patience,
      200,
    );
    assert.deepEqual(
      whole.coordinators.map(({ id: one }) => one),
      trio.ids,
    );
    await trio.kill(stopped);
    const mesh = await trio.get<MeshView>("mesh", leader);
    const gone = mesh.coordinators.find((one) => one.id === stopped);
    assert.equal(gone?.answers, false);
    assert.match(gone.text, /ECONNREFUSED|did not answer/);
    assert.equal(mesh.coordinators.filter(({ answers }) => answers).length, 2);
    trio.startCoordinator(stopped);
  });
});
