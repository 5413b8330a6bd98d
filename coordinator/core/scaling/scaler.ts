// When a service is scaled by its policy, and why not. Looks at the Swarm go in, changes come out; whoever leads next comes to the same
// conclusions, since what must outlast a leader is read off the service itself: its version's instant, and the label of our own last change.

import type { Machine } from "../../../proto/machine.ts";
import { after, elapsed, instant, type Duration, type Instant } from "../../../proto/units.ts";
import type { ScaledService } from "./picture.ts";
import { msOf, type ScalingDocument, type ScalingJournal } from "./policy.ts";
import { meanOf, wantedOf } from "./wanted.ts";

/** One look at the Swarm, by the leader. */
export interface ScalingLook {
  readonly kind: "looked";
  /** The wall clock at that moment, ms: what the Swarm's own instants are compared with. */
  readonly wall: number;
  readonly policies: ReadonlyMap<string, ScalingDocument>;
  readonly services: readonly ScaledService[];
}

export interface ScalingOutput {
  readonly kind: "scale";
  readonly service: string;
  /** The version that was looked at; another one is not scaled. */
  readonly updatedAt: string;
  readonly journal: ScalingJournal;
  readonly why: string;
}

export interface ScalingState {
  /** Undefined where nobody tells one. */
  readonly load: number | undefined;
  /** Whose: of its tasks, or of the hosts that they run on. */
  readonly loadOf: ScaledService["loadOf"];
  readonly replicas: number;
  /** What the load asks for, within min and max. */
  readonly wanted: number | undefined;
  /** Why it is not scaled now; empty where nothing holds it back. */
  readonly heldBecause: string;
  /** Of the policy's own last change, wall-clock ms. */
  readonly lastChangeAt: number | undefined;
}

interface Memory {
  readonly updatedAt: string;
  /** When this version was made, at the latest. */
  readonly changedAt: Instant;
  /** It was about to move until then. */
  readonly troubledAt: Instant;
  /** Since when the load asks for fewer than there are, without a break; undefined while it does not. */
  readonly lessSince: Instant | undefined;
  /** What it asked for in that time, as far as it counts: oldest and most first. */
  readonly asked: readonly { readonly at: Instant; readonly wanted: number }[];
  readonly state: ScalingState;
}

/** Between two looks; a short cooldown is not missed by much. */
const lookEvery: Duration = 1_000;
/** Fewer are wanted for so many cooldowns before there are fewer. */
const downAfter = 2;
const never = instant(Number.NEGATIVE_INFINITY);

export class Scaler implements Machine<ScalingLook, ScalingOutput> {
  #known: ReadonlyMap<string, Memory> = new Map();
  #lookAt: Instant | undefined;

