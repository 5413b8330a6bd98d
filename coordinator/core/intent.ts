// Whether a stopped container is somebody's wish, a crash, or the engine's own business (rule 6).
//
// A `die` without a kill that ends is a crash. A kill before it is somebody's stop; it is ours to undo only after a
// hold, which begins anew with whatever happens in the same Compose project and is over for good when the container is
// started, renamed, removed or made again. Who owns this must judge again after every event and at `nextDeadline()`.

import {
  after,
  earliest,
  elapsed,
  instant,
  type Duration,
  type Instant,
} from "../../proto/units.ts";
import { limits } from "../../proto/limits.ts";
import { engineGoesFirst } from "./engine-restart.ts";
import {
  forgetStop,
  isEnding,
  isOurKill,
  isWithin,
  judgeRunning,
  killMemory,
  lastEndingKill,
  newMemory,
  projectOf,
  type Memory,
} from "./intent-memory.ts";
import type { ContainerView, EngineEvent, WorkerSettings } from "./worker.ts";

export interface IntentConfig {
  readonly stopHold: Duration;
  /** Ours (BACKOFF, 1 s where it is not given): an engine that waits longer before its own restart is not waited for. */
  readonly backoff?: Duration;
}

export type Judgement =
  /** Ours to start, or to restart where it runs and fails; `waitReason` says why not before. */
  | { readonly kind: "crash"; readonly notBefore: Instant; readonly waitReason: string }
  /** Somebody stopped it, and may be about to do more. Judge again then. */
  | { readonly kind: "held"; readonly until: Instant; readonly reason: string }
  | { readonly kind: "respected"; readonly reason: string }
  /** Its restart policy is the engine's business first. Judge again then. */
  | { readonly kind: "engine-first"; readonly until: Instant; readonly reason: string };

/** What stopped before we watched a container with a policy may be about to be started by an engine that has just come up. */
const unseenWithPolicy = 5_000;
/** The exit code that an engine gives at its start to what should run and does not: a reboot, or its own end, is nobody's wish. */
const foundDead = 255;

export class Intent {
  readonly #config: IntentConfig;
  readonly #memories = new Map<string, Memory>();
  /** When somebody last stopped something in a Compose project, by host and project. */
  readonly #disturbedAt = new Map<string, Instant>();
  /** By the project's name alone: a coordinator does not know the name of its own host's engine. */
  readonly #suspendedAt = new Map<string, Instant>();
  readonly #enginesBackAt = new Map<string, Instant>();
  #now = instant(0);

  constructor(config: IntentConfig) {
    this.#config = config;
  }

  /** Says whether the engine has just restarted the container by its own policy; that counts toward quarantine. */
  onEngineEvent(event: EngineEvent, now: Instant): "engine-restarted" | undefined {
    this.#now = now;
    if (event.action === "destroy") {
      this.#memories.delete(event.containerId);
      return undefined;
    }
    const memory = this.#memoryOf(event.containerId, event.host, event.labels, now);
    switch (event.action) {
      case "kill":
        this.#onKill(memory, event, now);
        return undefined;
      case "die":
        this.#onDie(memory, event, now);
        return undefined;
      case "stop":
        if (!event.ours && !isWithin(memory.ours, now)) {
          memory.stoppedAt = now;
          this.#disturb(memory, now);
        }
        return undefined;
      case "start":
        return this.#onStart(memory, event.ours, now);
      case "rename":
        if (memory.death !== undefined || memory.unseenSince !== undefined)
          memory.over = "it was renamed after it had stopped: somebody is at it";
        return undefined;
      case "create":
        this.#onCreate(event);
        return undefined;
      case "restart":
      case "pause":
      case "unpause":
      case "oom":
      case "health-starting":
      case "health-healthy":
      case "health-unhealthy":
        return undefined;
    }
  }

