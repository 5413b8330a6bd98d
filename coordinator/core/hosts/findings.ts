// What a person should know of the hosts.

import type { Finding } from "../worker.ts";
import type { HostVerdict, HostVerdictKind } from "./host.ts";
import type { HostPage } from "./page.ts";

interface Words {
  readonly code: Finding["code"];
  readonly text: (host: string, verdict: HostVerdict) => string;
}

const words: Readonly<Record<HostVerdictKind, Words | undefined>> = {
  healthy: undefined,
  draining: undefined,
  dead: {
    code: "host-dead",
    text: (host, { reason }) => `Host ${host} is dead: ${reason}. Nothing is revived there.`,
  },
  "engine-unhealthy": {
    code: "host-engine",
    text: (host, { reason }) => `Host ${host}: ${reason}. Look at the engine there.`,
  },
  partial: {
    code: "host-partial",
    text: (host, { reason }) => `Host ${host}: ${reason}. Mend the network between them.`,
  },
  "agent-lost": {
    code: "host-agent",
    text: (host, { reason }) => `Host ${host}: ${reason}. Start its agent again.`,
  },
  unknown: {
    code: "host-unheard",
    text: (host, { reason }) =>
      `Host ${host}: ${reason}. Run an agent with AGENT_SCOPE=host there, and check MESH_KEY and the port.`,
  },
};

/** A Swarm without a single agent of a host is not told so for each node: its people do not use them. */
export function findingsOf(
  pages: readonly HostPage[],
  unlisted: readonly { readonly name: string; readonly address: string }[],
): readonly Finding[] {
  const isUsed = pages.some(({ everHeard, spec }) => everHeard || spec.node === undefined);
  const findings: Finding[] = [];
  for (const { spec, shown } of isUsed ? pages : []) {
    const said = words[shown.kind];
    if (said === undefined) continue;
    findings.push({ subject: spec.id, code: said.code, text: said.text(spec.id, shown) });
  }
  for (const { name, address } of unlisted) {
    const text = `An agent of a host called ${name} at ${address} stands neither in HOSTS nor in a Swarm of our engines: it is not watched. Add it to HOSTS.`;
    findings.push({ subject: name, code: "host-unlisted", text });
  }
  return findings;
}
