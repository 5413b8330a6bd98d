// Placement constraints as Swarm reads them: which hosts satisfy each, and which of them tie a service to a host.

import type { Parsed } from "../../../proto/config-parse.ts";
import type { SwarmHost } from "./swarm-view.ts";

export type ConstraintSubject =
  | { readonly kind: "id" | "name" | "role" | "os" | "arch" | "address" }
  | { readonly kind: "host-label" | "engine-label"; readonly key: string };

export interface Constraint {
  readonly subject: ConstraintSubject;
  readonly isEqual: boolean;
  readonly value: string;
  /** As it stands in the service. */
  readonly text: string;
}

/** Swarm's words for what is no label, without regard to case. */
const subjects: Readonly<Record<string, Exclude<ConstraintSubject["kind"], `${string}-label`>>> = {
  "node.id": "id",
  "node.hostname": "name",
  "node.role": "role",
  "node.platform.os": "os",
  "node.platform.arch": "arch",
  "node.ip": "address",
};

/** What Swarm takes and this does not know (a newer key, an IPv6 subnet) is malformed: nobody may guess what it allows. */
export function parseConstraint(text: string): Parsed<Constraint> {
  const match = /^\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*(==|!=)\s*(.+?)\s*$/.exec(text);
  const [, key = "", operator, value = ""] = match ?? [];
  const subject = match === null ? undefined : subjectOf(key);
  if (subject === undefined || (subject.kind === "address" && subnetOf(value) === undefined)) {
    return { ok: false, failure: "malformed", detail: `"${text}" is not understood` };
  }
  return { ok: true, value: { subject, isEqual: operator === "==", value, text } };
}

export interface ParsedConstraints {
  readonly known: readonly Constraint[];
  /** What was wrong with each of the others. */
  readonly unknown: readonly string[];
}

export function parseConstraints(texts: readonly string[]): ParsedConstraints {
  const parsed = texts.map((text) => parseConstraint(text));
  return {
    known: parsed.flatMap((one) => (one.ok ? [one.value] : [])),
    unknown: parsed.flatMap((one) => (one.ok ? [] : [one.detail ?? "malformed"])),
  };
}

function subjectOf(key: string): ConstraintSubject | undefined {
  const lower = key.toLowerCase();
  if (lower.startsWith("node.labels.")) return labelSubject("host-label", key, "node.labels.");
  if (lower.startsWith("engine.labels.")) {
    return labelSubject("engine-label", key, "engine.labels.");
  }
  const kind = Object.hasOwn(subjects, lower) ? subjects[lower] : undefined;
  return kind === undefined ? undefined : { kind };
}

/** The label's own name keeps its case. */
function labelSubject(
  kind: "host-label" | "engine-label",
  key: string,
  prefix: string,
): ConstraintSubject | undefined {
  return key.length > prefix.length ? { kind, key: key.slice(prefix.length) } : undefined;
}

export function satisfies(host: SwarmHost, { subject, isEqual, value }: Constraint): boolean {
  if (subject.kind === "address") return isWithin(host.address, value) === isEqual;
  return (factOf(host, subject).toLowerCase() === value.toLowerCase()) === isEqual;
}

/** A label that a host has not is an empty text, so that `!=` is satisfied. */
function factOf(host: SwarmHost, subject: ConstraintSubject): string {
  switch (subject.kind) {
    case "id":
      return host.id;
    case "name":
      return host.name;
    case "role":
      return host.role;
    case "os":
      return host.os;
    case "arch":
      return host.arch;
    case "address":
      return host.address;
    case "host-label":
      return labelOf(host.labels, subject.key);
    case "engine-label":
      return labelOf(host.engineLabels, subject.key);
  }
}

const labelOf = (labels: Readonly<Record<string, string>>, key: string): string =>
  Object.hasOwn(labels, key) ? (labels[key] ?? "") : "";

interface Subnet {
  readonly address: number;
  readonly bits: number;
}

/** Of IPv4: `10.0.0.1` or `10.0.0.0/24`. */
function subnetOf(text: string): Subnet | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)(?:\/(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const parts = match.slice(1, 5).map(Number);
  const bits = Number(match[5] ?? 32);
  if (parts.some((part) => part > 255) || bits > 32) return undefined;
  return { address: parts.reduce((sum, part) => sum * 256 + part, 0), bits };
}

function isWithin(address: string, subnetText: string): boolean {
  const subnet = subnetOf(subnetText);
  const own = subnetOf(address);
  if (subnet === undefined || own === undefined) return false;
  const size = 2 ** (32 - subnet.bits);
  return Math.floor(own.address / size) === Math.floor(subnet.address / size);
}

export const excludes = (hostId: string): string => `node.id!=${hostId}`;

/** What can be excluded by id; undefined for every other constraint. */
export const excludedId = ({ subject, isEqual, value }: Constraint): string | undefined =>
  subject.kind === "id" && !isEqual ? value : undefined;
