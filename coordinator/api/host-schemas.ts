// The shapes of hosts and of plans for OpenAPI; see proto/rest.ts.

import {
  flag,
  list,
  map,
  number,
  oneOf,
  orNull,
  ref,
  shape,
  text,
  type Schema,
} from "./schema-words.ts";

const host = shape({
  id: text("of the Swarm node; the engine's name outside a Swarm"),
  name: text(),
  kind: oneOf("swarm", "engine", "listed"),
  role: orNull(text("manager or worker; null outside a Swarm")),
  state: text("ready, down, unknown, disconnected; of an engine alone ready or unreachable"),
  availability: orNull(text("active, pause or drain; null outside a Swarm")),
  address: text("of the Swarm node, else of its agent; empty where it has none"),
  labels: map(text(), "of the Swarm node"),
  runningTasks: orNull(number("of the Swarm's services; null outside a Swarm")),
  engine: orNull(text("its engine among those of DOCKER_HOST; null where it is none of them")),
  workers: orNull(number("that heartmesh watches there; null without an engine")),
  verdict: orNull(
    shape(
      {
        kind: oneOf(
          ...(["healthy", "engine-unhealthy", "partial", "agent-lost"] as const),
          ...(["draining", "dead", "unknown"] as const),
        ),
        reason: text(),
        since: number("how long it stands, ms"),
      },
      "what the coordinators conclude of it; null where no agent of a host is expected",
    ),
  ),
  load: orNull(number("one-minute load average, by its agent's last answer")),
  capacity: orNull(
    shape({
      processors: number(),
      memory: number("bytes"),
      available: number("bytes that new processes could take"),
    }),
  ),
  fence: orNull(
    shape(
      {
        able: flag("its agent can stop containers also without the engine"),
        state: oneOf("never", "held", "lapsed", "kept"),
        granted: flag("whether the coordinator that answers grants"),
        stop: orNull(
          shape(
            { kind: oneOf("stopped", "waiting", "unsure"), text: text() },
            "of a dead host: whether what is fenced there has been stopped; unsure: only a person may say so",
          ),
        ),
      },
      "whether it may run containers with heartmesh.fence; null where its agent cannot tell",
    ),
  ),
});

const hosts = shape({
  hosts: list(ref("Host"), "by name"),
  swarm: shape({
    kind: oneOf("swarm", "none", "no-quorum", "refused", "silent"),
    text: text("what the engines say where it is not `swarm`; else which engine told"),
  }),
});

const place = { id: text(), name: text() };

const plannedChange = shape({
  version: number("of the service, on which the plan is made"),
  constraints: list(text(), "all placement constraints that it gets"),
  constraintsBefore: list(text(), "those that a person gave it"),
  updateConfig: {
    type: "object",
    additionalProperties: true,
    description: "its update settings while it moves, in the engine's words",
  },
  labels: map(text(), "written on the service in the same update: the journal that undoes it"),
});

const servicePlan = shape({
  id: text(),
  name: text(),
  action: oneOf("move", "stay", "untouched"),
  reason: text("why this, or how"),
  replicas: number("that are lost with the host"),
  targets: list(shape(place), "hosts with room, among which Swarm places them"),
  unfit: list(shape({ ...place, reason: text() }), "the others, each with its reason"),
  strategy: orNull(
    shape({ asked: text(), used: text(), reason: text("why another, or by which numbers") }),
  ),
  change: orNull(plannedChange),
  warnings: list(shape({ code: text(), text: text() })),
});

const plan = shape({
  host: ref("Host"),
  cause: oneOf("dead", "drain"),
  by: text("the engine that told what the Swarm is"),
  services: list(ref("ServicePlan"), "those that move, then those that stay, then the others"),
  findings: list(shape({ service: text(), label: text(), text: text() }), "labels to correct"),
});

const hostSwitch = shape({
  text: text("what was done"),
  before: text("active, pause or drain, as the Swarm had it"),
  after: oneOf("active", "drain"),
  plan: ref("Plan"),
});

export const hostSchemas = {
  Host: host,
  Hosts: hosts,
  ServicePlan: servicePlan,
  Plan: plan,
  HostSwitch: hostSwitch,
} satisfies Readonly<Record<string, Schema>>;
