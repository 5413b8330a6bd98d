// The running containers of this host that must not run twice (label heartmesh.fence): found by the engine, and stopped by it or, where it does not answer, by their processes.

import { parseDuration, parseFlag } from "../../proto/config-parse.ts";
import type { Duration } from "../../proto/units.ts";
import { askEngine, followEngine } from "./engine-socket.ts";
import type { Log } from "./log.ts";
import { isInContainer, listPids, maySignal, startOf } from "./proc.ts";

interface Fenced {
  readonly id: string;
  readonly name: string;
  readonly stopTimeout: Duration;
  /** 0 while it is not known. */
  readonly pid: number;
  readonly start: string;
  /** Its process can be seen and ended from here. */
  readonly isInReach: boolean;
  /** When its end began, by performance.now(); undefined while it may run. */
  endingSince?: number;
}

interface Listed {
  readonly Id: string;
  readonly Names?: readonly string[];
  readonly Labels?: Readonly<Record<string, string>>;
}

export interface FencedOptions {
  readonly socketPath: string;
  readonly log: Log;
  /** How long the stop of one may take that wants so long. */
  readonly mayTake: (wanted: Duration) => Duration;
}

const label = "heartmesh.fence";
const usualStop: Duration = 1_000;
const longestStop: Duration = 3_600_000;
/** Between two full lists while all is well, and while what is fenced must not run; an event of the engine makes one at once. */
const lookEvery: Duration = 5_000;
const lookOften: Duration = 200;
const listTimeout: Duration = 2_000;
const inspectTimeout: Duration = 2_000;
const reconnectAfter: Duration = 1_000;
/** An engine that has not answered for so long is not waited for. */
const engineBorne: Duration = 300;
/** So long after the stop timeout the engine's own SIGKILL has come, or ours does. */
const killGrace: Duration = 100;
const killEvery: Duration = 50;

const query = (filters: object): string => encodeURIComponent(JSON.stringify(filters));
const listTarget = `/containers/json?filters=${query({ label: [label] })}`;
const anyTarget = `/containers/json?limit=1&filters=${query({ status: ["running"] })}`;
const eventsTarget = `/events?filters=${query({ type: ["container"], event: ["start"], label: [label] })}`;

export class FencedContainers {
  readonly #options: FencedOptions;
  #known: readonly Fenced[] = [];
  #timer: NodeJS.Timeout | undefined;
  #killTimer: NodeJS.Timeout | undefined;
  #unfollow: (() => void) | undefined;
  #isLooking = false;
  #isNewsWaiting = false;
  #isStopping = false;
  #isOver = false;
  #obstacle: string | undefined;

  constructor(options: FencedOptions) {
    this.#options = options;
  }

  /** Why not all that is fenced could be stopped whatever the engine does; empty where it could, undefined until the engine was asked. */
  get obstacle(): string | undefined {
    return this.#obstacle;
  }

  /** The longest stop timeout of those that run; what is usual where none does. */
  get within(): Duration {
    return Math.max(usualStop, ...this.#known.map(({ stopTimeout }) => stopTimeout));
  }

  start(): void {
    this.#follow();
    void this.#look();
  }

  /** What has begun to end goes on ending by the engine. */
  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    clearInterval(this.#killTimer);
    this.#unfollow?.();
  }

  /** Ends all that run now, and from now on whatever is found running, until `allow`. */
  forbid(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#killTimer ??= setInterval(this.#onKillTimer, killEvery);
    this.#endAll();
    void this.#look();
  }

  /** Whose end has begun ends nevertheless. */
  allow(): void {
    this.#isStopping = false;
  }

  #follow(): void {
    const { socketPath } = this.#options;
    this.#unfollow = followEngine(
      socketPath,
      eventsTarget,
      () => void this.#look(),
      () => {
        if (!this.#isOver) setTimeout(this.#onReconnect, reconnectAfter).unref();
      },
    );
  }

  readonly #onReconnect = (): void => {
    if (!this.#isOver) this.#follow();
  };

  async #look(): Promise<void> {
    if (this.#isLooking) {
      this.#isNewsWaiting = true;
      return;
    }
    this.#isLooking = true;
    clearTimeout(this.#timer);
    do {
      this.#isNewsWaiting = false;
      await this.#list();
    } while (this.#hasNews());
    this.#isLooking = false;
    this.#awaitNext();
  }

  /** Meanwhile, that something fenced was started. */
  #hasNews(): boolean {
    return this.#isNewsWaiting && !this.#isOver;
  }

  #awaitNext(): void {
    if (this.#isOver) return;
    const wait = this.#isStopping ? lookOften : lookEvery;
    this.#timer = setTimeout(() => void this.#look(), wait).unref();
  }

