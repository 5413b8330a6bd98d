// The composed core while its own parts fail: leaders, coordinators, Redis, the network; never two actions for one failure.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MeshHarness } from "./mesh-harness.ts";
import type { EngineNews } from "../../../coordinator/core/engine-news.ts";
import { mesh, recovers } from "./mesh-scenes.ts";
import { inFull } from "../../inner-loop.ts";

describe("a worker that its engine restarts by a policy", () => {
  const withPolicy = (restartCount: number): MeshHarness => {
    const m = new MeshHarness();
    m.engine.add("web", "around", { restartPolicy: "always", restartCount });
    m.engine.add("db", "around");
    m.begin();
    // The engine's return is past.
    m.pass(5_000);
    return m;
  };

  for (const inspectionTakes of [8, 900, 1_500]) {
    test(`is left to an engine that does so soon, though it shows that only after ${inspectionTakes} ms`, () => {
      const m = withPolicy(3);
      m.engine.inspectionTakes = inspectionTakes;
      m.engine.crash("web");
      m.pass(10_000);
      assert.deepEqual(m.deedsOn("web"), []);
      assert.deepEqual(
        m.engine.starts.map(({ name, by }) => `${name} by ${by}`),
        ["web by engine"],
      );
      assert.equal(m.worker("web").verdict, "healthy");
    });
  }

  test("is started after a second where the engine would wait longer, and once", () => {
    const m = withPolicy(6);
    m.engine.crash("web");
    m.until(() => m.deedsOn("web").length > 0, 1_200);
    recovers(m, "web");
    m.pass(10_000);
    assert.equal(m.deedsOn("web").length, 1);
    assert.equal(m.engine.startsOf("web"), 1);
  });
});

describe("a leader that dies", () => {
  test("with a worker leaves one revival to its successor", () => {
    const m = mesh();
    const old = m.leader();
    m.engine.crash("web");
    m.kill(old);
    m.until(() => m.told("verified", "web").length > 0, 5_000);
    recovers(m, "web");
    assert.deepEqual(
      m.deeds.map(({ by }) => by === old),
      [false],
    );
    assert.equal(m.engine.startsOf("web"), 1);
  });

  test("right after it enqueued a job leaves that job to be adopted: nothing is done twice", () => {
    for (const ms of [0, 3, 200, 400]) {
      const m = mesh();
      const old = m.leader();
      m.engine.crash("web");
      m.until(() => m.deeds.length > 0, 200, 1);
      m.pass(ms);
      m.kill(old);
      recovers(m, "web");
      m.pass(10_000);
      assert.equal(m.engine.startsOf("web"), 1, `killed after ${ms} ms`);
      assert.equal(m.told("recovered", "web").length, 1, `killed after ${ms} ms`);
    }
  });

  test("and whose lease has run out asks for nothing more when it wakes up", () => {
    const m = mesh();
    const old = m.leader();
    m.cutOff(old);
    m.pass(3_000);
    m.engine.crash("web");
    m.pass(1_000);
    assert.deepEqual(
      m.deeds.map(({ by }) => by === old),
      [false],
    );
    m.cuts.clear();
    recovers(m, "web");
    assert.equal(m.engine.startsOf("web"), 1);
  });
});

