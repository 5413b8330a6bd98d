// The API's own description, as a running server gives it, and what can be asked by it: rightly and wrongly.

import { bearer, tokens, type TestServer } from "./scripted-plane.ts";

export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly schema: JsonSchema;
}

export interface Operation {
  readonly method: string;
  /** With `{name}` for parameters. */
  readonly path: string;
  readonly role: "open" | "viewer" | "operator" | "admin";
  readonly statuses: readonly string[];
  readonly parameters: readonly Parameter[];
  readonly body: JsonSchema | undefined;
}

interface Described {
  readonly "x-role": Operation["role"];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: { "application/json": { schema: JsonSchema } } };
  readonly responses: Readonly<Record<string, unknown>>;
}

export async function operationsOf({ url }: TestServer): Promise<readonly Operation[]> {
  const answer = await fetch(`${url}/docs/json`, { headers: bearer("viewer") });
  const { paths } = (await answer.json()) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => ({
      method: method.toUpperCase(),
      path,
      role: described["x-role"],
      statuses: Object.keys(described.responses),
      parameters: described.parameters ?? [],
      body: described.requestBody?.content["application/json"].schema,
    })),
  );
}

/** What exists in the scripted plane. */
const goodValues: Readonly<Record<string, string>> = {
  "/api/swarm/nodes/{id}": "h1",
  "/api/swarm/nodes/{id}/availability": "h1",
  "/api/swarm/nodes/{id}/tasks": "h1",
  "/api/swarm/services/{id}": "web",
  "/api/swarm/services/{id}/tasks": "web",
  "/api/swarm/services/{id}/logs": "web",
  "/api/swarm/services/{id}/scale": "web",
  "/api/swarm/services/{id}/image": "web",
  "/api/swarm/services/{id}/scaling": "web",
  "/api/swarm/join-token/{role}": "worker",
  "/api/v1/services/{id}/check": "web",
  "/api/v1/hosts/{id}/check": "h1",
  "/api/v1/recoveries/{id}": "3.7.ff",
  "/api/v1/hosts/{id}": "h1",
  "/api/v1/hosts/{id}/plan": "h1",
  "/api/v1/hosts/{id}/drain": "h1",
  "/api/v1/hosts/{id}/activate": "h1",
  "/api/v1/hosts/{id}/failback": "h1",
  "/api/v1/services/{id}/failback": "cache",
  "/api/v1/services/{id}/migrate": "cache",
};
/** Of parameters beside the one that the path is about, by name. */
const goodParameters: Readonly<Record<string, string>> = { n: "4", cluster: "default" };
/** By the property's name. */
const goodProperties: Readonly<Record<string, unknown>> = {
  for: "1h",
  reason: "because",
  availability: "pause",
  replicas: 3,
  version: 1,
  at: "2026-03-01T22:14:05.120Z",
  documents: {},
  silences: [],
  quarantines: [],
  min: 1,
  max: 4,
  target: 0.5,
  cooldown: 60,
  image: "nginx:1.27",
  engine: "h1",
  container: { image: "nginx:1.27", command: "sleep 9", env: { A: "1" } },
  containers: [{ image: "nginx:1.27", replicas: 2 }],
  port: 2375,
  capacity: 5,
  spawn: false,
  swarm: false,
  force: true,
  prune: false,
  resolveImage: "never",
  token: tokens.viewer,
  remoteAddrs: ["10.0.0.1:2377"],
  joinToken: `SWMTKN-1-${"a".repeat(50)}`,
};
/** Of bodies whose properties have names of which others mean something else. */
const goodBodies: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "POST /api/swarm/templates/{name}/deploy": { stack: "shop", parameters: { IMAGE: "x" } },
  "POST /api/swarm/templates/{name}/preview": { stack: "shop", parameters: { IMAGE: "x" } },
  "POST /api/swarm/preview-stack": { name: "shop", stack: "services: { web: { image: x } }" },
  "PUT /api/swarm/templates/{name}": {
    text: "services: { web: { image: '${IMAGE}' } }",
    parameters: [{ name: "IMAGE", description: "of the server" }],
  },
};
const goodWorker = "web-1";

export interface Ask {
  /** For a person whose test fails. */
  readonly what: string;
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

const ofCluster = "/api/clusters/{cluster}/swarm";

/** @param values of parameters, by their names, in place of good ones */
export const pathOf = (
  { path }: Pick<Operation, "path">,
  values: Readonly<Record<string, string>> = {},
): string =>
  path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => {
    const good = goodValues[path.replace(ofCluster, "/api/swarm")] ?? goodWorker;
    return values[name] ?? goodParameters[name] ?? good;
  });

