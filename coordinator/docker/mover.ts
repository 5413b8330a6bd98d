// The hands and eyes of migration jobs: one update of a service by its version, and a look at its tasks until all of them run.
//
// Every step is read off the service as it is then, and written only where nobody has written since: so whoever takes a
// job over, or decides anew without one, goes on where the one before it stopped.

import { isCoded } from "../../proto/coded-error.ts";
import type { Duration } from "../../proto/units.ts";
import {
  planAway,
  withoutDead,
  type MoveAway,
  type MoveLabelsOfHosts,
  type StayThere,
} from "../core/migration/away.ts";
import { sameTexts } from "../core/migration/earlier-move.ts";
import type { HostSummary } from "../core/hosts/host.ts";
import type { RevivalJob } from "../core/job.ts";
import { measured } from "../core/migration/measured.ts";
import {
  isContainerOrder,
  keyOfOut,
  type MoveOrder,
  type OutHost,
} from "../core/migration/order.ts";
import { progressOf, type Progress } from "../core/migration/progress.ts";
import {
  awayFrom,
  backChange,
  isUnsettled,
  readJournal,
  settleChange,
  staysWhenBack,
  type ServiceChange,
} from "../core/migration/undo.ts";
import type { SwarmService, SwarmView } from "../core/migration/swarm-view.ts";
import type { LifeResult, WindowResult } from "../core/vigil.ts";
import type { ActionResult, Actor, LifeWatch, TryFailure } from "../jobs/ports.ts";
import type { Acted } from "../jobs/stages.ts";
import { hasStatus, type EngineClient } from "./engines.ts";
import { isOutOfSequence } from "./out-of-sequence.ts";
import type { SwarmEngine, SwarmReader } from "./swarm.ts";

/** A manager that is written to. */
type Manager = SwarmEngine & Pick<EngineClient, "service" | "updateService">;

export interface MoverParts {
  readonly reader: SwarmReader<Manager>;
  readonly labels: MoveLabelsOfHosts;
  /** What this coordinator concludes and measures of hosts. */
  readonly hosts: () => readonly HostSummary[];
  readonly now: () => number;
  readonly sleep: (ms: Duration) => Promise<void>;
}

/** Others, and Swarm's own updater, may write in between so often. */
const updatesTried = 6;
const lookEvery: Duration = 120;
/** However many services move, a manager is asked for its long lists no more often than this. */
const pictureEvery: Duration = 250;
const watchEvery: Duration = 400;
/** Swarm says at once why a task finds no host, and may take that back while its updater works. */
const waitingBorne: Duration = 3_000;
/** A task that runs no more is replaced by Swarm; longer than this it has failed again. */
const gapBorne: Duration = 1_500;
/** Its update settings are waited for so long beyond the window; after that, the next picture has them restored. */
const settleBorne: Duration = 10_000;

type Plans = ReturnType<typeof planAway>;

/** What a try comes to where nothing was written. */
type Nothing = Exclude<ActionResult, { kind: "acted" }>;

interface Step {
  readonly service: SwarmService;
  readonly by: Manager;
  /** Undefined where the service says so already. */
  readonly change: ServiceChange | undefined;
  readonly what: string;
}

export class Mover implements Actor, LifeWatch {
  readonly #parts: MoverParts;
  /** By which hosts are out. */
  readonly #planned = new WeakMap<SwarmView, Map<string, Plans>>();

  constructor(parts: MoverParts) {
    this.#parts = parts;
  }

