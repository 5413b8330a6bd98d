// A recovery as the API says it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { recoveryView } from "../../../coordinator/api/views.ts";
import { applyNews, beginRecord } from "../../../coordinator/core/recovery-record.ts";
import type { JobNews } from "../../../coordinator/core/job.ts";
import { revivalJob } from "../jobs/scripted-world.ts";

const job = revivalJob();
const { token, recovery } = job;
const about = { token, recovery };

test("the first healthy answer is that to the last action, not to an earlier try's", () => {
  const acted = (at: number): JobNews => ({
    ...{ kind: "acted", ...about, at },
    ...{ newContainerId: "n", newStartedAt: String(at) },
  });
  const began = (tryNumber: number, at: number): JobNews => ({
    ...{ kind: "try-started", ...about, at, tryNumber, runner: "c1" },
  });
  const news: readonly JobNews[] = [
    began(1, 20),
    acted(21),
    { kind: "verified", ...about, at: 25 },
    {
      ...{ kind: "try-failed", ...about, at: 30, tryNumber: 1 },
      ...{ reason: "it failed again", counts: true, nextTryIn: 1 },
    },
    began(2, 40),
    acted(41),
  ];
  const record = news.reduce(applyNews, beginRecord(job));
  const times = ({ verifyingAtMs, verifiedAtMs }: ReturnType<typeof recoveryView>): unknown => [
    verifyingAtMs,
    verifiedAtMs,
  ];
  assert.deepEqual(times(recoveryView(record)), [41, null]);
  const verified = applyNews(record, { kind: "verified", ...about, at: 45 });
  assert.deepEqual(times(recoveryView(verified)), [41, 45]);
});
