// The arithmetic of grants, and what one coordinator's book of a host's fence says.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import {
  grantEnds,
  lapsedAt,
  silenceOf,
  stopTakes,
} from "../../../../coordinator/core/hosts/fence.ts";
import {
  FenceRecord,
  type Circumstances,
} from "../../../../coordinator/core/hosts/fence-record.ts";
import type { HostVerdict } from "../../../../coordinator/core/hosts/host.ts";
import type { Pong, PongFence } from "../../../../proto/messages.ts";
import { incarnation, instant as at } from "../../../../proto/units.ts";

const about: Circumstances = {
  host: "h1",
  self: "c1",
  ids: ["c1", "c2", "c3"],
  quorum: 2,
  setSince: undefined,
  grantLength: 5_000,
  isDead: true,
  wordHolds: 1_000,
};
const fence: PongFence = { able: true, within: 1_000, state: "held", answer: 7 };
const pong = (over: Partial<Pong> = {}): Pong => ({
  ...{ kind: "pong", nonce: 1, name: "h1", incarnation: incarnation(1) },
  health: { state: "healthy", checkedAgo: 0, reason: "" },
  ...{ lag: 0, load: 0, fence },
  ...over,
});
const verdict = (kind: HostVerdict["kind"], reason = ""): HostVerdict => ({
  ...{ kind, reason, evidence: [] },
});
const report = { ago: 8_000, for: 5_000 };

/** Heard at 0; c2 says at 8 s, asked just before, that it was silent as long. */
function silent(answer: Pong | undefined = pong()): FenceRecord {
  const record = new FenceRecord();
  record.onPong(answer, at(0));
  record.onVerdict(verdict("dead"));
  record.onReport("c2", report, at(7_990), at(8_000));
  return record;
}

describe("two clocks", () => {
  it("that run 1 % apart are borne: one behind a grant, two behind a stop, two behind another's word", () => {
    equal(grantEnds(at(100), 5_000), 100 + 5_050);
    ok(Math.abs(stopTakes(1_000) - (2_000 * 1.01) / 0.99) < 1e-9);
    const { ends, until } = silenceOf("c2", { ago: 1_010, for: 5_000 }, at(2_000), at(1_900));
    ok(Math.abs(ends - (2_000 - 1_010 * (0.99 / 1.01) + 5_050)) < 1e-9);
    equal(until, 1_900);
  });
});

describe("a lapse", () => {
  it("is proved where a quorum was silent at one and the same instant", () => {
    const silence = (by: string, ends: number, until: number) => ({
      by,
      ends: at(ends),
      until: at(until),
    });
    const [a, b, c] = [silence("c1", 10, 30), silence("c2", 20, 40), silence("c3", 35, 50)];
    equal(lapsedAt([a, b, c], 2), 20);
    equal(lapsedAt([a, c], 2), undefined);
    equal(lapsedAt([a, b, c], 3), undefined);
    equal(lapsedAt([b, c], 2), 35);
    equal(lapsedAt([a], 1), 10);
  });
});

describe("a coordinator's book", () => {
  it("says stopped when a quorum was silent for long enough, in a sentence", () => {
    const view = silent().view(about, at(8_000));
    deepEqual(view, {
      kind: "stopped",
      text: "c1 and c2 have granted h1 nothing for 8.0 s: what is fenced there has been stopped",
    });
    const before = silent().view(about, at(7_000));
    ok(before.kind === "waiting" && before.until > 7_000);
  });

  it("waits where nobody, or nobody of the set, says so too", () => {
    const record = new FenceRecord();
    record.onPong(pong(), at(0));
    record.onVerdict(verdict("dead"));
    equal(record.view(about, at(8_000)).kind, "waiting");
    record.onReport("c9", report, at(7_990), at(8_000));
    equal(record.view(about, at(8_000)).kind, "waiting");
    const late = record.view(about, at(30_000));
    match(late.text, /^no quorum knows that h1 is without grants: c2, c3 does not say/);
    equal(late.kind, "unsure");
  });

  it("takes a word for no younger than the question that it answers, and one that answers none for nothing", () => {
    const record = new FenceRecord();
    record.onPong(pong(), at(0));
    record.onVerdict(verdict("dead"));
    record.onReport("c2", { ago: 4_000, for: 5_000 }, at(4_000), at(8_000));
    equal(record.view(about, at(8_000)).kind, "waiting");
    record.onReport("c2", report, undefined, at(8_000));
    equal(record.view(about, at(8_000)).kind, "waiting");
    record.onReport("c2", report, at(7_990), at(8_000));
    equal(record.view(about, at(8_000)).kind, "stopped");
  });

  it("forgets a word that is old: the host may be back", () => {
    equal(silent().view(about, at(8_990)).kind, "stopped");
    equal(silent().view(about, at(9_000)).kind, "waiting");
  });

  it("does not count who has not heard the host since its own start", () => {
    const record = silent();
    record.onReport("c2", undefined, at(7_995), at(8_000));
    equal(record.view(about, at(8_000)).kind, "waiting");
  });

  it("waits for the time of a grant where the set of coordinators was changed meanwhile", () => {
    const changed = { ...about, setSince: at(2_000) };
    equal(silent().view(changed, at(8_000)).kind, "waiting");
  });

  it("gives a slow stop its time", () => {
    const slow = pong({ fence: { ...fence, within: 10_000 } });
    equal(silent(slow).view(about, at(8_000)).kind, "waiting");
  });

  it("is unsure of an agent that cannot fence, was never granted, has gone, or failed before", () => {
    const of = (record: FenceRecord): string => {
      const view = record.view(about, at(8_000));
      equal(view.kind, "unsure");
      return view.text;
    };
    match(of(new FenceRecord()), /has not been heard since c1 was started/);
    match(of(silent(without(pong()))), /of a release that cannot fence/);
    match(of(silent(pong({ fence: { ...fence, able: false } }))), /could not stop containers/);
    match(of(silent(pong({ fence: { ...fence, state: "never" } }))), /had not been granted/);
    const sick = { state: "unhealthy", checkedAgo: 0, reason: "no answer" } as const;
    match(of(silent(pong({ health: sick }))), /its engine failed: no answer/);
    const left = silent();
    left.onLeaving(1);
    match(of(left), /said that it was stopping/);
    left.onPong(pong({ incarnation: incarnation(2) }), at(0));
    equal(left.view(about, at(8_000)).kind, "stopped");
    const lost = new FenceRecord();
    lost.onPong(pong(), at(0));
    lost.onVerdict(verdict("agent-lost", "its agent is silent, but the host lives"));
    lost.onVerdict(verdict("dead"));
    lost.onReport("c2", report, at(7_990), at(8_000));
    match(of(lost), /nobody was sure of h1 when it vanished: its agent is silent/);
  });

  it("grants nothing more once the host is dead, and again from its first answer on", () => {
    const record = silent();
    equal(record.takeAnswer(), undefined);
    record.onPong(pong({ fence: { ...fence, answer: 9 } }), at(9_000));
    equal(record.isHungry, true);
    equal(record.takeAnswer(), 9);
    equal(record.isHungry, false);
  });
});

function without({ fence: _, ...rest }: Pong): Pong {
  return rest;
}