  /** A Swarm that could not be read is no input: nothing is known, so nothing is changed. */
  step(look: ScalingLook, now: Instant): readonly ScalingOutput[] {
    this.#lookAt = after(now, lookEvery);
    const known = new Map<string, Memory>();
    const outputs: ScalingOutput[] = [];
    for (const service of look.services) {
      const policy = look.policies.get(service.name);
      if (policy === undefined) continue;
      const memory = remember(this.#known.get(service.name), { service, policy, look, now });
      known.set(service.name, memory);
      const output = changeOf(service, policy, memory.state, look.wall);
      if (output !== undefined) outputs.push(output);
    }
    this.#known = known;
    return outputs;
  }

  nextDeadline(): Instant | undefined {
    return this.#lookAt;
  }

  /** By the last look; undefined where that showed no such service, or no policy of it. */
  state(service: string): ScalingState | undefined {
    return this.#known.get(service)?.state;
  }
}

interface Moment {
  readonly service: ScaledService;
  readonly policy: ScalingDocument;
  readonly look: ScalingLook;
  readonly now: Instant;
}

function remember(before: Memory | undefined, moment: Moment): Memory {
  const { service, policy, look, now } = moment;
  const { updatedAt, replicas = 0, loads, journal } = service;
  const same = before?.updatedAt === updatedAt ? before : undefined;
  const foundAt = before === undefined ? after(now, -ageOf(service, look.wall)) : now;
  const changedAt = same?.changedAt ?? foundAt;
  const troubledAt = service.trouble === "" ? (before?.troubledAt ?? never) : now;
  const asks = wantedOf({ replicas, loads }, policy.target);
  const wanted = asks === undefined ? undefined : within(asks, policy);
  const isLess = wanted !== undefined && wanted < replicas;
  const lessSince = isLess ? (same?.lessSince ?? now) : undefined;
  const asked = isLess ? askedOf(same?.asked ?? [], wanted, moment) : [];
  const memory = { updatedAt, changedAt, troubledAt, lessSince, asked };
  const state = {
    load: meanOf(loads),
    loadOf: service.loadOf,
    replicas,
    wanted: asked[0]?.wanted ?? wanted,
    lastChangeAt: journal?.at,
  };
  return { ...memory, state: { ...state, heldBecause: heldBy(memory, state.wanted, moment) } };
}

/** What was found before it was seen to change, by two clocks: the Swarm's, and of a change of ours the one of the leader that made it. */
function ageOf({ writtenAt, journal, replicas }: ScaledService, wall: number): Duration {
  const own = journal !== undefined && journal.to === replicas ? journal.at : writtenAt;
  return Math.max(0, wall - Math.max(own, writtenAt));
}

function askedOf(
  before: Memory["asked"],
  wanted: number,
  { policy, now }: Moment,
): Memory["asked"] {
  const since = after(now, -downAfter * msOf(policy.cooldown));
  const most = before.filter((one) => one.at > since && one.wanted > wanted);
  return [...most, { at: now, wanted }];
}

/** In the order in which a person would want to know. */
function heldBy(
  memory: Omit<Memory, "state">,
  wanted: number | undefined,
  { service, policy, now }: Moment,
): string {
  const { replicas, trouble, isUpdating } = service;
  if (replicas === undefined) return "it is not replicated: how many tasks it has is not set";
  if (replicas === 0) return "somebody set it to no replicas at all";
  if (trouble !== "") return trouble;
  if (isUpdating) return "Swarm is updating it";
  const resting = restOf(memory, { service, policy, now });
  if (resting !== "") return resting;
  if (wanted === undefined) return "no load of its tasks or their hosts is known";
  if (memory.lessSince === undefined) return "";
  const past = elapsed(memory.lessSince, now);
  return past >= downAfter * msOf(policy.cooldown)
    ? ""
    : `fewer replicas are wanted, and not yet for ${downAfter} cooldowns`;
}

/** The cooldown runs from the last change of the service, whoever made it, and from the last sign of a move. */
function restOf(
  { changedAt, troubledAt }: Omit<Memory, "state">,
  { service, policy, now }: Omit<Moment, "look">,
): string {
  const cooldown = msOf(policy.cooldown);
  if (elapsed(troubledAt, now) < cooldown) {
    return `its tasks or their hosts were not at rest a moment ago; ${leftText(troubledAt)}`;
  }
  const isOwn = service.journal !== undefined && service.journal.to === service.replicas;
  if (elapsed(changedAt, now) >= cooldown) return "";
  if (isOwn) return `it was changed a moment ago; ${leftText(changedAt)}`;
  if (policy.putAt >= service.writtenAt) return "";
  return `somebody else changed it to ${service.replicas ?? 0} replicas; ${leftText(changedAt)}, or until the policy is put again`;

  function leftText(from: Instant): string {
    const left = Math.ceil((cooldown - elapsed(from, now)) / 1000);
    return `the policy waits ${left} s`;
  }
}

function changeOf(
  { name, updatedAt, loads, replicas: from = 0 }: ScaledService,
  { target }: ScalingDocument,
  { wanted, heldBecause, load, loadOf }: ScalingState,
  wall: number,
): ScalingOutput | undefined {
  if (heldBecause !== "" || wanted === undefined || wanted === from) return undefined;
  const whose = loadOf === "tasks" ? `${loads.length} tasks` : "the hosts of its tasks";
  const why = `the load of ${whose} is ${(load ?? 0).toFixed(2)}, its target ${target}`;
  const journal: ScalingJournal = { at: wall, from, to: wanted };
  return { kind: "scale", service: name, updatedAt, journal, why };
}

const within = (wanted: number, { min, max }: ScalingDocument): number =>
  Math.min(max, Math.max(min, wanted));
