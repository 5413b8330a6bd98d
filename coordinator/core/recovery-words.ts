// How the same stages are told of a worker, and of a service that is moved.

import type { WorkerId } from "../../proto/units.ts";
import { isServiceCase } from "./migration/order.ts";

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

export const saidOf = (worker: WorkerId): StageWords =>
  isServiceCase(worker) ? ofServices : ofWorkers;
