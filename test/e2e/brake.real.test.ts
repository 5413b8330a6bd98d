// The brake on real parts: what has one cause does not trip it, half of all workers failing one by one does, and it lets go by itself.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { EventView, RecoveryView } from "../../proto/rest.ts";
import { crash } from "../lab/containers.ts";
import { startEngine, type LabEngine } from "../lab/engine.ts";
import { hook, type Hook } from "../lab/hook.ts";
import { ensureImages } from "../lab/images.ts";
import { needs, soakAlone } from "../lab/requirements.ts";
import { Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { pause, until } from "../waiting.ts";

const names = Array.from({ length: 20 }, (_, at) => `many-${at}`);

describe("the brake", { skip: needs("root", "engine", "redis") }, () => {
  let engine: LabEngine;
  let listener: Hook;
  let trio: Trio;
  let seenAt: number;

  before(async () => {
    engine = await startEngine({ name: "lab" });
    await ensureImages(engine, ["worker"]);
    listener = await hook(engine);
    const env = { WEBHOOK_URL: listener.url, VERIFY_WINDOW: "0.5" };
    trio = await Trio.start(engine, { env });
    seenAt = Date.now();
  });

  after(async () => {
    await trio.stop();
    listener.stop();
    await engine.stop();
  });

  const begin = async (some: readonly string[]): Promise<void> => {
    // An engine that is told to end gives nobody ten seconds.
    const options = ["--stop-signal", "SIGKILL"];
    for (const name of some) await startWorker(trio, { name, arrangement: "none", options });
    await until(
      "all to be watched",
      async () => {
        const all = await trio.get<readonly { readonly id: string }[]>("workers").catch(() => []);
        return some.every((name) => all.some(({ id }) => id === `lab/${name}`)) || undefined;
      },
      20_000,
      250,
    );
  };
  const inspected = async (field: string): Promise<readonly string[]> => {
    const ran = await engine.docker("inspect", "-f", `{{.State.${field}}}`, ...names);
    return ran.stdout.trim().split("\n");
  };
  /** Oldest first. */
  const brakeEvents = async (): Promise<readonly EventView[]> =>
    (await trio.events()).filter(({ kind }) => kind.startsWith("brake")).toReversed();
  const sent = (kind: string): readonly unknown[] =>
    listener.messages.filter((message) => message.kind === kind);
  /** Waits until nothing is being recovered any more. */
  const atRest = (): Promise<readonly RecoveryView[]> =>
    until(
      "the end of all recoveries",
      async () => {
        const asked = trio.get<readonly RecoveryView[]>("recoveries?limit=200");
        const all = await asked.catch(() => undefined);
        return all?.every(({ outcome }) => outcome !== "running") ? all : undefined;
      },
      60_000,
      500,
    );

  test("one of three workers crashing does not trip it", async () => {
    const some = names.slice(0, 3);
    await begin(some);
    const at = Date.now();
    await crash(engine, "many-1");
    await trio.recovered("many-1", at);
    assert.deepEqual(await brakeEvents(), []);
  });

  test("ten of twenty killed one by one trip it: told once, healed one at a time, and it lets go", async () => {
    await begin(names.slice(3));
    // An engine explains what stops within 30 s of its return, and so does one that was seen for the first time.
    await pause(Math.max(0, seenAt + 31_000 - Date.now()));
    const pids = await inspected("Pid");
    const at = Date.now();
    for (const pid of pids.slice(0, 10)) {
      process.kill(Number(pid), "SIGKILL");
      await pause(300);
    }
    const told = await until(
      "the brake to let go",
      async () => {
        const events = await brakeEvents();
        return events.length > 1 ? events : undefined;
      },
      60_000,
      500,
    );
    const all = (await atRest()).filter(({ decidedAtMs }) => decidedAtMs >= at);
    assert.deepEqual(
      told.map(({ kind }) => kind),
      ["brake-tripped", "brake-released"],
    );
    const [tripped, released] = told.map(({ atMs }) => atMs);
    assert.ok(tripped !== undefined && released !== undefined);
    const workers = new Set(all.map(({ worker }) => worker));
    assert.deepEqual(workers, new Set(names.slice(0, 10).map((name) => `lab/${name}`)));
    assert.ok(all.every(({ outcome }) => outcome === "recovered"));
    // What one batch of the engine's events ordered just before it tripped stands beside that on record, to some milliseconds.
    const from = tripped + 100;
    const braked = all.filter(({ decidedAtMs }) => decidedAtMs > from && decidedAtMs < released);
    assert.ok(braked.length >= 3, `${braked.length} recoveries under the brake`);
    for (const one of braked) {
      const beside = all.filter(
        (other) =>
          other !== one &&
          other.decidedAtMs <= one.decidedAtMs &&
          (other.endedAtMs ?? Infinity) > one.decidedAtMs,
      );
      assert.deepEqual(beside, [], `recoveries beside that of ${one.worker}`);
    }
    // It lets go once nobody waits for its turn: the last one may still be under way.
    assert.ok(all.every(({ decidedAtMs }) => decidedAtMs <= released));
    const left = all.filter(({ endedAtMs }) => (endedAtMs ?? Infinity) > released);
    assert.ok(left.length <= 1, `${left.length} recoveries not over when it let go`);
    await until("the message of its release", () => sent("brake-released").length > 0 || undefined);
    assert.deepEqual([sent("brake-tripped").length, sent("brake-released").length], [1, 1]);
  });

  test(
    "an engine that is restarted with twenty workers does not trip it",
    { skip: soakAlone },
    async () => {
      const at = Date.now();
      await engine.restart();
      await until(
        "all to run again",
        async () => (await inspected("Running")).every((word) => word === "true") || undefined,
        60_000,
        500,
      );
      const all = (await atRest()).filter(({ decidedAtMs }) => decidedAtMs >= at);
      assert.equal(new Set(all.map(({ worker }) => worker)).size, names.length);
      assert.deepEqual(
        (await brakeEvents()).filter(({ atMs }) => atMs >= at),
        [],
      );
    },
  );
});
