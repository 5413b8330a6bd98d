// `node:timers/promises` in virtual time.

import { currentLoop } from "../loop.ts";

export function setTimeout<Value>(
  ms: number,
  value?: Value,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Value | undefined> {
  return new Promise((resolve, reject) => {
    const aborted = (): Error => new Error("aborted");
    if (signal?.aborted === true) {
      reject(aborted());
      return;
    }
    const onAbort = (): void => {
      timer.isOver = true;
      reject(aborted());
    };
    const timer = currentLoop().setTimer(
      () => {
        signal?.removeEventListener("abort", onAbort);
        resolve(value);
      },
      ms,
      false,
    );
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
