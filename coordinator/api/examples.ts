// An answer of each route, as the description shows it; one story: h1/web-1 was killed and revived, web-2 is left alone, web-3 is in quarantine.

import type { Backup, RestoreView } from "../../proto/backup.ts";
import type {
  CommandView,
  ConnectionsView,
  CoordinatorsView,
  EventView,
  LeaderView,
  NotifyTestView,
  RecoveryView,
  SessionView,
  StatusView,
  WorkerView,
} from "../../proto/rest.ts";
import type { ScalingDocument } from "../core/scaling/policy.ts";
import { liveExamples } from "./live/examples.ts";
import { examples as swarmExamples } from "./swarm/examples.ts";

/** 2026-03-01T22:14:05.120Z: web-1 was killed. */
const killedAt = 1_772_403_245_120;
const recoveryId = "3.7.628acfcd4ca658df";

const status: StatusView = {
  id: "c1",
  version: "0.1.0",
  startedAtMs: killedAt - 864_000_000,
  leaderSinceMs: killedAt - 432_000_000,
  role: "leader",
  term: 7,
  leader: "c1",
  leaseForMs: 612,
  fit: true,
  unfitReason: "",
  votes: true,
  peers: [
    { id: "c2", heardAgoMs: 41, fit: true, redis: "reachable" },
    { id: "c3", heardAgoMs: 73, fit: true, redis: "reachable" },
  ],
  redis: "reachable",
  redisByQuorum: "reachable",
  brake: { tripped: false, failing: 0, total: 3 },
  engines: [
    { host: "h1", reachable: true, reason: "" },
    { host: "h2", reachable: true, reason: "" },
    { host: "h3", reachable: true, reason: "" },
  ],
  findings: [
    {
      subject: "h2/web-2",
      code: "mapping-ambiguous",
      text: "h2/web-2 has several agents (web-2-agent, web-2-old): none of them is asked. Leave one, or name its worker by the label heartmesh.worker.",
    },
  ],
  readiness: { ready: true, reasons: [] },
  workers: { healthy: 2, stopped: 1 },
};

const leader: LeaderView = { leader: "c1", term: 7, url: "http://10.0.0.1:8080", isSelf: true };

const session: SessionView = {
  ...{ isNeeded: true, name: "ops", role: "operator" },
  expiresAtMs: killedAt + 42_000_000,
  csrf: "pq5bYJqDsNUaV7GQb8bZ2Cn3OBNVmZ0Yk1t9Wb0cG4E",
  ...{ coordinator: "c1", cluster: "prod", version: "0.1.0" },
};
const signedOut: SessionView = { ...session, name: "", role: null, expiresAtMs: null, csrf: "" };

const coordinators: CoordinatorsView = {
  coordinators: [
    { id: "c1", address: "10.0.0.1:7700", isLeader: true, heardAgoMs: 0 },
    { id: "c2", address: "10.0.0.2:7700", isLeader: false, heardAgoMs: 41 },
    { id: "c3", address: "10.0.0.3:7700", isLeader: false, heardAgoMs: 73 },
  ],
  term: 6,
  version: 2,
  change: "",
  strangers: ["c4"],
};

const links: ConnectionsView = { "10.0.0.2:7700": 1, "10.0.0.3:7700": 1 };

const worker: WorkerView = {
  id: "h1/web-1",
  role: "worker",
  verdict: "healthy",
  reason: "it answers and its check passes",
  evidence: [{ kind: "pong", by: "c1", text: "its agent says healthy" }],
  host: "h1",
  containerId: "0f9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d3c2b1a0f9e",
  probe: "agent 172.18.0.3:8888",
  standings: { c1: "up", c2: "up", c3: "up" },
  roundTripMs: 0.8,
  loss: 0,
  heardAgoMs: 120,
  load: 0.18,
  recovery: null,
  quarantinedForMs: null,
  silencedForMs: null,
  silenceReason: "",
  revivalsInWindow: 1,
};

const silenced: WorkerView = {
  ...worker,
  id: "h2/web-2",
  reason: "its HEALTHCHECK passes",
  evidence: [],
  host: "h2",
  containerId: "7a6f5e4d3c2b1a0f9e0f9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b",
  probe: "engine only",
  standings: { c1: "abstain", c2: "abstain", c3: "abstain" },
  roundTripMs: null,
  loss: null,
  heardAgoMs: null,
  load: null,
  silencedForMs: 3_534_000,
  silenceReason: "by ops (c1): a new disk",
  revivalsInWindow: 0,
};

const quarantined: WorkerView = {
  ...worker,
  id: "h3/web-3",
  verdict: "stopped",
  reason: "its container has exited with code 1",
  evidence: [{ kind: "inspection", by: "h3", text: "exited with code 1" }],
  host: "h3",
  containerId: "d5c4b3a2f1e0d9c8b7a6f5e4d3c2b1a0f9e0f9e8d7c6b5a4f3e2d1c0b9a8f7e6",
  probe: "agent 172.18.0.5:8888",
  standings: { c1: "down", c2: "down", c3: "down" },
  roundTripMs: 0.9,
  heardAgoMs: 2_041_000,
  load: null,
  quarantinedForMs: 2_039_000,
  revivalsInWindow: 0,
};

