import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pack, unpack } from "msgpackr";
import { decodeMessage, encodeMessage, fitsDatagram } from "../../proto/codec.ts";
import { payloadBytes } from "../../proto/frame.ts";
import { limits } from "../../proto/limits.ts";
import type { Heartbeat, Message } from "../../proto/messages.ts";
import { incarnation, term } from "../../proto/units.ts";
import { messageArbitraries, messageArbitrary, nameArbitrary } from "./arbitrary-message.ts";

const decoded = (bytes: Uint8Array) => {
  const outcome = decodeMessage(bytes);
  assert.ok(outcome.ok, outcome.ok ? "" : outcome.failure);
  return outcome.value;
};
const failureOf = (bytes: Uint8Array): string => {
  const outcome = decodeMessage(bytes);
  return outcome.ok ? `decoded as ${outcome.value.message.kind}` : outcome.failure;
};

for (const [kind, arbitrary] of Object.entries<fc.Arbitrary<Message>>(messageArbitraries)) {
  test(`every ${kind} that fits a datagram comes back as it was sent`, () => {
    fc.assert(
      fc.property(nameArbitrary, arbitrary, (sender, message) => {
        fc.pre(fitsDatagram(sender, message));
        assert.deepEqual(decoded(encodeMessage(sender, message)), { sender, message });
      }),
      { numRuns: 200 },
    );
  });
}

test("any bytes give an outcome, never an exception", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1500 }), (bytes) => {
      assert.equal(typeof decodeMessage(bytes).ok, "boolean");
    }),
    { numRuns: 2000 },
  );
});

test("a message with any one byte changed gives an outcome, and what is accepted encodes again", () => {
  fc.assert(
    fc.property(
      messageArbitrary,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (message, at, change) => {
        fc.pre(fitsDatagram("c1", message));
        const bytes = Uint8Array.from(encodeMessage("c1", message));
        const index = at % bytes.length;
        bytes[index] = bytes[index]! ^ change;
        const outcome = decodeMessage(bytes);
        if (!outcome.ok) return;
        const again = encodeMessage(outcome.value.sender, outcome.value.message);
        assert.deepEqual(decoded(again), outcome.value);
      },
    ),
    { numRuns: 3000 },
  );
});

test("a message cut short or with a byte behind it is malformed", () => {
  fc.assert(
    fc.property(messageArbitrary, fc.nat(), (message, cut) => {
      fc.pre(fitsDatagram("c1", message));
      const bytes = encodeMessage("c1", message);
      assert.equal(failureOf(bytes.subarray(0, cut % bytes.length)), "malformed");
      assert.equal(failureOf(Uint8Array.of(...bytes, 0)), "malformed");
    }),
    { numRuns: 300 },
  );
});

const hostile: Readonly<Record<string, Uint8Array>> = {
  "an array of 2^32-1 elements": Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff, 1, 0),
  "an array of 65,535 elements": Uint8Array.of(0xdc, 0xff, 0xff, 1, 0),
  "arrays of 65,535 inside each other": Uint8Array.from(
    Array.from({ length: 300 }, () => [0xdc, 0xff, 0xff]).flat(),
  ),
  "1,200 nested arrays": new Uint8Array(1200).fill(0x91),
  "a map of 2^32-1 entries": Uint8Array.of(0xdf, 0xff, 0xff, 0xff, 0xff),
  "a string of 2^32-1 bytes": Uint8Array.of(0x92, 1, 0xdb, 0xff, 0xff, 0xff, 0xff),
  "a string of 65,535 bytes": Uint8Array.of(0x92, 1, 0xda, 0xff, 0xff),
  "a binary of 2^32-1 bytes": Uint8Array.of(0x92, 1, 0xc6, 0xff, 0xff, 0xff, 0xff),
  "an extension of 2^32-1 bytes": Uint8Array.of(0x92, 1, 0xc9, 0xff, 0xff, 0xff, 0xff, 0x70),
  "a typed array extension": Uint8Array.of(0x92, 1, 0xc7, 2, 0x74, 0, 0),
  "a record definition": Uint8Array.of(0x92, 1, 0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 1),
  "bundled strings": Uint8Array.of(0x92, 1, 0xd6, 0x62, 0xff, 0xff, 0xff, 0xff),
  "a date": pack([1, new Date(0)]),
  "a 64-bit integer": pack([1, 2n ** 60n]),
  "a map": pack([1, { __proto__: null, constructor: 1 }]),
  "a set": pack([1, new Set([1])]),
  "nothing at all": new Uint8Array(0),
  "1,201 bytes": pack([1, 0, "c1", 1, "x".repeat(1201)]),
};
for (const [what, bytes] of Object.entries(hostile)) {
  test(`${what}: malformed, and it costs no memory`, () => {
    decodeMessage(bytes); // Compiled before it is measured.
    const before = process.memoryUsage();
    for (let i = 0; i < 50; i++) assert.equal(failureOf(bytes), "malformed");
    const after = process.memoryUsage();
    // 50 decodes together; one array of 65,535 elements would be 512 KiB alone.
    const grown = after.heapUsed - before.heapUsed + (after.arrayBuffers - before.arrayBuffers);
    assert.ok(grown < 400 * 1024, `${grown} bytes`);
  });
}

