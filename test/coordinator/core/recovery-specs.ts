// Workers and a configuration for tests of recoveries and intent.

import type { WorkerId } from "../../../proto/units.ts";
import type { RecoveryConfig } from "../../../coordinator/core/recoveries.ts";
import type {
  ContainerView,
  WorkerSettings,
  WorkerSpec,
} from "../../../coordinator/core/worker.ts";

export const config: RecoveryConfig = {
  maxTries: 3,
  backoff: 1_000,
  backoffMax: 60_000,
  maxRevivals: 5,
  revivalWindow: 600_000,
  quarantineRelease: 1_800_000,
  verifyWindow: 5_000,
  brakeFraction: 0.3,
  brakeMin: 5,
  brakeWindow: 10_000,
  settle: 300,
  actionLease: 3_000,
};

export const settings: WorkerSettings = {
  port: 8888,
  checkInterval: 1_000,
  timeout: 500,
  maxFailedAttempts: 3,
  startPeriod: 30_000,
  stopTimeout: undefined,
  verifyWindow: 5_000,
  maxTries: 3,
  maxRevivals: 5,
  revivalWindow: 600_000,
  stopPolicy: "revive",
  recreate: false,
  dependsOn: [],
};

export const container = (name: string, over: Partial<ContainerView> = {}): ContainerView => ({
  host: "h1",
  id: `id-${name}`,
  name,
  labels: { "com.docker.compose.project": "shop", "com.docker.compose.service": name },
  state: "exited",
  startedAt: "2026-01-01T00:00:00Z",
  exitCode: 137,
  health: "none",
  restartPolicy: "no",
  maximumRetries: 0,
  restartCount: 0,
  networkMode: "bridge",
  pidMode: "",
  addresses: ["10.0.0.2"],
  hostname: name,
  imageStartPeriod: 0,
  ...over,
});

export const spec = (
  id: WorkerId,
  over: Partial<Omit<WorkerSpec, "settings">> & { settings?: Partial<WorkerSettings> } = {},
): WorkerSpec => ({
  id,
  role: "worker",
  container: container(id.slice(3)),
  agent: undefined,
  dependants: [],
  probe: { kind: "engine-only" },
  ...over,
  settings: { ...settings, ...over.settings },
});
