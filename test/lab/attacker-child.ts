// Runs in an engine's network namespace: makes hostile datagrams from a seed and sends them, slowly or as a flood.

import { createSocket, type Socket } from "node:dgram";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeMessage } from "../../proto/codec.ts";
import { bootAt, clusterAt, keyIdAt, macBytes, payloadAt } from "../../proto/frame.ts";
import { parseKeyRing } from "../../proto/key-ring.ts";
import { limits } from "../../proto/limits.ts";
import { Random } from "../../proto/random.ts";
import { createSeal, type Seal } from "../../proto/seal.ts";
import type { BootId } from "../../proto/units.ts";
import type { FromAttacker, Harm, Target, ToAttacker } from "./attacker.ts";
import { meshKey } from "./trio.ts";

interface Hostile {
  readonly harm: Harm;
  readonly bytes: Buffer;
}

/** The longest that UDP over IPv4 carries. */
const longestDatagram = 65_507;
/** Few enough for any socket's buffer. */
const burst = 8;
/** Source ports of a flood: receivers see many senders. */
const sources = 16;
/** So often the dice are rolled for the datagrams that a flood repeats. */
const mixedRounds = 64;

let boots = 0;

function sealOf(key: string, cluster = "heartmesh"): Promise<Seal> {
  const ring = parseKeyRing(key);
  if (!ring.ok) throw new Error(ring.failure);
  const boot = (0xbad0000 + ++boots).toString(16).padStart(16, "0") as BootId;
  return createSeal({ cluster, boot, ring: ring.value });
}

const ping = (random: Random): Uint8Array =>
  encodeMessage("c1", { kind: "ping", nonce: random.below(2 ** 31) });

const noise = (random: Random, length: number): Buffer =>
  Buffer.from(Array.from({ length }, () => random.below(256)));

function flipped(bytes: Buffer, from: number, to: number, random: Random): Buffer {
  const changed = Buffer.from(bytes);
  const at = from + random.below(to - from);
  changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
  return changed;
}

interface Keys {
  readonly wrong: Seal;
  readonly foreign: Seal;
  /** Somebody who has the key and sends nonsense. */
  readonly right: Seal;
}

/** Every kind that comes to nothing whatever the receiver is; `heard` are datagrams that it has taken already. */
function* hostiles(heard: readonly Buffer[], keys: Keys, random: Random): Generator<Hostile> {
  const { wrong, foreign, right } = keys;
  const short = payloadAt + macBytes;
  for (const length of [0, 1, random.below(short)]) {
    yield { harm: "too-short", bytes: noise(random, length) };
  }
  const other = noise(random, short + random.below(limits.datagramBytes - short));
  other[0] = 2 + random.below(254);
  yield { harm: "version", bytes: other };
  yield { harm: "unknown-key", bytes: Buffer.from(wrong.seal(ping(random))) };
  yield { harm: "foreign-cluster", bytes: Buffer.from(foreign.seal(ping(random))) };
  yield { harm: "malformed", bytes: Buffer.from(right.seal(malformed(random))) };
  for (const bytes of heard) {
    yield { harm: "replayed", bytes };
    yield { harm: "version", bytes: flipped(bytes, 0, keyIdAt, random) };
    yield { harm: "unknown-key", bytes: flipped(bytes, keyIdAt, clusterAt, random) };
    yield { harm: "foreign-cluster", bytes: flipped(bytes, clusterAt, bootAt, random) };
    yield { harm: "bad-mac", bytes: flipped(bytes, bootAt, bytes.length, random) };
    yield { harm: "bad-mac", bytes: bytes.subarray(0, -1) };
    yield { harm: "bad-mac", bytes: dressed(wrong.seal(ping(random)), bytes) };
  }
}

/** No message of this version, whatever the dice say: its kind is none. */
const malformed = (random: Random): Buffer =>
  Buffer.concat([Buffer.of(0x93, 0x01, 0x7f), noise(random, random.below(200))]);