test("another version says so, whatever follows it", () => {
  assert.equal(failureOf(pack([2, 0, "c1", 1])), "version");
  assert.equal(failureOf(Uint8Array.of(0x92, 0x07, 0xc1)), "version");
});

test("fields that a later release appends are ignored, in the message and in its groups", () => {
  const grant = { answer: 6, for: 5000, of: 3, set: { term: 0, version: 0 }, goodbye: false };
  const ping = { sender: "c1", message: { kind: "ping", nonce: 7, grant } };
  const granted = [6, 5000, 3, 0, 0, false, "newer", 0.5];
  assert.deepEqual(decoded(pack([1, 0, "c1", 7, granted, "new", [1, [2.5, null]], true])), ping);
  assert.deepEqual(decoded(pack([1, 11, "c1", [["w", 5, "new", -1]], 0])), {
    sender: "c1",
    message: { kind: "doubt", questions: [{ worker: "w", nonce: 5 }] },
  });
});

const wrong: Readonly<Record<string, readonly unknown[]>> = {
  "an unknown kind": [1, 99, "c1", 1],
  "a kind that is no number": [1, "push", "c1", 1],
  "a negative kind": [1, -1, "c1", 1],
  "no sender": [1, 0, "", 1],
  "a sender of 201 bytes": [1, 0, "x".repeat(201), 1],
  "a sender of 201 bytes in 101 characters": [1, 0, "x" + "é".repeat(100), 1],
  "a sender with a line break": [1, 0, "c1\nINFO all is well", 1],
  "no nonce": [1, 0, "c1"],
  "a nonce that is text": [1, 0, "c1", "1"],
  "a nonce that is nil": [1, 0, "c1", null],
  "a negative nonce": [1, 0, "c1", -1],
  "a nonce with a fraction": [1, 0, "c1", 1.5],
  "a nonce that is no number": [1, 0, "c1", NaN],
  "an infinite nonce": [1, 0, "c1", Infinity],
  "a nonce above 2^53": [1, 0, "c1", 2 ** 54],
  "a term that nobody could count on from": [1, 6, "c1", 2 ** 48 + 1, 1],
  "an epoch that nobody could count on from": [
    ...[1, 4, "c1", 1, true, 1, 0, "c1", true, 0],
    [["w", 1, 2 ** 48 + 1, 0, [], -1, -1, ""]],
  ],
  "port 0": [1, 2, "a", "a", 1, 0, false, [2, 0, ""]],
  "port 65,536": [1, 2, "a", "a", 1, 65_536, false, [2, 0, ""]],
  "an unknown state of health": [1, 2, "a", "a", 1, 8888, false, [4, 0, ""]],
  "a flag that is 1": [1, 2, "a", "a", 1, 8888, 1, [2, 0, ""]],
  "a capacity that is no group": [1, 1, "a", 1, "a", 1, [2, 0, ""], 0, 0, 7],
  "a capacity of negative memory": [1, 1, "a", 1, "a", 1, [2, 0, ""], 0, 0, [2, -1, 0]],
  "a capacity without its memory": [1, 1, "a", 1, "a", 1, [2, 0, ""], 0, 0, [2]],
  "a grant that is no group": [1, 0, "c1", 7, 5],
  "a grant of more than ten minutes": [1, 0, "c1", 7, [6, 600_001, 3, 0, 0, false]],
  "a grant of a set of no coordinators": [1, 0, "c1", 7, [6, 5000, 0, 0, 0, false]],
  "a grant without its goodbye": [1, 0, "c1", 7, [6, 5000, 3, 0, 0]],
  "an unknown state of a fence": [
    1,
    1,
    "a",
    "a",
    1,
    "a",
    1,
    [2, 0, ""],
    0,
    0,
    [2, 0, 0],
    [true, 1000, 4, 9],
  ],
  "a last grant of a negative age": [1, 12, "c1", [["w", 1, 0, -1, 0, 0, 0, [-1, 5000]]]],
  "a mark of a host that is no flag": [1, 2, "a", "a", 1, 8888, false, [2, 0, ""], 1],
  "health that is no group": [1, 2, "a", "a", 1, 8888, false, 2],
  "a reason of 201 bytes": [1, 2, "a", "a", 1, 8888, false, [2, 0, "x".repeat(201)]],
  "13 questions": [1, 11, "c1", Array.from({ length: 13 }, () => ["w", 1])],
  "questions that are no list": [1, 11, "c1", 5],
  "a question that is no group": [1, 11, "c1", ["w"]],
  "a time of -2": [1, 12, "c1", [["w", 1, 0, -2, 0, 0, 0]]],
};
for (const [what, fields] of Object.entries(wrong)) {
  test(`${what}: malformed`, () => {
    assert.equal(failureOf(pack(fields)), "malformed");
  });
}

