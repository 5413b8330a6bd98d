// How the same stages are told of a worker, and of what is moved.

import type { WorkerId } from "../../proto/units.ts";
import { isContainerCase, isServiceCase } from "./migration/order.ts";

interface StageWords {
  readonly verified: string;
  readonly recovered: string;
}

const ofWorkers: StageWords = {
  verified: "it gave its first healthy answer",
  recovered: "it is healthy and stayed so",
};

const ofServices: StageWords = {
  verified: "all its replicas run where they shall",
  recovered: "all its replicas run, and stayed so",
};

const ofContainers: StageWords = {
  verified: "it runs where it shall",
  recovered: "it runs where it shall, and stayed so",
};

export function saidOf(worker: WorkerId): StageWords {
  if (isContainerCase(worker)) return ofContainers;
  return isServiceCase(worker) ? ofServices : ofWorkers;
}
