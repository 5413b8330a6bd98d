// What happens to each service of a Swarm when a host falls out: pure, and the same for the same picture in whatever order it is told.

import { chooseWay, type Choice } from "./choice.ts";
import { parseConstraints, type Constraint, type ParsedConstraints } from "./constraints.ts";
import { earlierMove, moveConfig, type EarlierMove } from "./earlier-move.ts";
import { Ground, type Room } from "./ground.ts";
import type { HostLabel } from "./host-label.ts";
import { journalText, type MoveJournal } from "./journal.ts";
import { replicasOf, type Replicas } from "./lost.ts";
import {
  journalLabel,
  parseMoveLabels,
  type MoveLabels,
  type ServiceFinding,
} from "./service-labels.ts";
import {
  isUsable,
  type EngineJson,
  type SwarmHost,
  type SwarmService,
  type SwarmView,
} from "./swarm-view.ts";
import { localDataOf, sourcesOf } from "./volumes.ts";
import { moveWarnings, stayWarnings, type Warning } from "./warnings.ts";
import { waysOf, type Way } from "./ways.ts";

/** `drain`: the host lives, and is to be emptied. */
export type MoveCause = "dead" | "drain";

export interface PlanAsk {
  /** One of the picture's. */
  readonly host: SwarmHost;
  readonly cause: MoveCause;
  /** PRIMARY_LABEL and SECONDARY_LABEL. */
  readonly primary: HostLabel;
  readonly secondary: HostLabel;
}

export interface HostPlan {
  readonly host: SwarmHost;
  readonly cause: MoveCause;
  /** Those that move, then those that stay, then those that it does not touch; each by name. */
  readonly services: readonly ServicePlan[];
  readonly findings: readonly ServiceFinding[];
}

export type ServicePlan = ServiceMove | ServiceStay | ServiceUntouched;

interface Planned {
  readonly service: SwarmService;
  /** Why this and nothing else, in one sentence. */
  readonly reason: string;
  /** Replicas that are lost with the host. */
  readonly lost: number;
  readonly warnings: readonly Warning[];
}

export interface ServiceMove extends Planned {
  readonly action: "move";
  readonly choice: Choice;
  readonly change: PlannedChange;
  readonly labels: MoveLabels;
  /** Hosts that are no target, with the reason. */
  readonly unfit: readonly UnfitHost[];
}

export interface ServiceStay extends Planned {
  readonly action: "stay";
  /** Where it stays for want of a host: each with its reason. */
  readonly unfit: readonly UnfitHost[];
}

export interface ServiceUntouched extends Planned {
  readonly action: "untouched";
}

export interface UnfitHost {
  readonly host: SwarmHost;
  readonly reason: string;
}

/** What one update of the service has to say, beside the rest of its specification as it is then. */
export interface PlannedChange {
  /** All of them, in this order. */
  readonly constraints: readonly string[];
  /** Its update settings while it moves, in the engine's own words. */
  readonly updateConfig: EngineJson;
  /** To be written on the service in the same update: what undoes it. */
  readonly journal: MoveJournal;
  readonly labels: Readonly<Record<string, string>>;
}

export function planHost(view: SwarmView, ask: PlanAsk): HostPlan {
  const ground = new Ground(view);
  const findings: ServiceFinding[] = [];
  const plans = ground.services.map((service) => {
    const plan = new ServicePlanner(service, ground, ask).plan();
    findings.push(...plan.findings);
    return plan.plan;
  });
  const ranks = { move: 0, stay: 1, untouched: 2 } as const;
  return {
    host: ask.host,
    cause: ask.cause,
    services: plans.toSorted((a, b) => ranks[a.action] - ranks[b.action]),
    findings,
  };
}

class ServicePlanner {
  readonly #service: SwarmService;
  readonly #ground: Ground;
  readonly #ask: PlanAsk;
  readonly #labels: MoveLabels;
  readonly #earlier: EarlierMove;

  constructor(service: SwarmService, ground: Ground, ask: PlanAsk) {
    this.#service = service;
    this.#ground = ground;
    this.#ask = ask;
    this.#labels = parseMoveLabels(service);
    this.#earlier = earlierMove(service);
  }

