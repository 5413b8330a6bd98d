// Which way a service goes, and to which of the hosts that have room for it: nothing healthy is touched, all replicas have room, and then its strategy.

import { satisfies, type Constraint } from "./constraints.ts";
import type { Ground, Room } from "./ground.ts";
import type { Replicas } from "./lost.ts";
import type { Strategy } from "./service-labels.ts";
import type { SwarmHost, SwarmService } from "./swarm-view.ts";
import { exclusionOf, onlyOn, type Way } from "./ways.ts";

export interface Choice {
  readonly way: Way;
  readonly constraints: readonly Constraint[];
  /** Hosts with room, among which Swarm places the replicas; by name. */
  readonly targets: readonly Room[];
  /** Healthy replicas on other hosts that the new placement does not allow: they move too. */
  readonly disturbed: readonly string[];
  /** Lost replicas that have no room. */
  readonly short: number;
  /** The strategy that decided; another than the service asks for where its numbers are missing. */
  readonly used: Strategy;
  /** Why not the one that was asked for; empty where it is that. */
  readonly usedBecause: string;
}

export interface ChoiceAsk {
  readonly service: SwarmService;
  readonly replicas: Replicas;
  readonly ways: readonly Way[];
  readonly strategy: Strategy;
  readonly ground: Ground;
}

/** Undefined where no host has room in any way. */
export function chooseWay(ask: ChoiceAsk): Choice | undefined {
  const { ground, service, ways } = ask;
  const open = ways.map((way) => ({
    way,
    rooms: ground.roomsFor(service, way.constraints).filter(({ count }) => count > 0),
  }));
  const known = measureOf(
    ask.strategy,
    ground,
    open.flatMap(({ rooms }) => rooms),
  );
  const options = open
    .filter(({ rooms }) => rooms.length > 0)
    .map(({ way, rooms }) => optionOf(ask, way, rooms, known));
  return options.toSorted(byPreference)[0];
}

interface Option extends Choice {
  /** Less is better: the ways that a strategy compares have the same. */
  readonly rank: number;
  /** Less is better; by the strategy. */
  readonly cost: number;
}

/** The sort keeps the order of the ways where all is equal. */
const byPreference = (a: Option, b: Option): number =>
  a.disturbed.length - b.disturbed.length ||
  a.short - b.short ||
  a.rank - b.rank ||
  a.cost - b.cost;

function optionOf(ask: ChoiceAsk, way: Way, rooms: readonly Room[], known: Measure): Option {
  const { replicas } = ask;
  const targets = known.picks ? picked(rooms, replicas.lost, known) : rooms;
  const constraints = narrowed(way, rooms, targets, replicas);
  const disturbed = replicas.elsewhere.filter((id) => {
    const host = ask.ground.hosts.find((one) => one.id === id);
    return host === undefined || !constraints.every((one) => satisfies(host, one));
  });
  const room = targets.reduce((sum, { count }) => sum + count, 0);
  const costs = targets.map(({ host }) => known.costOf(host));
  return {
    way,
    constraints,
    targets,
    disturbed,
    short: Math.max(0, replicas.lost - room),
    used: known.strategy,
    usedBecause: known.because,
    rank: way.kind !== "exclude" ? 1 : way === ask.ways[0] ? 0 : 2,
    cost: costs.reduce((sum, cost) => sum + cost, 0) / costs.length,
  };
}

/** The best hosts, one for each lost replica, or more where they have not enough room. */
function picked(rooms: readonly Room[], lost: number, { costOf }: Measure): readonly Room[] {
  const best = rooms.toSorted((a, b) => costOf(a.host) - costOf(b.host));
  const taken: Room[] = [];
  let room = 0;
  for (const one of best) {
    if (taken.length >= lost && room >= lost) break;
    taken.push(one);
    room += one.count;
  }
  // In the order of their names again.
  return rooms.filter((one) => taken.includes(one));
}

/** Swarm knows no list of hosts: one is named, and of several the others are excluded, but those that run healthy replicas. */
function narrowed(
  way: Way,
  rooms: readonly Room[],
  targets: readonly Room[],
  { elsewhere }: Replicas,
): readonly Constraint[] {
  const [only] = targets;
  if (targets.length === rooms.length || only === undefined) return way.constraints;
  if (targets.length === 1 && elsewhere.length === 0)
    return [...way.constraints, onlyOn(only.host)];
  const others = rooms.filter((one) => !targets.includes(one) && !elsewhere.includes(one.host.id));
  return [...way.constraints, ...others.map(({ host }) => exclusionOf(host))];
}

export interface Measure {
  readonly strategy: Strategy;
  readonly because: string;
  /** Less is better. */
  readonly costOf: (host: SwarmHost) => number;
  /** Whether it picks hosts, and does not leave them to Swarm, which spreads. */
  readonly picks: boolean;
}

/** The strategy, or the next one whose numbers every host has. */
export function measureOf(strategy: Strategy, ground: Ground, rooms: readonly Room[]): Measure {
  const hosts = rooms.map(({ host }) => host);
  const byTasks = (because: string): Measure => ({
    strategy: "spread",
    because,
    costOf: (host) => ground.tasksOn(host),
    picks: false,
  });
  const silent = (isSilent: (host: SwarmHost) => boolean): string =>
    [...new Set(hosts.filter(isSilent).map(({ name }) => name))].join(", ");
  switch (strategy) {
    case "priority":
      return { strategy, because: "", costOf: () => 0, picks: false };
    case "spread":
      return byTasks("");
    case "least-loaded": {
      const unknown = silent(({ load }) => load === undefined);
      if (unknown !== "") return byTasks(`the load of ${unknown} is not measured`);
      return { strategy, because: "", costOf: ({ load = 0 }) => load, picks: true };
    }
    case "most-free": {
      if (hosts.every(({ free }) => free !== undefined)) {
        return {
          strategy,
          because: "",
          costOf: ({ free }) => -(free?.memoryBytes ?? 0),
          picks: true,
        };
      }
      const unknown = silent((host) => ground.unreservedOn(host) === undefined);
      if (unknown !== "") return byTasks(`what is free on ${unknown} is not known`);
      const because = "what is free is not measured: what no service has reserved counts";
      const costOf = (host: SwarmHost): number => -(ground.unreservedOn(host)?.memoryBytes ?? 0);
      return { strategy, because, costOf, picks: true };
    }
  }
}
