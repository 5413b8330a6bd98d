// Reading the record: bounded in time, and a failure of Redis is a 503 that says so.

import { coded } from "../errors.ts";

const patience = 3_000;

/** @param problem what is told where it fails, without a full stop */
export async function fromRecord<Value>(
  read: () => Promise<Value>,
  problem = "The record of events and recoveries cannot be read",
  within = patience,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      read(),
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          reject(new Error(`no answer within ${within} ms`));
        }, within);
      }),
    ]);
  } catch (error) {
    throw coded("HM_REDIS_UNAVAILABLE", problem, error);
  } finally {
    clearTimeout(timer);
  }
}
