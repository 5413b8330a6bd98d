// The shapes of proto/swarm-rest.ts for OpenAPI.

import {
  flag,
  list,
  map,
  number,
  oneOf,
  orNull,
  shape,
  text,
  type Schema,
} from "../schema-words.ts";

const instant = (description: string): Schema => text(`${description}, ISO 8601; may be empty`);

const info = shape({
  id: text("of the Swarm"),
  engine: text("that told"),
  nodeId: text("its own node"),
  address: text(),
  nodes: number(),
  managers: number(),
  createdAt: instant("when it was made"),
  updatedAt: instant("last change"),
});

const node = shape({
  id: text(),
  hostname: text(),
  role: text("manager or worker"),
  availability: text("active, pause or drain"),
  state: text("ready, down, unknown or disconnected"),
  message: text("why it is in this state; often empty"),
  address: text(),
  isLeader: flag("of the Swarm's managers"),
  reachability: orNull(text("of a manager: reachable, unreachable or unknown")),
  engineVersion: text(),
  os: text(),
  arch: text(),
  processors: number(),
  memory: number("bytes"),
  labels: map(text(), "of the node"),
  runningTasks: number(),
});

const service = shape({
  id: text(),
  name: text(),
  image: text("without its digest"),
  mode: oneOf("replicated", "global", "job"),
  desired: number("tasks that should run"),
  running: number("tasks that do"),
  labels: map(text(), "of the service"),
  stack: text("empty where it belongs to none"),
  constraints: list(text()),
  ports: list(
    shape({ protocol: text(), target: number(), published: number(), mode: text("ingress, host") }),
  ),
  updateState: text("of its last update; empty where there was none"),
  updateMessage: text(),
  createdAt: instant("when it was made"),
  updatedAt: instant("last change"),
});

const task = shape({
  id: text(),
  service: text("its name"),
  slot: number("0 of a global service"),
  nodeId: text(),
  hostname: text("empty where it has no node yet"),
  desired: text(),
  state: text(),
  message: text(),
  error: text("the engine's words"),
  image: text(),
  containerId: text(),
  exitCode: orNull(number()),
  createdAt: instant("when it was made"),
  since: instant("since when it is in this state"),
});

const logLine = shape({
  at: instant("when it was written"),
  stream: oneOf("stdout", "stderr"),
  taskId: text(),
  nodeId: text(),
  text: text(),
});

const grade = oneOf("healthy", "degraded", "critical");
const graded = list(
  shape({ id: text(), name: text(), health: grade, reasons: list(text(), "why no better") }),
);
const taskCounts = shape({
  total: number("that the Swarm remembers"),
  running: number(),
  failed: number("ended by a fault of their own"),
  pending: number("on their way to run"),
});

const health = shape({
  overall_health: grade,
  reasons: list(text(), "why it is no better"),
  nodes: shape({ total: number(), ready: number(), down: number(), each: graded }),
  services: shape({ total: number(), healthy: number(), each: graded }),
  tasks: taskCounts,
  timestamp: instant("when it was asked"),
});

const statistics = shape({
  nodes: shape({ total: number(), ready: number(), managers: number(), workers: number() }),
  services: shape({ total: number(), replicasDesired: number(), replicasRunning: number() }),
  tasks: shape({
    running: number(),
    failed: number(),
    pending: number(),
    successRate: number("running ones among those that run or have failed, 0 to 1"),
  }),
  eachNode: list(
    shape({
      id: text(),
      hostname: text(),
      processors: number(),
      memory: number("bytes"),
      runningTasks: number(),
      load: orNull(number("one-minute load average, as its agent tells")),
      memoryAvailable: orNull(number("bytes, as its agent tells")),
      diskUsed: orNull(number("bytes of images, containers and volumes")),
    }),
    "null: its agent, or its engine, does not tell",
  ),
  eachService: list(
    shape({
      id: text(),
      name: text(),
      desired: number(),
      running: number(),
      processorsUsed: orNull(number("busy ones, on average over a second")),
      memoryUsed: orNull(number("bytes")),
      diskUsed: orNull(number("bytes that its containers wrote")),
    }),
    "used on the nodes whose engines are of DOCKER_HOST; null where none of these runs it",
  ),
  timestamp: instant("when it was asked"),
});

const change = shape({
  text: text("what was done"),
  before: text("empty where there was none"),
  after: text("empty where there is none any more"),
});

const stackResult = shape({
  text: text("what was done"),
  before: text(),
  after: text("the stack's name"),
  services: list(
    shape({
      service: text(),
      image: text(),
      outcome: oneOf("created", "updated", "unchanged", "removed"),
    }),
  ),
});

const stackPreview = shape({
  stack: text("its name"),
  services: list(
    shape({
      service: text(),
      outcome: {
        ...oneOf("created", "changed", "unchanged", "removed", "kept"),
        description:
          "by image and replicas; kept: the file does not name it, and without prune it stays",
      },
      image: text(),
      imageBefore: orNull(text("null where it does not run yet")),
      replicas: text("how many, or global"),
      replicasBefore: orNull(text("null where it does not run yet")),
    }),
    "by name",
  ),
});

const cluster = shape({
  name: text(),
  endpoints: list(text(), "where its engines are, as configured"),
  answers: flag("whether a manager tells"),
  manager: orNull(text("the engine that tells")),
  text: text("why none does"),
});

const templateParts = {
  name: text(),
  description: text(),
  parameters: list(
    shape({
      name: text(),
      description: text(),
      default: orNull(text("where nothing is given")),
      required: flag("must be given"),
    }),
    "by name",
  ),
  updatedAt: instant("when it was put"),
  updatedBy: text("who put it"),
};
const templateRow = shape({ ...templateParts, size: number("characters of its text") });
const template = shape({ ...templateParts, text: text("the stack file") });

const joinToken = shape({
  role: oneOf("worker", "manager"),
  token: text("a secret"),
  remoteAddrs: list(text(), "where managers are joined, host:port"),
});

const scaling = shape({
  service: text("its name"),
  policy: shape({
    min: number("replicas at least"),
    max: number("replicas at most"),
    target: number(
      "load of each task; 1: all of its limit of processors, or one where it has none",
    ),
    cooldown: number("seconds between two changes"),
  }),
  putAt: instant("when the policy was put"),
  putBy: text(),
  state: {
    ...shape({
      load: orNull(number("on average; null where nobody tells one")),
      loadOf: {
        enum: ["tasks", "hosts", null],
        description:
          "whose: of the agents inside its tasks, or where these have none of their hosts",
      },
      replicas: number(),
      wanted: orNull(number("what the load asks for, within min and max")),
      heldBecause: text("why it is not scaled now; empty where nothing holds it back"),
      lastChangeAt: orNull(instant("of the policy's own last change")),
    }),
    type: ["object", "null"],
    description: "null where the Swarm has no such service at the moment",
  },
});

const failure = shape({
  success: { type: "boolean", const: false },
  error: text("what was wrong, what was expected, what to do"),
});

export const swarmSchemas = {
  SwarmInfo: info,
  SwarmNode: node,
  SwarmService: service,
  SwarmTask: task,
  SwarmLogLine: logLine,
  SwarmHealth: health,
  SwarmStatistics: statistics,
  SwarmChange: change,
  SwarmStackResult: stackResult,
  SwarmStackPreview: stackPreview,
  SwarmJoinToken: joinToken,
  SwarmScaling: scaling,
  SwarmCluster: cluster,
  SwarmTemplateRow: templateRow,
  SwarmTemplate: template,
  SwarmFailure: failure,
} satisfies Readonly<Record<string, Schema>>;
