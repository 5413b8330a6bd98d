// The ballot on disk: two files written in turn, so that a torn write leaves the other; damage is found and said, never guessed away.
//
// A record is overwritten in place and always 2,048 bytes long, so that a full disk cannot shorten it:
//   heartmesh-ballot 1 <sequence> <first 16 hex digits of the SHA-256 of this line so far>
//   {"term":…,"votedFor":…,"longestPromise":…}
// Version 2 has a "set" in its second line: the coordinators, once they are others than configured. A release that cannot change them
// does not know it and takes the ballot for lost, so that it does not vote by an outdated set.
//   <SHA-256 of both lines>
//   blanks
// The sequence has a checksum of its own, because of two files one may be damaged: if its sequence can still be read and is the lower
// one, it held an older ballot and the other file counts. Else the damaged file may have held the newest vote, and the
// ballot is lost: a torn write was never acknowledged, but a rotten one was, and nothing tells them apart.

import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { term } from "../../proto/units.ts";
import type { MemberSet } from "../core/member-set.ts";
import type { Ballot } from "../core/vote-book.ts";
import { coded } from "../errors.ts";

const recordBytes = 2048;
const magic = "heartmesh-ballot";
const fileNames = ["ballot.0", "ballot.1"] as const;

export interface BallotFound {
  /** `"lost"`: nothing that may be relied on; the election then waits and asks the others. */
  readonly ballot: Ballot | "lost";
  /** There was no file at all: a first start, or a lost disk; they look the same. */
  readonly isFresh: boolean;
  /** One sentence for each damaged or missing file. */
  readonly damage: readonly string[];
}

export interface BallotStore {
  /** Reads both files now. Never throws. */
  read(): BallotFound;
  /** Returns when the ballot is durable. @throws HM_DISK; the ballot of before is then still on disk. */
  write(ballot: Ballot): void;
}

/** @param dir made with the first write, where it is missing. */
export function openBallotStore(dir: string): BallotStore {
  const paths = fileNames.map((name) => join(dir, name));
  let state = toState(paths.map(readSlot));
  return {
    read() {
      state = toState(paths.map(readSlot));
      return state.found;
    },
    write(ballot) {
      try {
        mkdirSync(dir, { recursive: true });
        // Whatever was wrong is written over at once, so that it does not make a later start lose this ballot.
        const times = state.isWhole ? 1 : 2;
        for (let i = 0; i < times; i++) {
          state = { ...state, sequence: state.sequence + 1 };
          writeRecord(paths[state.slot] ?? "", encode(state.sequence, ballot));
          if (!state.isWhole) syncDirectory(dir);
          state = { ...state, slot: 1 - state.slot };
        }
        state = { ...state, isWhole: true };
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw coded("HM_DISK", `the vote could not be saved in ${dir}: ${why}`, error);
      }
    },
  };
}

type Slot =
  | { readonly kind: "missing" }
  | { readonly kind: "whole"; readonly sequence: number; readonly ballot: Ballot }
  /** `sequence`: undefined where it cannot be read either. */
  | { readonly kind: "damaged"; readonly sequence: number | undefined; readonly what: string };

interface State {
  readonly found: BallotFound;
  /** The highest sequence read or written. */
  readonly sequence: number;
  /** The file that is written next: never the one that holds the newest durable ballot. */
  readonly slot: number;
  /** Both files are as they should be. */
  readonly isWhole: boolean;
}

function toState(slots: readonly Slot[]): State {
  const sequences = slots.map((slot) => (slot.kind === "missing" ? 0 : (slot.sequence ?? 0)));
  const isFresh = slots.every((slot) => slot.kind === "missing");
  const newestIndex = newestWhole(slots);
  const newest = newestIndex === undefined ? undefined : surelyNewest(slots, newestIndex);
  return {
    found: {
      ballot: newest ?? "lost",
      isFresh,
      damage: isFresh ? [] : slots.flatMap(describeDamage),
    },
    sequence: Math.max(...sequences),
    slot: newestIndex === undefined ? 0 : 1 - newestIndex,
    isWhole: slots.every((slot) => slot.kind === "whole"),
  };
}