function goodBody({ method, path }: Operation, schema: JsonSchema): Record<string, unknown> {
  const own = goodBodies[`${method} ${path.replace(ofCluster, "/api/swarm")}`] ?? {};
  const names = Object.keys(schema.properties ?? {});
  return Object.fromEntries(names.map((name) => [name, own[name] ?? goodProperties[name] ?? "x"]));
}

/** One that is taken, for a caller who may. */
export function rightAsk(operation: Operation): Ask {
  const { method, path, body } = operation;
  return {
    what: `${method} ${path}`,
    method,
    path: pathOf(operation),
    ...(body === undefined ? {} : { body: JSON.stringify(goodBody(operation, body)) }),
  };
}

/** Each with one thing that the description forbids. */
export function* wrongAsks(operation: Operation): Generator<Ask> {
  const right = rightAsk(operation);
  for (const { name, in: place, schema } of operation.parameters) {
    for (const value of wrongTexts(schema)) {
      const what = `${right.what}: ${name}=${value.slice(0, 60)}`;
      const text = encodeURIComponent(value);
      if (place === "query") yield { ...right, what, path: `${right.path}?${name}=${text}` };
      else if (value !== "") yield { ...right, what, path: pathOf(operation, { [name]: text }) };
    }
    if (place !== "query") continue;
    yield {
      ...right,
      what: `${right.what}: ${name} twice`,
      path: `${right.path}?${name}=1&${name}=2`,
    };
    yield { ...right, what: `${right.what}: ${name} nested`, path: `${right.path}?${name}[x]=1` };
  }
  if (operation.parameters.some((one) => one.in === "query")) {
    yield { ...right, what: `${right.what}: unknown`, path: `${right.path}?colour=red` };
  }
  if (operation.body === undefined) return;
  for (const [what, body] of wrongBodies(operation, operation.body)) {
    yield { ...right, what: `${right.what}: ${what}`, body };
  }
}

function wrongTexts(schema: JsonSchema): readonly string[] {
  if (schema.type === "integer") {
    const { minimum = 0, maximum = 0 } = schema;
    const outside = [
      String(minimum - 1),
      String(maximum + 1),
      "-1",
      "1e999",
      "-Infinity",
      "9".repeat(300),
    ];
    return [...outside, "", "many", "1.5", "NaN", "Infinity", "0x10x", "[]", "{}", "null", "1;2"];
  }
  const { maxLength = 0, minLength = 0 } = schema;
  return ["x".repeat(maxLength + 1), ...(minLength > 0 ? [""] : [])];
}

/** An object, or a list of none, where any will do. */
const isTaken = (value: unknown, { type, minItems }: JsonSchema): boolean =>
  Array.isArray(value)
    ? type === "array" && minItems === undefined && value.length === 0
    : type === "object" && typeof value === "object" && value !== null;

/** Names and texts of bodies that are no good one. */
function* wrongBodies(
  operation: Operation,
  schema: JsonSchema,
): Generator<readonly [string, string]> {
  const good = goodBody(operation, schema);
  const mayBeNull = schema.type?.includes("null") === true;
  for (const text of ["", "{", "[]", '"text"', "7", "true", "nul", "{]", '{"a":}', "\u0000"]) {
    yield [`a body of ${JSON.stringify(text)}`, text];
  }
  if (!mayBeNull) yield ["a body of null", "null"];
  yield ["arrays in arrays", "[".repeat(8_000)];
  yield ["a prototype", '{"__proto__":{"for":"1h","reason":"x"}}'];
  yield ["a constructor", '{"constructor":{"prototype":{"x":1}}}'];
  yield ["an unknown property", JSON.stringify({ ...good, colour: "red" })];
  for (const [name, one] of Object.entries(schema.properties ?? {})) {
    const wrong: readonly unknown[] = [
      ...[null, {}, [], ["1h"], { toString: "x" }, "", "x".repeat((one.maxLength ?? 0) + 1)],
    ];
    for (const value of wrong) {
      if (isTaken(value, one)) continue;
      const shown = JSON.stringify(value).slice(0, 40);
      yield [`${name}: ${shown}`, JSON.stringify({ ...good, [name]: value })];
    }
    if (schema.required?.includes(name) !== true) continue;
    yield [`no ${name}`, JSON.stringify({ ...good, [name]: undefined })];
  }
}
