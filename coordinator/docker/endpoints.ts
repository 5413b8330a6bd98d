// Where the engines are: `DOCKER_HOST` as a list, each item with an optional name and an endpoint of its own for writes.

import path from "node:path";
import { limits } from "../../proto/limits.ts";
import type { Outcome } from "../../proto/machine.ts";

/** PEM files of `DOCKER_CERT_PATH`; read again when they change. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export type Endpoint =
  | { readonly kind: "unix"; readonly path: string }
  | {
      readonly kind: "tcp";
      readonly host: string;
      readonly port: number;
      /** Undefined: in clear. */
      readonly tls: TlsFiles | undefined;
    }
  /** Over the machine's own `ssh` program, with its known hosts and keys, as the docker command line does it. */
  | { readonly kind: "ssh"; readonly destination: string; readonly port: number | undefined };

export interface EngineSpec {
  /** As configured; empty where the engine's own name (`/info`) is to be taken. */
  readonly name: string;
  readonly read: Endpoint;
  /** For calls that change something; the same as `read` where no `DOCKER_WRITE_HOST` is given. */
  readonly write: Endpoint;
}

export interface EngineVariables {
  readonly DOCKER_HOST?: string | undefined;
  readonly DOCKER_WRITE_HOST?: string | undefined;
  /** The directory of ca.pem, cert.pem and key.pem: tcp:// engines are reached by TLS. */
  readonly DOCKER_CERT_PATH?: string | undefined;
}

/** A Swarm of SWARMS: the engines that are, or may become, its managers. */
export interface SwarmSpec {
  readonly name: string;
  readonly engines: readonly EngineSpec[];
}

export interface SwarmVariables {
  readonly SWARMS: string;
  /** Of `DOCKER_CERT_PATH`; holds for each Swarm that has no directory of its own. */
  readonly DOCKER_CERT_PATH?: string | undefined;
  /** Has a directory with ca.pem, cert.pem and key.pem for each Swarm, called as it is. */
  readonly SWARMS_CERT_PATH?: string | undefined;
}

export type SwarmsParsed =
  | { readonly ok: true; readonly value: readonly SwarmSpec[] }
  | { readonly ok: false; readonly problems: readonly string[] };

export type EnginesParsed =
  | { readonly ok: true; readonly value: readonly EngineSpec[] }
  /** Every problem, each a sentence that names the variable. */
  | { readonly ok: false; readonly problems: readonly string[] };

/** The Swarm of DOCKER_HOST among those of SWARMS. */
export const ownCluster = "default";

const defaultEndpoint = "unix:///var/run/docker.sock";

export function parseEngines(env: EngineVariables): EnginesParsed {
  const problems: string[] = [];
  const reads = parseList("DOCKER_HOST", env.DOCKER_HOST ?? "", env, problems);
  const writes = parseList("DOCKER_WRITE_HOST", env.DOCKER_WRITE_HOST ?? "", env, problems);
  if (reads.length === 0 && problems.length === 0) {
    reads.push(...parseList("DOCKER_HOST", defaultEndpoint, env, problems));
  }
  const names = reads.map((item) => item.name).filter((name) => name !== "");
  const doubled = twice(names);
  if (doubled !== undefined) problems.push(`DOCKER_HOST names two engines "${doubled}"`);
  const same = twice(reads.map((item) => endpointText(item.endpoint)));
  if (same !== undefined) problems.push(`DOCKER_HOST names ${same} twice`);
  const value = reads.map((item, index) => ({
    name: item.name,
    read: item.endpoint,
    write: writeEndpoint(item, index, reads.length, writes, problems),
  }));
  return problems.length === 0 ? { ok: true, value } : { ok: false, problems };
}

/** `prod=tcp://10.0.0.1:2376 tcp://10.0.0.2:2376,lab=unix:///run/lab.sock`: Swarms by commas or lines, the engines of one by blanks. */
export function parseSwarms(variables: SwarmVariables): SwarmsParsed {
  const problems: string[] = [];
  const swarms: SwarmSpec[] = [];
  for (const part of variables.SWARMS.split(/[,\n]/).map((one) => one.trim())) {
    if (part === "") continue;
    const [, name = "", rest = ""] = /^([^=:/\s]*)=(.*)$/.exec(part) ?? [];
    const problem = nameProblem(name, part, swarms);
    if (problem !== undefined) {
      problems.push(`SWARMS: ${problem}`);
      continue;
    }
    const own = variables.SWARMS_CERT_PATH;
    const folder = own === undefined ? variables.DOCKER_CERT_PATH : path.join(own, name);
    const listed = rest.trim().split(/\s+/).join(",");
    const items = parseList(`SWARMS: ${name}`, listed, { DOCKER_CERT_PATH: folder }, problems);
    swarms.push({ name, engines: items.map(engineOf) });
    if (listed === "") problems.push(`SWARMS: ${name} has no engine; expected ${swarmForm}`);
    const same = twice(items.map((item) => endpointText(item.endpoint)));
    if (same !== undefined) problems.push(`SWARMS: ${name} names ${same} twice`);
    const doubled = twice(items.map((item) => item.name).filter((one) => one !== ""));
    if (doubled !== undefined) problems.push(`SWARMS: ${name} names two engines "${doubled}"`);
  }
  if (swarms.length > limits.swarms) {
    problems.push(`SWARMS names ${swarms.length} Swarms; at most ${limits.swarms} are managed`);
  }
  return problems.length === 0 ? { ok: true, value: swarms } : { ok: false, problems };
}

