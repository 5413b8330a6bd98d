// What coordinators tell each other: who is asked, what is answered, how fresh it must be, and that it fits a datagram.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { PathView } from "../../../coordinator/core/path.ts";
import type { Letter } from "../../../coordinator/core/standing-mail.ts";
import { Standings } from "../../../coordinator/core/standings.ts";
import { fitsDatagram } from "../../../proto/codec.ts";
import { limits } from "../../../proto/limits.ts";
import type { StandingReport } from "../../../proto/messages.ts";
import { instant, type Instant } from "../../../proto/units.ts";

const worker = "host-1/web-1";
const coordinators = ["c1", "c2", "c3"];

const pathView = (more: Partial<PathView> = {}): PathView => ({
  standing: "up",
  roundTrip: 1,
  loss: 0,
  heardAt: instant(0),
  unanswered: 0,
  failedAttempts: 0,
  refused: 0,
  silence: 0,
  datagramsNeeded: 4,
  silenceNeeded: 0,
  witnessFor: 1500,
  ...more,
});

const down = pathView({ standing: "down", unanswered: 25, failedAttempts: 3 });

function standingsOf(self: string, own: (worker: string) => PathView | undefined): Standings {
  return new Standings({ self, coordinators, heartbeatInterval: 100 }, own);
}

const report = (more: Partial<StandingReport> = {}): StandingReport => ({
  worker,
  nonce: 0,
  standing: "down",
  heardAgo: 5000,
  unanswered: 25,
  failedAttempts: 3,
  refused: 0,
  ...more,
});

/** Everything sent until `until`. */
function lettersUntil(standings: Standings, until: number): { at: number; letter: Letter }[] {
  const sent: { at: number; letter: Letter }[] = [];
  for (;;) {
    const due = standings.nextDeadline();
    if (due === undefined || due > until) return sent;
    for (const letter of standings.letters(due)) sent.push({ at: due, letter });
  }
}

const at = (ms: number): Instant => instant(ms);

test("a first doubt is told to all others within 5 ms and repeated while it lasts, each time with a new nonce", () => {
  let own = pathView({ standing: "doubt" });
  const standings = standingsOf("c1", () => own);
  standings.ask(worker, 700, at(0));
  const sent = lettersUntil(standings, 300);
  assert.deepEqual(new Set(sent.map(({ letter }) => letter.to)), new Set(["c2", "c3"]));
  assert.equal(sent[0]!.at, 5);
  const nonces = sent.flatMap(({ letter }) =>
    letter.to === "c2" && letter.message.kind === "doubt"
      ? letter.message.questions.map((q) => q.nonce)
      : [],
  );
  assert.deepEqual(nonces, [700, 701, 702, 703]);
  own = pathView();
  standings.onOwnChanged(worker, "up", at(300));
  const end = lettersUntil(standings, 2000);
  assert.equal(end.length, 2, "the end of the doubt is told once to each");
  assert.ok(end.every(({ letter }) => letter.message.kind === "report"));
  assert.equal(standings.nextDeadline(), undefined, "and then there is silence");
});

test("a question is answered with its nonce and with what was heard, and its worker is to be asked", () => {
  const standings = standingsOf("c2", (id) => (id === worker ? pathView() : undefined));
  const questions = [
    { worker, nonce: 9 },
    { worker: "host-1/unknown", nonce: 10 },
  ];
  assert.deepEqual(standings.onDoubt("c1", { kind: "doubt", questions }, at(400)), [worker]);
  const [first] = lettersUntil(standings, 410);
  assert.deepEqual(first!.letter, {
    kind: "send-peer",
    to: "c1",
    message: {
      kind: "report",
      reports: [
        report({ nonce: 9, standing: "up", heardAgo: 405, unanswered: 0, failedAttempts: 0 }),
      ],
    },
  });
  assert.deepEqual(standings.onDoubt("stranger", { kind: "doubt", questions }, at(400)), []);
});

test("one who hears a worker that another doubts says so without being asked, as long as the other doubts", () => {
  const standings = standingsOf("c3", () => pathView());
  standings.onReport("c1", { kind: "report", reports: [report()] }, at(0));
  const sent = lettersUntil(standings, 3000);
  assert.ok(sent.length >= 4 && sent.length <= 12, `${sent.length}`);
  assert.ok(
    sent.every(
      ({ letter: { message } }) =>
        message.kind === "report" && message.reports[0]!.standing === "up",
    ),
  );
});

test("a quorum of fresh reports is silence; a report is fresh for 300 ms", () => {
  const standings = standingsOf("c1", () => down);
  standings.onOwnChanged(worker, "down", at(10_000));
  assert.equal(standings.conclude(worker, down, true, at(10_000)).kind, "undecided");
  assert.deepEqual(standings.onReport("c2", { kind: "report", reports: [report()] }, at(10_010)), [
    worker,
  ]);
  assert.deepEqual(standings.conclude(worker, down, true, at(10_020)), {
    kind: "silent",
    by: ["c1", "c2"],
    because: "silence",
  });
  assert.equal(standings.conclude(worker, down, true, at(10_309)).kind, "silent");
  assert.equal(standings.conclude(worker, down, true, at(10_311)).kind, "undecided");
  assert.deepEqual(standings.saidOf(worker), { c2: "down" });
});

