// A question that ends in time, also where nobody heeds its signal.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inTime } from "../../../coordinator/io/in-time.ts";

const never = (): Promise<never> => new Promise<never>(() => undefined);
const late = { name: "TimeoutError", message: "no answer within 20 ms" };

test("the answer is given, and an error as it came", async () => {
  assert.equal(await inTime(5_000, () => Promise.resolve(7)), 7);
  const refused = new Error("refused");
  await assert.rejects(
    inTime(5_000, () => Promise.reject(refused)),
    (error) => error === refused,
  );
});

test("it ends in time where the signal is heeded, and where it is not", async () => {
  await assert.rejects(inTime(20, never), late);
  let signalled: unknown;
  const heeding = (signal: AbortSignal): Promise<never> =>
    new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => {
        signalled = signal.reason;
        reject(signal.reason as Error);
      });
    });
  await assert.rejects(inTime(20, heeding), late);
  assert.ok(signalled instanceof DOMException);
});

test("it ends sooner when it is stopped, also where that was before", async () => {
  const stop = new AbortController();
  const asking = inTime(60_000, never, stop.signal);
  stop.abort();
  await assert.rejects(asking, { name: "TimeoutError" });
  await assert.rejects(inTime(60_000, never, stop.signal), { name: "TimeoutError" });
});
