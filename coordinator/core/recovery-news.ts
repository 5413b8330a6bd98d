// What news of jobs does to a case.

import { after, type Instant } from "../../proto/units.ts";
import type { EventKind, Said } from "./event.ts";
import { compareTokens, exhausted, type JobNews } from "./job.ts";
import { nothingTold, type Case } from "./recovery-case.ts";
import { saidOf } from "./recovery-words.ts";
import { onEnded } from "./recovery-end.ts";
import { considerCase, directBackoff, sayEnqueued, takeBack } from "./recovery-launch.ts";
import type { Ward } from "./recovery-ward.ts";
import {
  advance,
  isInFlight,
  patience,
  strangersFlight,
  triesOf,
  type Flight,
  type InFlight,
  type LiveNews,
} from "./recovery.ts";

export function onNews(ward: Ward, news: JobNews, now: Instant): void {
  const c = ward.caseOf(news.token.worker);
  noteToken(c, news, now);
  switch (news.kind) {
    case "job-adopted":
      onAdopted(ward, c, news, now);
      return;
    case "job-refused":
      onRefused(ward, c, news, now);
      return;
    case "job-enqueued":
    case "try-started":
    case "acted":
    case "verified":
    case "try-failed":
      onLive(ward, c, news, now);
      return;
    case "recovered":
    case "exhausted":
    case "superseded": {
      const flight = followed(c, news);
      if (flight !== undefined) onEnded(ward, c, flight, news, now);
      return;
    }
  }
}

/** A new token that we have only from a job's news: its recovery is counted as its leader counted it. */
function noteToken(c: Case, news: JobNews, now: Instant): void {
  const continues = c.record.tries > 0 || c.isPaid;
  if (!c.record.onToken(news.token, now)) return;
  if (!continues) c.record.noteRevival(now);
  c.isPaid = false;
}

/** The flight that news belongs to; undefined for stragglers of jobs that are over or outdated. */
function followed(
  c: Case,
  news: { readonly token: JobNews["token"]; readonly recovery: string },
): Flight | undefined {
  if (isInFlight(c.recovery)) {
    const flight = c.recovery.flight;
    if (flight.recovery === news.recovery) return flight;
    if (compareTokens(news.token, flight.token) < 0) return undefined;
  }
  if (c.ended === news.recovery || compareTokens(news.token, c.record.token) < 0) return undefined;
  c.launched = c.decision;
  return strangersFlight(news.token, news.recovery);
}

function onLive(ward: Ward, c: Case, news: LiveNews, now: Instant): void {
  const flight = followed(c, news);
  if (flight === undefined) return;
  const before = c.recovery;
  const isFirst = before.kind === "enqueueing" || !isInFlight(before);
  // The echo may come behind the runner's first news.
  if (news.kind === "job-enqueued" && !isFirst) return;
  let next: InFlight = advance(flight, news, now);
  if (flight.by === "direct" && next.kind === "backing-off") {
    const used = triesOf(next.flight);
    const most = flight.triesBefore + (flight.order?.maxTries ?? ward.config.maxTries);
    if (used >= most) {
      say(ward, c, next.flight, news);
      const { token, recovery, at } = news;
      const reason = news.kind === "try-failed" ? news.reason : "";
      onEnded(
        ward,
        c,
        next.flight,
        exhausted(
          { token, recovery, ...(flight.order?.move !== undefined && { move: flight.order.move }) },
          used,
          reason,
          at,
        ),
        now,
      );
      return;
    }
    const until = directBackoff(ward, next.flight, now);
    next = { ...next, until, deadline: until };
  }
  ward.setRecovery(c, next);
  // A person's order is under way: from here on it is a recovery like any other.
  c.forced = undefined;
  c.record.noteTries(triesOf(next.flight));
  if (flight.by === "queue" && isFirst) sayEnqueued(ward, c, next.flight);
  say(ward, c, next.flight, news);
  ward.save(c, now);
}

