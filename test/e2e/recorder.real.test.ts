// The flight recorders of a whole mesh: a worker is killed and healed, and what the leader and a follower recorded is replayed to the same decisions.

import assert from "node:assert/strict";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { crash } from "../lab/containers.ts";
import { run } from "../lab/engine.ts";
import { soakNeeds } from "../lab/requirements.ts";
import { staged, type Stage } from "../lab/stage.ts";
import type { Trio } from "../lab/trio.ts";
import type { Replay } from "../sim/replay-run.ts";
import { pause } from "../waiting.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const command = path.join(root, "dist", "heartmesh.mjs");
const name = "recorded";
/** It keeps so little (s) that its start is soon forgotten; the other two remember theirs. */
const forgetful = { id: "c3", span: 4 };

type Told = Omit<Replay, "difference"> & { readonly same: boolean; readonly difference: unknown };

describe("flight recorders", { skip: soakNeeds("root", "engine", "redis") }, () => {
  let stage: Stage;
  let trio: Trio;
  const envOf = (id: string): Record<string, string> =>
    id === forgetful.id ? { RECORD_SPAN: String(forgetful.span) } : {};
  staged(
    (set) => {
      stage = set;
      ({ trio } = set);
    },
    { trio: { envOf } },
  );

  test("of a trio that healed a killed worker are replayed to the same decisions", async () => {
    const begun = Date.now();
    await stage.healthy({ name, arrangement: "joins-worker" });
    await pause(Math.max(0, begun + 2_000 * forgetful.span - Date.now()));
    const leader = await trio.leader();
    const at = Date.now();
    await crash(stage.engine, name);
    await trio.recovered(name, at);
    const fileOf = (id: string): string => path.join(trio.dir, `${id}.recording`);
    for (const id of trio.ids) {
      const words = ["record", "--out", fileOf(id), "--url", trio.url(id)];
      const recorded = await run(process.execPath, [command, ...words]);
      assert.equal(recorded.code, 0, recorded.stderr);
    }
    for (const id of trio.ids) {
      const words = ["run", "--silent", "sim", "--", "--replay", fileOf(id), "--json"];
      const replayed = await run("npm", words, { cwd: root });
      assert.equal(replayed.code, 0, replayed.stdout + replayed.stderr);
      const told = JSON.parse(replayed.stdout.trimEnd().split("\n").at(-1)!) as Told;
      assert.equal(told.same, true);
      assert.equal(told.id, id);
      assert.equal(told.from, id === forgetful.id ? "checkpoint" : "start");
      assert.equal(told.datagramsDifferFrom, null);
      assert.ok(told.steps > 100 && told.decisions > 2, replayed.stdout);
      assert.deepEqual(told.changedSources, []);
      const kinds = told.story.map(({ decision }) => decision.kind);
      if (id !== leader) assert.ok(!kinds.includes("enqueue"), replayed.stdout);
      else if (id !== forgetful.id) assert.ok(kinds.includes("enqueue"), replayed.stdout);
      if (id === forgetful.id) {
        assert.ok(told.endedAt - told.begunAt < 2_500 * forgetful.span, replayed.stdout);
      }
    }
  });
});
