// What the coordinators' answers show together: who does not answer, whose clock or release is another. Pure.

import type { DoctorFinding, ExaminedView } from "../../proto/doctor-rest.ts";
import { symptom, type Symptom } from "./ailments.ts";
import { clockText } from "./clock.ts";

/** What one says of itself. */
export interface OwnAnswer extends ExaminedView {
  /** Its wall clock when it was asked. */
  readonly askedAtMs: number;
}

/** How far its clock is before ours, as NTP reckons it; `err` bounds it. All in wall-clock ms, the first and the last by ours. */
export function aheadOf(
  sent: number,
  { askedAtMs, nowMs }: Pick<OwnAnswer, "askedAtMs" | "nowMs">,
  received: number,
): { readonly ahead: number; readonly err: number } {
  const answered = nowMs ?? askedAtMs;
  const ahead = Math.round((askedAtMs - sent + (answered - received)) / 2);
  return { ahead, err: Math.max(0, (received - sent - (answered - askedAtMs)) / 2) };
}

const clocksMayErr = 1_000;

export interface Examined extends ExaminedView {
  /** By how much `aheadMs` may err, ms. */
  readonly err: number;
}

export function ofCoordinators(all: readonly Examined[], self: string): readonly DoctorFinding[] {
  const found: Symptom[] = [];
  for (const { id, url, answers, text, aheadMs, err } of all) {
    if (!answers) {
      const where = url === null ? id : `${id} (${url})`;
      found.push(symptom("coordinator-silent", id, `${where} does not answer ${self}: ${text}.`));
    } else if (aheadMs !== null && Math.abs(aheadMs) - err > clocksMayErr) {
      const how = clockText({ ahead: aheadMs }).replace("ours", `that of ${self}`);
      found.push(symptom("clocks-apart", id, `The clock of ${id} is ${how}.`));
    }
  }
  const versions = new Map<string, string[]>();
  for (const { id, version } of all) {
    if (version !== null) versions.set(version, [...(versions.get(version) ?? []), id]);
  }
  if (versions.size > 1) {
    const text = [...versions].map(([release, ids]) => `${ids.join(", ")}: ${release}`).join("; ");
    found.push(symptom("versions-apart", "coordinators", `${text}.`));
  }
  return found.map((one) => ({ ...one, by: [self] }));
}