  async perform(job: RevivalJob, mayAct: () => boolean): Promise<ActionResult> {
    const move = orderOf(job);
    if (move === undefined) return { kind: "superseded", reason: "it is no order for a service" };
    const contrary = this.#contrary(move);
    if (contrary !== undefined) return { kind: "superseded", reason: contrary };
    let maxAge = pictureEvery;
    for (let round = 0; round < updatesTried; round++) {
      const step = await this.#step(move, maxAge);
      // The leader may have seen more than a picture that is shared.
      const isOutdated = maxAge > 0 && "kind" in step && step.kind === "superseded";
      maxAge = 0;
      if (isOutdated) continue;
      if ("kind" in step) return step;
      const { service, change, by, what } = step;
      const written = change === undefined ? "written" : await write(by, service, change, mayAct);
      if (written === "written") {
        return { kind: "acted", containerId: service.id, startedAt: `${service.version}`, what };
      }
      if (written !== "outrun") return written;
    }
    const reason = `${updatesTried} times somebody else changed ${move.name} at the same moment`;
    return { kind: "failed", reason };
  }

  async awaitLife(
    job: RevivalJob,
    _acted: Acted,
    timeout: Duration,
    isSecondLook: boolean,
  ): Promise<LifeResult | TryFailure> {
    const move = orderOf(job);
    if (move === undefined) return "blind";
    const begun = this.#parts.now();
    let waitingSince: number | undefined;
    let last = "nothing is known of its tasks";
    if (!isSecondLook) await this.#parts.sleep(lookEvery);
    for (;;) {
      const look = await this.#look(move, begun);
      if (look === "gone") return "stopped";
      const now = this.#parts.now();
      if (look !== undefined) {
        const { progress, service } = look;
        if (progress.isRunning) return "alive";
        if (isSecondLook) return "timeout";
        last = `${progress.running} of ${service.replicas} replicas run`;
        const died = this.#diedSince(move, progress);
        if (died !== undefined) return failed(`${died} fell out too; ${last}`);
        waitingSince = progress.waiting === "" ? undefined : (waitingSince ?? now);
        if (waitingSince !== undefined && now - waitingSince >= waitingBorne) {
          return await this.#giveUp(look, `${last}; Swarm says: ${progress.waiting}`);
        }
      }
      if (now - begun >= timeout) return failed(`${last} after ${Math.round(timeout / 1000)} s`);
      await this.#parts.sleep(lookEvery);
    }
  }

  async watchWindow(job: RevivalJob, window: Duration): Promise<WindowResult | TryFailure> {
    const move = orderOf(job);
    if (move === undefined) return "steady";
    const begun = this.#parts.now();
    let shortSince: number | undefined;
    for (;;) {
      const look = await this.#look(move, begun);
      if (look === "gone") return "stopped";
      const now = this.#parts.now();
      const { progress, service } = look ?? {};
      if (progress !== undefined && service !== undefined) {
        shortSince = progress.isRunning ? undefined : (shortSince ?? now);
        if (shortSince !== undefined && now - shortSince >= gapBorne) {
          return failed(`only ${progress.running} of ${service.replicas} replicas run any more`);
        }
        if (progress.isSettled) await this.#settle(look);
      }
      const isSettled = service !== undefined && !isUnsettled(service);
      const over = now - begun - window;
      if (over >= 0 && shortSince === undefined && (isSettled || over >= settleBorne)) {
        return "steady";
      }
      await this.#parts.sleep(watchEvery);
    }
  }

  /** Why the order does not hold, by what this coordinator sees itself. */
  #contrary({ out, kind }: MoveOrder): string | undefined {
    if (kind !== "away") return undefined;
    const seen = out.map((host) => this.#seenOf(host));
    return seen.every((one) => one !== undefined) ? seen.join("; ") : undefined;
  }

