// From the configuration to what the mesh thread is given: pure, and the only place where the two shapes meet.

import type { KeyRing } from "../proto/key-ring.ts";
import type { BootId, Duration, Incarnation } from "../proto/units.ts";
import type { CoordinatorConfig } from "./config.ts";
import type { CoordinatorConfig as CoreConfig } from "./core/coordinator.ts";
import type { MeshPlan } from "./io/mesh-protocol.ts";

/** How coarsely timers run; a lease is shorter by one. */
const tick: Duration = 5;
/** A new leader gathers news for so long before it acts on more than a few workers at once. */
const settle: Duration = 300;

export interface ProcessFacts {
  readonly boot: BootId;
  readonly incarnation: Incarnation;
  readonly hostname: string;
  readonly ring: KeyRing;
  readonly seed: number;
  /** The longest action lease of a runner. */
  readonly actionLease: Duration;
  /** The address that the mesh's socket binds. */
  readonly meshHost: string;
}

export function meshSetupOf(config: CoordinatorConfig, facts: ProcessFacts): MeshPlan {
  return {
    core: coreConfigOf(config, facts),
    clusterId: config.clusterId,
    boot: facts.boot,
    incarnation: facts.incarnation,
    coordinators: config.coordinators,
    host: facts.meshHost,
    port: config.mesh.port,
    ring: facts.ring,
    dataDir: config.dataDir,
    seed: facts.seed,
    recordSpan: config.recordSpan,
  };
}

function coreConfigOf(config: CoordinatorConfig, facts: ProcessFacts): CoreConfig {
  const { recovery, brake, workerDefaults, election } = config;
  const members = config.coordinators.map(({ name }) => name).sort();
  const places = config.coordinators.map(({ name, host, port }) => ({ id: name, host, port }));
  return {
    election: { id: config.id, members: places, ...election, tick },
    wards: {
      self: config.id,
      coordinators: members,
      heartbeatInterval: election.heartbeatInterval,
      pinger: { coordinatorIndex: members.indexOf(config.id), coordinatorCount: members.length },
      census: {
        workerLabels: config.workerLabels.map(({ key, value }) =>
          value === undefined ? key : `${key}=${value}`,
        ),
        statics: config.staticWorkers,
        defaults: workerDefaults,
        meshPort: config.mesh.port,
        hostname: facts.hostname,
      },
      stopHold: recovery.stopHold,
      backoff: recovery.backoff,
    },
    hosts: {
      listed: config.hosts,
      port: config.agentPort,
      fence: { after: config.fence.after, saysGoodbye: config.fence.onTrioLoss === "keep" },
    },
    migration: config.migration,
    recovery: {
      maxTries: workerDefaults.maxTries,
      backoff: recovery.backoff,
      backoffMax: recovery.backoffMax,
      maxRevivals: workerDefaults.maxRevivals,
      revivalWindow: workerDefaults.revivalWindow,
      quarantineRelease: recovery.quarantineRelease,
      verifyWindow: workerDefaults.verifyWindow,
      brakeFraction: brake.fraction,
      brakeMin: brake.min,
      brakeWindow: brake.window,
      settle,
      actionLease: facts.actionLease,
    },
    incarnation: facts.incarnation,
    hostname: facts.hostname,
  };
}
