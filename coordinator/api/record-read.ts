// Reading the record: bounded in time, and a failure of Redis is a 503 that says so.

import { coded } from "../errors.ts";

const patience = 3_000;

export async function fromRecord<Value>(read: () => Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      read(),
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          reject(new Error(`no answer within ${patience} ms`));
        }, patience);
      }),
    ]);
  } catch (error) {
    throw coded(
      "HM_REDIS_UNAVAILABLE",
      "The record of events and recoveries cannot be read",
      error,
    );
  } finally {
    clearTimeout(timer);
  }
}