  /** Every container of one engine, as inspected. What is not among them is forgotten. */
  onContainers(host: string, containers: readonly ContainerView[], now: Instant): void {
    this.#now = now;
    const ids = new Set<string>();
    for (const container of containers) {
      ids.add(container.id);
      this.onContainer(container, now);
    }
    for (const memory of this.#memories.values()) {
      // A list may be older than an event.
      const isRecent = elapsed(memory.touchedAt, now) < killMemory;
      if (memory.host === host && !ids.has(memory.id) && !isRecent)
        this.#memories.delete(memory.id);
    }
  }

  onContainer(container: ContainerView, now: Instant): void {
    this.#now = now;
    const startBefore = this.#memories.get(container.id)?.startedAt ?? "";
    const memory = this.#remember(container, now);
    if (container.state !== "running" && container.state !== "paused") return;
    memory.unseenSince = undefined;
    const { death } = memory;
    // It was told to end and has not yet: that is not forgotten because it still runs, since the start that an event told of.
    const isKnownStart = startBefore === container.startedAt || memory.isStartUnseen;
    memory.isStartUnseen = false;
    if (death === undefined && isKnownStart) return;
    // The same start as the one that ended: the inspection is older than the event.
    if (death !== undefined && death.startedAt === container.startedAt) return;
    if (death !== undefined && death.startedAt === "") return;
    forgetStop(memory);
  }

  /** An engine answers again, perhaps after a start of its own: it still starts containers by their policies. */
  onEngineBack(host: string, now: Instant): void {
    this.#now = now;
    this.#enginesBackAt.set(host, now);
  }

  /**
   * A runner of ours acts on these containers between two instants, wherever it runs: kills then are nobody's wish.
   * Undefined: it found that there was nothing to do, so that they are somebody's after all.
   */
  onOwnAction(containerIds: readonly string[], span: Memory["ours"]): void {
    for (const id of containerIds) {
      const memory = this.#memories.get(id);
      if (memory !== undefined) memory.ours = span;
    }
  }

  /** A coordinator of that project got SIGTERM itself: the project is probably being stopped. */
  onSuspendProject(project: string, now: Instant): void {
    this.#now = now;
    this.#suspendedAt.set(project, now);
  }

  onTick(now: Instant): void {
    this.#now = now;
  }

  /** Of a container that does not run, or fails while it runs. Remembers when the judgement may change. */
  judge(container: ContainerView, settings: WorkerSettings, now: Instant): Judgement {
    this.#now = now;
    const memory = this.#remember(container, now);
    const judgement = this.#judge(container, memory, settings, now);
    memory.deadline =
      judgement.kind === "held" || judgement.kind === "engine-first" ? judgement.until : undefined;
    return judgement;
  }

  /** How often the engine restarted it by its own policy within the last `window`. */
  engineRestarts(containerId: string, window: Duration, now: Instant): number {
    const starts = this.#memories.get(containerId)?.engineStarts ?? [];
    return starts.filter((at) => elapsed(at, now) < window).length;
  }

  nextDeadline(): Instant | undefined {
    let first: Instant | undefined;
    for (const { deadline } of this.#memories.values()) {
      if (deadline !== undefined && deadline > this.#now) first = earliest(first, deadline);
    }
    return first;
  }

  #onKill(memory: Memory, event: EngineEvent, now: Instant): void {
    if (event.ours) return;
    const recent = memory.kills.filter((kill) => elapsed(kill.at, now) < killMemory);
    memory.kills = [...recent, { signal: event.signal, at: now }].slice(-limits.killsRemembered);
    const isTheirs = !isOurKill(memory, now);
    if (isTheirs && isEnding(event.signal, memory.stopSignal)) this.#disturb(memory, now);
  }

