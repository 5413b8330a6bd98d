// A recording: what a coordinator's core was told and when, and what it decided, from a state that can be brought back. Its file form.
//
// It is cut into segments. A segment begins with the core's state: the first of a process's life with what the core was built of, every
// later one with a checkpoint. So whatever segments are left when the oldest are dropped, the first of them begins with a state, and
// the replay is exact: the same machine, in the same state, is told the same. Rejected: to begin a fresh core in the middle and let it
// warm up. It would ask with other nonces than those that the recorded answers carry, and nobody would elect it.
//
// The file is one line of text and a body:
//   heartmesh-recording 1 <SHA-256 of the body>
//   for the header and each block: its length (4 bytes, big-endian) and its MessagePack, deflated

import { createHash } from "node:crypto";
import { inflateRawSync, deflateRawSync } from "node:zlib";
import { Packr, Unpackr } from "msgpackr/pack";
import type { Instant } from "../../proto/units.ts";
import type { CoordinatorConfig } from "../core/coordinator.ts";
import type { Ballot } from "../core/vote-book.ts";
import type { CoordinatorInput, CoordinatorOutput } from "../core/exchange.ts";
import type { Checkpoint } from "./checkpoint.ts";

/** What a step decided; what it sent is only in the block's digest. */
export type Decision =
  | Exclude<
      CoordinatorOutput,
      { kind: "ping-worker" | "send-peer" | "reply" | "check-worker" | "worker-settled" }
    >
  | { readonly kind: "lease-gained" | "lease-ended" };

interface BlockBase {
  /** The core's instant at its begin, and the wall clock's then. */
  readonly now: Instant;
  readonly wall: number;
}

/** The begin of a segment. */
export interface BeginBlock extends BlockBase {
  readonly kind: "begin";
  readonly config: CoordinatorConfig;
  /** A digest of each source file of the core; empty where it ran from source. */
  readonly sources: Readonly<Record<string, string>>;
  readonly state:
    | { readonly from: "start"; readonly ballot: Ballot | "lost"; readonly seed: number }
    | { readonly from: "checkpoint"; readonly checkpoint: Checkpoint };
}

export interface StepsBlock extends BlockBase {
  readonly kind: "steps";
  /** Of each step: its instant, its input, and what it decided (0: nothing). */
  readonly nows: readonly Instant[];
  readonly inputs: readonly CoordinatorInput[];
  readonly decisions: readonly (readonly Decision[] | 0)[];
  /** Of everything that these steps said and of the lease after each, decided or not. */
  readonly digest: number;
}

export type Block = BeginBlock | StepsBlock;

export interface RecordingHeader {
  readonly id: string;
  readonly cluster: string;
  readonly node: string;
  readonly recordedAt: number;
}

export interface Recording {
  readonly header: RecordingHeader;
  readonly blocks: readonly Block[];
}

const magic = "heartmesh-recording";
const version = 1;
/** Longer than the first line of any version. */
const firstLine = 200;
const packr = new Packr({ useRecords: true });
const unpackr = new Unpackr({ useRecords: true });

export const packBlock = (block: Block): Uint8Array => packr.pack(block).slice();

/** @param blocks packed and deflated */
export function recordingFile(header: RecordingHeader, blocks: readonly Uint8Array[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const bytes of [deflateRawSync(packr.pack(header)), ...blocks]) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    parts.push(length, bytes);
  }
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return Buffer.concat([Buffer.from(`${magic} ${version} ${hash.digest("hex")}\n`), ...parts]);
}

/** @throws an error that says why the file cannot be read */
export function readRecording(file: Buffer): Recording {
  const [header, ...blocks] = [...unpackedOf(bodyOf(file))];
  return { header: header as RecordingHeader, blocks: blocks as Block[] };
}

/** @throws as `readRecording` */
export function readHeader(file: Buffer): RecordingHeader {
  return unpackedOf(bodyOf(file)).next().value as RecordingHeader;
}

function* unpackedOf(body: Buffer): Generator {
  for (let at = 0; at < body.length;) {
    const length = body.readUInt32BE(at);
    yield unpackr.unpack(inflateRawSync(body.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
}

function bodyOf(file: Buffer): Buffer {
  const end = file.subarray(0, firstLine).indexOf("\n");
  const [name, itsVersion, digest] = file.toString("latin1", 0, Math.max(0, end)).split(" ");
  if (name !== magic) {
    throw new Error(
      "it is no recording: expected a file that `heartmesh record` wrote, uncompressed and whole",
    );
  }
  if (itsVersion !== String(version)) {
    throw new Error(
      `it has format ${itsVersion ?? "?"}, and this heartmesh reads format ${version}: replay it with the heartmesh that recorded it`,
    );
  }
  const body = file.subarray(end + 1);
  if (createHash("sha256").update(body).digest("hex") !== digest) {
    throw new Error("it is damaged or cut short: its checksum does not fit; copy it again");
  }
  return body;
}
