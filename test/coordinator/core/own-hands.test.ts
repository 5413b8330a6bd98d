// Which kills are our own: those of a runner between the beginning of its try and the end of its action.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Intent } from "../../../coordinator/core/intent.ts";
import type { JobNews } from "../../../coordinator/core/job.ts";
import { LedgerPage } from "../../../coordinator/core/ledger.ts";
import { OwnHands } from "../../../coordinator/core/own-hands.ts";
import { instant, term } from "../../../proto/units.ts";
import { container, settings, spec } from "./recovery-specs.ts";

const web = container("web");
const base = { token: { worker: "h1/web", epoch: 1, term: term(1) }, recovery: "1.1.x", at: 0 };
const started: JobNews = { kind: "try-started", ...base, tryNumber: 1, runner: "c2" };
const acted: JobNews = { kind: "acted", ...base, newContainerId: "id-web", newStartedAt: "2" };

/** How a death at `at` is judged 10 ms later, after a kill 30 ms before it and this news. */
function judged(at: number, ...news: readonly (readonly [number, JobNews])[]): string {
  const intent = new Intent({ stopHold: 3_000 });
  const hands = new OwnHands(intent);
  const running = container("web", { state: "running" });
  const page = new LedgerPage(spec("h1/web", { container: running }), instant(0));
  intent.onContainer(running, instant(0));
  const { host, id: containerId, name, labels } = web;
  const event = { host, containerId, name, labels, ours: false } as const;
  const happenings: { at: number; run: () => void }[] = [
    ...news.map(([ms, one]) => ({
      at: ms,
      run: () => {
        hands.onJobNews(page, one, instant(ms));
      },
    })),
    {
      at: at - 30,
      run: () => {
        intent.onEngineEvent(
          { ...event, action: "kill", signal: 9, exitCode: -1 },
          instant(at - 30),
        );
      },
    },
    {
      at,
      run: () => {
        intent.onEngineEvent({ ...event, action: "die", signal: 0, exitCode: 137 }, instant(at));
      },
    },
  ];
  happenings.sort((a, b) => a.at - b.at);
  for (const { run } of happenings) run();
  return intent.judge(web, settings, instant(Math.max(at, ...news.map(([ms]) => ms)) + 10)).kind;
}

test("a kill by nobody of ours is somebody's stop", () => {
  assert.equal(judged(1_000), "held");
});

test("a kill during a try is ours, also where its news comes a moment late", () => {
  assert.equal(judged(1_000, [900, started]), "crash");
  assert.equal(judged(1_000, [1_300, started]), "crash");
  assert.equal(judged(1_900, [900, started], [2_200, acted]), "crash");
});

test("a kill well after the action was done is somebody's again", () => {
  assert.equal(judged(2_000, [900, started], [1_200, acted]), "held");
});

test("a late echo of the enqueueing does not end the action", () => {
  const echo: JobNews = { kind: "job-enqueued", ...base };
  const refused: JobNews = { kind: "job-refused", token: base.token, reason: "" };
  assert.equal(judged(2_500, [900, started], [910, echo]), "crash");
  assert.equal(judged(2_500, [900, started], [910, refused]), "crash");
});
