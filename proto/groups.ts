// The groups inside messages, each written and read here: an array in place of one field.

import { age, atMost, count, hundredths, name, remembered } from "./field-values.ts";
import type { FieldReader } from "./fields.ts";
import { limits } from "./limits.ts";
import type {
  AgentHealth,
  Capacity,
  GossipRecord,
  Grant,
  Member,
  PongFence,
  StandingReport,
} from "./messages.ts";
import { toReason } from "./text.ts";
import { term } from "./units.ts";

// Words travel as their place in these lists: append, never reorder.
const healthStates = ["unchecked", "starting", "healthy", "unhealthy"] as const;
const fenceStates = ["never", "held", "lapsed", "kept"] as const;
const standings = ["up", "doubt", "down", "abstain"] as const;

export const memberFields = (member: Member): unknown[] => [
  name(member.id),
  name(member.host),
  count(member.port, 0, 65_535),
];

export const capacityFields = (capacity: Capacity): unknown[] => [
  count(capacity.processors),
  count(capacity.memory),
  count(capacity.available),
];

/** Its length rounded down: nobody may run longer than was meant. */
export const grantFields = (grant: Grant): unknown[] => [
  count(grant.answer),
  count(Math.floor(grant.for), 0, limits.grant),
  count(grant.of, 1, limits.coordinators),
  count(grant.set.term),
  count(grant.set.version),
  grant.goodbye,
];

export const fenceFields = (fence: PongFence): unknown[] => [
  fence.able,
  age(fence.within),
  fenceStates.indexOf(fence.state),
  count(fence.answer),
];

export const healthFields = (health: AgentHealth): unknown[] => [
  healthStates.indexOf(health.state),
  age(health.checkedAgo),
  toReason(health.reason),
  ...(health.load === undefined ? [] : [hundredths(health.load)]),
];

export const recordFields = (record: GossipRecord): unknown[] => [
  name(record.worker),
  count(record.term),
  count(record.epoch),
  count(record.tries),
  atMost(limits.revivalsRemembered, record.revivalsAgo).map(remembered),
  record.quarantinedAgo === -1 ? -1 : remembered(record.quarantinedAgo),
  record.silencedFor === -1 ? -1 : remembered(record.silencedFor),
  toReason(record.silenceReason),
  ...(record.over === undefined ? [] : [true]),
];

export const reportFields = (report: StandingReport): unknown[] => [
  name(report.worker),
  count(report.nonce),
  standings.indexOf(report.standing),
  report.heardAgo === -1 ? -1 : age(report.heardAgo),
  count(report.unanswered),
  count(report.failedAttempts),
  count(report.refused),
  // The time without a grant rounded down and the grant's length up: nobody may be thought fenced too early.
  ...(report.grant === undefined
    ? []
    : [[count(Math.floor(report.grant.ago)), age(report.grant.for)]]),
];

export function readMember(fields: FieldReader): Member {
  return { id: fields.name(), host: fields.name(), port: fields.count(0, 65_535) };
}

export function readCapacity(fields: FieldReader): Capacity {
  return { processors: fields.count(), memory: fields.count(), available: fields.count() };
}

export function readGrant(fields: FieldReader): Grant {
  return {
    answer: fields.count(),
    for: fields.count(0, limits.grant),
    of: fields.count(1, limits.coordinators),
    set: { term: term(fields.counter()), version: fields.counter() },
    goodbye: fields.flag(),
  };
}

export function readFence(fields: FieldReader): PongFence {
  return {
    able: fields.flag(),
    within: fields.count(),
    state: fields.word(fenceStates),
    answer: fields.count(),
  };
}

export function readHealth(fields: FieldReader): AgentHealth {
  return {
    state: fields.word(healthStates),
    checkedAgo: fields.count(),
    reason: fields.reason(),
    ...(fields.hasMore && { load: fields.count() / 100 }),
  };
}

export function readRecord(fields: FieldReader): GossipRecord {
  return {
    worker: fields.name(),
    term: term(fields.counter()),
    epoch: fields.counter(),
    tries: fields.counter(),
    revivalsAgo: fields.counts(limits.revivalsRemembered),
    quarantinedAgo: fields.count(-1),
    silencedFor: fields.count(-1),
    silenceReason: fields.reason(),
    ...(fields.hasMore && fields.flag() && { over: true }),
  };
}

export function readReport(fields: FieldReader): StandingReport {
  return {
    worker: fields.name(),
    nonce: fields.count(),
    standing: fields.word(standings),
    heardAgo: fields.count(-1),
    unanswered: fields.count(),
    failedAttempts: fields.count(),
    refused: fields.count(),
    ...(fields.hasMore && {
      grant: fields.group((grant) => ({ ago: grant.count(), for: grant.count() })),
    }),
  };
}