  async #list(): Promise<void> {
    const listed = await this.#containers(listTarget);
    // Of an engine that does not answer the last list holds.
    if (listed === undefined) return;
    const found = await Promise.all(listed.filter(isFenced).map((one) => this.#inspected(one)));
    this.#known = found.filter((one) => one !== undefined);
    this.#obstacle = await this.#obstacleNow();
    if (this.#isStopping) this.#endAll();
  }

  async #containers(target: string): Promise<readonly Listed[] | undefined> {
    const answer = await askEngine(this.#options.socketPath, "GET", target, listTimeout);
    return answer?.status === 200 ? (parsed(answer.body) as Listed[] | undefined) : undefined;
  }

  /** Undefined for one that does not run any more. */
  async #inspected({ Id: id, Names, Labels = {} }: Listed): Promise<Fenced | undefined> {
    const known = this.#known.find((one) => one.id === id);
    if (known !== undefined && known.pid > 0 && startOf(known.pid) === known.start) return known;
    const pid = await this.#pidOf(id);
    if (pid === 0) return undefined;
    return {
      id,
      name: Names?.[0]?.slice(1) ?? id.slice(0, 12),
      stopTimeout: stopTimeoutOf(Labels),
      pid,
      start: startOf(pid) ?? "",
      isInReach: isInContainer(pid, id) && maySignal(pid),
    };
  }

  /** 0 where it does not run, or nobody says so. */
  async #pidOf(id: string): Promise<number> {
    const target = `/containers/${id}/json`;
    const answer = await askEngine(this.#options.socketPath, "GET", target, inspectTimeout);
    const state = (parsed(answer?.body ?? "") as { State?: { Pid?: number } } | undefined)?.State;
    return state?.Pid ?? 0;
  }

  async #obstacleNow(): Promise<string> {
    const outOfReach = this.#known.find((one) => !one.isInReach);
    if (outOfReach !== undefined) return unreachable(outOfReach.name);
    if (this.#known.length > 0 || this.#obstacle === "") return "";
    // Any other container shows as well whether processes are within reach: this agent's own, in most cases.
    const [any] = (await this.#containers(anyTarget)) ?? [];
    if (any === undefined) return "";
    const pid = await this.#pidOf(any.Id);
    if (pid === 0 || (isInContainer(pid, any.Id) && maySignal(pid))) return "";
    return unreachable(any.Names?.[0]?.slice(1) ?? any.Id.slice(0, 12));
  }

  #endAll(): void {
    const begun = this.#known.filter((one) => one.endingSince === undefined);
    if (begun.length === 0) return;
    const { log, socketPath } = this.#options;
    const names = begun.map(({ name }) => name).join(", ");
    log.warn(`no quorum of coordinators grants: ${names} must not run here, and is stopped`);
    for (const one of begun) {
      one.endingSince = performance.now();
      const seconds = Math.ceil(this.#timeoutOf(one) / 1000);
      const target = `/containers/${one.id}/stop?t=${seconds}`;
      void askEngine(socketPath, "POST", target, this.#timeoutOf(one) + listTimeout);
    }
    void this.#endWithoutEngine(begun);
  }

  /** Where the engine is known not to answer, it does not pass the SIGTERM on either. */
  async #endWithoutEngine(ending: readonly Fenced[]): Promise<void> {
    const ping = await askEngine(this.#options.socketPath, "GET", "/_ping", engineBorne);
    if (ping?.status === 200) return;
    const names = ending.map(({ name }) => name).join(", ");
    this.#options.log.warn(`the engine does not answer: ${names} is stopped by pid`);
    for (const one of ending) signal(one, "SIGTERM");
  }

  /** Whatever became of the engine's stop: nothing fenced runs on behind its stop timeout. */
  readonly #onKillTimer = (): void => {
    const now = performance.now();
    const ending = this.#known.filter(({ endingSince }) => endingSince !== undefined);
    for (const one of ending) {
      if (startOf(one.pid) !== one.start) continue;
      if (now < (one.endingSince ?? now) + this.#timeoutOf(one) + killGrace) continue;
      signal(one, "SIGKILL");
      // One that shares its pid namespace with others does not take all its processes with it.
      for (const pid of listPids()) {
        if (pid !== process.pid && isInContainer(pid, one.id)) signalPid(pid, "SIGKILL");
      }
    }
    const isQuiet = ending.every((one) => startOf(one.pid) !== one.start);
    if (this.#isStopping || !isQuiet) return;
    clearInterval(this.#killTimer);
    this.#killTimer = undefined;
  };

  #timeoutOf({ stopTimeout }: Fenced): Duration {
    return this.#options.mayTake(stopTimeout);
  }
}

const unreachable = (container: string): string =>
  `the process of ${container} cannot be seen or signalled: run this agent with pid: host, as root or with CAP_KILL`;

/** Bare, it means yes; and so does what cannot be read, since running twice may do harm. */
function isFenced({ Labels = {} }: Listed): boolean {
  const text = Labels[label]?.trim();
  if (text === undefined) return false;
  const flag = parseFlag(text);
  return !flag.ok || flag.value;
}

function stopTimeoutOf(labels: Readonly<Record<string, string>>): Duration {
  const given = parseDuration(labels["heartmesh.stop-timeout"] ?? "");
  return given.ok && given.value <= longestStop ? given.value : usualStop;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Never to another process that was given its pid. */
function signal({ pid, start }: Fenced, name: NodeJS.Signals): void {
  if (pid > 0 && startOf(pid) === start) signalPid(pid, name);
}

function signalPid(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has just ended, or is out of reach.
  }
}
