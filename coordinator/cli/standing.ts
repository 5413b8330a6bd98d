// `heartmesh status` and `heartmesh workers`: how things stand, and an exit code that says whether they are well.

import type { StatusView, WorkerView } from "../../proto/rest.ts";
import { exits } from "./exit-codes.ts";
import { print } from "./print.ts";
import type { VerbCall } from "./verb.ts";
import { isAtEase } from "./tones.ts";
import { statusText, workersText } from "./words.ts";

export async function status(call: VerbCall): Promise<number> {
  const view = await call.client.get<StatusView>("/api/v1/status");
  print(call, view, statusText);
  const { readiness, fit, brake, workers: byVerdict } = view;
  const areWell = Object.keys(byVerdict).every(isAtEase);
  return readiness.ready && fit && !brake.tripped && areWell ? exits.done : exits.unwell;
}

export async function workers(call: VerbCall): Promise<number> {
  const all = await call.client.get<WorkerView[]>("/api/v1/workers");
  print(call, all, workersText);
  const areWell = all.every((one) => isAtEase(one.verdict) && one.quarantinedForMs === null);
  return areWell ? exits.done : exits.unwell;
}
