// The flight recorder's ring, in the main thread: keeps the last minutes of blocks within its bounds, and makes a file of them.

import { deflateRaw, deflateRawSync } from "node:zlib";
import { limits } from "../../proto/limits.ts";
import { elapsed, type Duration, type Instant } from "../../proto/units.ts";
import type { RecordedBlock } from "./recorder.ts";
import { recordingFile, type RecordingHeader } from "./recording.ts";

export interface RingOptions {
  /** So much is kept at least, memory permitting. A segment is half as long. */
  readonly span: Duration;
  /** The most that is kept; `limits.recorderBytes` where not given. */
  readonly bytes?: number;
  /** A new segment is wanted: the mesh thread shall write a checkpoint. */
  readonly onSegmentDue: () => void;
}

interface Segment {
  readonly begunAt: Instant;
  readonly blocks: Kept[];
  bytes: number;
}

interface Kept {
  readonly segment: Segment;
  bytes: Uint8Array;
  isDeflated: boolean;
  isDropped: boolean;
}

/** A checkpoint that did not come (the core is too large, or runs from source) is asked for again after this long. */
const askAgain: Duration = 60_000;
/** A segment longer than this share of the ring is due too, so that dropping one leaves most. */
const segmentShare = 1 / 4;
/** Fast: a PONG's names and addresses repeat, and that is what there is to be won. */
const deflateOptions = { level: 1 };

export class RecordingRing {
  readonly #span: Duration;
  readonly #mostBytes: number;
  readonly #onSegmentDue: () => void;
  readonly #segments: Segment[] = [];
  #askedAt: Instant | undefined;

  constructor({ span, bytes, onSegmentDue }: RingOptions) {
    this.#span = span;
    this.#mostBytes = bytes ?? limits.recorderBytes;
    this.#onSegmentDue = onSegmentDue;
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  add({ kind, now, bytes }: RecordedBlock): void {
    if (kind === "begin") {
      this.#segments.push({ begunAt: now, blocks: [], bytes: 0 });
      this.#askedAt = undefined;
    }
    const segment = this.#segments.at(-1);
    if (segment === undefined) return;
    const kept = { segment, bytes, isDeflated: false, isDropped: false };
    segment.blocks.push(kept);
    segment.bytes += bytes.length;
    this.#deflate(kept);
    this.#drop(now);
    this.#askForSegment(segment, now);
  }

  file(header: RecordingHeader): Buffer {
    const blocks = this.#segments.flatMap((segment) => segment.blocks);
    return recordingFile(
      header,
      blocks.map(({ bytes, isDeflated }) =>
        isDeflated ? bytes : deflateRawSync(bytes, deflateOptions),
      ),
    );
  }

  /** Outside this thread. */
  #deflate(kept: Kept): void {
    deflateRaw(kept.bytes, deflateOptions, (error, deflated) => {
      if (error !== null || kept.isDropped) return;
      kept.segment.bytes += deflated.length - kept.bytes.length;
      kept.bytes = deflated;
      kept.isDeflated = true;
    });
  }

  /** Segments, as long as what is left begins early enough; where memory ends, whatever is oldest. */
  #drop(now: Instant): void {
    for (;;) {
      const [first, second] = this.#segments;
      const isOver = this.bytes > this.#mostBytes;
      const isOld = second !== undefined && elapsed(second.begunAt, now) >= this.#span;
      if (first === undefined || (!isOver && !isOld)) return;
      const block = first.blocks.shift();
      if (block !== undefined) {
        block.isDropped = true;
        first.bytes -= block.bytes.length;
      }
      if (first.blocks.length === 0) this.#segments.shift();
    }
  }

  #askForSegment(last: Segment, now: Instant): void {
    if (this.#askedAt !== undefined && elapsed(this.#askedAt, now) < askAgain) return;
    const isLong = elapsed(last.begunAt, now) >= this.#span / 2;
    if (!isLong && last.bytes <= this.#mostBytes * segmentShare) return;
    this.#askedAt = now;
    this.#onSegmentDue();
  }
}
