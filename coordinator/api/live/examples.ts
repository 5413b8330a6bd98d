// Answers about what is shown live, in the story of the other examples.

import type {
  EventView,
  HistoryView,
  LiveChange,
  LiveView,
  MeshView,
  OpenRecovery,
  RecoveryView,
  StatusView,
  WorkerLogsView,
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
  const live: LiveView = {
    nowMs,
    status,
    workers: rows,
    recoveries: [verifying],
    left: [],
    events,
  };
  const healed: LiveChange = { nowMs: nowMs + 4_900, recoveries: [] };
  const mesh: MeshView = {
    coordinators: [
      {
        ...{ id: "c1", url: "http://10.0.0.1:8080", answers: true, text: "", role: "leader" },
        ...{ term: 7, leaseForMs: 612, fit: true, unfitReason: "", redis: "reachable" },
        heardAgoMs: { c2: 41, c3: 73 },
      },
      {
        ...{ id: "c2", url: "http://10.0.0.2:8080", answers: true, text: "", role: "follower" },
        ...{ term: 7, leaseForMs: 0, fit: true, unfitReason: "", redis: "reachable" },
        heardAgoMs: { c1: 38, c3: 12_400 },
      },
      {
        ...{ id: "c3", url: "http://10.0.0.3:8080", answers: false, role: null, term: null },
        ...{ text: "it did not answer within 1000 ms", leaseForMs: null, fit: null },
        ...{ unfitReason: "", redis: "unknown", heardAgoMs: {} },
      },
    ],
  };
  const history: HistoryView = {
    stepMs: 1_000,
    endMs: nowMs,
    coordinators: {
      c1: { roundTripMs: [0.8, null, 0.75], standing: ["up", "down", "up"] },
      c2: { roundTripMs: [0.6, null, 0.65], standing: ["up", "doubt", "up"] },
    },
  };
  const logs: WorkerLogsView = {
    lines: [{ atMs: nowMs - 40, stream: "stdout", text: "listening on port 80" }],
  };
  const messages = [
    ["picture", live],
    ["change", healed],
    ["event", events[0]],
  ] as const;
  const told = messages.map(([kind, data]) => `event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
  return { live, mesh, history, logs, liveStream: `retry: 2000\n\n${told.join("")}` };
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
