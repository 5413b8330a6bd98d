// What requests of `/api/swarm/*` are held to, and the envelope of their answers.

import { scalingBounds } from "../../core/scaling/policy.ts";
import { limits } from "../../../proto/limits.ts";
import { flag, number, oneOf, orNull, ref, shape, text, type Schema } from "../schema-words.ts";
import { answers } from "../schemas.ts";

const success = { type: "boolean", const: true } as const;

/** The answers of a route: `{"success":true,"data":…}`, and the failures that it may give. */
export function enveloped(
  data: Schema,
  example: unknown,
  description: string,
  ...failures: readonly number[]
): Schema {
  const isList = data["type"] === "array";
  const counted = isList ? { count: number("of entries") } : {};
  const whole = { success: true, data: example };
  const shown = Array.isArray(example) ? { ...whole, count: example.length } : whole;
  const schema = shape({ success, data, ...counted });
  const good = { description, content: { "application/json": { schema, example: shown } } };
  const told = answers({ 200: good }, ...failures, 400, 502, 503) as Record<string, object>;
  const content = { "application/json": { schema: ref("SwarmFailure") } };
  return Object.fromEntries(
    Object.entries(told).map(([code, one]) => [code, code === "200" ? one : { ...one, content }]),
  );
}

/** @param event of each message */
export const followed = (event: string): string =>
  `Where Accept asks for text/event-stream: the same answer as data of an event \`${event}\`, at once and whenever it has changed; while nobody can tell, an event \`failure\`.`;

const name = (description: string): Schema => ({
  ...text(description),
  minLength: 1,
  maxLength: 200,
});
const closed = (required: readonly string[], properties: Readonly<Record<string, Schema>>) => ({
  type: "object",
  additionalProperties: false,
  required,
  properties,
});
const whole = ({ least, most }: { readonly least: number; readonly most: number }): Schema => ({
  type: "integer",
  minimum: least,
  maximum: most,
});
const address: Schema = { ...text(), minLength: 1, maxLength: 260 };
const engine = name("of DOCKER_HOST: the engine's name; the first one unless given");

const stackName = {
  ...text("of the stack"),
  maxLength: 63,
  pattern: "^[a-zA-Z0-9][a-zA-Z0-9_-]*$",
};
const prune = { ...flag("services that it does not name any more are removed"), default: false };
const resolveImage = { ...oneOf("always", "changed", "never"), default: "always" };
/** What a variable of a process may hold. */
const withoutNul = "^[^\\u0000]*$";

export const swarmRequests = {
  node: closed(["id"], { id: name("its id, or its host's name where it is unique") }),
  service: closed(["id"], { id: name("the service's name or id") }),
  role: closed(["role"], { role: oneOf("worker", "manager") }),
  force: closed([], { force: { ...flag("also where it is not down"), default: false } }),
  availability: closed(["availability"], { availability: oneOf("active", "pause", "drain") }),
  scale: closed(["replicas"], {
    replicas: { type: "integer", minimum: 0, maximum: 10_000, description: "how many shall run" },
  }),
  scaling: closed(["min", "max", "target", "cooldown"], {
    min: { ...whole(scalingBounds.replicas), description: "replicas at least" },
    max: { ...whole(scalingBounds.replicas), description: "replicas at most" },
    target: {
      ...whole(scalingBounds.target),
      type: "number",
      description:
        "the load that each task shall have; 1: all of its limit of processors, or one where it has none",
    },
    cooldown: { ...whole(scalingBounds.cooldown), description: "seconds between two changes" },
  }),
  image: closed(["image"], {
    image: {
      ...text("name[:tag][@digest]"),
      minLength: 1,
      maxLength: 500,
      pattern: "^[a-z0-9][A-Za-z0-9._/:@-]*$",
    },
  }),
  stack: closed(["name", "stack"], {
    name: stackName,
    stack: { ...text("the file itself, YAML"), minLength: 1, maxLength: 500_000 },
    prune,
    resolveImage,
  }),
  template: closed(["name"], {
    name: { ...text("the template's"), maxLength: 63, pattern: "^[a-zA-Z0-9][a-zA-Z0-9_.-]*$" },
  }),
  templateWish: closed(["text"], {
    description: { ...text("for people"), minLength: 1, maxLength: 500 },
    text: { ...text("the stack file, YAML"), minLength: 1, maxLength: limits.templateText },
    parameters: {
      type: "array",
      minItems: 1,
      maxItems: limits.templateParameters,
      description: "what is to be said of them; those that stand in the file need no more",
      items: closed(["name"], {
        name: { ...text(), pattern: "^[A-Za-z_][A-Za-z0-9_]{0,59}$" },
        description: { ...text(), maxLength: 500 },
        default: { ...orNull(text()), maxLength: 4096, pattern: withoutNul },
        required: flag("unless it has a default"),
      }),
    },
  }),
  deployment: closed(["stack"], {
    stack: stackName,
    parameters: {
      type: "object",
      description: "what stands for each parameter, by its name",
      maxProperties: limits.templateParameters,
      additionalProperties: { ...text(), maxLength: 4096, pattern: withoutNul },
    },
    prune,
    resolveImage,
  }),
  init: closed(["advertiseAddr"], { advertiseAddr: address, engine }),
  join: closed(["remoteAddrs", "joinToken"], {
    remoteAddrs: {
      type: "array",
      items: { ...address, pattern: "^\\S+:\\d{1,5}$", description: "host:port of a manager" },
      minItems: 1,
      maxItems: 20,
    },
    joinToken: { ...text("of join-token"), pattern: "^SWMTKN-1-[0-9a-z-]{20,200}$" },
    advertiseAddr: address,
    engine,
  }),
  leave: closed([], { force: { ...flag("also of the last manager"), default: false }, engine }),
  nodes: closed([], {
    search: { ...text("only those whose name, id, address or labels contain it"), maxLength: 200 },
    role: oneOf("manager", "worker"),
    availability: oneOf("active", "pause", "drain"),
    state: oneOf("ready", "down", "unknown", "disconnected"),
    label: { ...text("only those with this label, `key` or `key=value`"), maxLength: 400 },
  }),
  services: closed([], {
    search: { ...text("only those whose name, id, image or labels contain it"), maxLength: 200 },
    name: { ...text("only those whose name contains it"), maxLength: 200 },
    stack: { ...text("only those of this stack"), maxLength: 200 },
    label: { ...text("only those with this label, `key` or `key=value`"), maxLength: 400 },
    image: { ...text("only those whose image contains it"), maxLength: 500 },
  }),
  logs: closed([], {
    tail: { type: "integer", minimum: 1, maximum: 5000, default: 100 },
  }),
} as const;
