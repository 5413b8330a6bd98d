// A heartbeat's page of records, as long as a datagram takes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { withRecords } from "../../../coordinator/core/record-pages.ts";
import { fitsDatagram } from "../../../proto/codec.ts";
import { limits } from "../../../proto/limits.ts";
import type { GossipRecord, Heartbeat } from "../../../proto/messages.ts";
import { term } from "../../../proto/units.ts";

const heartbeat: Heartbeat = {
  kind: "heartbeat",
  term: term(7),
  leading: true,
  round: 2 ** 31,
  promise: 600,
  leader: "c1",
  fit: true,
  redis: "reachable",
  records: [],
};

const record = (name: string, silenceReason: string): GossipRecord => ({
  worker: `host-1/${name}`,
  term: term(7),
  epoch: 3,
  tries: 0,
  revivalsAgo: Array.from({ length: limits.revivalsRemembered }, () => 600_000),
  quarantinedAgo: 900_000,
  silencedFor: 86_400_000,
  silenceReason,
});

const page = (reason: string): GossipRecord[] =>
  Array.from({ length: limits.recordsPerHeartbeat }, (_, i) => record(`web-${i}`, reason));

test("a page of short records is sent whole", () => {
  assert.equal(withRecords("c1", heartbeat, page("")).records.length, limits.recordsPerHeartbeat);
});

test("eight workers silenced with long reasons do not make a heartbeat too long", () => {
  const filled = withRecords("c1", heartbeat, page("x".repeat(limits.reasonBytes)));
  assert.ok(fitsDatagram("c1", filled));
  assert.ok(filled.records.length >= 2, `${filled.records.length} records`);
  const more = { ...filled, records: page("x".repeat(200)).slice(0, filled.records.length + 1) };
  assert.equal(fitsDatagram("c1", more), false, "one more would have had room");
});
