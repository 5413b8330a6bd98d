// Seals what a process sends and opens what it receives: cluster, key, sender's start, sequence and a MAC over all of it.
//
// What it does not do: a datagram names no receiver, so one that was captured opens at another member of the
// cluster too (a PONG is bound to its question by the nonce, a vote to its round); and a receiver that restarts
// has forgotten which sequences it saw.

import assert from "node:assert/strict";
import {
  bootAt,
  clusterAt,
  frameVersion,
  keyIdAt,
  macBytes,
  payloadAt,
  payloadBytes,
  sequenceAt,
} from "./frame.ts";
import type { KeyRing } from "./key-ring.ts";
import { limits } from "./limits.ts";
import { createMac, isSameMac, macKeyBytes, type Mac } from "./mac.ts";
import type { Outcome } from "./machine.ts";
import { ReplayGuard } from "./replay.ts";
import { isName } from "./text.ts";
import type { BootId } from "./units.ts";

export type DropReason =
  "too-long" | "too-short" | "version" | "foreign-cluster" | "unknown-key" | "bad-mac" | "replayed";

export interface Opened {
  readonly boot: BootId;
  readonly sequence: number;
  /** A view of the datagram, not a copy. */
  readonly payload: Uint8Array;
}

export interface SealOptions {
  readonly cluster: string;
  /** Of this process: 16 hexadecimal digits, new at every start, since the sequence begins at 1. */
  readonly boot: BootId;
  readonly ring: KeyRing;
}

export async function createSeal(options: SealOptions): Promise<Seal> {
  return new Seal(options, await createMac());
}

export class Seal {
  readonly #mac: Mac;
  readonly #cluster: string;
  readonly #boot: BootId;
  /** The part of every header that never changes: cluster hash and boot id. */
  readonly #identity: Buffer;
  readonly #replays = new ReplayGuard();
  #sealing: DerivedKey;
  #opening: ReadonlyMap<number, DerivedKey>;
  #sequence = 0;

  constructor(options: SealOptions, mac: Mac) {
    assert(isName(options.cluster), "a cluster id is a name");
    assert(/^[0-9a-f]{16}$/.test(options.boot), "a boot id has 16 hexadecimal digits");
    this.#mac = mac;
    this.#cluster = options.cluster;
    this.#boot = options.boot;
    this.#identity = Buffer.concat([
      hash(mac, "cluster", options.cluster).subarray(0, bootAt - clusterAt),
      Buffer.from(options.boot, "hex"),
    ]);
    [this.#sealing, this.#opening] = this.#derive(options.ring);
  }

  /** From here on seals with the new ring's first key and opens with any of its keys. Sequences and replay windows go on. */
  swapRing(ring: KeyRing): void {
    [this.#sealing, this.#opening] = this.#derive(ring);
  }

  /** `payload`: at most `payloadBytes`, anything longer is an assertion. */
  seal(payload: Uint8Array): Uint8Array {
    assert(payload.length <= payloadBytes, `${payload.length} bytes do not fit into a datagram`);
    const end = payloadAt + payload.length;
    const datagram = Buffer.allocUnsafe(end + macBytes);
    datagram[0] = frameVersion;
    datagram.writeUInt32BE(this.#sealing.id, keyIdAt);
    datagram.set(this.#identity, clusterAt);
    datagram.writeUIntBE(++this.#sequence, sequenceAt, payloadAt - sequenceAt);
    datagram.set(payload, payloadAt);
    const mac = this.#mac.digest(this.#sealing.key, datagram.subarray(0, end));
    datagram.set(mac.subarray(0, macBytes), end);
    return datagram;
  }

  /** Never throws. Nothing is decoded, and no window moved, before the MAC was found right. Our own datagrams, come back, count as replayed. */
  open(bytes: Uint8Array): Outcome<Opened, DropReason> {
    if (bytes.length > limits.datagramBytes) return drop("too-long");
    if (bytes.length < payloadAt + macBytes) return drop("too-short");
    const datagram = asBuffer(bytes);
    if (datagram[0] !== frameVersion) return drop("version");
    if (!this.#isOurCluster(datagram)) return drop("foreign-cluster");
    const key = this.#opening.get(datagram.readUInt32BE(keyIdAt));
    if (key === undefined) return drop("unknown-key");
    const end = datagram.length - macBytes;
    const expected = this.#mac.digest(key.key, datagram.subarray(0, end));
    if (!isSameMac(datagram.subarray(end), expected, macBytes)) return drop("bad-mac");
    const boot = datagram.toString("hex", bootAt, sequenceAt) as BootId;
    const sequence = datagram.readUIntBE(sequenceAt, payloadAt - sequenceAt);
    if (boot === this.#boot || !this.#replays.accept(boot, sequence)) return drop("replayed");
    return { ok: true, value: { boot, sequence, payload: datagram.subarray(payloadAt, end) } };
  }

  #isOurCluster(datagram: Buffer): boolean {
    return datagram.compare(this.#identity, 0, bootAt - clusterAt, clusterAt, bootAt) === 0;
  }

  #derive(ring: KeyRing): [DerivedKey, ReadonlyMap<number, DerivedKey>] {
    const derived = ring.keys.map((text) => deriveKey(this.#mac, this.#cluster, text));
    const byId = new Map(derived.map((key) => [key.id, key] as const));
    const sealing = derived[0];
    assert(sealing !== undefined && byId.get(sealing.id) === sealing, "two keys with one id");
    return [sealing, byId];
  }
}

interface DerivedKey {
  readonly id: number;
  readonly key: Uint8Array;
}

const drops = new Map<DropReason, Outcome<never, DropReason>>();

/** Each made once: a flood of bad datagrams allocates nothing. */
function drop(failure: DropReason): Outcome<never, DropReason> {
  let outcome = drops.get(failure);
  if (outcome === undefined) drops.set(failure, (outcome = { ok: false, failure }));
  return outcome;
}

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

/** The same text makes another key in another cluster, so that a mixed-up configuration cannot join two meshes. */
function deriveKey(mac: Mac, cluster: string, text: string): DerivedKey {
  const key = hash(mac, "key", cluster, text);
  return { key, id: Buffer.from(mac.digest(key, Buffer.from("key id"))).readUInt32BE(0) };
}

const context = Buffer.from("heartmesh mesh key derivation v1");
assert.equal(context.length, macKeyBytes);

/** Keyed with a public context, so that none of our hashes is the hash of anything else; the parts cannot run into each other. */
function hash(mac: Mac, ...parts: readonly string[]): Buffer {
  return Buffer.from(mac.digest(context, Buffer.from(JSON.stringify(parts))));
}
