// How a recovery ends: recovered, exhausted or superseded; and what follows.

import { after, type Instant } from "../../proto/units.ts";
import { eventOf } from "./event.ts";
import type { JobNews } from "./job.ts";
import { askOf, type Case } from "./recovery-case.ts";
import { saidOf } from "./recovery-words.ts";
import { cancel, considerCase, explainLeft, quarantine } from "./recovery-launch.ts";
import type { Ward } from "./recovery-ward.ts";
import { patience, type Flight } from "./recovery.ts";

type EndNews = Extract<JobNews, { kind: "recovered" | "exhausted" | "superseded" }>;

export function onEnded(ward: Ward, c: Case, flight: Flight, news: EndNews, now: Instant): void {
  c.ended = flight.recovery;
  const recovery = flight.recovery;
  switch (news.kind) {
    case "recovered":
      c.record.finish();
      c.supersededTimes = 0;
      conclude(ward, c, "recovered", saidOf(c.worker).recovered, recovery, true, now);
      settle(ward, c, c.decision === c.launched ? patience.refused : 0, now);
      break;
    case "exhausted":
      onExhausted(ward, c, flight, news, now);
      break;
    case "superseded": {
      if (!flight.acted && flight.triesBefore + flight.failed === 0) c.isPaid = true;
      const text = flight.acted ? news.reason : `nothing was done: ${news.reason}`;
      conclude(ward, c, "superseded", text, recovery, false, now);
      const isOldNews = c.decision === c.launched || c.supersededTimes > 0;
      const pause = isOldNews
        ? Math.min(patience.supersededMost, patience.superseded * 2 ** c.supersededTimes)
        : 0;
      c.supersededTimes += 1;
      settle(ward, c, pause, now);
      break;
    }
  }
  if (ward.isUnsaved(c)) ward.save(c, now);
}

function onExhausted(
  ward: Ward,
  c: Case,
  flight: Flight,
  news: Extract<EndNews, { kind: "exhausted" }>,
  now: Instant,
): void {
  const text = `${flight.triesBefore + news.tries} tries failed, the last one: ${news.reason}`;
  if (news.canWait === true) {
    // No quarantine: if the host where it runs dies, it must be moved.
    const { quarantineRelease: pause } = ward.config;
    const again = `it stays where it is; the next attempt follows in ${Math.round(pause / 1000)} s`;
    c.record.finish();
    conclude(ward, c, "exhausted", `${text}; ${again}`, flight.recovery, true, now);
    settle(ward, c, pause, now, "later");
    return;
  }
  conclude(ward, c, "exhausted", text, flight.recovery, true, now);
  settle(ward, c, 0, now, "later");
  // Its notification has just been sent, as what exhausted the tries.
  quarantine(ward, c, `${text}; heartmesh gives up on it`, now, false, flight.recovery);
}

/** Leaves the flight: to waiting while a decision still asks for an action, else to idle. */
export function settle(
  ward: Ward,
  c: Case,
  pause: number,
  now: Instant,
  consider: "now" | "later" = "now",
): void {
  if (askOf(c) === undefined) {
    // A worker without agent and check never says that it is healthy.
    cancel(ward, c, now);
    // What was decided while its job flew is told now that it has landed.
    explainLeft(ward, c);
  } else {
    ward.setRecovery(c, { kind: "waiting", retryAt: after(now, pause) });
    if (consider === "now") considerCase(ward, c, now);
  }
  ward.save(c, now);
}

/** The end of a recovery is told by whoever leads; a follower keeps it for the case that nobody did. */
export function conclude(
  ward: Ward,
  c: Case,
  kind: "recovered" | "exhausted" | "superseded",
  text: string,
  recovery: string,
  notify: boolean,
  now: Instant,
): void {
  const evidence = c.decision?.verdict.evidence ?? [];
  const event = eventOf(c.worker, kind, text, { recovery, evidence, notify });
  c.explained = "";
  if (kind === "recovered") {
    if (c.recoveredTold === recovery) return;
    c.recoveredTold = recovery;
  }
  if (ward.isLeading) ward.publishAnyway(event);
  else c.outcome = { event, at: now };
}
