// The shapes of proto/cluster-rest.ts for OpenAPI.

import { list, number, oneOf, orNull, ref, shape, text, type Schema } from "../schema-words.ts";

const instant = (description: string): Schema => text(`${description}, ISO 8601; may be empty`);

const entry = {
  cluster: text("its id"),
  log_index: number("its place in the log of its cluster, from 1 on"),
  term: number("of the leader that took it"),
  call: text("in words: add-service 2 × nginx:1.27"),
  state: oneOf("pending", "running", "done", "failed"),
  text: text("what was done, or why it could not be; empty before"),
};

const row = {
  id: text(),
  kind: oneOf("engines", "swarm"),
  created_at: instant("when it was made"),
  capacity: number("replicas, of all nodes that live"),
  replicas: number("wanted"),
  waiting: number("replicas for which there is no room"),
};

const node = {
  id: text(),
  kind: oneOf("engine", "logical", "nested", "cluster"),
  host: text(),
  port: number(),
  cluster: text("of a node that is a cluster; else empty"),
  state: oneOf("joining", "joined", "lost", "leaving"),
  capacity: number("replicas"),
  used: number("of these"),
};

const container = shape({
  id: text(),
  name: text(),
  service: number("its service's number, the log index of the call that added it"),
  ordinal: number("within that service, from 1 on"),
  state: text("as its engine says"),
});

export const clusterSchemas = {
  ClusterCall: shape(entry),
  ClusterLogEntry: shape({
    ...entry,
    by: text("who asked"),
    at: instant("when"),
    ended_at: instant("when it ended"),
  }),
  ClusterRow: shape({ ...row, nodes: number(), services: number() }),
  Cluster: shape({
    ...row,
    nodes: list(shape(node)),
    services: list(number(), "their numbers"),
  }),
  ClusterState: shape({
    id: text(),
    state: oneOf("ready", "degraded", "deleting"),
    reasons: list(text(), "why it is no better"),
    nodes: shape({ total: number(), joined: number(), lost: number("dead") }),
    services: number(),
    replicas: shape({ desired: number(), running: number(), waiting: number("for room") }),
    log: shape({ last_index: number(), open: number("calls that have not ended") }),
  }),
  ClusterStats: shape({
    id: text(),
    capacity: number("replicas"),
    used: number(),
    free: number(),
    nodes: list(
      shape({
        ...node,
        load: orNull(number("load average per processor; null where nobody tells")),
        containers: {
          ...list(container, "null where its engine does not answer, and of a cluster"),
          type: ["array", "null"],
        },
      }),
    ),
    timestamp: instant("when it was asked"),
  }),
  ClusterService: shape({
    n: number("the log index of the call that added it"),
    origin: text("<cluster>/<n> of the service that was spread down to here; else empty"),
    containers: list(
      shape({
        uniq_id: text(),
        label: text(),
        image: text(),
        command: list(text(), "empty: the image's own"),
        env: list(text(), "names alone"),
        replicas: number(),
      }),
    ),
    desired: number(),
    running: number(),
    replicas: list(
      shape({
        ordinal: number(),
        node: text("empty where there is no room"),
        container: text("its id"),
        state: text("as its engine says; waiting, missing or unknown"),
      }),
      "of a Swarm empty: it places its tasks itself",
    ),
  }),
  CoordinatorStats: shape({
    id: text("the answering coordinator"),
    role: text(),
    leader: text("empty while none is known"),
    term: number(),
    clusters: list(ref("ClusterRow")),
    log: list(ref("ClusterLogEntry"), "the last calls of each cluster, oldest first"),
  }),
} satisfies Readonly<Record<string, Schema>>;
