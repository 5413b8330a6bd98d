// What a person should mend before the night: findings of the coordinators, and what their pictures show. Pure.

import type { FindingView, StatusView, WorkerView } from "../../proto/rest.ts";
import { span, table } from "./terminal.ts";

export function diagnose(status: StatusView, workers: readonly WorkerView[]): FindingView[] {
  return [...ofCoordinator(status), ...status.findings, ...workers.flatMap(ofWorker)];
}

export function doctorText(findings: readonly FindingView[]): string {
  if (findings.length === 0) return "Nothing is found amiss.";
  return table(
    ["SUBJECT", "CODE", "FINDING"],
    findings.map((one) => [one.subject, one.code, one.text]),
  );
}

const found = (subject: string, code: string, text: string): FindingView => ({
  subject,
  code,
  text,
});

function ofCoordinator(status: StatusView): FindingView[] {
  const { id, peers } = status;
  const findings: FindingView[] = status.readiness.reasons.map((reason) =>
    found(id, "not-ready", reason),
  );
  if (!status.fit) findings.push(found(id, "abstains", status.unfitReason));
  if (!status.votes) findings.push(found(id, "votes-not", "It may not vote; see its log."));
  for (const peer of peers) {
    if (peer.heardAgoMs === null) {
      const text = "It was never heard. Check COORDINATORS, MESH_KEY and the network on both.";
      findings.push(found(peer.id, "peer-unheard", text));
    } else if (peer.heardAgoMs > 5_000) {
      findings.push(found(peer.id, "peer-unheard", `Not heard for ${span(peer.heardAgoMs)}.`));
    }
  }
  if (peers.length === 0) {
    findings.push(found(id, "alone", "There is one coordinator: nobody acts when it fails."));
  } else if (peers.length % 2 === 1) {
    const n = peers.length + 1;
    const text = `There are ${n} coordinators, which survive no more deaths than ${n - 1}.`;
    findings.push(found(id, "even", text));
  }
  return findings;
}

function ofWorker(worker: WorkerView): FindingView[] {
  const { id, probe } = worker;
  const findings: FindingView[] = [];
  if (probe.startsWith("tcp://")) {
    const text = `${probe} sees no hang: a stopped process still accepts connections. Use http://, an agent with a check, or a HEALTHCHECK.`;
    findings.push(found(id, "tcp-sees-no-hang", text));
  }
  // The word of the agents' own protocol, as the coordinators quote it.
  if (worker.evidence.some((one) => one.kind === "pong" && /\bunchecked\b/.test(one.text))) {
    const text = "Its agent has no check, so its answers prove the agent alone. Set WORKER_CHECK.";
    findings.push(found(id, "agent-unchecked", text));
  }
  const isAsked = probe.startsWith("agent ") || probe.includes("://");
  if (isAsked && worker.heardAgoMs === null && worker.verdict !== "unwatched") {
    const text = `Nothing was ever heard from ${probe}. Check the port, the network between, and MESH_KEY.`;
    findings.push(found(id, "never-heard", text));
  }
  if (probe === "engine only" && worker.verdict !== "unwatched" && worker.role === "worker") {
    const text = "Only the engine speaks for it: a hang is not seen without a HEALTHCHECK.";
    findings.push(found(id, "engine-only", text));
  }
  if (worker.verdict === "partial") {
    findings.push(found(id, "partial", `Some coordinators do not hear it: ${worker.reason}`));
  }
  if (worker.quarantinedForMs !== null) {
    const text = `In quarantine for ${span(worker.quarantinedForMs)}. When mended: heartmesh release ${id}`;
    findings.push(found(id, "quarantined", text));
  }
  return findings;
}
