// A question that ends in time. Not `AbortSignal.timeout` alone: where nothing else holds that signal it is collected now and then, and the question never ends.

import type { Duration } from "../../proto/units.ts";

/** @param stop ends it sooner */
export async function inTime<Answer>(
  within: Duration,
  ask: (signal: AbortSignal) => Promise<Answer>,
  stop?: AbortSignal,
): Promise<Answer> {
  const abort = new AbortController();
  const end = (): void => {
    abort.abort(new DOMException(`no answer within ${within} ms`, "TimeoutError"));
  };
  const timer = setTimeout(end, within);
  if (stop?.aborted === true) end();
  stop?.addEventListener("abort", end, { once: true });
  try {
    return await ask(abort.signal);
  } finally {
    clearTimeout(timer);
    stop?.removeEventListener("abort", end);
  }
}
