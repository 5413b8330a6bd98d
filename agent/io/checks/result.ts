// What every check answers, and how it ends: once, in time, or given up.

import type { Duration } from "../../../proto/units.ts";

export type CheckAnswer =
  | { readonly ok: true }
  | {
      readonly ok: false;
      /**
       * `refused`: nobody listens there. `unreachable`: the network says that nobody is there. `bad-answer`: somebody
       * answered, and wrongly. `error`: anything else, given up included.
       */
      readonly kind: "refused" | "timeout" | "unreachable" | "bad-answer" | "error";
      /** For a person. */
      readonly reason: string;
    };

export interface CheckLimits {
  readonly timeout: Duration;
  /** Gives the check up; it then answers at once with `error`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs one check: `begin` starts it and gets the function that answers; what it returns ends it early.
 * Never rejects. Node fires expired timers before it reads what already waits, so an expired timeout
 * is believed only after `setImmediate`.
 */
export function settleOnce(
  { timeout, signal }: CheckLimits,
  begin: (answer: (answer: CheckAnswer) => void) => () => void,
): Promise<CheckAnswer> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve(givenUp);
      return;
    }
    // `begin` may answer before it returned its end.
    const open: { end?: () => void } = {};
    let settled: CheckAnswer | undefined;
    const settle = (answer: CheckAnswer): void => {
      if (settled !== undefined) return;
      settled = answer;
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      open.end?.();
      resolve(answer);
    };
    const onAbort = (): void => {
      settle(givenUp);
    };
    const timer = setTimeout(() => {
      setImmediate(settle, timedOut(timeout));
    }, timeout);
    signal?.addEventListener("abort", onAbort);
    open.end = begin(settle);
    if (settled !== undefined) open.end();
  });
}

const unreachable: ReadonlySet<unknown> = new Set(["EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN"]);

/** What a system error means to a check. */
export function fromError(error: unknown): CheckAnswer {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ECONNREFUSED") return { ok: false, kind: "refused", reason: "connection refused" };
  if (code === "ETIMEDOUT") return { ok: false, kind: "timeout", reason: "connection timed out" };
  const kind = unreachable.has(code) ? "unreachable" : "error";
  return { ok: false, kind, reason: code === undefined ? message : `${code}: ${message}` };
}

const givenUp: CheckAnswer = { ok: false, kind: "error", reason: "the check was given up" };

const timedOut = (timeout: Duration): CheckAnswer => ({
  ok: false,
  kind: "timeout",
  reason: `no answer within ${timeout} ms`,
});
