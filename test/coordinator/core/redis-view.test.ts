// What is concluded of Redis from what each coordinator sees.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RedisView, type RedisState } from "../../../coordinator/core/redis-view.ts";
import { instant } from "../../../proto/units.ts";

function view(own: "reachable" | "unreachable", ...peers: readonly RedisState[]): RedisView {
  const made = new RedisView(3);
  made.onOwn(own);
  peers.forEach((state, i) => {
    made.onPeer(`c${i + 2}`, state, instant(1_000));
  });
  return made;
}
const at = (ms: number) => instant(ms);

describe("Redis is out of reach", () => {
  test("where a quorum of the configured coordinators says so", () => {
    assert.equal(view("unreachable", "unreachable", "reachable").judge(at(1_000)), "unreachable");
    assert.equal(view("reachable", "unreachable", "unreachable").judge(at(1_000)), "unreachable");
    assert.equal(view("unreachable", "reachable", "reachable").judge(at(1_000)), "reachable");
  });

  test("not where one says so alone, the others being unheard or unknowing", () => {
    assert.equal(view("unreachable").judge(at(1_000)), "reachable");
    assert.equal(view("unreachable", "unknown", "unknown").judge(at(1_000)), "reachable");
  });

  test("not by what was said too long ago", () => {
    const made = view("unreachable", "unreachable", "reachable");
    assert.equal(made.judge(at(2_999)), "unreachable");
    assert.equal(made.judge(at(3_000)), "reachable");
    assert.equal(made.byQuorum, "reachable");
  });

  test("by the word of one where there is but one coordinator", () => {
    const alone = new RedisView(1);
    assert.equal(alone.judge(at(0)), "reachable");
    alone.onOwn("unreachable");
    assert.equal(alone.judge(at(0)), "unreachable");
  });
});

describe("a coordinator is cut off from Redis", () => {
  test("where another reaches it, and for longer than a hiccup", () => {
    const made = view("unreachable", "reachable", "unknown");
    made.judge(at(1_000));
    assert.equal(made.isCutOff(at(1_999)), false);
    assert.equal(made.isCutOff(at(2_000)), true);
  });

  test("not where nobody reaches it, and no longer once it does itself", () => {
    const lost = view("unreachable", "unreachable", "unreachable");
    lost.judge(at(1_000));
    assert.equal(lost.isCutOff(at(5_000)), false);
    const back = view("unreachable", "reachable");
    back.judge(at(1_000));
    back.onOwn("reachable");
    back.judge(at(1_500));
    assert.equal(back.isCutOff(at(2_500)), false);
  });

  test("from the last time that it began, not from an earlier one", () => {
    const made = view("unreachable", "reachable");
    made.judge(at(1_000));
    made.onPeer("c2", "unreachable", at(1_500));
    made.judge(at(1_500));
    made.onPeer("c2", "reachable", at(2_500));
    made.judge(at(2_500));
    assert.equal(made.isCutOff(at(3_000)), false);
    assert.equal(made.isCutOff(at(3_500)), true);
  });
});