  #seenOf({ id, name, cause }: OutHost): string | undefined {
    const own = this.#parts.hosts().find(({ node }) => node?.id === id);
    if (own === undefined || own.verdict !== "healthy") return undefined;
    return cause === "dead" ? `${name} is healthy again` : `${name} is not to be drained any more`;
  }

  /** The leader's word, and what has fallen out since by our own. */
  #outNow({ out }: MoveOrder): readonly OutHost[] {
    const more = this.#parts.hosts().flatMap(({ node, verdict }): readonly OutHost[] => {
      if (node === undefined || out.some(({ id }) => id === node.id)) return [];
      const { id, hostname: name } = node;
      return verdict === "dead" ? [{ id, name, cause: "dead" }] : [];
    });
    return [...out, ...more];
  }

  async #step(move: MoveOrder, maxAge: Duration): Promise<Step | Nothing> {
    const reading = await this.#parts.reader.glance(maxAge);
    if (reading.kind !== "swarm") {
      return {
        kind: "engine-unavailable",
        reason: `no manager of the Swarm tells: ${reading.text}`,
      };
    }
    const by = this.#parts.reader.manager(reading.by);
    const service = reading.view.services.find(({ id }) => id === move.service);
    if (service === undefined || by === undefined) {
      return { kind: "superseded", reason: `there is no service ${move.name} any more` };
    }
    const out = this.#outNow(move);
    switch (move.kind) {
      case "away":
        return awayStep(service, by, this.#plans(reading.view, out).get(service.id));
      case "settle": {
        const change = settleChange(service);
        if (change === undefined) return { kind: "superseded", reason: "its settings are its own" };
        return { service, by, change, what: "its own update settings are restored" };
      }
      case "back":
        return backStep({ service, by, view: reading.view, out });
    }
  }

  /** Of all services at once, so that of many that move each knows what place the others take; made once a picture. */
  #plans(picture: SwarmView, out: readonly OutHost[]): Plans {
    const key = keyOfOut(out);
    const made = this.#planned.get(picture) ?? new Map<string, Plans>();
    this.#planned.set(picture, made);
    const known = made.get(key);
    if (known !== undefined) return known;
    const plans = planAway(measured(picture, this.#parts.hosts()), out, this.#parts.labels);
    made.set(key, plans);
    return plans;
  }

  /** Undefined where no manager tells just now. A picture may be shared, but is none of before `since`. */
  async #look(move: MoveOrder, since: number): Promise<Look | "gone" | undefined> {
    const maxAge = Math.min(pictureEvery, this.#parts.now() - since);
    const reading = await this.#parts.reader.glance(maxAge);
    if (reading.kind !== "swarm") return undefined;
    const { view } = reading;
    const by = this.#parts.reader.manager(reading.by);
    const service = view.services.find(({ id }) => id === move.service);
    if (service === undefined) return "gone";
    const progress = progressOf(service, view, this.#outNow(move));
    return by === undefined ? undefined : { service, progress, by };
  }

  /** The name of a host with tasks of it that has died since the order. */
  #diedSince(move: MoveOrder, { places }: Progress): string | undefined {
    const more = this.#outNow(move).slice(move.out.length);
    return more.find(({ id }) => places.includes(id))?.name;
  }

  /** Where no replica found a place, all is as before; else what runs is left, and a person is told. */
  async #giveUp({ service, progress, by }: Look, reason: string): Promise<TryFailure> {
    if (progress.running > 0) return failed(reason);
    const change = backChange(service, true);
    if (change === undefined) return failed(reason);
    const written = await write(by, service, change, () => true);
    return failed(written === "written" ? `${reason}; its own placement is restored` : reason);
  }

  async #settle(look: Look | undefined): Promise<void> {
    if (look === undefined) return;
    const change = settleChange(look.service);
    if (change !== undefined) await write(look.by, look.service, change, () => true);
  }
}

function orderOf({ move }: RevivalJob): MoveOrder | undefined {
  return move === undefined || isContainerOrder(move) ? undefined : move;
}

const movedBefore = "it was moved already, and is looked after until all of it runs";

interface Ground {
  readonly service: SwarmService;
  readonly by: Manager;
  readonly view: SwarmView;
  readonly out: readonly OutHost[];
}

interface Look {
  readonly service: SwarmService;
  readonly progress: Progress;
  readonly by: Manager;
}