test("an answer to a question is fresh while the question is young, an old answer with an old nonce is not", () => {
  const standings = standingsOf("c1", () => down);
  standings.ask(worker, 50, at(10_000));
  standings.onReport("c2", { kind: "report", reports: [report({ nonce: 50 })] }, at(10_040));
  assert.equal(standings.conclude(worker, down, true, at(10_590)).kind, "silent");
  lettersUntil(standings, 10_700);
  assert.equal(standings.conclude(worker, down, true, at(10_700)).kind, "undecided");
});

test("an unfit coordinator's reports say abstain, and it concludes nothing but life", () => {
  let own = down;
  const standings = standingsOf("c1", () => own);
  standings.setFit(false);
  standings.onOwnChanged(worker, "down", at(10_000));
  const [first] = lettersUntil(standings, 10_010);
  assert.ok(first?.letter.message.kind === "report");
  assert.equal(first.letter.message.reports[0]!.standing, "abstain");
  for (const from of ["c2", "c3"]) {
    standings.onReport(from, { kind: "report", reports: [report()] }, at(10_000));
  }
  assert.equal(standings.conclude(worker, down, false, at(10_010)).kind, "undecided");
  assert.equal(standings.conclude(worker, down, true, at(10_010)).kind, "silent");
  own = pathView({ heardAt: at(10_000) });
  assert.deepEqual(standings.conclude(worker, own, false, at(10_010)), {
    kind: "heard",
    by: ["c1"],
  });
});

test("reports of a coordinator whose heartbeat says that it is unfit do not count", () => {
  const standings = standingsOf("c1", () => down);
  standings.onReport("c2", { kind: "report", reports: [report()] }, at(10_000));
  standings.onFitness("c2", false);
  assert.equal(standings.conclude(worker, down, true, at(10_001)).kind, "undecided");
  standings.onFitness("c2", true);
  assert.equal(standings.conclude(worker, down, true, at(10_001)).kind, "silent");
});

test("after a stall of ours no report counts any more, but life that was witnessed does", () => {
  const standings = standingsOf("c1", () => down);
  standings.onReport("c2", { kind: "report", reports: [report()] }, at(10_000));
  standings.distrust();
  assert.equal(standings.conclude(worker, down, true, at(10_001)).kind, "undecided");
  standings.onReport("c2", { kind: "report", reports: [report()] }, at(10_002));
  const alive = report({ standing: "up", heardAgo: 100 });
  standings.onReport("c3", { kind: "report", reports: [alive] }, at(10_002));
  standings.distrust();
  standings.onReport("c2", { kind: "report", reports: [report()] }, at(10_003));
  assert.equal(standings.conclude(worker, down, true, at(10_004)).kind, "partial");
});

test("what was said of an earlier container is forgotten", () => {
  const standings = standingsOf("c1", () => down);
  standings.onReport("c2", { kind: "report", reports: [report()] }, at(10_000));
  standings.forget(worker);
  assert.equal(standings.conclude(worker, down, true, at(10_001)).kind, "undecided");
  assert.equal(standings.nextDeadline() === undefined, false);
  assert.deepEqual(lettersUntil(standings, 20_000), []);
});

test("a doubt of many workers goes out in batches that fit a datagram, with the longest names too", () => {
  for (const name of ["web", "ü".repeat(95), "x".repeat(190)]) {
    const standings = standingsOf("c1", () => down);
    const self = "c".repeat(limits.nameBytes);
    const workers = Array.from({ length: 100 }, (_, i) => `${name}/${i}`);
    for (const [i, id] of workers.entries()) {
      standings.ask(id, 2 ** 48 + i, at(0));
      standings.onOwnChanged(id, "down", at(0));
    }
    const seen = new Set<string>();
    let letters = 0;
    for (const { letter } of lettersUntil(standings, 5)) {
      assert.ok(fitsDatagram(self, letter.message));
      if (letter.to !== "c2" || letter.message.kind !== "report") continue;
      letters++;
      assert.ok(letter.message.reports.length <= limits.reportsPerMessage);
      for (const entry of letter.message.reports) seen.add(entry.worker);
    }
    assert.equal(seen.size, 100);
    if (name === "web") assert.equal(letters, 9, "twelve a letter");
  }
});

test("with thousands down the refreshes take turns: everyone's comes, and not more than 480 at a time", () => {
  const standings = standingsOf("c1", () => down);
  for (let i = 0; i < 2000; i++) standings.onOwnChanged(`host/${i}`, "down", at(0));
  lettersUntil(standings, 6);
  const seen = new Set<string>();
  const perInstant = new Map<number, number>();
  for (const { at: when, letter } of lettersUntil(standings, 500)) {
    if (letter.to !== "c2" || letter.message.kind !== "report") continue;
    perInstant.set(when, (perInstant.get(when) ?? 0) + letter.message.reports.length);
    for (const entry of letter.message.reports) seen.add(entry.worker);
  }
  assert.equal(seen.size, 2000);
  assert.ok([...perInstant.values()].every((count) => count <= 480));
});
