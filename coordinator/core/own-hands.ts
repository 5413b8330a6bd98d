// What runners of ours do, here or on another coordinator: the kills that they cause are nobody's wish (design rule 6).

import { after, type Duration, type Instant } from "../../proto/units.ts";
import type { Intent } from "./intent.ts";
import type { JobNews } from "./job.ts";
import type { LedgerPage } from "./ledger.ts";

/** Between what a runner does and what is heard of it here. */
const newsDelay: Duration = 500;
/** A try that has not told of its action after this is not under way any more. */
const longestAction: Duration = 20_000;

export class OwnHands {
  readonly #intent: Intent;

  constructor(intent: Intent) {
    this.#intent = intent;
  }

  onJobNews(page: LedgerPage, news: JobNews, now: Instant): void {
    const { container, agent, dependants } = page.spec;
    const ids = [container, agent, ...dependants].flatMap((view) => (view ? [view.id] : []));
    if (news.kind === "try-started") {
      page.actingSince = after(now, -newsDelay);
      const until = after(now, longestAction);
      this.#intent.onOwnAction(ids, { from: page.actingSince, until });
    } else if (page.actingSince !== undefined && endsAction(news)) {
      const span = { from: page.actingSince, until: after(now, newsDelay) };
      this.#intent.onOwnAction(ids, news.kind === "superseded" ? undefined : span);
      // Its new start has been seen: by then the action on it was over. News of a try that goes on elsewhere comes late.
      if (news.kind === "acted" && container?.startedAt === news.newStartedAt) {
        this.#intent.onOwnAction([container.id], { from: span.from, until: page.livesSince });
      }
      page.actingSince = undefined;
    }
  }
}

/** Echoes of the enqueueing come late, also while the action is under way. */
function endsAction({ kind }: JobNews): boolean {
  switch (kind) {
    case "job-enqueued":
    case "job-adopted":
    case "job-refused":
    case "try-started":
    case "verified":
      return false;
    case "acted":
    case "try-failed":
    case "recovered":
    case "exhausted":
    case "superseded":
      return true;
  }
}
