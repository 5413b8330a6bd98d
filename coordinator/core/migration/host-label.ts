// A label of hosts as settings and service labels name it: `primary` is the value of the node label `type`, `zone=a` any other.

import type { Parsed } from "../../../proto/config-parse.ts";

export interface HostLabel {
  readonly key: string;
  readonly value: string;
}

const expected = "expected a value of the node label type, or key=value";

export function parseHostLabel(text: string): Parsed<HostLabel> {
  const trimmed = text.trim();
  const equals = trimmed.indexOf("=");
  const key = equals < 0 ? "type" : trimmed.slice(0, equals).trim();
  const value = trimmed.slice(equals + 1).trim();
  // What Swarm itself takes in a placement constraint, without blanks.
  if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(key) || !/^[A-Za-z0-9:._/-]+$/.test(value)) {
    return { ok: false, failure: "malformed", detail: `"${text}" is no label; ${expected}` };
  }
  return { ok: true, value: { key, value } };
}

/** `secondary,zone=b`, by priority; none stands twice. */
export function parseHostLabels(text: string): Parsed<readonly HostLabel[]> {
  const labels: HostLabel[] = [];
  for (const part of text.split(",")) {
    const label = parseHostLabel(part);
    if (!label.ok) return label;
    const isKnown = labels.some((one) => sameLabel(one, label.value));
    if (isKnown) {
      const detail = `"${part.trim()}" stands twice in "${text}"`;
      return { ok: false, failure: "malformed", detail };
    }
    labels.push(label.value);
  }
  return { ok: true, value: labels };
}

/** Swarm compares values without regard to case, and keys with it. */
export const sameLabel = (a: HostLabel, b: HostLabel): boolean =>
  a.key === b.key && a.value.toLowerCase() === b.value.toLowerCase();

/** As a placement constraint writes it. */
export const constraintOf = ({ key, value }: HostLabel): string => `node.labels.${key}==${value}`;
