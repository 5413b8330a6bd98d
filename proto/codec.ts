// The wire form of messages: MessagePack arrays `[version, kind, sender, …fields]`, without a name of any field.
//
// Rolling upgrades: a later release may append fields to a message or to a group inside one, and this one ignores
// them; a field that changes its meaning needs a new version; a new kind is `malformed` to older releases.
// Milliseconds travel whole: ages and promises rounded up (an age is never understated and a promise never
// shortened), remembered times to the nearest, so that passing them on does not make them drift.

import { Packr, Unpackr } from "msgpackr/pack";
import { age, atMost, count, hundredths, name, nameOrEmpty } from "./field-values.ts";
import { FieldReader } from "./fields.ts";
import { payloadBytes } from "./frame.ts";
import {
  capacityFields,
  fenceFields,
  grantFields,
  healthFields,
  memberFields,
  readCapacity,
  readFence,
  readGrant,
  readHealth,
  readMember,
  readRecord,
  readReport,
  recordFields,
  reportFields,
} from "./groups.ts";
import { limits } from "./limits.ts";
import type { Outcome } from "./machine.ts";
import type { Message, MessageKind, SetStamp } from "./messages.ts";
import { isPlainValue } from "./scan.ts";
import { incarnation, term } from "./units.ts";

const wireVersion = 1;

export interface Envelope {
  /** A coordinator's id or an agent's name. */
  readonly sender: string;
  readonly message: Message;
}

/** May be longer than a datagram: see `fitsDatagram`. A reason is cut to `limits.reasonBytes`; anything else beyond its bound is an assertion. */
export function encodeMessage(sender: string, message: Message): Uint8Array {
  const fields: unknown[] = [wireVersion, kindCodes[message.kind], name(sender)];
  appendFields(fields, message);
  return packr.pack(fields);
}

/** Whether the sealed datagram would be within `limits.datagramBytes`. */
export function fitsDatagram(sender: string, message: Message): boolean {
  return encodeMessage(sender, message).length <= payloadBytes;
}

/** Never throws; what it builds has at most `limits.datagramBytes` elements and as many bytes of text. */
export function decodeMessage(bytes: Uint8Array): Outcome<Envelope, "malformed" | "version"> {
  if (bytes.length > limits.datagramBytes) return malformed;
  if (isOtherVersion(bytes)) return { ok: false, failure: "version" };
  if (!isPlainValue(bytes)) return malformed;
  scratch.set(bytes);
  const value: unknown = unpackr.unpack(scratch, bytes.length);
  if (!Array.isArray(value) || value[0] !== wireVersion) return malformed;
  const kind: unknown = value[1];
  const read = typeof kind === "number" ? readers[kind] : undefined;
  if (read === undefined) return malformed;
  const fields = new FieldReader(value as unknown[], 2);
  const sender = fields.name();
  const message = read(fields);
  return fields.isGood ? { ok: true, value: { sender, message } } : malformed;
}

const malformed = { ok: false, failure: "malformed" } as const;

// msgpackr/pack is the entry without the native string extractor, which costs an agent 1.2 MB.
const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false });

/** Unpacked from one buffer, since msgpackr makes a DataView for every buffer that it sees first. */
const scratch = Buffer.alloc(limits.datagramBytes);

/** The version stands where every version has it: an array's first element, in one byte. */
function isOtherVersion(bytes: Uint8Array): boolean {
  const head = bytes[0];
  const version = bytes[1];
  return (
    head !== undefined &&
    head >= 0x90 &&
    head <= 0x9f &&
    version !== undefined &&
    version < 0x80 &&
    version !== wireVersion
  );
}

/** Never reused for another meaning. */
const kindCodes = {
  ping: 0,
  pong: 1,
  announce: 2,
  obituary: 3,
  heartbeat: 4,
  "heartbeat-ack": 5,
  "pre-vote": 6,
  "pre-vote-answer": 7,
  vote: 8,
  "vote-answer": 9,
  handover: 10,
  doubt: 11,
  report: 12,
} as const satisfies Record<MessageKind, number>;

// Words travel as their place in this list: append, never reorder.
const redisStates = ["reachable", "unreachable", "unknown"] as const;

