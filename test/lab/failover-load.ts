// The leader is killed while a proxy carries 200 requests a second: what fails, and for how long.

import { randomBytes } from "node:crypto";
import type { LabProxy } from "./haproxy.ts";
import { hasFailed, spanOf, Traffic, type Asked } from "./traffic.ts";
import type { Trio } from "./trio.ts";
import { pause, until } from "../waiting.ts";

/** Each may ask 20 times a second. */
export const loadTokens: readonly string[] = Array.from({ length: 60 }, () =>
  randomBytes(16).toString("hex"),
);
/** For API_TOKENS. */
export const loadTokenList = loadTokens.map((token, at) => `load-${at}:admin:${token}`).join(",");

export interface FailoverLoad {
  readonly reads: readonly Asked[];
  readonly writes: readonly Asked[];
  readonly failedReads: readonly Asked[];
  readonly failedWrites: readonly Asked[];
  /** Of the failed writes those that were asked when the leader was dead already. */
  readonly failedLater: readonly Asked[];
  /** In which the failed writes lie, ms. */
  readonly gap: number;
  /** The longest that a write took that was answered well, ms. */
  readonly longestHeld: number;
}

/** @param worker that may be silenced; resolves some seconds after the next leader is known, with the killed one running again */
export async function failOverUnderLoad(
  trio: Trio,
  proxy: LabProxy,
  worker: string,
): Promise<FailoverLoad> {
  const path = `/api/v1/workers/${encodeURIComponent(worker)}/silence`;
  const write = { method: "POST", path, body: { for: "1m", reason: "load" } } as const;
  const read = { method: "GET", path: "/api/v1/status" } as const;
  // As people and programs ask: nine reads to a write.
  const asks = [...Array.from({ length: 9 }, () => read), write];
  const traffic = new Traffic({ url: proxy.url, tokens: loadTokens, perSecond: 200, asks });
  // What has just started is slow for a while.
  await until("the load to be carried", () => traffic.isCarried || undefined, 30_000, 100);
  const carriedAt = performance.now();
  const leader = await trio.leader();
  await trio.kill(leader);
  const killedAt = performance.now();
  await trio.leader();
  await pause(3_000);
  const asked = (await traffic.stop()).filter(({ began }) => began >= carriedAt);
  trio.startCoordinator(leader);
  const reads = asked.filter(({ method }) => method === "GET");
  const writes = asked.filter(({ method }) => method !== "GET");
  const failedWrites = writes.filter(hasFailed);
  const good = writes.filter((one) => !hasFailed(one));
  return {
    reads,
    writes,
    failedReads: reads.filter(hasFailed),
    failedWrites,
    failedLater: failedWrites.filter(({ began }) => began > killedAt),
    gap: spanOf(failedWrites),
    longestHeld: Math.max(0, ...good.map(({ began, ended }) => ended - began)),
  };
}
