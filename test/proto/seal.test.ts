import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeMessage, encodeMessage } from "../../proto/codec.ts";
import { bootAt, clusterAt, keyIdAt, payloadAt, payloadBytes } from "../../proto/frame.ts";
import { insecureRing, parseKeyRing, type KeyRing } from "../../proto/key-ring.ts";
import { limits } from "../../proto/limits.ts";
import { createMac } from "../../proto/mac.ts";
import { Seal, createSeal } from "../../proto/seal.ts";
import type { BootId } from "../../proto/units.ts";

const mac = await createMac();
let boots = 0;

function ringOf(text: string): KeyRing {
  const parsed = parseKeyRing(text);
  assert.ok(parsed.ok);
  return parsed.value;
}

const oldKey = "the old key of this cluster";
const newKey = "the new key of this cluster";
const ring = ringOf(oldKey);

/** A process of its own: another boot id each time. */
function start(use: KeyRing = ring, cluster = "blue"): Seal {
  const boot = (++boots).toString(16).padStart(16, "0") as BootId;
  return new Seal({ cluster, boot, ring: use }, mac);
}

const outcomeOf = (seal: Seal, datagram: Uint8Array): string => {
  const opened = seal.open(datagram);
  return opened.ok ? "opened" : opened.failure;
};
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

test("what one process seals another opens, with its boot id and sequence", async () => {
  const boot = "0123456789abcdef" as BootId;
  const sender = await createSeal({ cluster: "blue", boot, ring });
  const receiver = start();
  for (let sequence = 1; sequence <= 3; sequence++) {
    const opened = receiver.open(sender.seal(bytes(1, 2, 3)));
    assert.ok(opened.ok);
    assert.equal(opened.value.boot, boot);
    assert.equal(opened.value.sequence, sequence);
    assert.deepEqual([...opened.value.payload], [1, 2, 3]);
  }
});

test("any payload comes back, up to a whole datagram, also from a plain Uint8Array inside a larger one", () => {
  const sender = start();
  const receiver = start();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: payloadBytes }), fc.nat({ max: 20 }), (payload, at) => {
      const sealed = sender.seal(payload);
      const around = new Uint8Array(sealed.length + at + 5);
      around.set(sealed, at);
      const opened = receiver.open(around.subarray(at, at + sealed.length));
      assert.ok(opened.ok);
      assert.deepEqual([...opened.value.payload], [...payload]);
    }),
  );
  assert.equal(sender.seal(new Uint8Array(payloadBytes)).length, limits.datagramBytes);
});

test("a payload that does not fit a datagram is never sealed", () => {
  assert.throws(() => start().seal(new Uint8Array(payloadBytes + 1)), /do not fit/);
});

test("any bytes give an outcome, never an exception, and never open", () => {
  const receiver = start();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1400 }), (datagram) => {
      assert.equal(receiver.open(datagram).ok, false);
    }),
    { numRuns: 1000 },
  );
});

test("any bytes behind a header that is ours are a wrong MAC", () => {
  const receiver = start();
  const header = start().seal(bytes()).subarray(0, payloadAt);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 900 }), (rest) => {
      assert.equal(outcomeOf(receiver, bytes(...header, ...rest)), "bad-mac");
    }),
  );
});

test("a flipped bit anywhere is refused, for the right reason, and the datagram itself still opens", () => {
  const sealed = start().seal(encodeMessage("c1", { kind: "ping", nonce: 77 }));
  const receiver = start();
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const forged = Uint8Array.from(sealed);
    const at = bit >> 3;
    forged[at] = forged[at]! ^ (1 << (bit & 7));
    const expected =
      at < keyIdAt
        ? "version"
        : at < clusterAt
          ? "unknown-key"
          : at < bootAt
            ? "foreign-cluster"
            : "bad-mac";
    assert.equal(outcomeOf(receiver, forged), expected, `bit ${bit}`);
  }
  assert.equal(outcomeOf(receiver, sealed), "opened");
});

test("any change to any datagram is refused", () => {
  const sender = start();
  const receiver = start();
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), {
        minLength: 1,
        maxLength: 4,
      }),
      (payload, changes) => {
        const sealed = sender.seal(payload);
        const forged = Uint8Array.from(sealed);
        for (const [at, change] of changes) {
          forged[at % forged.length] = forged[at % forged.length]! ^ change;
        }
        fc.pre(Buffer.compare(sealed, forged) !== 0);
        assert.equal(receiver.open(forged).ok, false);
        assert.equal(receiver.open(sealed).ok, true);
      },
    ),
    { numRuns: 1000 },
  );
});

test("a datagram that is cut or lengthened is refused", () => {
  const sealed = start().seal(bytes(1, 2, 3, 4));
  const receiver = start();
  for (let length = 0; length < sealed.length; length++) {
    assert.equal(receiver.open(sealed.subarray(0, length)).ok, false);
  }
  assert.equal(outcomeOf(receiver, bytes(...sealed, 0)), "bad-mac");
  assert.equal(outcomeOf(receiver, sealed.subarray(0, payloadAt + 15)), "too-short");
  assert.equal(outcomeOf(receiver, new Uint8Array(limits.datagramBytes + 1)), "too-long");
});

test("a replay is refused; a change of key does not make it new", () => {
  const sender = start();
  const receiver = start();
  const sealed = sender.seal(bytes(1));
  assert.equal(outcomeOf(receiver, sealed), "opened");
  assert.equal(outcomeOf(receiver, sealed), "replayed");
  receiver.swapRing(ringOf(`${newKey},${oldKey}`));
  assert.equal(outcomeOf(receiver, sealed), "replayed");
});

