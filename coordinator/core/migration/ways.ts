// The placements that a service may be given when a host falls out, in the order in which they are thought of. Each keeps every constraint that does not tie it there.

import {
  excludedId,
  excludes,
  parseConstraint,
  satisfies,
  type Constraint,
} from "./constraints.ts";
import { constraintOf, sameLabel, type HostLabel } from "./host-label.ts";
import type { SwarmHost } from "./swarm-view.ts";

export interface Way {
  /** `exclude`: as before, without this host. `label`: to the hosts of another label. `free`: its tie to the host is taken off. */
  readonly kind: "exclude" | "label" | "free";
  readonly constraints: readonly Constraint[];
  /** What is done, for a person. */
  readonly text: string;
}

export interface WaysAsk {
  readonly host: SwarmHost;
  /** What the service was given by a person. */
  readonly constraints: readonly Constraint[];
  /** Hosts that an earlier move excluded and that are not back yet. */
  readonly stillAway: readonly SwarmHost[];
  /** By its label; empty where it has none. */
  readonly to: readonly HostLabel[];
  readonly primary: HostLabel;
  readonly secondary: HostLabel;
}

/** A tied service goes only where a person named a place for it, by its label or by the two settings; the first way touches it least. */
export function waysOf(ask: WaysAsk): readonly Way[] {
  const { constraints, to } = ask;
  const exclude: Way = wayOf(ask, "exclude", constraints, "as before, without this host");
  const targets = targetsOf(ask);
  const isTied = constraints.some((one) => isHostTie(one) || isLabelTie(one));
  const all = isTied || to.length === 0 ? [exclude, ...targets] : [...targets, exclude];
  return all.filter((way, at) => all.findIndex((other) => sameWay(way, other)) === at);
}

function targetsOf(ask: WaysAsk): readonly Way[] {
  const { constraints, to, primary, secondary } = ask;
  if (to.length > 0) return to.map((label) => labelWay(ask, label));
  if (constraints.some((one) => isTieTo(one, primary))) return [labelWay(ask, secondary)];
  const ties = constraints.filter(isHostTie);
  if (ties.length === 0) return [];
  const kept = constraints.filter((one) => !isHostTie(one));
  return [wayOf(ask, "free", kept, `without ${textsOf(ties)}`)];
}

function labelWay(ask: WaysAsk, label: HostLabel): Way {
  const { constraints, primary } = ask;
  const named = constraints.filter(
    (one) => isHostTie(one) || isTieTo(one, primary) || isTieOf(one, label.key),
  );
  const labels = constraints.filter(isLabelTie);
  // Where nothing else ties it, its only label is what does.
  const replaced = named.length === 0 && labels.length === 1 ? labels : named;
  const text = constraintOf(label);
  const parsed = parseConstraint(text);
  const added = parsed.ok ? [parsed.value] : [];
  const kept = constraints.filter((one) => !replaced.includes(one));
  const what = replaced.length === 0 ? `with ${text}` : `${text} instead of ${textsOf(replaced)}`;
  return wayOf(ask, "label", [...kept, ...added], what);
}

/** With what keeps it off the hosts that are away: Swarm may not have noticed yet. */
function wayOf(
  ask: WaysAsk,
  kind: Way["kind"],
  constraints: readonly Constraint[],
  text: string,
): Way {
  const away = ask.stillAway.filter(({ id }) => id !== ask.host.id);
  const excluded = [ask.host, ...away].filter((host, at) => {
    const wouldFit = constraints.every((one) => satisfies(host, one));
    const isAsBefore = kind === "exclude" && at === 0;
    return wouldFit || (isAsBefore && !constraints.some((one) => excludedId(one) === host.id));
  });
  return { kind, constraints: [...constraints, ...excluded.map(exclusionOf)], text };
}

export const exclusionOf = ({ id }: { readonly id: string }): Constraint => ({
  subject: { kind: "id" },
  isEqual: false,
  value: id,
  text: excludes(id),
});

export const onlyOn = ({ id }: { readonly id: string }): Constraint => ({
  subject: { kind: "id" },
  isEqual: true,
  value: id,
  text: `node.id==${id}`,
});

const isHostTie = ({ subject, isEqual }: Constraint): boolean =>
  isEqual && (subject.kind === "id" || subject.kind === "name" || subject.kind === "address");

const isLabelTie = ({ subject, isEqual }: Constraint): boolean =>
  isEqual && subject.kind === "host-label";

const isTieOf = (constraint: Constraint, key: string): boolean =>
  isLabelTie(constraint) &&
  constraint.subject.kind === "host-label" &&
  constraint.subject.key === key;

const isTieTo = (constraint: Constraint, label: HostLabel): boolean =>
  isTieOf(constraint, label.key) && sameLabel(label, { key: label.key, value: constraint.value });

const textsOf = (constraints: readonly Constraint[]): string =>
  constraints.map(({ text }) => text).join(" and ");

const sameWay = (a: Way, b: Way): boolean =>
  a.constraints.length === b.constraints.length &&
  a.constraints.every(({ text }) => b.constraints.some((one) => one.text === text));
