// What a person should know of a planned move before it happens, and of a service that is left where it is.

import type { Choice } from "./choice.ts";
import type { Constraint } from "./constraints.ts";
import type { EarlierMove } from "./earlier-move.ts";
import { fixedHostPorts, portText, type Ground } from "./ground.ts";
import type { MoveLabels } from "./service-labels.ts";
import { isWanted, type SwarmHost, type SwarmService } from "./swarm-view.ts";
import { localDataOf, sourcesOf } from "./volumes.ts";

export type WarningCode =
  | "no-room"
  | "disturbs"
  | "fenced"
  | "may-run-twice"
  | "local-volume"
  | "bind-mount"
  | "host-port"
  | "stop-grace-period"
  | "image"
  | "generic-resources"
  | "strategy"
  | "update-state"
  | "moved-before"
  | "swarm-says"
  | "swarm-moves-it";

export interface Warning {
  readonly code: WarningCode;
  readonly text: string;
}

const longGrace = 60_000;

export interface MoveFacts {
  readonly service: SwarmService;
  readonly host: SwarmHost;
  readonly cause: "dead" | "drain";
  readonly labels: MoveLabels;
  readonly choice: Choice;
  readonly ground: Ground;
  readonly earlier: EarlierMove;
}

export function moveWarnings(facts: MoveFacts): readonly Warning[] {
  return [
    ...ofRoom(facts),
    ...ofFence(facts),
    ...ofData(facts),
    ...ofPorts(facts),
    ...ofEnding(facts),
    ...ofImage(facts),
    ...ofChoice(facts),
    ...swarmSays(facts.service, facts.ground),
  ];
}

export interface StayFacts {
  readonly service: SwarmService;
  readonly host: SwarmHost;
  readonly ground: Ground;
  /** Its placement as it is. */
  readonly constraints: readonly Constraint[];
}

/** heartmesh leaves it alone; Swarm does not where its placement allows another host. */
export function stayWarnings({
  service,
  host,
  ground,
  constraints,
}: StayFacts): readonly Warning[] {
  const says = swarmSays(service, ground);
  if (service.mode !== "replicated") return says;
  const rooms = ground.roomsFor(service, constraints);
  const open = rooms.filter((room) => room.count > 0 && room.host.id !== host.id);
  if (open.length === 0) return says;
  const { volumes } = localDataOf(service);
  const lost = volumes.length === 0 ? "" : `, where ${sourcesOf(volumes)} is another volume`;
  const text = `Swarm itself starts it elsewhere once it has noticed, since its placement allows ${names(open)}${lost}; pin it if it must not`;
  return [{ code: "swarm-moves-it", text }, ...says];
}

function* ofRoom({ service, choice, ground }: MoveFacts): Generator<Warning> {
  if (choice.short > 0) {
    const why = choice.targets.map(({ host, reason }) => `${host.name}: ${reason}`).join("; ");
    yield { code: "no-room", text: `${choice.short} of its replicas have no room (${why})` };
  }
  if (choice.disturbed.length > 0) {
    const where = [...new Set(choice.disturbed)].map((id) => ground.hostNamed(id)).join(", ");
    const text = `${choice.disturbed.length} of its replicas on ${where} are healthy and move too`;
    yield { code: "disturbs", text };
  }
  if (service.genericReservations.length > 0) {
    const what = service.genericReservations.join(", ");
    const text = `it reserves ${what}; whether that is free on ${names(choice.targets)} is not looked at`;
    yield { code: "generic-resources", text };
  }
}

function* ofFence({ host, cause, labels }: MoveFacts): Generator<Warning> {
  yield fenceWarning(host.name, cause, labels.isFenced, "heartmesh.fence on the service");
}

/** @param label the one that would prevent it, and where */
export function fenceWarning(
  host: string,
  cause: "dead" | "drain",
  isFenced: boolean,
  label: string,
): Warning {
  if (isFenced) {
    const text =
      cause === "dead"
        ? `it is fenced: it starts elsewhere only when ${host} has stopped it or must have, and so later`
        : "it is fenced: it is stopped before it starts elsewhere";
    return { code: "fenced", text };
  }
  const when =
    cause === "dead" ? `while ${host} is cut off and not dead` : "until its new tasks run";
  const text = `it may run twice ${when}; ${label} prevents that, and costs time`;
  return { code: "may-run-twice", text };
}

function* ofData({ service, labels, choice }: MoveFacts): Generator<Warning> {
  const { volumes, binds } = localDataOf(service);
  const to = names(choice.targets);
  if (volumes.length > 0 && labels.volumes === "empty") {
    const text = `it finds ${sourcesOf(volumes)} empty on ${to}, or as it was left there`;
    yield { code: "local-volume", text };
  }
  if (binds.length > 0 && labels.volumes !== "shared") {
    const text = `${sourcesOf(binds)} must exist on ${to}, and holds there what that host has`;
    yield { code: "bind-mount", text };
  }
}

function* ofPorts({ service, host, choice }: MoveFacts): Generator<Warning> {
  yield* portWarning(service, host.name, names(choice.targets));
}

export function* portWarning(service: SwarmService, from: string, to: string): Generator<Warning> {
  const ports = fixedHostPorts(service).map(portText);
  if (ports.length === 0) return;
  const text = `port ${ports.join(", ")} is then at the address of ${to}, not of ${from}`;
  yield { code: "host-port", text };
}

function* ofEnding({ service, host }: MoveFacts): Generator<Warning> {
  if (service.stopGracePeriod <= longGrace) return;
  const seconds = Math.round(service.stopGracePeriod / 1000);
  const text = `its old tasks may take ${seconds} s to stop on ${host.name} when that is drained or comes back`;
  yield { code: "stop-grace-period", text };
}

/** No manager knows which images other hosts have; a task of the same image is the only witness. */
function* ofImage({ service, choice, ground }: MoveFacts): Generator<Warning> {
  const seen = ground.hostsRunning(service.image);
  const unseen = choice.targets.filter(({ host }) => !seen.has(host.id));
  if (unseen.length === 0) return;
  const which = service.image.includes("@sha256:")
    ? "they must have it or be able to pull it"
    : "the image has no digest, so they take what they have under this name, or pull it";
  const text = `nothing runs ${service.image} on ${names(unseen)} now: ${which}, and the Swarm does not say whether they can`;
  yield { code: "image", text };
}

function* ofChoice({ service, choice, ground, earlier }: MoveFacts): Generator<Warning> {
  if (choice.usedBecause !== "") {
    const text = `decided by ${choice.used}: ${choice.usedBecause}`;
    yield { code: "strategy", text };
  }
  if (["updating", "paused", "rollback_started", "rollback_paused"].includes(service.updateState)) {
    const text = `an update of it is not finished (${service.updateState}); the move takes its place`;
    yield { code: "update-state", text };
  }
  if (earlier.from !== "") {
    const text = `heartmesh moved it before, away from ${ground.hostNamed(earlier.from)}`;
    yield { code: "moved-before", text };
  }
}

/** Swarm's own words for tasks that wait. */
function swarmSays(service: SwarmService, ground: Ground): readonly Warning[] {
  const errors = ground
    .tasksOf(service)
    .filter((task) => isWanted(task) && task.hostId === "" && task.error !== "")
    .map(({ error }) => error);
  return [...new Set(errors)].sort().map((text) => ({ code: "swarm-says", text }));
}

const names = (rooms: readonly { readonly host: SwarmHost }[]): string =>
  rooms.map(({ host }) => host.name).join(", ");
