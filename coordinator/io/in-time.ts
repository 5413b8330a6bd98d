// A question that ends in time, whatever becomes of its signal: under fetch what listens to one is collected now and then, and then
// neither `AbortSignal.timeout` nor an abort by hand ends the question.

import type { Duration } from "../../proto/units.ts";

/**
 * Rejects with a `TimeoutError` in time, also where `ask` does not heed its signal; what it comes to then is heard by nobody.
 *
 * @param stop ends it sooner
 */
export async function inTime<Answer>(
  within: Duration,
  ask: (signal: AbortSignal) => Promise<Answer>,
  stop?: AbortSignal,
): Promise<Answer> {
  const abort = new AbortController();
  let end = (): void => undefined;
  const isOver = new Promise<never>((_, reject) => {
    end = (): void => {
      const why = new DOMException(`no answer within ${within} ms`, "TimeoutError");
      abort.abort(why);
      reject(why);
    };
  });
  const timer = setTimeout(end, within);
  stop?.addEventListener("abort", end, { once: true });
  if (stop?.aborted === true) end();
  try {
    return await Promise.race([ask(abort.signal), isOver]);
  } finally {
    clearTimeout(timer);
    stop?.removeEventListener("abort", end);
  }
}
