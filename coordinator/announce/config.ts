// What announces the public name is told by its environment: a table of its variables, and their parsing with all problems at once. Pure.

import { isIPv4 } from "node:net";
import {
  misspelt,
  namesOf,
  parsePort,
  valueOf,
  type Environment,
  type Parsed,
  type VariableRow,
} from "../../proto/config-parse.ts";

export const announcerVariables = [
  {
    name: "PUBLIC_NAME",
    default: "heartmesh.local",
    text: "The name by which this machine is announced by multicast DNS: one label and .local. Given and empty: nothing is announced.",
  },
  {
    name: "PUBLIC_PORT",
    default: "8000",
    text: "The port that is announced with it (as a service _http._tcp, for those who browse).",
  },
  {
    name: "PUBLIC_ADDRESS",
    default: "",
    text: "Which IPv4 addresses of this machine are announced, separated by commas. Default: the first one of each network interface, without loopback, Docker's bridges and tunnels.",
  },
] as const satisfies readonly VariableRow[];

type VariableName = (typeof announcerVariables)[number]["name"];

export interface AnnouncerConfig {
  /** The label before `.local`, in small letters; undefined: nothing is announced. */
  readonly label: string | undefined;
  readonly port: number;
  /** IPv4; empty: whatever the machine has. */
  readonly addresses: readonly string[];
}

export type AnnouncerConfigOutcome =
  | { readonly ok: true; readonly config: AnnouncerConfig }
  | { readonly ok: false; readonly problems: readonly string[] };

export function parseAnnouncerConfig(env: Environment): AnnouncerConfigOutcome {
  const problems = misspelt(env, namesOf(announcerVariables)).map(
    ({ name, meant }) => `${name} is not a variable of the announcer; did you mean ${meant}?`,
  );
  const read = <Value>(name: VariableName, parse: (text: string) => Parsed<Value>) => {
    const value = parse(valueOf(env, name) ?? defaultOf(name));
    if (value.ok) return value.value;
    problems.push(`${name}: ${value.detail ?? "cannot be read"}`);
    return undefined;
  };
  // Unlike elsewhere an empty text is a wish, and not the same as none.
  const isOff = env.PUBLIC_NAME?.trim() === "";
  const label = isOff ? undefined : read("PUBLIC_NAME", parsePublicName);
  const port = read("PUBLIC_PORT", parsePort);
  const addresses = read("PUBLIC_ADDRESS", parseAddresses);
  if (problems.length > 0 || port === undefined || addresses === undefined) {
    return { ok: false, problems };
  }
  return { ok: true, config: { label, port, addresses } };
}

const defaultOf = (name: VariableName): string =>
  announcerVariables.find((row) => row.name === name)?.default ?? "";

/** `heartmesh.local` → `heartmesh`. One label, for the resolvers of most systems ask multicast DNS for no others. */
function parsePublicName(text: string): Parsed<string> {
  const label = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)\.local$/.exec(text.toLowerCase())?.[1];
  if (label !== undefined) return { ok: true, value: label };
  return malformed(
    `"${text}" cannot be announced; expected one label of at most 63 letters, digits and inner hyphens, then .local, such as heartmesh.local`,
  );
}

function parseAddresses(text: string): Parsed<readonly string[]> {
  const list = text.split(",").map((one) => one.trim());
  const given = list.filter((one) => one !== "");
  const wrong = given.find((one) => !isIPv4(one));
  if (wrong === undefined) return { ok: true, value: given };
  return malformed(`"${wrong}" is not an IPv4 address; expected for example 192.168.1.10`);
}

const malformed = (detail: string): Parsed<never> => ({ ok: false, failure: "malformed", detail });
