// What requests of `/clusters/*` are held to, and the answers to calls.

import { flag, ref, text, type Schema } from "../schema-words.ts";
import { enveloped } from "../swarm/schemas.ts";

const closed = (required: readonly string[], properties: Readonly<Record<string, Schema>>) => ({
  type: "object",
  additionalProperties: false,
  required,
  properties,
});

export const idPattern = "^[a-z0-9]([a-z0-9_-]{0,38}[a-z0-9])?$";
/** name[:tag][@digest] */
export const imagePattern = "^[A-Za-z0-9][A-Za-z0-9._/:@-]*$";
const idText = "small letters, digits, - and _, at most 40";
const clusterId: Schema = { ...text(idText), minLength: 1, maxLength: 40 };
const id: Schema = { ...clusterId, pattern: idPattern };
const host: Schema = {
  ...text("of DOCKER_HOST an engine's name, or the address of one that answers by TCP"),
  minLength: 1,
  maxLength: 255,
  pattern: "^\\S+$",
};
const port: Schema = { type: "integer", minimum: 0, maximum: 65_535, default: 0 };
const replicas: Schema = { type: "integer", minimum: 1, maximum: 500, default: 1 };
const short = (description: string): Schema => ({ ...text(description), maxLength: 200 });
const envValue: Schema = { type: "string", maxLength: 4_000 };

const container = {
  uniq_id: short("a name of your own, unique in the cluster"),
  label: short("for people"),
  description: short("the same as label"),
  image: {
    ...text("name[:tag][@digest]; CLUSTER_IMAGE unless given"),
    minLength: 1,
    maxLength: 500,
    pattern: imagePattern,
  },
  command: {
    description: "words, or one text that is taken apart at blanks; the image's own unless given",
    anyOf: [
      { type: "string", maxLength: 4_000 },
      { type: "array", maxItems: 100, items: { type: "string", maxLength: 4_000 } },
    ],
  },
  env: {
    description: 'names and values, or a list of "NAME=value"',
    anyOf: [
      { type: "object", maxProperties: 200, additionalProperties: envValue },
      { type: "array", maxItems: 200, items: { ...envValue, pattern: "^[^=]+=" } },
    ],
  },
} as const;

const nodePlace = {
  id: { ...id, description: "unique in the cluster; made of host and port unless given" },
  host,
  port: { ...port, description: "2375 unless given" },
};

export const clusterRequests = {
  cluster: closed(["id"], { id: clusterId }),
  service: closed(["id", "n"], {
    id: clusterId,
    n: { type: "integer", minimum: 1, maximum: 2 ** 40, description: "the service's number" },
  }),
  create: closed(["id"], {
    id,
    swarm: {
      ...flag("services become services of the Swarm, which has the nodes"),
      default: false,
    },
    engine: {
      minLength: 1,
      ...short("of DOCKER_HOST, on which nodes are spawned; the first unless given"),
    },
  }),
  addService: {
    ...closed([], {
      container: closed([], container),
      replicas: { ...replicas, description: "of `container`" },
      containers: {
        type: "array",
        minItems: 1,
        maxItems: 50,
        items: closed([], { ...container, replicas }),
      },
    }),
    anyOf: [{ required: ["container"] }, { required: ["containers"] }],
  },
  addNode: {
    ...closed([], {
      ...nodePlace,
      capacity: { type: "integer", minimum: 1, maximum: 10_000, description: "replicas" },
      spawn: {
        ...flag("one is started: by CLUSTER_NODE_IMAGE, else a share of the cluster's engine"),
        default: false,
      },
      cluster: { ...clusterId, description: "another cluster stands as this node" },
    }),
    anyOf: [{ required: ["cluster"] }, { required: ["capacity"] }],
  },
  removeNode: {
    ...closed([], {
      ...nodePlace,
      force: {
        ...flag("also where the other nodes have no room for its containers"),
        default: false,
      },
    }),
    anyOf: [{ required: ["host"] }, { required: ["id"] }],
  },
  log: closed([], {
    cluster: { ...clusterId, description: "only of this cluster" },
    limit: { type: "integer", minimum: 1, maximum: 2_000, default: 100 },
  }),
} as const;

/** Of a call that was taken: it stands in the log, and has ended or not. */
export function callAnswers(example: unknown): Schema {
  const told = enveloped(
    ref("ClusterCall"),
    example,
    "Done; it stands in the log",
    ...[404, 409, 413, 415, 422, 504],
  ) as Readonly<Record<string, object>>;
  const description = "It stands in the log and has not ended yet: see /stats";
  return { ...told, 202: { ...told["200"], description } };
}

export const keyText =
  "With the header Idempotency-Key a call that is sent again, also to another coordinator, is the same call and gets its answer; it is remembered for seven days.";
