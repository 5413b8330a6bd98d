// What a coordinator's own picture shows that should be mended: of the mesh, and of each worker. Pure.

import type { StatusView, WorkerView } from "../../proto/rest.ts";
import { symptom, symptomOf, type Symptom } from "./ailments.ts";

/** Heartbeats come ten times a second. */
const unheardAfter = 5_000;

export const ofPicture = (
  status: StatusView,
  workers: readonly WorkerView[],
): readonly Symptom[] => [
  ...ofCoordinator(status),
  ...status.findings.map((one) => symptomOf(one.code, one.subject, one.text)),
  ...(workers.some(({ role }) => role === "worker")
    ? []
    : [symptom("no-workers", "workers", "No container is watched as a worker.")]),
  ...workers.flatMap(ofWorker),
];

function ofCoordinator(status: StatusView): Symptom[] {
  const { id, peers } = status;
  const found = status.readiness.reasons.map((reason) =>
    symptom("not-ready", id, `${id}: ${reason}.`),
  );
  if (!status.fit) found.push(symptom("abstains", id, `${id} abstains: ${status.unfitReason}.`));
  if (!status.votes) found.push(symptom("votes-not", id, `${id} may not vote.`));
  for (const peer of peers) {
    const pair = `${id} → ${peer.id}`;
    if (peer.heardAgoMs === null) {
      found.push(symptom("peer-unheard", pair, `${id} has never heard ${peer.id}.`));
    } else if (peer.heardAgoMs > unheardAfter) {
      const seconds = Math.round(peer.heardAgoMs / 1000);
      found.push(symptom("peer-unheard", pair, `${id} has not heard ${peer.id} for ${seconds} s.`));
    }
  }
  return [...found, ...ofCount(peers.length + 1)];
}

/** @param n how many coordinators there are */
export function ofCount(n: number): Symptom[] {
  if (n === 1) return [symptom("alone", "COORDINATORS", "There is one coordinator.")];
  if (n % 2 === 1) return [];
  return [symptom("even", "COORDINATORS", `There are ${n} coordinators.`)];
}

function ofWorker(worker: WorkerView): Symptom[] {
  const { id, probe, verdict } = worker;
  const found: Symptom[] = [];
  if (probe.startsWith("tcp://")) {
    found.push(symptom("tcp-sees-no-hang", id, `It is asked by ${probe} alone.`));
  }
  // The word of the agents' own protocol, as the coordinators quote it.
  if (worker.evidence.some((one) => one.kind === "pong" && /\bunchecked\b/.test(one.text))) {
    found.push(symptom("agent-unchecked", id, "Its agent has no check."));
  }
  const isAsked = probe.startsWith("agent ") || probe.includes("://");
  if (isAsked && worker.heardAgoMs === null && verdict !== "unwatched") {
    found.push(symptom("never-heard", id, `Nothing was ever heard from ${probe}.`));
  }
  if (probe === "engine only" && verdict !== "unwatched" && worker.role === "worker") {
    found.push(symptom("engine-only", id, "It has no agent and no check."));
  }
  if (verdict === "partial") {
    found.push(symptom("partial", id, `Some coordinators do not hear it: ${worker.reason}.`));
  }
  if (worker.quarantinedForMs !== null) {
    const seconds = Math.round(worker.quarantinedForMs / 1000);
    found.push(symptom("quarantined", id, `It has been in quarantine for ${seconds} s.`));
  }
  return found;
}
