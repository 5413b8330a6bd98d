// Whether an engine is about to restart a container by its own policy: then it goes first, so that nothing starts twice.
//
// Read from the engine's restart manager: its wait starts at 100 ms, doubles with every run under 10 s up to a minute,
// and begins anew after a longer run, while `RestartCount` goes on counting; so the count gives the longest wait it may be.

import { after, instant, type Duration, type Instant } from "../../proto/units.ts";
import type { ContainerView } from "./worker.ts";

/** An engine that has done nothing for so long after a crash will do nothing. */
const grace = 1_000;
/** An engine whose restart is nearer than this is not overtaken. */
const tooNear = 500;
/** An engine that many starts and stops keep busy shows a container that late after its death. */
const busy = 5_000;
/** After an engine came back it still starts containers by their policies. */
const engineReturns = 5_000;
const longRun = 10_000;

export function engineGoesFirst(
  container: ContainerView,
  seen: {
    /** When it died, or was first seen dead. */
    readonly diedAt: Instant;
    readonly ranFor: Duration | undefined;
    readonly engineBackAt: Instant | undefined;
    /** Our own first wait. */
    readonly backoff: Duration;
  },
  now: Instant,
): { readonly until: Instant; readonly reason: string } | undefined {
  if (!willRestart(container)) return undefined;
  const policy = `its restart policy is ${container.restartPolicy}`;
  const graceEnds = after(seen.diedAt, grace);
  if (seen.engineBackAt !== undefined && now < after(seen.engineBackAt, engineReturns))
    return {
      until: instant(Math.max(after(seen.engineBackAt, engineReturns), graceEnds)),
      reason: `${policy} and its engine has just come back: the engine goes first`,
    };
  if (now < graceEnds) return { until: graceEnds, reason: `${policy}: the engine goes first` };
  const shownAt = after(seen.diedAt, busy);
  if (container.isForetold === true && now < shownAt)
    return { until: shownAt, reason: `${policy} and the engine has not shown yet what it does` };
  if (container.state !== "restarting") return undefined;
  const wait = engineWait(container.restartCount, seen.ranFor);
  const restartsAt = after(seen.diedAt, wait);
  if (wait > seen.backoff && restartsAt - now >= tooNear) return undefined;
  const givesUpAt = after(restartsAt, grace);
  if (now >= givesUpAt) return undefined;
  return {
    until: givesUpAt,
    reason: `${policy}: the engine is about to restart it (its restart ${container.restartCount})`,
  };
}

/** Whether its policy means a restart after such an exit. `on-failure` leaves an exit with 0, and stops at its maximum. */
function willRestart(container: ContainerView): boolean {
  switch (container.restartPolicy) {
    case "no":
      return false;
    case "always":
    case "unless-stopped":
      return true;
    case "on-failure": {
      if (container.state === "restarting") return true;
      const { maximumRetries, restartCount, exitCode } = container;
      return exitCode !== 0 && (maximumRetries === 0 || restartCount < maximumRetries);
    }
  }
}

function engineWait(restartCount: number, ranFor: Duration | undefined): Duration {
  if (ranFor !== undefined && ranFor >= longRun) return 100;
  return Math.min(60_000, 100 * 2 ** Math.max(0, restartCount - 1));
}
