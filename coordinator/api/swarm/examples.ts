// An answer of each route, as the description shows it.

import type {
  SwarmChange,
  SwarmClusterRow,
  SwarmHealth,
  SwarmInfo,
  SwarmJoinToken,
  SwarmLogLine,
  SwarmNodeRow,
  SwarmScaling,
  SwarmServiceRow,
  SwarmStackPreview,
  SwarmStackResult,
  SwarmStatistics,
  SwarmTaskRow,
  SwarmTemplate,
  SwarmTemplateRow,
} from "../../../proto/swarm-rest.ts";

const nodeId = "kq3xjw0r6n1b4v8m2t5y7z9ac";
const serviceId = "9s0d8f7g6h5j4k3l2z1x0c9v8";
const taskId = "m1n2b3v4c5x6z7l8k9j0h1g2f";
const at = "2026-03-01T22:14:05.120Z";

const info: SwarmInfo = {
  id: "x1c2v3b4n5m6q7w8e9r0t1y2u",
  engine: "h1",
  nodeId,
  address: "10.0.0.1",
  nodes: 3,
  managers: 3,
  createdAt: at,
  updatedAt: at,
};

const node: SwarmNodeRow = {
  id: nodeId,
  hostname: "h1",
  role: "manager",
  availability: "active",
  state: "ready",
  message: "",
  address: "10.0.0.1",
  isLeader: true,
  reachability: "reachable",
  engineVersion: "26.1.5",
  os: "linux",
  arch: "x86_64",
  processors: 4,
  memory: 8_323_264_512,
  labels: { type: "primary" },
  runningTasks: 7,
};

const service: SwarmServiceRow = {
  id: serviceId,
  name: "shop_web",
  image: "nginx:1.27",
  mode: "replicated",
  desired: 4,
  running: 3,
  labels: { "com.docker.stack.namespace": "shop" },
  stack: "shop",
  constraints: ["node.labels.type==primary"],
  ports: [{ protocol: "tcp", target: 80, published: 8080, mode: "ingress" }],
  updateState: "completed",
  updateMessage: "update completed",
  createdAt: at,
  updatedAt: at,
};

const task: SwarmTaskRow = {
  id: taskId,
  service: "shop_web",
  slot: 2,
  nodeId,
  hostname: "h1",
  desired: "shutdown",
  state: "failed",
  message: "started",
  error: "task: non-zero exit (137)",
  image: "nginx:1.27",
  containerId: "0f9e8d7c6b5a",
  exitCode: 137,
  createdAt: at,
  since: at,
};

const line: SwarmLogLine = {
  at,
  stream: "stderr",
  taskId,
  nodeId,
  text: "no space left on device",
};

const health: SwarmHealth = {
  overall_health: "degraded",
  reasons: ["shop_web: 3 of 4 tasks run; task: non-zero exit (137)"],
  nodes: {
    total: 1,
    ready: 1,
    down: 0,
    each: [{ id: nodeId, name: "h1", health: "healthy", reasons: [] }],
  },
  services: {
    total: 1,
    healthy: 0,
    each: [
      {
        id: serviceId,
        name: "shop_web",
        health: "degraded",
        reasons: ["3 of 4 tasks run", "task: non-zero exit (137)"],
      },
    ],
  },
  tasks: { total: 5, running: 3, failed: 1, pending: 1 },
  timestamp: at,
};

const statistics: SwarmStatistics = {
  nodes: { total: 1, ready: 1, managers: 1, workers: 0 },
  services: { total: 1, replicasDesired: 4, replicasRunning: 3 },
  tasks: { running: 3, failed: 1, pending: 1, successRate: 0.75 },
  eachNode: [
    {
      id: nodeId,
      hostname: "h1",
      processors: 4,
      memory: 8_323_264_512,
      runningTasks: 3,
      load: 0.42,
      memoryAvailable: 5_100_273_664,
      diskUsed: 2_147_483_648,
    },
  ],
  eachService: [
    {
      id: serviceId,
      name: "shop_web",
      desired: 4,
      running: 3,
      processorsUsed: 0.18,
      memoryUsed: 73_400_320,
      diskUsed: 4096,
    },
  ],
  timestamp: at,
};

const cluster: SwarmClusterRow = {
  name: "prod",
  endpoints: ["tcp://10.0.0.1:2376", "tcp://10.0.0.2:2376"],
  answers: true,
  manager: "tcp://10.0.0.1:2376",
  text: "",
};

const { text: templateText, ...templateParts }: SwarmTemplate = {
  name: "web",
  description: "a web server of one image",
  text: "services:\n  web:\n    image: nginx:${TAG:-1.27}\n    deploy:\n      replicas: ${REPLICAS}\n",
  parameters: [
    { name: "REPLICAS", description: "how many", default: null, required: true },
    { name: "TAG", description: "", default: "1.27", required: false },
  ],
  updatedAt: at,
  updatedBy: "ann (c1)",
};
const template: SwarmTemplate = { ...templateParts, text: templateText };
const templateRow: SwarmTemplateRow = { ...templateParts, size: templateText.length };

const changed = (text: string, before: string, after: string): SwarmChange => ({
  text,
  before,
  after,
});

const token: SwarmJoinToken = {
  role: "worker",
  token: "SWMTKN-1-<a secret>",
  remoteAddrs: ["10.0.0.1:2377"],
};

const stack: SwarmStackResult = {
  ...changed("stack shop is deployed: shop_web created", "", "shop"),
  services: [{ service: "shop_web", image: "nginx:1.27", outcome: "created" }],
};

const stackPreview: SwarmStackPreview = {
  stack: "shop",
  services: [
    {
      service: "shop_web",
      outcome: "changed",
      ...{ image: "nginx:1.27", imageBefore: "nginx:1.26", replicas: "3", replicasBefore: "2" },
    },
  ],
};

const scaling: SwarmScaling = {
  service: "shop_web",
  policy: { min: 2, max: 8, target: 0.6, cooldown: 60 },
  putAt: at,
  putBy: "ops (c1)",
  state: {
    load: 0.83,
    loadOf: "tasks",
    replicas: 3,
    wanted: 5,
    heldBecause: "it was changed a moment ago; the policy waits 41 s",
    lastChangeAt: at,
  },
};

const policyText = "2 to 8 replicas at a load of 0.6, 60 s";

export const examples = {
  info,
  node,
  service,
  task,
  line,
  health,
  stack,
  stackPreview,
  statistics,
  token,
  cluster,
  template,
  templateRow,
  init: changed("h1 is the first manager of a new Swarm", "", nodeId),
  join: changed("h2 has joined the Swarm of 10.0.0.1:2377", "", "active"),
  leave: changed("h2 has left its Swarm", "active", ""),
  drained: changed("h1 is drain now", "active", "drain"),
  nodeRemoved: changed("h3 is removed from the Swarm", "worker, down", ""),
  scaled: changed("shop_web has 4 replicas, and had 2", "2", "4"),
  updated: changed("shop_web is updated to nginx:1.27", "nginx:1.26", "nginx:1.27"),
  scaling,
  scalingPut: changed(`shop_web is scaled by its load: ${policyText}`, "", policyText),
  scalingRemoved: changed(
    `shop_web is scaled by its load no more; before: ${policyText}`,
    policyText,
    "",
  ),
  templateKept: changed("template web is new", "", "sha256:0f9e8d7c6b5a"),
  templateGone: changed("template web is forgotten", "sha256:0f9e8d7c6b5a", ""),
  removed: changed("shop_web is removed", "nginx:1.27", ""),
} as const;