test("a forged datagram does not move the window of the sender that it names", () => {
  const sender = start();
  const receiver = start();
  const sealed = sender.seal(bytes(1));
  const forged = Uint8Array.from(sealed);
  forged.fill(0xff, payloadAt - 6, payloadAt); // the highest sequence there is
  assert.equal(outcomeOf(receiver, forged), "bad-mac");
  assert.equal(outcomeOf(receiver, sealed), "opened");
});

test("datagrams that overtake each other inside the window all open; older ones are refused", () => {
  const sender = start();
  const receiver = start();
  const sealed = Array.from({ length: limits.replayWindow + 1 }, () => sender.seal(bytes(1)));
  const [first, ...window] = sealed;
  for (const datagram of window.reverse()) assert.equal(outcomeOf(receiver, datagram), "opened");
  assert.equal(outcomeOf(receiver, first!), "replayed");
});

test("our own datagram, sent back to us, is refused", () => {
  const seal = start();
  assert.equal(outcomeOf(seal, seal.seal(bytes(1))), "replayed");
});

test("a wrong key and another cluster are told apart", () => {
  const receiver = start();
  assert.equal(outcomeOf(receiver, start(ringOf(newKey)).seal(bytes(1))), "unknown-key");
  assert.equal(outcomeOf(receiver, start(ring, "green").seal(bytes(1))), "foreign-cluster");
});

test("the same key text is another key in another cluster", () => {
  const foreign = start(ring, "green").seal(bytes(1));
  const ours = start().seal(bytes(1));
  const dressed = Uint8Array.from(foreign);
  dressed.set(ours.subarray(clusterAt, bootAt), clusterAt);
  assert.equal(outcomeOf(start(), dressed), "unknown-key");
  dressed.set(ours.subarray(keyIdAt, clusterAt), keyIdAt);
  assert.equal(outcomeOf(start(), dressed), "bad-mac");
});

test("a rotation in three steps loses no datagram, in whatever order the processes follow", () => {
  const steps = [oldKey, `${oldKey},${newKey}`, `${newKey},${oldKey}`, newKey].map(ringOf);
  const [a, b] = [start(), start()];
  for (const [before, after] of [
    [0, 1],
    [1, 2],
    [2, 3],
  ] as const) {
    a.swapRing(steps[before]!);
    b.swapRing(steps[before]!);
    a.swapRing(steps[after]!);
    assert.equal(outcomeOf(b, a.seal(bytes(1))), "opened");
    assert.equal(outcomeOf(a, b.seal(bytes(1))), "opened");
    b.swapRing(steps[after]!);
    assert.equal(outcomeOf(b, a.seal(bytes(1))), "opened");
    assert.equal(outcomeOf(a, b.seal(bytes(1))), "opened");
  }
  assert.equal(outcomeOf(a, start(ringOf(oldKey)).seal(bytes(1))), "unknown-key");
});

test("sequences go on over a rotation", () => {
  const [sender, receiver] = [start(), start()];
  sender.seal(bytes(1));
  sender.swapRing(ringOf(`${newKey},${oldKey}`));
  receiver.swapRing(ringOf(`${newKey},${oldKey}`));
  const opened = receiver.open(sender.seal(bytes(1)));
  assert.ok(opened.ok && opened.value.sequence === 2);
});

test("processes without a key hear each other in their cluster alone, and nobody who has one", () => {
  const insecure = start(insecureRing);
  assert.equal(outcomeOf(insecure, start(insecureRing).seal(bytes(1))), "opened");
  assert.equal(outcomeOf(insecure, start(insecureRing, "green").seal(bytes(1))), "foreign-cluster");
  assert.equal(outcomeOf(insecure, start().seal(bytes(1))), "unknown-key");
  assert.equal(outcomeOf(start(), start(insecureRing).seal(bytes(1))), "unknown-key");
});

test("a plain-text PING is no datagram of ours", () => {
  assert.equal(outcomeOf(start(), Buffer.from("PING\n")), "too-short");
  assert.equal(outcomeOf(start(), Buffer.from("PING".padEnd(64))), "version");
});

test("the sealed bytes of a message open and decode to it", () => {
  const message = { kind: "ping", nonce: 12 } as const;
  const opened = start().open(start().seal(encodeMessage("c1", message)));
  assert.ok(opened.ok);
  assert.deepEqual(decodeMessage(opened.value.payload), {
    ok: true,
    value: { sender: "c1", message },
  });
});

test("a cluster id or boot id that is none is an assertion", async () => {
  const boot = "0123456789abcdef" as BootId;
  await assert.rejects(createSeal({ cluster: "", boot, ring }), /cluster id/);
  await assert.rejects(createSeal({ cluster: "blue", boot: "x" as BootId, ring }), /boot id/);
});

test("a flood of bad datagrams leaves no memory behind", () => {
  const receiver = start();
  const forged = start().seal(new Uint8Array(payloadBytes));
  forged[forged.length - 1] = forged.at(-1)! ^ 1;
  const flood = (): void => {
    for (let i = 0; i < 20_000; i++) {
      forged.set(bytes(i, i >> 8), bootAt); // another boot id each time
      assert.equal(outcomeOf(receiver, forged), "bad-mac");
    }
  };
  flood();
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 5; i++) flood();
  const grown = process.memoryUsage().rss - before;
  assert.ok(grown < 24 * 1024 * 1024, `${grown} bytes`);
});