const swarmForm = "name=tcp://host:port tcp://host:port,name=unix:///path";

function nameProblem(name: string, part: string, known: readonly SwarmSpec[]): string | undefined {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/.test(name)) {
    return `"${part}" has no usable name (letters, digits, _ . -); expected ${swarmForm}`;
  }
  if (name === ownCluster) return `"${name}" is the Swarm of DOCKER_HOST; choose another name`;
  return known.some((one) => one.name === name) ? `"${name}" stands twice` : undefined;
}

const engineOf = ({ name, endpoint }: Item): EngineSpec => ({
  name,
  read: endpoint,
  write: endpoint,
});

const twice = (words: readonly string[]): string | undefined =>
  words.find((word, index) => words.indexOf(word) !== index);

/** As it would stand in `DOCKER_HOST`. */
export function endpointText(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case "unix":
      return `unix://${endpoint.path}`;
    case "tcp":
      return `tcp://${hostText(endpoint.host)}:${endpoint.port}`;
    case "ssh":
      return `ssh://${endpoint.destination}${endpoint.port === undefined ? "" : `:${endpoint.port}`}`;
  }
}

const hostText = (host: string): string => (host.includes(":") ? `[${host}]` : host);

interface Item {
  readonly name: string;
  readonly endpoint: Endpoint;
}

/** By name where writes are named, by place otherwise; one for each engine, so that none is written to by mistake. */
function writeEndpoint(
  item: Item,
  index: number,
  count: number,
  writes: readonly Item[],
  problems: string[],
): Endpoint {
  if (writes.length === 0) return item.endpoint;
  const named = writes.filter((write) => write.name !== "");
  if (named.length === 0 && writes.length === count)
    return writes[index]?.endpoint ?? item.endpoint;
  const match = named.find((write) => write.name === item.name && item.name !== "");
  if (match !== undefined) return match.endpoint;
  problems.push(
    `DOCKER_WRITE_HOST has no endpoint for ${item.name === "" ? endpointText(item.endpoint) : item.name}; ` +
      "expected as many items as DOCKER_HOST, in the same order, or the same names",
  );
  return item.endpoint;
}

function parseList(
  variable: string,
  text: string,
  env: EngineVariables,
  problems: string[],
): Item[] {
  const items: Item[] = [];
  for (const word of text.split(",").map((part) => part.trim())) {
    if (word === "") continue;
    const named = /^([A-Za-z0-9][A-Za-z0-9_.-]*)=(.*)$/.exec(word);
    const endpoint = parseEndpoint(named?.[2] ?? word, env);
    if (endpoint.ok) items.push({ name: named?.[1] ?? "", endpoint: endpoint.value });
    else problems.push(`${variable}: ${endpoint.detail ?? ""}`);
  }
  return items;
}

function parseEndpoint(text: string, env: EngineVariables): Outcome<Endpoint, "malformed"> {
  if (text.startsWith("unix://")) {
    const socket = text.slice("unix://".length);
    if (socket.startsWith("/")) return { ok: true, value: { kind: "unix", path: socket } };
    return malformed(`"${text}" names no absolute path; expected unix:///path/to/docker.sock`);
  }
  const url = parseUrl(text);
  if (url?.protocol === "tcp:" && url.hostname !== "") return { ok: true, value: tcp(url, env) };
  if (url?.protocol === "ssh:" && url.hostname !== "") return { ok: true, value: ssh(url) };
  return malformed(
    `"${text}" is not an engine's address; expected unix:///path, tcp://host:port or ssh://user@host, each with an optional "name=" before it`,
  );
}

const malformed = (detail: string): Outcome<never, "malformed"> => ({
  ok: false,
  failure: "malformed",
  detail,
});

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function tcp(url: URL, env: EngineVariables): Endpoint {
  const tls = env.DOCKER_CERT_PATH === undefined ? undefined : tlsFiles(env.DOCKER_CERT_PATH);
  const port = url.port === "" ? (tls === undefined ? 2375 : 2376) : Number(url.port);
  return { kind: "tcp", host: url.hostname.replace(/^\[|\]$/g, ""), port, tls };
}

function tlsFiles(folder: string): TlsFiles {
  const file = (name: string): string => path.join(folder, name);
  return { ca: file("ca.pem"), cert: file("cert.pem"), key: file("key.pem") };
}

function ssh(url: URL): Endpoint {
  const user = url.username === "" ? "" : `${decodeURIComponent(url.username)}@`;
  return {
    kind: "ssh",
    destination: `${user}${url.hostname}`,
    port: url.port === "" ? undefined : Number(url.port),
  };
}