describe("coordinators that fail", () => {
  test("one that hears nobody abstains and does nothing, and nobody acts for its blindness", () => {
    for (const id of ["c1", "c2", "c3"]) {
      const m = mesh();
      m.cutOff(id);
      m.pass(20_000);
      assert.equal(m.summary(id).fit, false);
      assert.deepEqual(m.deeds, []);
      assert.notEqual(m.leader(), id);
      m.cuts.clear();
      m.pass(5_000);
      assert.equal(m.summary(id).fit, true);
      assert.equal(m.worker("web", id).verdict, "healthy");
      assert.deepEqual(m.deeds, []);
    }
  });

  test("two that are restarted while a worker is silent learn from the third that it was heard once", () => {
    const m = mesh({ settings: { startPeriod: 5_000 } });
    for (const id of ["c1", "c2"]) m.kill(id);
    m.engine.workers.get("web")!.isMute = true;
    m.pass(1_000);
    for (const id of ["c1", "c2"]) m.boot(id);
    m.until(() => m.leader() !== "", 5_000);
    if (m.leader() === "c3") m.input("c3", { kind: "stop-asked" });
    m.until(() => m.deeds.length > 0, 20_000);
    assert.notEqual(m.deeds[0]!.by, "c3");
    recovers(m, "web");
  });

  for (const how of ["hangs with its agent", "hangs, its agent removed"] as const) {
    test(`the whole trio, killed while a worker ${how}, remembers by Redis whether it was ever heard`, () => {
      const m = mesh({ settings: { startPeriod: 5_000 } });
      for (const { id } of m.alive()) m.kill(id);
      const web = m.engine.workers.get("web")!;
      web.isMute = true;
      if (how !== "hangs with its agent") m.engine.remove("web-agent");
      m.pass(1_000);
      for (const id of ["c1", "c2", "c3"]) m.boot(id);
      if (how === "hangs with its agent") {
        recovers(m, "web");
        assert.equal(m.deeds.length, 1);
        return;
      }
      // Nobody who stands there now was ever heard.
      m.pass(20_000);
      assert.equal(m.worker("web").verdict, "unwatched");
      assert.deepEqual(m.deeds, []);
    });
  }

  test("the whole trio, killed while a worker is down, revives it once when it is back", () => {
    const m = mesh();
    for (const { id } of m.alive()) m.kill(id);
    m.engine.crash("web");
    m.pass(5_000);
    for (const id of ["c1", "c2", "c3"]) m.boot(id);
    recovers(m, "web");
    m.pass(10_000);
    assert.equal(m.deeds.length, 1);
    assert.equal(m.engine.startsOf("web"), 1);
  });
});

describe("Redis out of reach", () => {
  test("by a quorum: the leader acts directly once no job can act any more", () => {
    const m = mesh();
    m.redis("unreachable");
    m.pass(500);
    assert.equal(m.told("redis-lost").length, 1);
    m.engine.crash("web");
    const took = m.until(() => m.deeds.length > 0, 5_000);
    assert.ok(took > 2_000 && took < 3_000, `${took}`);
    assert.equal(m.deeds[0]!.way, "act-directly");
    recovers(m, "web");
    assert.equal(m.engine.startsOf("web"), 1);
    m.redis("reachable");
    m.pass(10_000);
    assert.equal(m.told("redis-back").length, 1);
    assert.equal(m.deeds.length, 1);
  });

  test("by the leader alone: it hands over", () => {
    const m = mesh();
    const old = m.leader();
    m.input(old, { kind: "redis-changed", state: "unreachable" });
    m.until(() => m.leader() !== old && m.leader() !== "", 3_000);
    m.engine.crash("web");
    m.pass(200);
    assert.deepEqual(
      m.deeds.map(({ by, way }) => [by, way]),
      [[m.leader(), "enqueue"]],
    );
  });
});

describe("a bad network", () => {
  const minutes = inFull(10);
  test(`of 20 % loss in each direction costs no healthy worker anything in ${minutes} minutes`, () => {
    const m = mesh({ names: ["w1", "w2"] });
    m.weather.loss = 0.2;
    m.pass(minutes * 60_000);
    assert.deepEqual(m.deeds, []);
    m.engine.crash("w1");
    m.pass(200);
    assert.equal(m.deeds.length, 1);
  });
});

describe("a worker that dies again and again", () => {
  test("is revived as often as its cap allows, then quarantined, also by the next leader", () => {
    const m = mesh({ settings: { maxRevivals: 3 }, recovery: { maxRevivals: 3 } });
    m.engine.workers.get("web")!.livesFor = 8_000;
    m.engine.crash("web");
    m.until(() => m.told("quarantined", "web").length > 0, 60_000, 100);
    assert.equal(m.engine.startsOf("web"), 3);
    m.kill(m.leader());
    m.pass(20_000);
    assert.notEqual(m.leader(), "");
    assert.equal(m.engine.startsOf("web"), 3);
    assert.ok(m.worker("web").quarantinedFor > 0);
  });

  test("within its window is one recovery whose tries are counted", () => {
    const m = mesh();
    m.engine.workers.get("web")!.livesFor = 1_500;
    m.engine.crash("web");
    m.until(() => m.told("exhausted", "web").length > 0, 60_000, 100);
    assert.equal(m.engine.startsOf("web"), 3);
    assert.equal(m.deeds.length, 1);
    assert.equal(m.told("quarantined", "web").length, 1);
  });
});

