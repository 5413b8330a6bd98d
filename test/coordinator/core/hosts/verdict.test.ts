// What a Swarm's own word that a node is down is worth beside what is heard of its agent.

import assert from "node:assert/strict";
import { test } from "node:test";
import { concludeHost, type HostFacts } from "../../../../coordinator/core/hosts/verdict.ts";

const healthy = { kind: "healthy", reason: "its agent answers", evidence: [] } as const;
const kindOf = (some: Partial<HostFacts>): string =>
  concludeHost({
    spec: { id: "h1", address: "10.0.0.1", port: 8888, engines: [], node: undefined },
    me: "c1",
    fit: true,
    conclusion: { kind: "undecided", reason: "" },
    aliveFor: 0,
    isSilentHere: false,
    wasHeardLately: false,
    everHeard: true,
    health: undefined,
    sign: undefined,
    isCalledDown: true,
    previous: healthy,
    ...some,
  }).kind;

test("a host that its Swarm calls down is dead when its agent is silent by this path's own measure, not at the first gap", () => {
  assert.equal(kindOf({}), "healthy");
  assert.equal(kindOf({ isSilentHere: true }), "dead");
  assert.equal(kindOf({ isSilentHere: true, wasHeardLately: true }), "healthy");
  assert.equal(kindOf({ isSilentHere: true, isCalledDown: false }), "healthy");
});

test("of a host that was never heard its Swarm's word suffices", () => {
  assert.equal(kindOf({ everHeard: false }), "dead");
  assert.equal(kindOf({ everHeard: false, isCalledDown: false }), "unknown");
});
