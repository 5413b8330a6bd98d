// An answer of each route, as the description shows it.

import type {
  CallRow,
  ClusterNodeRow,
  ClusterRow,
  ClusterServiceRow,
  ClusterState,
  ClusterStats,
  ClusterView,
  CoordinatorStats,
  LogEntryRow,
} from "../../../proto/cluster-rest.ts";

const at = "2026-03-01T22:14:05.120Z";
const containerId = "f0e1d2c3b4a5f0e1d2c3b4a5f0e1d2c3b4a5f0e1d2c3b4a5f0e1d2c3b4a5f0e1";

const told = (log_index: number, call: string, text: string): CallRow => ({
  cluster: "shop",
  log_index,
  term: 7,
  call,
  state: "done",
  text,
});

const added = told(4, "add-service 2 × nginx:1.27", "service 4 runs with 2 containers");
const entry: LogEntryRow = { ...added, by: "anna (c1)", at, ended_at: at };

const row: ClusterRow = {
  id: "shop",
  kind: "engines",
  created_at: at,
  nodes: 2,
  services: 1,
  capacity: 20,
  replicas: 2,
  waiting: 0,
};

const node: ClusterNodeRow = {
  id: "n1",
  kind: "engine",
  host: "10.0.0.1",
  port: 2375,
  cluster: "",
  state: "joined",
  capacity: 10,
  used: 1,
};

const view: ClusterView = { ...row, nodes: [node], services: [4] };

const state: ClusterState = {
  id: "shop",
  state: "degraded",
  reasons: ["node n2 is dead"],
  nodes: { total: 2, joined: 1, lost: 1 },
  services: 1,
  replicas: { desired: 2, running: 2, waiting: 0 },
  log: { last_index: 5, open: 0 },
};

const stats: ClusterStats = {
  id: "shop",
  capacity: 20,
  used: 2,
  free: 18,
  nodes: [
    {
      ...node,
      load: 0.3,
      containers: [
        { id: containerId, name: "hm-shop-4-1", service: 4, ordinal: 1, state: "running" },
      ],
    },
  ],
  timestamp: at,
};

const service: ClusterServiceRow = {
  n: 4,
  origin: "",
  containers: [
    {
      uniq_id: "",
      label: "front",
      image: "nginx:1.27",
      command: [],
      env: ["COLOUR"],
      replicas: 2,
    },
  ],
  desired: 2,
  running: 1,
  replicas: [
    { ordinal: 1, node: "n1", container: containerId, state: "running" },
    { ordinal: 2, node: "n2", container: "", state: "unknown" },
  ],
};

const coordinator: CoordinatorStats = {
  id: "c1",
  role: "leader",
  leader: "c1",
  term: 7,
  clusters: [row],
  log: [entry],
};

export const clusterExamples = {
  ...{ added, row, view, state, stats, service, coordinator, entry },
  created: told(1, "create-cluster", "cluster shop is there"),
  deleted: told(9, "delete-cluster", "cluster shop and all that ran in it are removed"),
  removed: told(5, "remove-service 4", "service 4 and its 2 containers are gone"),
  joined: told(2, "add-node n1", "node n1 has joined shop"),
  left: told(6, "remove-node n1", "node n1 has left shop; 1 containers are placed elsewhere"),
  rebalanced: told(7, "rebalance", "shop is evened out; 3 containers are placed elsewhere"),
} as const;
