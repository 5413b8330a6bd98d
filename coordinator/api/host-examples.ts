// What the routes of hosts answer, as the description shows it: a Swarm of three, whose shop is tied to the primary host.

import type { HostsView, HostSwitchView, HostView, PlanView } from "../../proto/rest.ts";
import { examples as swarmExamples } from "./swarm/examples.ts";

const host: HostView = {
  id: swarmExamples.node.id,
  name: "h1",
  kind: "swarm",
  role: "manager",
  state: "ready",
  availability: "active",
  address: "10.0.0.1",
  labels: { type: "primary" },
  runningTasks: 4,
  engine: "h1",
  workers: 1,
  verdict: {
    kind: "healthy",
    reason: "its agent answers, and its engine does",
    since: 86_400_000,
  },
  load: 0.42,
  capacity: { processors: 4, memory: 8_323_264_512, available: 5_100_273_664 },
  fence: { able: true, state: "held", granted: true, stop: null },
};

const second: HostView = {
  ...host,
  id: "p7w2e9r4t1y6u3i8o5a0s2d7f",
  name: "h2",
  address: "10.0.0.2",
  labels: { type: "secondary" },
  runningTasks: 1,
  engine: "h2",
  load: 0.11,
  capacity: { processors: 4, memory: 8_323_264_512, available: 6_871_947_673 },
};

/** No agent of a host is expected there. */
const third: HostView = {
  ...host,
  id: "z4x1c8v5b2n9m6q3w0e7r4t1y",
  name: "h3",
  address: "10.0.0.3",
  labels: {},
  runningTasks: 0,
  engine: "h3",
  verdict: null,
  load: null,
  capacity: null,
  fence: null,
};

const hosts: HostsView = {
  hosts: [host, second, third],
  swarm: { kind: "swarm", text: "told by h1" },
};

const before = ["node.labels.type==primary"];
const after = ["node.labels.type==secondary"];
const journal = { v: 1, from: host.id, before, after, update: null };

const planned = (view: HostView, cause: PlanView["cause"], twice: string): PlanView => ({
  host: view,
  cause,
  by: "h1",
  services: [
    {
      id: swarmExamples.service.id,
      name: swarmExamples.service.name,
      action: "move",
      reason: "node.labels.type==secondary instead of node.labels.type==primary",
      replicas: 3,
      targets: [{ id: second.id, name: "h2" }],
      unfit: [
        { id: third.id, name: "h3", reason: "it does not satisfy node.labels.type==secondary" },
      ],
      strategy: { asked: "priority", used: "priority", reason: "" },
      change: {
        version: 42,
        constraints: after,
        constraintsBefore: before,
        updateConfig: { Parallelism: 0, FailureAction: "continue", Order: "start-first" },
        labels: { "heartmesh.moved": JSON.stringify(journal) },
      },
      warnings: [
        {
          code: "may-run-twice",
          text: `it may run twice ${twice}; heartmesh.fence on the service prevents that, and costs time`,
        },
      ],
    },
    {
      id: "t5g6b7n8m9k0l1p2o3i4u5y6t",
      name: "shop_db",
      action: "stay",
      reason:
        "its data is in local volumes of the host (shop_data); heartmesh.volumes=shared or empty lets it move",
      replicas: 1,
      ...{ targets: [], unfit: [], strategy: null, change: null, warnings: [] },
    },
    {
      id: "a1s2d3f4g5h6j7k8l9q0w1e2r",
      name: "shop_cache",
      action: "untouched",
      reason: "its replicas run on h2 only",
      replicas: 0,
      ...{ targets: [], unfit: [], strategy: null, change: null, warnings: [] },
    },
  ],
  findings: [
    {
      service: "shop_db",
      label: "heartmesh.volums",
      text: "heartmesh.volums is no label of heartmesh; did you mean heartmesh.volumes?",
    },
  ],
});

const plan = planned(host, "dead", "while h1 is cut off and not dead");

const drained: HostSwitchView = {
  text: "h1 is drained from now on; it was active",
  before: "active",
  after: "drain",
  plan: planned({ ...host, availability: "drain" }, "drain", "until its new tasks run"),
};

const activated: HostSwitchView = {
  text: "h1 takes work from now on; it was drained",
  before: "drain",
  after: "active",
  plan,
};

export const hostExamples = { host, hosts, plan, drained, activated } as const;