describe("a mesh that is restarted whole", () => {
  /** One that leads before Redis has answered it. */
  const spent = (): ReturnType<typeof mesh> => {
    const m = mesh({ coordinators: 1, settings: { maxRevivals: 2 } });
    for (let revival = 1; revival <= 2; revival++) {
      m.engine.crash("web");
      recovers(m, "web", revival);
      m.pass(10_000);
    }
    m.kill("c1");
    m.engine.crash("web");
    return m;
  };

  test("reads how often a worker was revived before it acts on it", () => {
    const m = spent();
    m.boot("c1");
    m.pass(10_000);
    assert.equal(m.told("quarantined", "web").length, 1);
    assert.equal(m.engine.startsOf("web"), 2);
  });

  test("acts without that memory when Redis does not answer", () => {
    const m = spent();
    m.redis("unreachable");
    m.boot("c1");
    m.pass(20_000);
    assert.equal(m.engine.startsOf("web"), 3);
  });
});

test("an engine that takes its workers down one by one, and is away for longer than a hold, trips no brake", () => {
  const names = Array.from({ length: 12 }, (_, at) => `w${at}`);
  const m = mesh({ names });
  m.pass(40_000);
  // It tells of each stop before it is gone itself.
  for (const name of names) {
    m.engine.stop(name);
    m.pass(100);
  }
  const host = m.worker("w0").id.split("/")[0]!;
  const toAll = (news: EngineNews): void => {
    for (const { id } of m.alive()) m.input(id, news);
  };
  toAll({ kind: "engine-lost", host, reason: "it was restarted" });
  m.pass(6_000);
  toAll({ kind: "engine-back", host, restarted: true });
  for (const name of names) recovers(m, name);
  assert.deepEqual(m.told("brake-tripped"), []);
});

describe("workers that fall silent together", () => {
  const names = Array.from({ length: 12 }, (_, at) => `w${at}`);
  const onEngine = (m: MeshHarness, news: "engine-lost" | "engine-back"): void => {
    const host = m.worker("w0").id.split("/")[0]!;
    const told = { kind: news, host, reason: "no answer", restarted: false } as const;
    for (const { id } of m.alive()) m.input(id, told);
  };
  const fallSilent = (m: MeshHarness): void => {
    for (const { address } of m.engine.workers.values()) m.cuts.add(`*>${address}`);
    m.pass(6_000);
    assert.equal(m.worker("w0").verdict, "silent");
  };

  test("trip no brake while their engine does not answer: their machine has gone with them", () => {
    const m = mesh({ names });
    m.pass(40_000);
    onEngine(m, "engine-lost");
    m.pass(1_000);
    fallSilent(m);
    assert.deepEqual(m.told("brake-tripped"), []);
  });

  test("trip it when their engine is back", () => {
    const m = mesh({ names });
    m.pass(40_000);
    onEngine(m, "engine-lost");
    m.pass(1_000);
    onEngine(m, "engine-back");
    m.pass(10_000);
    fallSilent(m);
    assert.equal(m.told("brake-tripped").length, 1);
  });
});

describe("a runner that looks for life after an action", () => {
  /** What the coordinator that does not lead says of the worker's present start after 3 s. */
  const looked = (break_: (m: MeshHarness, runner: string, address: string) => void): string => {
    const m = mesh();
    const runner = m.alive().find(({ id }) => id !== m.leader())!.id;
    break_(m, runner, m.engine.workers.get("web")!.address);
    m.pass(1_000);
    let result = "";
    m.nodes.get(runner)!.waits.set(99, (life) => {
      result = life;
    });
    const { startedAt } = m.engine.view("web")!;
    m.input(runner, {
      kind: "life-awaited",
      id: 99,
      worker: m.worker("web").id,
      startedAt,
      timeout: 3_000,
      isSecondLook: false,
    });
    m.pass(3_100);
    return result;
  };

  test("sees it at once where it is well", () => {
    assert.equal(
      looked(() => undefined),
      "alive",
    );
  });

  test("says that it came too late where nobody hears it", () => {
    assert.equal(
      looked((m) => {
        m.engine.workers.get("web")!.isMute = true;
      }),
      "timeout",
    );
  });

  test("says nothing of a worker that another hears, and nothing while it is cut off itself", () => {
    const deaf = looked((m, runner, address) => {
      m.cuts.add(`${address}>${runner}`);
    });
    const alone = looked((m, runner) => {
      m.cutOff(runner);
    });
    assert.deepEqual([deaf, alone], ["blind", "blind"]);
  });
});