  #onDie(memory: Memory, event: EngineEvent, now: Instant): void {
    const ranFor =
      memory.runningSince === undefined ? undefined : elapsed(memory.runningSince, now);
    memory.death = { at: now, exitCode: event.exitCode, startedAt: memory.startedAt, ranFor };
    memory.runningSince = undefined;
    memory.unseenSince = undefined;
    // A crash is no sign that somebody is at work; else a neighbour's crash loop would hold a stopped worker for ever.
    if (lastEndingKill(memory, now) !== undefined) this.#disturb(memory, now);
  }

  #onStart(memory: Memory, isOurs: boolean, now: Instant): "engine-restarted" | undefined {
    const { death } = memory;
    const backAt = this.#enginesBackAt.get(memory.host);
    const isEngines =
      memory.hasPolicy &&
      !isOurs &&
      !isWithin(memory.ours, now) &&
      death !== undefined &&
      lastEndingKill(memory, death.at) === undefined &&
      (backAt === undefined || elapsed(backAt, now) > unseenWithPolicy);
    forgetStop(memory);
    memory.runningSince = now;
    memory.startSeenAt = now;
    memory.isStartUnseen = true;
    memory.startedAt = "";
    if (!isEngines) return undefined;
    memory.engineStarts = [...memory.engineStarts, now].slice(-limits.revivalsRemembered);
    return "engine-restarted";
  }

  /** A container made for the same Compose service takes the place of those that were stopped. */
  #onCreate(event: EngineEvent): void {
    const project = projectOf(event.host, event.labels);
    if (project === "") return;
    const service = event.labels["com.docker.compose.service"] ?? "";
    for (const memory of this.#memories.values()) {
      const isStopped = memory.death !== undefined || memory.unseenSince !== undefined;
      if (memory.id === event.containerId || memory.project !== project || !isStopped) continue;
      if (memory.service === service)
        memory.over = `somebody made a new container for its Compose service (${event.name})`;
    }
  }

  #disturb(memory: Memory, now: Instant): void {
    if (memory.project !== "") this.#disturbedAt.set(memory.project, now);
  }

  #judge(
    container: ContainerView,
    memory: Memory,
    settings: WorkerSettings,
    now: Instant,
  ): Judgement {
    const { state } = container;
    if (memory.over !== "") return { kind: "respected", reason: memory.over };
    if (state === "created")
      return { kind: "respected", reason: "it was made and has never been started" };
    if (state === "removing" || state === "dead")
      return { kind: "respected", reason: "the engine is removing it" };
    if (state === "paused") return { kind: "respected", reason: "it is paused" };
    const { death } = memory;
    if (death === undefined && state === "running")
      return judgeRunning(memory, settings, this.#config.stopHold, now);
    if (death === undefined) memory.unseenSince ??= now;
    const diedAt = death?.at ?? memory.unseenSince ?? now;
    const engine = engineGoesFirst(
      container,
      {
        diedAt,
        ranFor: death?.ranFor,
        engineBackAt: this.#enginesBackAt.get(container.host),
        backoff: this.#config.backoff ?? 1_000,
      },
      now,
    );
    const kill = death === undefined ? undefined : lastEndingKill(memory, death.at);
    const isCrash = death !== undefined ? kill === undefined : state === "restarting";
    if (isCrash) {
      if (engine !== undefined) return { kind: "engine-first", ...engine };
      return { kind: "crash", notBefore: diedAt, waitReason: "" };
    }
    const isEngines = kill === undefined && container.exitCode === foundDead;
    const how = isEngines
      ? "its engine found it dead when it started"
      : kill === undefined
        ? "it had stopped before it was watched"
        : `it was stopped by somebody (signal ${kill.signal})`;
    if (settings.stopPolicy === "respect" && !isEngines)
      return { kind: "respected", reason: `${how} and its stop policy is respect` };
    if (kill !== undefined && this.#isProjectStopped(memory)) {
      // For good, also when parts of it are started again one by one.
      memory.over = `${how}, and so was its whole Compose project`;
      return { kind: "respected", reason: memory.over };
    }
    const hold = this.#holdEnds(memory, container, kill?.at ?? diedAt, diedAt, now);
    if (now < hold.until) return { kind: "held", until: hold.until, reason: `${how}; ${hold.why}` };
    if (engine !== undefined && (state === "restarting" || this.#isEngineNew(container, now)))
      return { kind: "engine-first", ...engine };
    const seconds = Math.round(this.#config.stopHold / 1000);
    return {
      kind: "crash",
      notBefore: hold.until,
      waitReason: `${how} and nobody started it again within ${seconds} s`,
    };
  }

  /** `compose stop`: every container of the project that we know, of several services, was stopped by somebody. */
  #isProjectStopped({ project }: Memory): boolean {
    if (project === "") return false;
    const services = new Set<string>();
    for (const memory of this.#memories.values()) {
      if (memory.project !== project) continue;
      const { death } = memory;
      if (death === undefined || lastEndingKill(memory, death.at) === undefined) return false;
      services.add(memory.service);
    }
    return services.size > 1;
  }

  #isEngineNew(container: ContainerView, now: Instant): boolean {
    const backAt = this.#enginesBackAt.get(container.host);
    return backAt !== undefined && elapsed(backAt, now) < unseenWithPolicy;
  }

  /** When the hold of somebody's stop ends, as far as is known now. */
  #holdEnds(
    memory: Memory,
    container: ContainerView,
    killedAt: Instant,
    diedAt: Instant,
    now: Instant,
  ): { readonly until: Instant; readonly why: string } {
    const { stopHold } = this.#config;
    const isUnseen = memory.death === undefined;
    const hold =
      isUnseen && container.restartPolicy !== "no"
        ? Math.max(stopHold, unseenWithPolicy)
        : stopHold;
    const last = Math.max(
      killedAt,
      diedAt,
      memory.stoppedAt ?? -Infinity,
      this.#disturbedAt.get(memory.project) ?? -Infinity,
    );
    const until = after(instant(last), hold);
    // A neighbour that was told to end and has not yet: somebody's `stop` or `down` is still going on.
    const busyUntil = this.#projectBusyUntil(memory.project, now);
    if (busyUntil === undefined || busyUntil <= until)
      return { until, why: "acted on unless it is started, renamed, replaced or removed" };
    // Looked at again soon, for the end of that stop is news that makes the hold shorter.
    const rolling = Math.max(until, after(now, stopHold));
    return {
      until: instant(Math.min(busyUntil, rolling)),
      why: "its Compose project is being stopped",
    };
  }

  #projectBusyUntil(project: string, now: Instant): Instant | undefined {
    if (project === "") return undefined;
    let busyUntil: Instant | undefined;
    const note = (from: Instant): void => {
      const until = after(from, killMemory);
      if (until > now && (busyUntil === undefined || until > busyUntil)) busyUntil = until;
    };
    const suspendedAt = this.#suspendedAt.get(project.slice(project.indexOf("\n") + 1));
    if (suspendedAt !== undefined) note(suspendedAt);
    for (const memory of this.#memories.values()) {
      if (memory.project !== project || memory.death !== undefined) continue;
      const kill = lastEndingKill(memory, now);
      if (kill !== undefined) note(kill.at);
    }
    return busyUntil;
  }

  #remember(container: ContainerView, now: Instant): Memory {
    const memory = this.#memoryOf(container.id, container.host, container.labels, now);
    memory.stopSignal = container.stopSignal;
    memory.hasPolicy = container.restartPolicy !== "no";
    if (memory.death === undefined) memory.startedAt = container.startedAt;
    return memory;
  }

  #memoryOf(
    id: string,
    host: string,
    labels: Readonly<Record<string, string>>,
    now: Instant,
  ): Memory {
    const project = projectOf(host, labels);
    const service = labels["com.docker.compose.service"] ?? "";
    let memory = this.#memories.get(id);
    if (memory === undefined) {
      memory = newMemory(id, host, now);
      this.#memories.set(id, memory);
    }
    if (project !== "") {
      memory.project = project;
      memory.service = service;
    }
    memory.touchedAt = now;
    return memory;
  }
}
