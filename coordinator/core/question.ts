// A question of the pinger, as it leaves the coordinator: a ping to its agent, or a check that is made here.

import type { CoordinatorOutput } from "./exchange.ts";
import type { PingerOutput } from "./pinger-output.ts";
import type { Probe } from "./worker.ts";

type Question = Extract<PingerOutput, { kind: "ping" | "check" }>;

/** Undefined where the worker is not asked in this way (any more). */
export function questionOf(
  question: Question,
  probe: Probe | undefined,
): CoordinatorOutput | undefined {
  const { worker, nonce } = question;
  if (question.kind === "ping" && probe?.kind === "agent") {
    const { address, port } = probe;
    const { freshSocket } = question;
    return { kind: "ping-worker", worker, address, port, nonce, freshSocket };
  }
  if (question.kind === "check" && probe?.kind === "check") {
    const { check } = probe;
    return { kind: "check-worker", worker, nonce, check, timeout: question.timeout };
  }
  return undefined;
}
