// `--wait`: follows what a verb began to its end, across a coordinator that is away for a moment; the exit code tells how it ended.

import { setTimeout as sleep } from "node:timers/promises";
import { isCodedError } from "../../proto/coded-error.ts";
import { parseDuration } from "../../proto/config-parse.ts";
import type { HostView, RecoveryView } from "../../proto/rest.ts";
import type { SwarmTaskRow } from "../../proto/swarm-rest.ts";
import { refusal, type Client } from "./client.ts";
import { exits } from "./exit-codes.ts";
import { span } from "./terminal.ts";
import type { VerbCall } from "./verb.ts";
import { tookText } from "./words.ts";

const askEvery = 300;
const defaultTimeout = 15 * 60_000;
/** A move is begun within this after its host was drained, or none is needed. */
const moveBegins = 3_000;

/** In ms; undefined where it cannot be read, which is said. */
export function timeoutOf({ options, terminal }: VerbCall): number | undefined {
  if (options.timeout === undefined) return defaultTimeout;
  const parsed = parseDuration(options.timeout);
  if (parsed.ok && parsed.value > 0) return parsed.value;
  terminal.err(`heartmesh: --timeout "${options.timeout}" is no duration; expected 90, 30s or 5m`);
  return undefined;
}

/** The ids of a worker's recoveries that have ended: what is followed is none of these. To be asked before the deed. */
export async function endedBefore({ client }: VerbCall, worker: string): Promise<Set<string>> {
  const all = await client.get<RecoveryView[]>(pathOf(worker));
  return new Set(all.filter(({ outcome }) => outcome !== "running").map(({ id }) => id));
}

/** Tells how the worker's recovery that is none of `ended` ends. */
export async function followRecovery(
  call: VerbCall,
  worker: string,
  ended: ReadonlySet<string>,
  timeout: number,
): Promise<number> {
  const one = await untilTold(
    call,
    timeout,
    `${worker}: waiting for its recovery to begin`,
    async () => {
      const page = await call.client.get<RecoveryView[]>(pathOf(worker));
      const found = page.find(({ id }) => !ended.has(id));
      if (found !== undefined) call.progress.tell(stageText(found));
      return found !== undefined && found.outcome !== "running" ? found : undefined;
    },
  );
  return one === undefined ? overdue(call, worker, timeout) : tellEnd(call, one);
}

/** What is followed of a drain. */
export interface Draining {
  readonly host: string;
  /** Services that may have tasks there. */
  readonly services: readonly string[];
  /** Those that move, as `swarm:<name>`, each with its recoveries that had ended before. */
  readonly moving: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Until none of its tasks runs, and the moves of its services have ended. */
export async function followDrain(
  call: VerbCall,
  { host, services, moving }: Draining,
  timeout: number,
): Promise<number> {
  const { client, progress, terminal, options } = call;
  const left = new Set(services);
  let emptySince: number | undefined;
  const moves = await untilTold(call, timeout, `${host}: being emptied`, async () => {
    const path = `/api/v1/hosts/${encodeURIComponent(host)}`;
    const { runningTasks } = await client.get<HostView>(path);
    if (runningTasks !== 0) {
      progress.tell(`${host}: ${runningTasks ?? "its"} tasks still run`);
      return undefined;
    }
    // What Swarm has told to end may go on for its grace period.
    for (const service of left) {
      if (!(await runsOn(client, service, host))) left.delete(service);
    }
    if (left.size > 0) {
      progress.tell(`${host}: ${[...left].join(", ")} is ending`);
      return undefined;
    }
    emptySince ??= performance.now();
    const seen: RecoveryView[] = [];
    for (const [service, ended] of moving) {
      const page = await client.get<RecoveryView[]>(pathOf(service));
      seen.push(...page.filter(({ id }) => !ended.has(id)));
    }
    const open = seen.find(({ outcome }) => outcome === "running");
    if (open !== undefined) progress.tell(stageText(open));
    const mayBegin = seen.length === 0 && performance.now() - emptySince < moveBegins;
    return open === undefined && !(mayBegin && moving.size > 0) ? seen : undefined;
  });
  if (moves === undefined) return overdue(call, host, timeout);
  if (options.json) terminal.out(JSON.stringify({ host, moves }, undefined, 2));
  else {
    for (const one of moves) terminal.out(endText(one));
    terminal.out(`${host} is empty: none of its tasks runs any more`);
  }
  return moves.some(({ outcome }) => outcome === "exhausted") ? exits.unwell : exits.done;
}

async function runsOn(client: Client, service: string, host: string): Promise<boolean> {
  const path = `/api/swarm/services/${encodeURIComponent(service)}/tasks`;
  const { status, text } = await client.ask("GET", path);
  // It was removed meanwhile.
  if (status === 404) return false;
  if (status !== 200) throw refusal(status, text);
  const { data } = JSON.parse(text) as { readonly data: readonly SwarmTaskRow[] };
  return data.some(({ hostname, state }) => hostname === host && state === "running");
}

const pathOf = (worker: string): string =>
  `/api/v1/recoveries?limit=10&worker=${encodeURIComponent(worker)}`;

/** Undefined once the time is over. A refusal, or a coordinator that is away, is no end of what it does. */
async function untilTold<Found>(
  { progress, signal }: VerbCall,
  timeout: number,
  text: string,
  look: () => Promise<Found | undefined>,
): Promise<Found | undefined> {
  const end = performance.now() + timeout;
  progress.tell(text);
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch (error) {
      if (!isCodedError(error)) throw error;
      progress.tell(`${text}; ${error.detail}`);
    }
    if (signal.aborted || performance.now() >= end) return undefined;
    await sleep(askEvery, undefined, { signal }).catch(() => undefined);
  }
}

function overdue({ terminal }: VerbCall, what: string, timeout: number): number {
  terminal.err(
    `heartmesh: ${what} is still under way after ${span(timeout)}; heartmesh explain tells how it stands`,
  );
  return exits.overdue;
}

function stageText(one: RecoveryView): string {
  const tries = one.tries.length;
  const stage =
    one.verifiedAtMs !== null
      ? "lives, and is watched"
      : one.actingAtMs === null
        ? "waits"
        : "acts";
  return `${one.worker}: recovery ${one.id} ${stage}, try ${Math.max(1, tries)} of ${one.maxTries}`;
}

function tellEnd({ terminal, options }: VerbCall, one: RecoveryView): number {
  terminal.out(options.json ? JSON.stringify(one, undefined, 2) : endText(one));
  return exitOf(one.outcome);
}

function endText(one: RecoveryView): string {
  const why = one.outcomeReason === "" ? "" : `: ${one.outcomeReason}`;
  return `${one.worker}: ${one.outcome} after ${tookText(one, one.endedAtMs ?? one.detectedAtMs)} and ${one.tries.length} ${one.tries.length === 1 ? "try" : "tries"}${why} (recovery ${one.id})`;
}

const exitOf = (outcome: RecoveryView["outcome"]): number =>
  ({
    recovered: exits.done,
    running: exits.done,
    exhausted: exits.unwell,
    superseded: exits.superseded,
  })[outcome];
