// Generators of every message, with each field anywhere in its range.

import fc from "fast-check";
import { limits } from "../../proto/limits.ts";
import type {
  GossipRecord,
  Heartbeat,
  Message,
  MessageKind,
  SetStamp,
  StandingReport,
} from "../../proto/messages.ts";
import { isTextWithin } from "../../proto/text.ts";
import { incarnation, term } from "../../proto/units.ts";

/** With a prototype, as literals have. */
const plainRecord = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record<T>(model, { noNullPrototype: true });

const character = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
  { weight: 1, arbitrary: fc.constantFrom(0xe9, 0x20ac, 0x1f600, 0xfffd, 0x7ff, 0x800, 0xffff) },
);
const text = (minLength: number, bytes: number): fc.Arbitrary<string> =>
  fc
    .array(character, { minLength, maxLength: bytes })
    .map((points) => String.fromCodePoint(...points))
    .filter((candidate) => isTextWithin(candidate, bytes));

export const nameArbitrary = fc.oneof(
  fc.constantFrom("c1", "c2", "c3"),
  text(1, 40),
  fc.constant("n".repeat(limits.nameBytes)),
);
const reason = fc.oneof(
  fc.constant(""),
  text(0, 60),
  fc.constant("é".repeat(limits.reasonBytes / 2)),
);
const count = fc.oneof(
  fc.nat({ max: 300 }),
  fc.nat({ max: 2 ** 31 - 1 }),
  fc.maxSafeNat(),
  fc.constantFrom(0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1),
);
/** Of those that go on being counted. */
const counter = fc.oneof(
  { weight: 9, arbitrary: count.map((n) => n % (limits.counter + 1)) },
  { weight: 1, arbitrary: fc.constantFrom(limits.counter, limits.counter - 1) },
);
const orNever = fc.oneof(count, fc.constant(-1));
const terms = counter.map(term);
const incarnations = count.map(incarnation);
const flag = fc.boolean();
const stamp = plainRecord({ term: terms, version: counter });
const member = plainRecord({
  id: nameArbitrary,
  host: nameArbitrary,
  port: fc.nat({ max: 65_535 }),
});
/** As releases before sets could change send it, with a set, and with its members too. */
const withSet = <T extends object>(
  message: fc.Arbitrary<T>,
): fc.Arbitrary<T & { set?: SetStamp }> =>
  fc
    .tuple(message, fc.option(stamp, { nil: undefined }))
    .map(([plain, set]) => (set === undefined ? plain : { ...plain, set }));
const withOptional = <T extends object, E extends object>(
  message: fc.Arbitrary<T>,
  extra: fc.Arbitrary<E>,
): fc.Arbitrary<T & Partial<E>> =>
  fc
    .tuple(message, fc.option(extra, { nil: undefined }))
    .map(([plain, more]) => ({ ...plain, ...more }));
const capacity = plainRecord({ processors: count, memory: count, available: count });
const grant = plainRecord({
  answer: count,
  for: fc.nat({ max: limits.grant }),
  of: fc.integer({ min: 1, max: limits.coordinators }),
  set: stamp,
  goodbye: flag,
});
const fence = plainRecord({
  able: flag,
  within: count,
  state: fc.constantFrom("never", "held", "lapsed", "kept"),
  answer: count,
});
const load = fc.nat({ max: 10_000_000 }).map((n) => n / 100);
const health = withOptional(
  plainRecord({
    state: fc.constantFrom("unchecked", "starting", "healthy", "unhealthy"),
    checkedAgo: count,
    reason,
  }),
  plainRecord({ load }),
);
const record: fc.Arbitrary<GossipRecord> = fc
  .tuple(
    plainRecord({
      worker: nameArbitrary,
      term: terms,
      epoch: counter,
      tries: counter,
      revivalsAgo: fc.array(count, { maxLength: limits.revivalsRemembered }),
      quarantinedAgo: orNever,
      silencedFor: orNever,
      silenceReason: reason,
    }),
    fc.boolean(),
  )
  .map(([plain, over]) => (over ? { ...plain, over: true as const } : plain));
