// What the dashboard is told, of what proto/rest.ts does not name.

import type { EventView, StatusView as Status0, WorkerView } from "../../proto/rest.ts";
import type { StandingKind } from "../../proto/messages.ts";
export type StatusView = Status0 & {
  leaderSinceMs: number | null;
  startedAtMs: number;
  version: string;
};
export interface SessionView {
  isNeeded: boolean;
  name: string;
  role: "viewer" | "operator" | "admin" | null;
  expiresAtMs: number | null;
  csrf: string;
  coordinator: string;
  cluster: string;
  version: string;
}
export interface WorkerRow {
  id: string;
  role: WorkerView["role"];
  verdict: string;
  reason: string;
  host: string;
  probe: string;
  roundTripMs: number | null;
  loss: number | null;
  load: number | null;
  standings: Readonly<Record<string, StandingKind>>;
  recovery: WorkerView["recovery"];
  quarantinedAtMs: number | null;
  silencedUntilMs: number | null;
  silenceReason: string;
  revivalsInWindow: number;
}
export interface OpenRecovery {
  id: string;
  worker: string;
  verdict: string;
  action: string;
  stage: string;
  tries: number;
  maxTries: number;
  text: string;
  detectedAtMs: number;
  stageAtMs: number;
  dueAtMs: number | null;
}
export interface LiveView {
  nowMs: number;
  status: StatusView;
  workers: WorkerRow[];
  recoveries: OpenRecovery[];
  events: EventView[];
}
export interface LiveChange {
  nowMs: number;
  status?: StatusView;
  workers?: WorkerRow[];
  gone?: string[];
  recoveries?: OpenRecovery[];
}
export interface MeshView {
  coordinators: {
    id: string;
    url: string | null;
    answers: boolean;
    text: string;
    role: string;
    term: number;
    leaseForMs: number;
    fit: boolean;
    unfitReason: string;
    redis: string;
    heardAgoMs: Record<string, number | null>;
  }[];
}
export interface HistoryView {
  stepMs: number;
  endMs: number;
  coordinators: Record<
    string,
    { roundTripMs: (number | null)[]; standing: (StandingKind | null)[] }
  >;
}
export interface LogsView {
  lines: { atMs: number | null; stream: "stdout" | "stderr"; text: string }[];
}
