// The shapes of proto/rest.ts for OpenAPI, and the shapes that requests are held to. A test holds real answers to them.

import { backupSchemas } from "./backup-schemas.ts";
import { clusterSchemas } from "./clusters/shapes.ts";
import { doctorSchemas } from "./doctor-shapes.ts";
import { hostSchemas } from "./host-schemas.ts";
import { liveSchemas } from "./live/schemas.ts";
import { problemExample } from "./problem-examples.ts";
import { swarmSchemas } from "./swarm/shapes.ts";
import {
  flag,
  list,
  map,
  ms,
  number,
  oneOf,
  orNull,
  ref,
  shape,
  text,
  time,
  type Schema,
} from "./schema-words.ts";

const standing = oneOf("up", "doubt", "down", "abstain");
const reachable = oneOf("reachable", "unreachable", "unknown");

const evidence = shape({
  kind: text("pong, silence, engine-event …"),
  by: text("who saw it"),
  text: text(),
});

const worker = shape({
  id: text("<host>/<container name>, or swarm/<service>.<slot>; URL-encoded in paths"),
  role: oneOf("worker", "coordinator", "redis", "haproxy"),
  verdict: text("what the quorum concludes: healthy, silent, stopped …"),
  reason: text("why this and not another"),
  evidence: list(ref("Evidence")),
  host: text("the engine that runs its container; empty where it has none"),
  containerId: text(),
  probe: text("how it is asked"),
  standings: map(standing, "what each coordinator believes of it"),
  roundTripMs: orNull(ms("smoothed, on this coordinator's path")),
  loss: orNull(number("measured round-trip loss, 0 to 1")),
  heardAgoMs: orNull(ms("since this coordinator heard it")),
  load: orNull(
    number("busy processors, 1: all of its limit, or one; null without an agent inside it"),
  ),
  recovery: {
    ...shape({ id: text(), stage: text(), tries: number(), text: text() }),
    type: ["object", "null"],
  },
  quarantinedForMs: orNull(ms("how long it has been in quarantine")),
  silencedForMs: orNull(ms("how long it is still left alone because a person said so")),
  silenceReason: text(),
  revivalsInWindow: number("recoveries within REVIVAL_WINDOW"),
});

const finding = shape({ subject: text(), code: text(), text: text() });

const status = shape({
  id: text("the answering coordinator"),
  version: text("of heartmesh"),
  startedAtMs: time("when this process started"),
  leaderSinceMs: orNull(time("when the leader began to lead")),
  role: oneOf("follower", "pre-candidate", "candidate", "leader"),
  term: number(),
  leader: text("empty while none is known"),
  leaseForMs: ms("how long its lease still lasts; 0 without one"),
  fit: flag("whether it is fit to judge"),
  unfitReason: text(),
  votes: flag("false while it may not vote"),
  peers: list(
    shape({ id: text(), heardAgoMs: orNull(ms("ago")), fit: flag(), redis: reachable }),
    "the other coordinators",
  ),
  redis: reachable,
  redisByQuorum: oneOf("reachable", "unreachable"),
  brake: shape({ tripped: flag(), failing: number(), total: number() }),
  engines: list(shape({ host: text(), reachable: flag(), reason: text() })),
  findings: list(ref("Finding"), "what a person should know"),
  readiness: shape({ ready: flag(), reasons: list(text()) }),
  workers: map(number(), "workers by verdict"),
});

const session = shape({
  isNeeded: flag("whether anybody has to sign in"),
  name: text("of the token; empty while nobody is signed in"),
  role: { type: ["string", "null"], enum: ["viewer", "operator", "admin", null] },
  expiresAtMs: orNull(time("when the cookie ends; null where none let the request in")),
  csrf: text("for the header x-heartmesh-csrf of writes; empty where none is needed"),
  coordinator: text("the answering one"),
  cluster: text("CLUSTER_ID"),
  version: text("of heartmesh"),
});

const coordinators = shape({
  coordinators: list(
    shape({
      id: text(),
      address: text("host:port of its mesh"),
      isLeader: flag(),
      heardAgoMs: orNull(ms("since the answering one heard it; 0 of itself")),
    }),
    "by id",
  ),
  term: number("of the leader that made the set; 0 for the configured one"),
  version: number("of the set; 0 for the configured one"),
  change: text("under way, on the leader; else empty"),
  strangers: list(text(), "heard, and not of the set"),
});

const leader = shape({
  leader: text("empty while none is known"),
  term: number(),
  url: orNull(text("where its HTTP answers")),
  isSelf: flag("whether the answering coordinator is it, with a lease"),
});