  plan(): { readonly plan: ServicePlan; readonly findings: readonly ServiceFinding[] } {
    const findings = [...this.#labels.findings, ...this.#earlier.findings];
    const current = parseConstraints(this.#service.constraints);
    const replicas = replicasOf(this.#service, this.#ask.host, this.#ground, current.known);
    if (replicas.lost === 0) return { plan: this.#untouched(replicas), findings };
    const base = parseConstraints(this.#earlier.constraints);
    const held = this.#heldBecause(base);
    if (held !== undefined) return { plan: this.#stay(held, replicas, []), findings };
    return { plan: this.#move(base.known, replicas), findings };
  }

  #untouched({ elsewhere, lost }: Replicas): ServicePlan {
    const { replicas, mode } = this.#service;
    const hosts = [...new Set(elsewhere)].map((id) => this.#ground.hostNamed(id));
    const reason =
      hosts.length > 0
        ? `its ${mode.endsWith("job") ? "tasks" : "replicas"} run on ${hosts.join(", ")} only`
        : replicas === 0 && mode === "replicated"
          ? "it has no replicas"
          : "nothing of it runs there";
    return { action: "untouched", service: this.#service, reason, lost, warnings: [] };
  }

  /** Why it stays whatever place there is for it. */
  #heldBecause(base: ParsedConstraints): string | undefined {
    const { mode } = this.#service;
    const { staysBecause, volumes } = this.#labels;
    const data = localDataOf(this.#service);
    if (mode === "global") return "it is global: every fit host runs it already";
    if (mode !== "replicated") return "it is a job: an update would run it anew";
    if (staysBecause !== "") return staysBecause;
    if (data.volumes.length > 0 && (volumes === "default" || volumes === "stay")) {
      return `its data is in local volumes of the host (${sourcesOf(data.volumes)}); heartmesh.volumes=shared or empty lets it move`;
    }
    if (data.binds.length > 0 && volumes === "stay") {
      return `heartmesh.volumes=stay, and its data is in ${sourcesOf(data.binds)} of the host`;
    }
    if (base.unknown.length === 0) return undefined;
    return `which hosts its placement allows is not known: ${base.unknown.join("; ")}`;
  }

  #move(base: readonly Constraint[], replicas: Replicas): ServicePlan {
    const { host, primary, secondary } = this.#ask;
    const service = this.#service;
    const ground = this.#ground;
    const { to, strategy } = this.#labels;
    const stillAway = ground.hosts.filter(
      (one) => !isUsable(one) && this.#earlier.excluded.includes(one.id),
    );
    const ways = waysOf({ host, constraints: base, stillAway, to, primary, secondary });
    const choice = chooseWay({ service, replicas, ways, strategy, ground });
    if (choice === undefined) {
      const unfit = this.#unfit(ways);
      const reason =
        unfit.length === 0 ? "there is no other host" : "no other host has a place for it";
      return this.#stay(reason, replicas, unfit);
    }
    const plan: ServiceMove = {
      action: "move",
      service,
      reason: choice.way.text,
      lost: replicas.lost,
      choice,
      change: this.#change(choice),
      labels: this.#labels,
      unfit: this.#unfit([choice.way]),
      warnings: moveWarnings({
        service,
        host,
        cause: this.#ask.cause,
        labels: this.#labels,
        choice,
        ground,
        earlier: this.#earlier,
      }),
    };
    ground.reserve(service, takenBy(replicas.lost, choice.targets));
    return plan;
  }

  #stay(reason: string, replicas: Replicas, unfit: readonly UnfitHost[]): ServiceStay {
    const { host } = this.#ask;
    const service = this.#service;
    const { known } = parseConstraints(service.constraints);
    const warnings = stayWarnings({ service, host, ground: this.#ground, constraints: known });
    return { action: "stay", service, reason, lost: replicas.lost, unfit, warnings };
  }

  /** With each reason once, though several ways may have been tried. */
  #unfit(ways: readonly Way[]): readonly UnfitHost[] {
    // Each way's rooms stand in the order of the hosts.
    const rooms = ways.map((way) => this.#ground.roomsFor(this.#service, way.constraints));
    return this.#ground.hosts.flatMap((host, at) => {
      const own = rooms.flatMap((one) => one[at] ?? []);
      if (host.id === this.#ask.host.id || own.some(({ count }) => count > 0)) return [];
      return [{ host, reason: [...new Set(own.map(({ reason }) => reason))].join("; ") }];
    });
  }

  #change(choice: Choice): PlannedChange {
    const { host, cause } = this.#ask;
    const { isFenced } = this.#labels;
    const constraints = choice.constraints.map(({ text }) => text);
    // On a host that lives the old task of a fenced service must have ended before the new one starts; a dead one answers to nobody.
    const order = isFenced && cause === "drain" ? "stop-first" : "start-first";
    const journal: MoveJournal = {
      from: host.id,
      before: this.#earlier.constraints,
      after: constraints,
      update: this.#earlier.update,
    };
    return {
      constraints,
      updateConfig: moveConfig(this.#earlier.update, order),
      journal,
      labels: { [journalLabel]: journalText(journal) },
    };
  }
}

/** Where Swarm puts them in all likelihood: one on each host in turn, while there is room. */
function takenBy(lost: number, rooms: readonly Room[]): readonly SwarmHost[] {
  const taken: SwarmHost[] = [];
  for (let turn = 0; taken.length < lost; turn++) {
    const open = rooms.filter(({ count }) => count > turn).slice(0, lost - taken.length);
    if (open.length === 0) break;
    taken.push(...open.map(({ host }) => host));
  }
  return taken;
}