function say(ward: Ward, c: Case, flight: Flight, news: LiveNews): void {
  const { recovery } = flight;
  const { told } = c;
  const said: Said = { recovery };
  const say = (kind: EventKind, text: string): void => {
    ward.publish(c.worker, kind, text, said);
  };
  // Its story was closed, for nothing was heard of its job; only a failure opens it again.
  if (c.recoveredTold === recovery) {
    if (news.kind !== "try-failed") return;
    c.recoveredTold = "";
  }
  const number = flight.triesBefore + ("tryNumber" in news ? news.tryNumber : 0);
  switch (news.kind) {
    case "job-enqueued":
      return;
    case "try-started": {
      const goesOn = told.recovery === recovery && told.tryNumber === number;
      if (!goesOn) c.told = { recovery, tryNumber: number, startedAt: "" };
      const verb = goesOn ? "goes on, run by" : "begins on";
      say("try-started", `try ${number} ${verb} ${news.runner}`);
      return;
    }
    case "acted": {
      const { newStartedAt, newContainerId } = news;
      const startedAt = newStartedAt === "" ? newContainerId : newStartedAt;
      if (told.recovery === recovery && told.startedAt === startedAt) return;
      c.told = { ...told, recovery, startedAt };
      const container = `container ${newContainerId.slice(0, 12)}`;
      const how =
        newStartedAt === ""
          ? `${container} is killed, and Swarm starts another one`
          : `${container} runs since ${newStartedAt}`;
      say("acted", `acted; ${news.what ?? how}`);
      return;
    }
    case "verified":
      say("verified", saidOf(c.worker).verified);
      return;
    case "try-failed":
      c.told = nothingTold;
      say(
        "try-failed",
        news.counts
          ? `try ${number} failed: ${news.reason}`
          : `try ${number} does not count: ${news.reason}`,
      );
  }
}

function onAdopted(
  ward: Ward,
  c: Case,
  news: Extract<JobNews, { kind: "job-adopted" }>,
  now: Instant,
): void {
  const found = news.found;
  if (isInFlight(c.recovery) && c.recovery.flight.recovery === found.recovery) {
    const { flight } = c.recovery;
    if (c.recovery.kind !== "enqueueing") return;
    const followed = { ...flight, failed: Math.max(flight.failed, news.triesUsed) };
    ward.setRecovery(c, {
      kind: "enqueued",
      flight: followed,
      deadline: after(now, patience.taken),
    });
    sayEnqueued(ward, c, followed);
    ward.save(c, now);
    return;
  }
  const current = isInFlight(c.recovery) ? c.recovery.flight : undefined;
  // A newer job than the one that was found is followed already.
  if (current !== undefined && compareTokens(current.token, news.token) > 0) return;
  const wasCounted = current?.triesBefore === 0 && compareTokens(current.token, news.token) === 0;
  const flight: Flight = {
    ...strangersFlight(found.token, found.recovery),
    host: found.target.host,
    order: { ...found, detectedAgo: 0 },
    failed: news.triesUsed,
  };
  ward.setRecovery(c, { kind: "enqueued", flight, deadline: after(now, patience.taken) });
  // Even one that we had heard the end of: a queue that was rolled back runs it again.
  c.ended = "";
  c.launched = c.decision;
  c.forced = undefined;
  c.record.noteTries(news.triesUsed);
  // The recovery that we counted does not exist; the one that was found was counted when it began.
  c.isPaid = wasCounted;
  takeBack(ward, c, now);
  ward.publish(
    c.worker,
    "recovery-adopted",
    `a revival of it is on its way already, with ${news.triesUsed} tries used: it is followed`,
    { recovery: found.recovery },
  );
  ward.save(c, now);
}

/** The queue did not take it (the lease had ended, Redis hesitated): asked again after a moment. */
function onRefused(
  ward: Ward,
  c: Case,
  news: Extract<JobNews, { kind: "job-refused" }>,
  now: Instant,
): void {
  if (c.recovery.kind !== "enqueueing") return;
  const { flight } = c.recovery;
  if (compareTokens(flight.token, news.token) !== 0) return;
  if (flight.triesBefore === 0) c.isPaid = true;
  ward.explain(c, "held", `it could not be enqueued: ${news.reason}`, {
    recovery: flight.recovery,
  });
  ward.setRecovery(c, { kind: "waiting", retryAt: after(now, patience.refused) });
  considerCase(ward, c, now);
}
