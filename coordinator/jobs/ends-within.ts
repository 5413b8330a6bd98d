// A bound on waiting: what has not ended by then is left to itself.

import type { Duration } from "../../proto/units.ts";

export async function endsWithin(
  work: Promise<unknown> | undefined,
  within: Duration,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const bound = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, within);
  });
  await Promise.race([work, bound]);
  clearTimeout(timer);
}