/** Under a wrong key, with the id of the right one. */
function dressed(sealed: Uint8Array, right: Buffer): Buffer {
  const bytes = Buffer.from(sealed);
  right.copy(bytes, keyIdAt, keyIdAt, clusterAt);
  return bytes;
}

async function openTo({ address, port }: Target): Promise<Socket> {
  const socket = createSocket("udp4");
  // A closed port is the receiver's affair.
  socket.on("error", () => undefined);
  await new Promise<void>((resolve) => {
    socket.connect(port, address, () => {
      resolve();
    });
  });
  return socket;
}

async function probe(target: Target, made: readonly Hostile[]): Promise<FromAttacker> {
  const began = performance.now();
  const socket = await openTo(target);
  const sent: Partial<Record<Harm, number>> = {};
  for (const [at, { harm, bytes }] of made.entries()) {
    socket.send(bytes);
    sent[harm] = (sent[harm] ?? 0) + 1;
    if (at % burst === burst - 1) await sleep(5);
  }
  await sleep(20);
  socket.close();
  return { sent, total: made.length, ms: performance.now() - began };
}

/** Paced by the millisecond; never more than a burst ahead of what the kernel has taken. */
async function flood(
  target: Target,
  made: readonly Hostile[],
  { seconds, perSecond }: { readonly seconds: number; readonly perSecond: number },
): Promise<FromAttacker> {
  const sockets = await Promise.all(Array.from({ length: sources }, () => openTo(target)));
  const sent: Partial<Record<Harm, number>> = {};
  const began = performance.now();
  const end = began + seconds * 1_000;
  let total = 0;
  let waiting = 0;
  const onSent = (): void => {
    waiting--;
  };
  for (let now = began; now < end; now = performance.now()) {
    const due = Math.min(((now - began) / 1_000) * perSecond, total + 512);
    while (total < due && waiting < 1_024) {
      const one = made[total % made.length]!;
      sockets[total % sources]!.send(one.bytes, onSent);
      sent[one.harm] = (sent[one.harm] ?? 0) + 1;
      total++;
      waiting++;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  const ms = performance.now() - began;
  while (waiting > 0) await sleep(1);
  for (const socket of sockets) socket.close();
  return { sent, total, ms };
}

async function made(
  what: Exclude<ToAttacker, { kind: "send" }>,
  random = new Random(what.seed),
): Promise<readonly Hostile[]> {
  const long = (length: number): Hostile => ({ harm: "too-long", bytes: noise(random, length) });
  if (what.kind === "flood" && what.of === "long") return [long(longestDatagram)];
  if (what.kind === "flood" && what.of === "text") {
    return [{ harm: "text-too-often", bytes: Buffer.from("PING") }];
  }
  const keys = {
    wrong: await sealOf("a wrong key that nobody has been given"),
    foreign: await sealOf(meshKey, "another-cluster"),
    right: await sealOf(meshKey),
  };
  const heard = what.heard.map((text) => Buffer.from(text, "base64"));
  const rounds = (count: number): Hostile[] =>
    Array.from({ length: count }, () => [...hostiles(heard, keys, random)]).flat();
  if (what.kind === "probe") {
    return [...rounds(5), long(limits.datagramBytes + 1), long(longestDatagram)];
  }
  // What has the right key is new once; in a flood it would be a replay.
  return rounds(mixedRounds).filter(({ harm }) => harm !== "malformed");
}

async function carryOut(what: ToAttacker): Promise<FromAttacker> {
  switch (what.kind) {
    case "probe":
      return probe(what.target, await made(what));
    case "flood":
      return flood(what.target, await made(what), what);
    case "send": {
      const datagrams = what.datagrams.map((text): Hostile => {
        return { harm: "replayed", bytes: Buffer.from(text, "base64") };
      });
      return probe(what.target, datagrams);
    }
  }
}

process.on("message", (message: ToAttacker) => {
  void carryOut(message).then((answer) => process.send?.(answer));
});
process.on("disconnect", () => process.exit(0));
