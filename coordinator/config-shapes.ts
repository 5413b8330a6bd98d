// Values of single variables that have a shape of their own: labels, static workers, retention, URLs. Pure.

import {
  parseAddress,
  parseAddressList,
  parseDuration,
  parseInteger,
  type NamedAddress,
  type Parsed,
} from "../proto/config-parse.ts";
import { isName } from "../proto/text.ts";
import type { Duration } from "../proto/units.ts";

/** A label that makes a container a worker; any value where `value` is undefined. */
export interface LabelMatch {
  readonly key: string;
  readonly value: string | undefined;
}

/** A worker of `WORKERS`; `container` where the engine's container was named with `@`. */
export interface StaticWorker {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly container: string | undefined;
}

export function parseLabels(text: string): Parsed<readonly LabelMatch[]> {
  const labels: LabelMatch[] = [];
  for (const part of entriesOf(text)) {
    const equals = part.indexOf("=");
    const key = equals < 0 ? part : part.slice(0, equals).trim();
    if (!/^[^\s=]+$/.test(key))
      return malformed(`"${part}" is no label; expected key or key=value`);
    labels.push({ key, value: equals < 0 ? undefined : part.slice(equals + 1).trim() });
  }
  return labels.length > 0 ? parsed(labels) : malformed("no label in it; expected key=value");
}

export function parseStaticWorkers(
  text: string,
  defaultPort: number,
): Parsed<readonly StaticWorker[]> {
  const workers: StaticWorker[] = [];
  for (const part of entriesOf(text)) {
    const match = /^([^=]+)=([^@]+)(?:@(.*))?$/.exec(part);
    const name = match?.[1]?.trim() ?? "";
    const container = match?.[3]?.trim();
    if (match === null || !isName(name)) {
      return malformed(`"${part}" has no usable name; expected name=host:port[@container]`);
    }
    if (workers.some((other) => other.name === name)) return malformed(`"${name}" stands twice`);
    if (container !== undefined && !/^[A-Za-z0-9][A-Za-z0-9_./-]*$/.test(container)) {
      return malformed(`"${part}" names no container after @`);
    }
    const address = parseAddress(match[2] ?? "", defaultPort);
    if (!address.ok) return address;
    workers.push({ name, ...address.value, container });
  }
  return parsed(workers);
}

/** Each name is that of an engine. */
export const parseHosts = (text: string, defaultPort: number): Parsed<readonly NamedAddress[]> =>
  parseAddressList(text, defaultPort, {
    isUsable: (name) => isName(name) && !name.includes("/"),
    expected: "name=host:port without a / in it",
  });

/** `30d` or `30d,100000`. */
export function parseRetention(
  text: string,
): Parsed<{ readonly age: Duration; readonly count: number }> {
  const [ageText = "", countText = "100000", ...rest] = text.split(",").map((one) => one.trim());
  const age = parseDuration(ageText);
  if (!age.ok) return age;
  if (age.value < 1000 || rest.length > 0) {
    return malformed(`"${text}" is no retention; expected 30d or 30d,100000`);
  }
  const count = parseInteger(countText, 1, 10_000_000);
  return count.ok ? parsed({ age: age.value, count: count.value }) : count;
}

/** `c1=http://host:port,…` → without slashes at their ends. */
export function parseUrls(text: string): Parsed<Readonly<Record<string, string>>> {
  const urls: Record<string, string> = {};
  for (const part of entriesOf(text)) {
    const equals = part.indexOf("=");
    const name = part.slice(0, Math.max(equals, 0)).trim();
    const url = part.slice(equals + 1).trim();
    const wrong = urlProblem(url, ["http:", "https:"]);
    if (!isName(name) || wrong !== undefined) {
      return malformed(`"${part}" is not name=http://host:port`);
    }
    if (name in urls) return malformed(`"${name}" stands twice`);
    urls[name] = url.replace(/\/+$/, "");
  }
  return parsed(urls);
}

/** Whether a name or an address leads nowhere but to this machine. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);

/** Origins by commas, as a browser names them: scheme, host and port, no path. */
export function parseOrigins(text: string): Parsed<readonly string[]> {
  const origins = entriesOf(text).map((one) => one.toLowerCase());
  const wrong = origins.find((one) => !URL.canParse(one) || new URL(one).origin !== one);
  if (wrong === undefined) return parsed(origins);
  return malformed(`"${wrong}" is no origin; expected https://host or http://host:port`);
}

/** Addresses by commas, as `ops@example.org` or `Ops <ops@example.org>`. */
export function parseMails(text: string): Parsed<readonly string[]> {
  const mails = entriesOf(text);
  const wrong = mails.find(
    (one) => !/^[^\s<>@]+@[^\s<>@]+$|^[^<>@\r\n]+<[^\s<>@]+@[^\s<>@]+>$/.test(one),
  );
  if (wrong !== undefined) return malformed(`"${wrong}" is no e-mail address`);
  return mails.length > 0 ? parsed(mails) : malformed("no e-mail address in it");
}

/** What is wrong with a URL, without repeating it: it may be a secret. */
export function urlProblem(text: string, schemes: readonly string[]): string | undefined {
  const expected = `expected ${schemes.map((one) => `${one}//`).join(" or ")}`;
  if (!URL.canParse(text)) return `not a URL; ${expected}`;
  const url = new URL(text);
  if (!schemes.includes(url.protocol)) return `has the scheme ${url.protocol}//; ${expected}`;
  return url.hostname === "" ? "has no host" : undefined;
}

const entriesOf = (text: string): string[] =>
  text
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");

const parsed = <Value>(value: Value): Parsed<Value> => ({ ok: true, value });
const malformed = (detail: string): Parsed<never> => ({ ok: false, failure: "malformed", detail });