const died = "its container has exited with code 137";

const recovery: RecoveryView = {
  id: recoveryId,
  worker: worker.id,
  verdict: "stopped",
  action: "start",
  reason: died,
  evidence: [{ kind: "inspection", by: "h1", text: "exited with code 137" }],
  term: 7,
  epoch: 3,
  outcome: "recovered",
  outcomeReason: "",
  runner: "c2",
  maxTries: 3,
  detectedAtMs: killedAt + 50,
  decidedAtMs: killedAt + 52,
  enqueuedAtMs: killedAt + 60,
  actingAtMs: killedAt + 75,
  verifyingAtMs: killedAt + 320,
  verifiedAtMs: killedAt + 790,
  recoveredAtMs: killedAt + 5_790,
  endedAtMs: killedAt + 5_790,
  tries: [
    {
      number: 1,
      runner: "c2",
      startedAtMs: killedAt + 75,
      actedAtMs: killedAt + 320,
      verifiedAtMs: killedAt + 790,
      failedAtMs: null,
      reason: "",
      counts: true,
    },
  ],
};

const recovered: EventView = {
  id: "1772403250910-0",
  kind: "recovered",
  atMs: killedAt + 5_790,
  by: "c1",
  worker: worker.id,
  recovery: recoveryId,
  text: "it is healthy and stayed so",
  evidence: [],
};

/** Of what a person asked for. */
const asked: EventView = {
  id: "1772403185120-0",
  kind: "command-taken",
  atMs: killedAt - 60_000,
  by: "c1",
  worker: silenced.id,
  recovery: "",
  text: "ops (c1): h2/web-2 is left alone for 3600 s: a new disk",
  evidence: [],
  change: {
    actor: "ops (c1)",
    verb: "silence",
    subject: silenced.id,
    cluster: "",
    before: "",
    after: "",
    outcome: "done",
  },
};

const streamed: EventView = { ...recovered, id: "1772403250910-6c52ba3a7da8" };

const stream = [
  "retry: 2000\n\n",
  `id: ${streamed.id}\nevent: ${streamed.kind}\ndata: ${JSON.stringify(streamed)}\n\n`,
].join("");

const notifyTest: NotifyTestView = {
  channels: [
    { channel: "slack", ok: true, text: "delivered" },
    { channel: "webhook", ok: false, text: "webhook: answered 500 no such room" },
  ],
};

const policy: ScalingDocument = {
  ...{ min: 2, max: 8, target: 0.6, cooldown: 60 },
  ...{ putAt: killedAt - 86_400_000, by: "ops (c1)" },
};

const { name: templateName, ...template } = swarmExamples.template;

const backup: Backup = {
  version: 1,
  cluster: "prod",
  at: "2026-03-01T22:14:12.000Z",
  documents: {
    templates: { [templateName]: template },
    scaling: { shop_web: policy },
    clusters: {},
  },
  silences: [
    { worker: silenced.id, until: "2026-03-01T23:13:05.120Z", reason: silenced.silenceReason },
  ],
  quarantines: [{ worker: quarantined.id, since: "2026-03-01T21:40:12.310Z" }],
};

const restored: RestoreView = {
  text: "restored a backup of prod, taken at 2026-03-01T22:14:12.000Z: 2 documents, 1 silences, 1 quarantines",
  ...{ documents: 2, silences: 1, quarantines: 1 },
  ...{ unchanged: 0, passed: 0 },
};

const metrics = `# HELP heartmesh_leader 1 on the leader.
# TYPE heartmesh_leader gauge
heartmesh_leader 1
# HELP heartmesh_workers Workers by verdict. As this coordinator sees it; take the leader's.
# TYPE heartmesh_workers gauge
heartmesh_workers{verdict="healthy"} 2
heartmesh_workers{verdict="stopped"} 1
# HELP heartmesh_datagrams_received_total Datagrams received.
# TYPE heartmesh_datagrams_received_total counter
heartmesh_datagrams_received_total 48211
`;

const done = (text: string): CommandView => ({ text, recovery: null });

const workers = [worker, silenced, quarantined];
const events = [recovered, asked] as const;

export const examples = {
  ...liveExamples({ status, workers, recovery, events }),
  ...{ status, leader, coordinators, links, worker, recovery, notifyTest, backup, restored },
  ...{ stream, metrics, session, signedOut, workers, events },
  recoveries: [recovery],
  linkCut: { ...links, "10.0.0.2:7700": 0 } satisfies ConnectionsView,
  coordinatorAdded: done("c4 (10.0.0.4:7700) is added: done"),
  coordinatorRemoved: done("c3 is removed: done"),
  revived: done("h1/web-1 is being revived"),
  silenced: done("h2/web-2 is left alone for 3600 s: a new disk"),
  unsilenced: done("h2/web-2 is looked after again"),
  released: done("h3/web-3 is out of quarantine"),
  serviceGoesBack: done("shop_web goes back"),
  allGoBack: done("shop_web go back to h1"),
  mayMove: done("shop_db may move"),
} as const;
