// What a check finds out of a simulated worker: it answers, refuses, or hangs.

import { settleOnce, type CheckAnswer, type CheckLimits } from "../../../agent/io/checks/result.ts";
import type { StatusRange } from "../../../agent/io/checks/http.ts";
import { currentLoop } from "../loop.ts";
import { surroundingsOf } from "../host-of.ts";

export type { BodyExpectation, HttpCheck, StatusRange } from "../../../agent/io/checks/http.ts";
export type { TcpCheck } from "../../../agent/io/checks/tcp.ts";

export const anySuccess: readonly StatusRange[] = [{ low: 200, high: 399 }];

/** ms */
const takes = { low: 0.3, high: 4 };

function check(
  limits: CheckLimits & { readonly url?: string; readonly host?: string },
): Promise<CheckAnswer> {
  const loop = currentLoop();
  const { world } = loop.process;
  const { workerAnswers } = surroundingsOf(loop.process);
  const target = limits.url === undefined ? (limits.host ?? "") : new URL(limits.url).hostname;
  return settleOnce(limits, (answer) => {
    world.after(world.random.between(takes.low, takes.high), () => {
      const answers = workerAnswers(target);
      if (answers === undefined) return;
      loop.deliver(() => {
        answer(answers ? { ok: true } : { ok: false, kind: "refused", reason: "refused" });
      });
    });
    return () => undefined;
  });
}

export const checkTcp = check;
export const checkHttp = check;