const connections = map({ type: "integer", enum: [0, 1] }, "by host:port");

const attempt = shape({
  number: number(),
  runner: text("the coordinator whose runner made it"),
  startedAtMs: time("begin"),
  actedAtMs: orNull(time("the engine had carried it out")),
  verifiedAtMs: orNull(time("first proof of life")),
  failedAtMs: orNull(time("failure")),
  reason: text("why it failed"),
  counts: flag("false where the engine did not answer"),
});

const recovery = shape({
  id: text(),
  worker: text(),
  verdict: text(),
  action: oneOf(
    ...(["start", "kill-start", "agent-then-worker", "restart", "revive-agent"] as const),
    ...(["recreate", "restart-dependants", "kill", "move"] as const),
  ),
  reason: text(),
  evidence: list(ref("Evidence")),
  term: number(),
  epoch: number(),
  outcome: oneOf("running", "recovered", "exhausted", "superseded"),
  outcomeReason: text(),
  runner: text(),
  maxTries: number(),
  detectedAtMs: time("failure found"),
  decidedAtMs: time("recovery decided"),
  enqueuedAtMs: orNull(time("job enqueued")),
  actingAtMs: orNull(time("first try began")),
  verifyingAtMs: orNull(time("last action done")),
  verifiedAtMs: orNull(time("first proof of life")),
  recoveredAtMs: orNull(time("steady for VERIFY_WINDOW")),
  endedAtMs: orNull(time("end")),
  tries: list(ref("Try")),
});

const plainEvent = shape({
  id: text("for `before`, or in a stream for Last-Event-ID"),
  kind: text(),
  atMs: time("when"),
  by: text("coordinator"),
  worker: text("empty where it concerns none"),
  recovery: text("empty where it belongs to none"),
  text: text(),
  evidence: list(ref("Evidence")),
});
const event: Schema = {
  ...plainEvent,
  properties: { ...(plainEvent["properties"] as object), change: ref("Change") },
};

const change = shape({
  actor: text("the token's name, and the coordinator that carried it out"),
  verb: text("scale-service, revive …"),
  subject: text("the worker, service, node, coordinator, stack or template"),
  cluster: text("of SWARMS; empty for the Swarm of DOCKER_HOST, and where it concerns none"),
  before: text(),
  after: text(),
  outcome: oneOf("done", "refused"),
});

const command = shape({ text: text("what was done"), recovery: orNull(text("what it began")) });

const notifyTest = shape({
  channels: list(shape({ channel: text(), ok: flag(), text: text() })),
});

const problem: Schema = {
  ...shape({ type: text(), title: text(), status: number(), detail: text() }),
  properties: {
    type: text(),
    title: text(),
    status: number(),
    detail: text("what was wrong, what was expected, what to do"),
    problems: list(text(), "each fault of the request"),
  },
};

/** Added to the server under their names; OpenAPI shows them as components. */
export const sharedSchemas: readonly (Schema & { readonly $id: string })[] = Object.entries({
  Evidence: evidence,
  Worker: worker,
  Finding: finding,
  Status: status,
  Leader: leader,
  Session: session,
  Coordinators: coordinators,
  Connections: connections,
  Try: attempt,
  Recovery: recovery,
  Event: event,
  Change: change,
  Command: command,
  NotifyTest: notifyTest,
  ...hostSchemas,
  ...swarmSchemas,
  ...backupSchemas,
  ...liveSchemas,
  ...clusterSchemas,
  ...doctorSchemas,
  Problem: problem,
}).map(([name, schema]) => ({ $id: name, ...schema }));

const problemDescriptions: Readonly<Record<number, string>> = {
  400: "Not understood; every fault is listed",
  401: "A token is needed",
  403: "The role does not suffice, or a browser's write came from elsewhere",
  404: "No such thing",
  409: "It makes no sense now",
  413: "The body is too large",
  415: "Not JSON",
  422: "Another request was made under this Idempotency-Key",
  429: "Too many requests",
  501: "The docker command line is not there",
  502: "The leader could not be reached, or an engine refused",
  503: "No leader, or another part is away",
  504: "The leader did not answer in time",
};

/** The answers of a route: the good one, and the problems that it may give beside 401, 403 and 429. */
export function answers(
  good: Readonly<Record<number, Schema>>,
  ...problems: readonly number[]
): Schema {
  const codes = [...new Set([...problems, 401, 403, 429])].sort((a, b) => a - b);
  const bad = codes.map((code): [number, Schema] => [code, refusal(code)]);
  const other = { ...refusal(405), description: "Any other fault of the request: 405, 408, 431 …" };
  return { ...good, ...Object.fromEntries(bad), default: other };
}

