// REDIS_URL as an address: one server over TCP or TLS, a unix socket, or a master found through Sentinels. Pure.

import type { Outcome } from "../../proto/machine.ts";

interface Login {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
}

export type RedisAddress = Login &
  (
    | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly tls: boolean }
    | { readonly kind: "unix"; readonly path: string }
    | {
        readonly kind: "sentinel";
        readonly sentinels: readonly { readonly host: string; readonly port: number }[];
        /** The master's name in the Sentinels' configuration. */
        readonly name: string;
        /** Of the Sentinels and of the master alike. */
        readonly tls: boolean;
      }
  );

type Result = Outcome<RedisAddress, "malformed">;

const expected =
  "expected redis://[user:password@]host[:port][/db], rediss://…, unix:///path/to/socket[?db=n] or redis+sentinel://[user:password@]host1[:port],host2[:port]/master-name[/db]";

export function parseRedisUrl(text: string): Result {
  const match = /^([a-z+]+):\/\/(?:([^@/]*)@)?([^/?]*)(\/[^?]*)?(\?.*)?$/.exec(text.trim());
  if (match === null) return malformed("it is no URL");
  const [, scheme = "", login, authority = "", path = "", query = ""] = match;
  const credentials = parseLogin(login);
  if (credentials === undefined)
    return malformed("user or password is not percent-encoded properly");
  switch (scheme) {
    case "redis":
    case "rediss":
      return parseSingle(authority, path, credentials, scheme === "rediss");
    case "unix":
    case "redis+unix":
      return parseUnix(authority, path, query, credentials);
    case "redis+sentinel":
    case "rediss+sentinel":
      return parseSentinels(authority, path, credentials, scheme === "rediss+sentinel");
    default:
      return malformed(`${scheme}:// is no way to reach Redis`);
  }
}

/** For logs: where it is, never the password. */
export function describeRedis(address: RedisAddress): string {
  switch (address.kind) {
    case "tcp":
      return `${address.tls ? "rediss" : "redis"}://${address.host}:${address.port}/${address.db}`;
    case "unix":
      return `unix://${address.path}`;
    case "sentinel":
      return `${address.name} through ${address.sentinels.map((s) => `${s.host}:${s.port}`).join(", ")}`;
  }
}

type Credentials = Omit<Login, "db">;

function parseLogin(login: string | undefined): Credentials | undefined {
  if (login === undefined || login === "") return { username: undefined, password: undefined };
  const colon = login.indexOf(":");
  const username = decode(colon === -1 ? login : login.slice(0, colon));
  const password = colon === -1 ? undefined : decode(login.slice(colon + 1));
  if (username === undefined || (colon !== -1 && password === undefined)) return undefined;
  return { username: username === "" ? undefined : username, password };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function parseSingle(authority: string, path: string, login: Credentials, tls: boolean): Result {
  const address = parseHost(authority, 6379);
  if (address === undefined) return malformed(`"${authority}" is not host[:port]`);
  const db = parseDb(path.slice(1));
  if (db === undefined) return malformed(`"${path}" is not the number of a database`);
  return { ok: true, value: { kind: "tcp", ...address, tls, ...login, db } };
}

function parseUnix(authority: string, path: string, query: string, login: Credentials): Result {
  if (authority !== "" || path.length < 2) return malformed("the socket's path must be absolute");
  const db = parseDb(new URLSearchParams(query).get("db") ?? "");
  if (db === undefined) return malformed("db is not the number of a database");
  const decoded = decode(path);
  if (decoded === undefined) return malformed(`"${path}" is not percent-encoded properly`);
  return { ok: true, value: { kind: "unix", path: decoded, ...login, db } };
}

function parseSentinels(authority: string, path: string, login: Credentials, tls: boolean): Result {
  const sentinels: { host: string; port: number }[] = [];
  for (const part of authority.split(",")) {
    const address = parseHost(part, 26379);
    if (address === undefined) return malformed(`"${part}" is not host[:port] of a Sentinel`);
    sentinels.push(address);
  }
  const [name = "", dbText = "", ...rest] = path.slice(1).split("/");
  if (name === "") return malformed("the master's name is missing behind the Sentinels");
  const db = rest.length > 0 ? undefined : parseDb(dbText);
  if (db === undefined) return malformed(`"${path}" is not /master-name[/db]`);
  const master = decode(name);
  if (master === undefined) return malformed(`"${name}" is not percent-encoded properly`);
  return { ok: true, value: { kind: "sentinel", sentinels, name: master, tls, ...login, db } };
}

function parseHost(text: string, port: number): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const number = match?.[3] === undefined ? port : Number(match[3]);
  if (host === undefined || number < 1 || number > 65_535) return undefined;
  return { host, port: number };
}

function parseDb(text: string): number | undefined {
  if (text === "") return 0;
  return /^\d{1,5}$/.test(text) ? Number(text) : undefined;
}

const malformed = (why: string): Result => ({
  ok: false,
  failure: "malformed",
  detail: `${why}; ${expected}`,
});