const heartbeat = (records: Heartbeat["records"], promise = 0): Heartbeat => ({
  kind: "heartbeat",
  term: term(3),
  leading: true,
  round: 9,
  promise,
  leader: "c1",
  fit: true,
  redis: "reachable",
  records,
});
const largeRecord: Heartbeat["records"][number] = {
  worker: "w".repeat(limits.nameBytes),
  term: term(2 ** 40),
  epoch: 2 ** 40,
  tries: 3,
  revivalsAgo: Array.from({ length: limits.revivalsRemembered }, (_, i) => 600_000 - i),
  quarantinedAgo: 1e12,
  silencedFor: 1e12,
  silenceReason: "r".repeat(limits.reasonBytes),
  over: true,
};

test("ages and promises are rounded up to whole milliseconds, remembered times to the nearest", () => {
  const record = { ...largeRecord, revivalsAgo: [10.4, 10.6], quarantinedAgo: 0.2, silencedFor: 7 };
  const { message } = decoded(encodeMessage("c1", heartbeat([record], 749.01)));
  assert.ok(message.kind === "heartbeat");
  assert.equal(message.promise, 750);
  assert.deepEqual(message.records[0]?.revivalsAgo, [10, 11]);
  assert.equal(message.records[0].quarantinedAgo, 0);
});

test("a grant is rounded so that nobody runs longer or is thought fenced sooner than was meant", () => {
  const grant = {
    answer: 6,
    for: 4999.9,
    of: 3,
    set: { term: term(2), version: 1 },
    goodbye: false,
  };
  const ping = decoded(encodeMessage("c1", { kind: "ping", nonce: 7, grant })).message;
  assert.ok(ping.kind === "ping");
  assert.deepEqual(ping.grant, { ...grant, for: 4999 });
  const about = { worker: "h1", nonce: 1, standing: "down", heardAgo: 9 } as const;
  const counts = { unanswered: 4, failedAttempts: 3, refused: 0 };
  const reports = [{ ...about, ...counts, grant: { ago: 10.9, for: 4999.1 } }];
  const { message } = decoded(encodeMessage("c1", { kind: "report", reports }));
  assert.ok(message.kind === "report");
  assert.deepEqual(message.reports[0]?.grant, { ago: 10, for: 5000 });
});