export const refusal = (code: number): Schema => ({
  description: problemDescriptions[code] ?? "A failure",
  content: {
    "application/problem+json": { schema: ref("Problem"), example: problemExample(code) },
  },
});

/** @param example of proto's type for that schema */
export const good = (schema: Schema, description: string, example: object): Schema => ({
  description,
  content: { "application/json": { schema, example } },
});

/** @param example as it is sent, its last line's end included */
export const goodText = (description: string, example: string): Schema => ({
  description,
  content: { "text/plain": { schema: { type: "string" }, example } },
});

/** No example: nobody reads bytes in a description. */
export const goodFile = (description: string): Schema => ({
  description,
  content: { "application/octet-stream": { schema: { type: "string", format: "binary" } } },
});

/** Needs no token: no list of schemes applies. */
export const openToAll: Readonly<{ security: [] }> = { security: [] };

const reason: Schema = { type: "string", minLength: 1, maxLength: 200 };

/** The one parameter of a path. */
const byId = (description?: string) => ({
  type: "object",
  required: ["id"],
  properties: { id: { ...text(description), minLength: 1, maxLength: 200 } },
});

const withReason = {
  type: ["object", "null"],
  additionalProperties: false,
  properties: { reason: { ...reason, description: "for the audit" } },
} as const;

const page = {
  limit: { type: "integer", minimum: 1, maximum: 1000, default: 100 },
  before: { ...text("id of the last entry of the page before"), maxLength: 200 },
  worker: { ...text("only of this worker"), maxLength: 200 },
};

/** The last that a date can be, in Unix ms. */
const lastMoment = 8.64e15;

const moment = (description: string): Schema => ({
  ...time(description),
  type: "integer",
  minimum: 0,
  maximum: lastMoment,
});

/** Requests: what is not named is refused. */
export const requests = {
  workerId: byId("id, URL-encoded, or the container's name where it is unique"),
  serviceId: byId("the service's name or id"),
  hostId: byId("id, a beginning of it that no other has, or the host's name where it is unique"),
  plan: {
    type: "object",
    additionalProperties: false,
    properties: {
      cause: oneOf("dead", "drain"),
    },
  },
  recoveryId: byId(),
  coordinatorId: byId("its COORDINATOR_ID"),
  connections,
  coordinator: {
    type: "object",
    additionalProperties: false,
    required: ["id", "address"],
    properties: {
      id: { ...text("its COORDINATOR_ID"), minLength: 1, maxLength: 200 },
      address: {
        ...text("host:port where the others reach its mesh; port 7700 where none is given"),
        minLength: 1,
        maxLength: 260,
      },
    },
  },
  session: {
    type: "object",
    additionalProperties: false,
    required: ["token"],
    properties: { token: { ...text("of API_TOKENS"), minLength: 1, maxLength: 4096 } },
  },
  history: {
    type: "object",
    additionalProperties: false,
    properties: { own: flag("only what the answering coordinator remembers") },
  },
  logs: {
    type: "object",
    additionalProperties: false,
    properties: { tail: { type: "integer", minimum: 1, maximum: 1000, default: 100 } },
  },
  revive: withReason,
  hostSwitch: withReason,
  silence: {
    type: "object",
    additionalProperties: false,
    required: ["for", "reason"],
    properties: {
      for: { ...text("a duration: 90, 30m, 2h; at most 30d"), minLength: 1, maxLength: 40 },
      reason,
    },
  },
  recoveries: {
    type: "object",
    additionalProperties: false,
    properties: {
      ...page,
      outcome: oneOf("running", "recovered", "exhausted", "superseded"),
      from: moment("only those detected then or later"),
      until: moment("only those detected before"),
    },
  },
  events: {
    type: "object",
    additionalProperties: false,
    properties: {
      ...page,
      kind: { ...text("only of this kind"), maxLength: 60 },
      changes: flag("only what people asked for, done or refused"),
      actor: { ...text("only what was asked with the token of this name"), maxLength: 200 },
      subject: { ...text("only what was asked of this worker, service …"), maxLength: 200 },
      search: { ...text("only those in whose text this stands"), maxLength: 200 },
      from: moment("only what happened then or later"),
      until: moment("only what happened before"),
    },
  },
} as const;