/** The index of the whole record with the highest sequence. */
function newestWhole(slots: readonly Slot[]): number | undefined {
  let newest: number | undefined;
  let highest = -1;
  for (const [index, slot] of slots.entries()) {
    if (slot.kind !== "whole" || slot.sequence <= highest) continue;
    newest = index;
    highest = slot.sequence;
  }
  return newest;
}

/** That record, unless a damaged or missing file may have held a newer one. */
function surelyNewest(slots: readonly Slot[], index: number): Ballot | undefined {
  const newest = slots[index];
  if (newest?.kind !== "whole") return undefined;
  const isSure = slots.every(
    (slot) => slot.kind !== "missing" && (slot.sequence ?? Infinity) <= newest.sequence,
  );
  return isSure ? newest.ballot : undefined;
}

function describeDamage(slot: Slot, index: number): string[] {
  const name = fileNames[index] ?? "";
  if (slot.kind === "whole") return [];
  return slot.kind === "missing" ? [`${name} is missing`] : [`${name} is damaged: ${slot.what}`];
}

function readSlot(path: string): Slot {
  try {
    return decode(readFileSync(path, "utf8"));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      return { kind: "missing" };
    }
    const what = error instanceof Error ? error.message : String(error);
    return { kind: "damaged", sequence: undefined, what };
  }
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

function encode(sequence: number, ballot: Ballot): Buffer {
  const { term, votedFor, longestPromise, set } = ballot;
  const start = `${magic} ${set === undefined ? 1 : 2} ${sequence}`;
  const head = `${start} ${sha256(start).slice(0, 16)}\n`;
  const body = `${JSON.stringify({ term, votedFor, longestPromise, set })}\n`;
  const text = Buffer.from(`${head}${body}${sha256(head + body)}\n`);
  if (text.length >= recordBytes) throw new Error(`a record of ${text.length} bytes is too long`);
  const record = Buffer.alloc(recordBytes, " ");
  text.copy(record);
  record[recordBytes - 1] = "\n".charCodeAt(0);
  return record;
}

function decode(record: string): Slot {
  const [head = "", body = "", sum = ""] = record.split("\n");
  const { 1: start, 2: digits, 3: check } = /^(.* (\d{1,15})) ([0-9a-f]{16})$/.exec(head) ?? [];
  if (start === undefined || sha256(start).slice(0, 16) !== check) {
    return { kind: "damaged", sequence: undefined, what: "its head does not match its checksum" };
  }
  const sequence = Number(digits);
  const damaged = (what: string): Slot => ({ kind: "damaged", sequence, what });
  if (!/^heartmesh-ballot [12] \d+$/.test(start)) {
    const what = `it is no "${magic}" file of version 1 or 2`;
    return { kind: "damaged", sequence: undefined, what };
  }
  if (sum !== sha256(`${head}\n${body}\n`)) return damaged("its body does not match its checksum");
  const ballot = parseBallot(body);
  return ballot === undefined
    ? damaged("its body holds no ballot")
    : { kind: "whole", sequence, ballot };
}

function parseBallot(body: string): Ballot | undefined {
  const parsed: unknown = JSON.parse(body);
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const { term: t, votedFor, longestPromise, set } = parsed as Record<string, unknown>;
  if (typeof t !== "number" || !Number.isSafeInteger(t) || t < 0) return undefined;
  if (typeof votedFor !== "string") return undefined;
  if (typeof longestPromise !== "number" || !(longestPromise >= 0)) return undefined;
  const ballot = { term: term(t), votedFor, longestPromise };
  // Its checksum was right, so that it is as it was written.
  return set === undefined ? ballot : { ...ballot, set: set as MemberSet };
}

function writeRecord(path: string, record: Buffer): void {
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    const written = writeSync(file, record, 0, record.length, 0);
    if (written !== record.length) throw new Error(`only ${written} bytes were written`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncDirectory(dir: string): void {
  const handle = openSync(dir, constants.O_RDONLY);
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