test("a reason is cut at a character's boundary and loses its line breaks", () => {
  const health = { state: "unhealthy", checkedAgo: 0, reason: `a\n${"é".repeat(150)}` } as const;
  const { message } = decoded(
    encodeMessage("a", {
      kind: "announce",
      name: "a",
      incarnation: incarnation(1),
      port: 8888,
      leaving: false,
      health,
    }),
  );
  assert.ok(message.kind === "announce");
  assert.equal(message.health.reason, `a ${"é".repeat(99)}`);
});

test("fitsDatagram tells where a heartbeat's page must end", () => {
  assert.equal(fitsDatagram("c1", heartbeat([])), true);
  assert.equal(fitsDatagram("c1", heartbeat([largeRecord, largeRecord])), true);
  const three = heartbeat([largeRecord, largeRecord, largeRecord]);
  assert.equal(fitsDatagram("c1", three), false);
  assert.ok(encodeMessage("c1", three).length > payloadBytes);
});

test("every message without a list fits a datagram, whatever its fields", () => {
  fc.assert(
    fc.property(messageArbitrary, (message) => {
      fc.pre(!["heartbeat", "doubt", "report"].includes(message.kind));
      assert.equal(fitsDatagram("s".repeat(limits.nameBytes), message), true);
    }),
    { numRuns: 500 },
  );
});

test("what must never be sent is an assertion", () => {
  assert.throws(() => encodeMessage("", { kind: "ping", nonce: 1 }), /name/);
  assert.throws(() => encodeMessage("c1", { kind: "ping", nonce: NaN }), /whole number/);
  assert.throws(() => encodeMessage("c1", heartbeat([], -1)), /whole number/);
  assert.throws(
    () => encodeMessage("c1", heartbeat(Array.from({ length: 9 }, () => largeRecord))),
    /at most 8/,
  );
});

test("the release before sets could change reads what this one writes, and is read", () => {
  const set = { term: term(7), version: 2 };
  const members = [{ id: "c4", host: "10.0.0.4", port: 7700 }];
  const vote = { kind: "vote", term: term(8), round: 3, handover: term(0) } as const;
  const pairs = [
    [heartbeat([]), { ...heartbeat([]), set, members }],
    [vote, { ...vote, set }],
  ] as const;
  for (const [before, now] of pairs) {
    const [old, young] = [before, now].map(
      (message) => unpack(encodeMessage("c1", message)) as unknown[],
    );
    assert.deepEqual(young?.slice(0, old?.length), old, "fields only came behind the others");
    assert.deepEqual(decoded(encodeMessage("c1", before)).message, before);
    assert.deepEqual(decoded(encodeMessage("c1", now)).message, now);
  }
});

test("the release before there were hosts reads what this one writes, and is read", () => {
  const health = { state: "healthy", checkedAgo: 12, reason: "" } as const;
  const about = { name: "h1", incarnation: incarnation(5), health };
  const pong = { kind: "pong", nonce: 3, ...about, lag: 0, load: 0.25 } as const;
  const announce = { kind: "announce", ...about, port: 8888, leaving: false } as const;
  const capacity = { processors: 2, memory: 2 ** 34, available: 2 ** 33 };
  const pairs = [
    [pong, { ...pong, capacity }],
    [announce, { ...announce, ofHost: true }],
  ] as const;
  for (const [before, now] of pairs) {
    const [old, young] = [before, now].map(
      (message) => unpack(encodeMessage("h1", message)) as unknown[],
    );
    assert.deepEqual(young?.slice(0, old?.length), old, "fields only came behind the others");
    assert.equal(young?.length, (old?.length ?? 0) + 1);
    assert.deepEqual(decoded(encodeMessage("h1", before)).message, before);
    assert.deepEqual(decoded(encodeMessage("h1", now)).message, now);
  }
});