function appendFields(to: unknown[], m: Message): void {
  switch (m.kind) {
    case "ping":
      to.push(count(m.nonce));
      if (m.grant !== undefined) to.push(grantFields(m.grant));
      return;
    case "pong":
      to.push(count(m.nonce), name(m.name), count(m.incarnation), healthFields(m.health));
      to.push(age(m.lag), hundredths(m.load));
      if (m.capacity !== undefined) to.push(capacityFields(m.capacity));
      if (m.capacity !== undefined && m.fence !== undefined) to.push(fenceFields(m.fence));
      return;
    case "announce":
      to.push(name(m.name), count(m.incarnation), count(m.port, 1, 65_535), m.leaving);
      to.push(healthFields(m.health));
      if (m.ofHost === true) to.push(true);
      return;
    case "obituary":
      to.push(name(m.name), count(m.incarnation), name(m.process), age(m.ago));
      return;
    case "heartbeat":
      to.push(count(m.term), m.leading, count(m.round), age(m.promise), nameOrEmpty(m.leader));
      to.push(m.fit, redisStates.indexOf(m.redis));
      to.push(atMost(limits.recordsPerHeartbeat, m.records).map(recordFields));
      appendStamp(to, m.set);
      if (m.set !== undefined && m.members !== undefined) {
        to.push(atMost(limits.coordinators, m.members).map(memberFields));
      }
      return;
    case "heartbeat-ack":
      to.push(count(m.term), count(m.round), m.accepted);
      appendStamp(to, m.set);
      return;
    case "pre-vote":
      to.push(count(m.term), count(m.round));
      appendStamp(to, m.set);
      return;
    case "vote":
      to.push(count(m.term), count(m.round), count(m.handover));
      appendStamp(to, m.set);
      return;
    case "pre-vote-answer":
    case "vote-answer":
      to.push(count(m.term), count(m.round), m.granted);
      return;
    case "handover":
      to.push(count(m.term), nameOrEmpty(m.successor));
      return;
    case "doubt":
      to.push(
        atMost(limits.reportsPerMessage, m.questions).map((q) => [name(q.worker), count(q.nonce)]),
      );
      return;
    case "report":
      to.push(atMost(limits.reportsPerMessage, m.reports).map(reportFields));
      return;
  }
}

/** Left out, the message is as releases before sets could change wrote it. */
function appendStamp(to: unknown[], stamp: SetStamp | undefined): void {
  if (stamp !== undefined) to.push([count(stamp.term), count(stamp.version)]);
}

/** By kind code. */
const readers: readonly ((fields: FieldReader) => Message)[] = byCode({
  ping: (f) => ({
    kind: "ping",
    nonce: f.count(),
    ...(f.hasMore && { grant: f.group(readGrant) }),
  }),
  pong: (f) => ({
    kind: "pong",
    nonce: f.count(),
    name: f.name(),
    incarnation: incarnation(f.count()),
    health: f.group(readHealth),
    lag: f.count(),
    load: f.count() / 100,
    ...(f.hasMore && { capacity: f.group(readCapacity) }),
    ...(f.hasMore && { fence: f.group(readFence) }),
  }),
  announce: (f) => ({
    kind: "announce",
    name: f.name(),
    incarnation: incarnation(f.count()),
    port: f.count(1, 65_535),
    leaving: f.flag(),
    health: f.group(readHealth),
    ...(f.hasMore && f.flag() && { ofHost: true as const }),
  }),
  obituary: (f) => ({
    kind: "obituary",
    name: f.name(),
    incarnation: incarnation(f.count()),
    process: f.name(),
    ago: f.count(),
  }),
  heartbeat: (f) => ({
    kind: "heartbeat",
    term: term(f.counter()),
    leading: f.flag(),
    round: f.count(),
    promise: f.count(),
    leader: f.nameOrEmpty(),
    fit: f.flag(),
    redis: f.word(redisStates),
    records: f.groups(limits.recordsPerHeartbeat, readRecord),
    ...optionalStamp(f),
    ...(f.hasMore && { members: f.groups(limits.coordinators, readMember) }),
  }),
  "heartbeat-ack": (f) => ({
    kind: "heartbeat-ack",
    term: term(f.counter()),
    round: f.count(),
    accepted: f.flag(),
    ...optionalStamp(f),
  }),
  "pre-vote": (f) => ({
    kind: "pre-vote",
    term: term(f.counter()),
    round: f.count(),
    ...optionalStamp(f),
  }),
  "pre-vote-answer": (f) => ({
    kind: "pre-vote-answer",
    term: term(f.counter()),
    round: f.count(),
    granted: f.flag(),
  }),
  vote: (f) => ({
    kind: "vote",
    term: term(f.counter()),
    round: f.count(),
    handover: term(f.counter()),
    ...optionalStamp(f),
  }),
  "vote-answer": (f) => ({
    kind: "vote-answer",
    term: term(f.counter()),
    round: f.count(),
    granted: f.flag(),
  }),
  handover: (f) => ({ kind: "handover", term: term(f.counter()), successor: f.nameOrEmpty() }),
  doubt: (f) => ({
    kind: "doubt",
    questions: f.groups(limits.reportsPerMessage, (q) => ({ worker: q.name(), nonce: q.count() })),
  }),
  report: (f) => ({ kind: "report", reports: f.groups(limits.reportsPerMessage, readReport) }),
});

const optionalStamp = (f: FieldReader): { set?: SetStamp } =>
  f.hasMore
    ? { set: f.group((stamp) => ({ term: term(stamp.counter()), version: stamp.counter() })) }
    : {};

function byCode(
  table: Record<MessageKind, (fields: FieldReader) => Message>,
): readonly ((fields: FieldReader) => Message)[] {
  const list: ((fields: FieldReader) => Message)[] = [];
  for (const kind of Object.keys(kindCodes) as MessageKind[]) list[kindCodes[kind]] = table[kind];
  return list;
}
