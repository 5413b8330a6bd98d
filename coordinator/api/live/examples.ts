// Answers about what is shown live, in the story of the other examples.

import type {
  EventView,
  LiveChange,
  LiveView,
  OpenRecovery,
  RecoveryView,
  StatusView,
  WorkerRow,
  WorkerView,
} from "../../../proto/rest.ts";

interface Story {
  readonly status: StatusView;
  readonly workers: readonly WorkerView[];
  readonly recovery: RecoveryView;
  readonly events: readonly EventView[];
}

export function liveExamples({ status, workers, recovery, events }: Story) {
  const nowMs = recovery.detectedAtMs + 900;
  const verifying: OpenRecovery = {
    id: recovery.id,
    worker: recovery.worker,
    verdict: recovery.verdict,
    action: recovery.action,
    stage: "verifying",
    tries: 1,
    maxTries: recovery.maxTries,
    text: "it answers again and is watched for a while",
    detectedAtMs: recovery.detectedAtMs,
    stageAtMs: recovery.verifiedAtMs ?? nowMs,
    dueAtMs: recovery.recoveredAtMs,
  };
  const rows = workers.map((one) => rowOf(one, nowMs));
  const live: LiveView = { nowMs, status, workers: rows, recoveries: [verifying], events };
  const healed: LiveChange = { nowMs: nowMs + 4_900, recoveries: [] };
  const messages = [
    ["picture", live],
    ["change", healed],
    ["event", events[0]],
  ] as const;
  const told = messages.map(([kind, data]) => `event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
  return { live, liveStream: `retry: 2000\n\n${told.join("")}` };
}

function rowOf(worker: WorkerView, nowMs: number): WorkerRow {
  const { id, role, verdict, reason, host, probe, roundTripMs, loss, load, standings } = worker;
  const { recovery, quarantinedForMs, silencedForMs, silenceReason, revivalsInWindow } = worker;
  return {
    ...{ id, role, verdict, reason, host, probe, roundTripMs, loss, load, standings, recovery },
    quarantinedAtMs: quarantinedForMs === null ? null : nowMs - quarantinedForMs,
    silencedUntilMs: silencedForMs === null ? null : nowMs + silencedForMs,
    ...{ silenceReason, revivalsInWindow },
  };
}