function awayStep(
  service: SwarmService,
  by: Manager,
  plan: MoveAway | StayThere | undefined,
): Step | Nothing {
  if (plan?.kind === "stay") return { kind: "superseded", reason: plan.plan.reason };
  if (plan === undefined) {
    // Done by whoever had this job before, or by Swarm itself.
    if (isUnsettled(service)) return { service, by, change: undefined, what: movedBefore };
    return { kind: "superseded", reason: "nothing of it is lost any more" };
  }
  const { constraints, updateConfig, labels } = plan.plan.change;
  const isSaid = sameTexts(constraints, service.constraints) && isUnsettled(service);
  const what = `${plan.plan.reason}: ${constraints.join(", ")}`;
  if (isSaid) return { service, by, change: undefined, what: movedBefore };
  const change = { constraints, updateConfig, labels: { ...service.labels, ...labels } };
  return { service, by, change, what };
}

function backStep({ service, by, view, out }: Ground): Step | Nothing {
  const journal = readJournal(service);
  const home = journal === undefined ? [] : awayFrom(journal);
  const gone = out.find(({ id }) => home.includes(id));
  // Decided anew it is moved away from there, however often that happens: no try of this one could succeed.
  if (gone !== undefined)
    return { kind: "superseded", reason: `${gone.name} has fallen out again` };
  const { places } = progressOf(service, view, out);
  const stays = staysWhenBack(service, places, withoutDead(view, out).hosts);
  const change = backChange(service, stays);
  if (change === undefined) {
    return { kind: "superseded", reason: "it was not moved, or a person has placed it anew" };
  }
  const where = change.constraints.length === 0 ? "anywhere" : change.constraints.join(", ");
  return { service, by, change, what: `its own placement is restored: ${where}` };
}

const failed = (reason: string): TryFailure => ({ kind: "failed", reason, isRunning: true });

interface RawSpec {
  readonly Labels?: unknown;
  readonly TaskTemplate?: { readonly Placement?: object };
}

/** `outrun`: another version is there by now. */
async function write(
  by: Manager,
  service: SwarmService,
  change: ServiceChange,
  mayAct: () => boolean,
): Promise<"written" | "outrun" | Nothing> {
  try {
    const raw = (await by.service(service.id)) as
      { readonly Version: { readonly Index: number }; readonly Spec: RawSpec } | undefined;
    if (raw === undefined)
      return { kind: "superseded", reason: "there is no such service any more" };
    if (raw.Version.Index !== service.version) return "outrun";
    if (!mayAct())
      return { kind: "lease-lost", reason: "the right to act ended before the update" };
    await by.updateService(service.id, service.version, changed(raw.Spec, change));
    return "written";
  } catch (error) {
    return refusalOf(error);
  }
}

/** All that the specification says besides stays as it was. */
function changed(spec: RawSpec, { constraints, updateConfig, labels }: ServiceChange): object {
  const { UpdateConfig: _own, ...rest } = spec as RawSpec & { readonly UpdateConfig?: unknown };
  const placement = { ...spec.TaskTemplate?.Placement, Constraints: constraints };
  return {
    ...rest,
    Labels: labels,
    TaskTemplate: { ...spec.TaskTemplate, Placement: placement },
    ...(updateConfig === null ? {} : { UpdateConfig: updateConfig }),
  };
}

function refusalOf(error: unknown): "outrun" | Nothing {
  if (isCoded(error, "HM_ENGINE_UNAVAILABLE")) {
    return { kind: "engine-unavailable", reason: error.detail };
  }
  if (!(error instanceof Error)) throw error;
  // Swarm's own updater writes as well while an update is under way.
  if (isOutOfSequence(error)) return "outrun";
  if (hasStatus(error, 404))
    return { kind: "superseded", reason: "there is no such service any more" };
  return { kind: "failed", reason: `the Swarm refused the update: ${error.message}` };
}