const report: fc.Arbitrary<StandingReport> = withOptional(
  plainRecord({
    worker: nameArbitrary,
    nonce: count,
    standing: fc.constantFrom("up", "doubt", "down", "abstain"),
    heardAgo: orNever,
    unanswered: count,
    failedAttempts: count,
    refused: count,
  }),
  plainRecord({ grant: plainRecord({ ago: count, for: count }) }),
);

/** One generator a kind, so that a new kind does not compile without one. */
export const messageArbitraries: {
  readonly [Kind in MessageKind]: fc.Arbitrary<Extract<Message, { kind: Kind }>>;
} = {
  ping: withOptional(
    plainRecord({ kind: fc.constant("ping"), nonce: count }),
    plainRecord({ grant }),
  ),
  pong: withOptional(
    plainRecord({
      kind: fc.constant("pong"),
      nonce: count,
      name: nameArbitrary,
      incarnation: incarnations,
      health,
      lag: count,
      load,
    }),
    fc.oneof(plainRecord({ capacity }), plainRecord({ capacity, fence })),
  ),
  announce: withOptional(
    plainRecord({
      kind: fc.constant("announce"),
      name: nameArbitrary,
      incarnation: incarnations,
      port: fc.integer({ min: 1, max: 65_535 }),
      leaving: flag,
      health,
    }),
    plainRecord({ ofHost: fc.constant(true) }),
  ),
  obituary: plainRecord({
    kind: fc.constant("obituary"),
    name: nameArbitrary,
    incarnation: incarnations,
    process: nameArbitrary,
    ago: count,
  }),
  heartbeat: withSet(
    plainRecord<Heartbeat>({
      kind: fc.constant("heartbeat"),
      term: terms,
      leading: flag,
      round: count,
      promise: count,
      leader: fc.oneof(fc.constant(""), nameArbitrary),
      fit: flag,
      redis: fc.constantFrom("reachable", "unreachable", "unknown"),
      records: fc.array(record, { maxLength: 2 }),
    }),
  ).chain((plain) =>
    plain.set === undefined
      ? fc.constant(plain)
      : fc
          .option(fc.array(member, { maxLength: 3 }), { nil: undefined })
          .map((members) => (members === undefined ? plain : { ...plain, members })),
  ),
  "heartbeat-ack": withSet(
    plainRecord({
      kind: fc.constant("heartbeat-ack"),
      term: terms,
      round: count,
      accepted: flag,
    }),
  ),
  "pre-vote": withSet(plainRecord({ kind: fc.constant("pre-vote"), term: terms, round: count })),
  "pre-vote-answer": plainRecord({
    kind: fc.constant("pre-vote-answer"),
    term: terms,
    round: count,
    granted: flag,
  }),
  vote: withSet(
    plainRecord({ kind: fc.constant("vote"), term: terms, round: count, handover: terms }),
  ),
  "vote-answer": plainRecord({
    kind: fc.constant("vote-answer"),
    term: terms,
    round: count,
    granted: flag,
  }),
  handover: plainRecord({
    kind: fc.constant("handover"),
    term: terms,
    successor: fc.oneof(fc.constant(""), nameArbitrary),
  }),
  doubt: plainRecord({
    kind: fc.constant("doubt"),
    questions: fc.array(plainRecord({ worker: nameArbitrary, nonce: count }), { maxLength: 4 }),
  }),
  report: plainRecord({
    kind: fc.constant("report"),
    reports: fc.array(report, { maxLength: 3 }),
  }),
};

export const messageArbitrary: fc.Arbitrary<Message> = fc.oneof(
  ...Object.values<fc.Arbitrary<Message>>(messageArbitraries),
);
