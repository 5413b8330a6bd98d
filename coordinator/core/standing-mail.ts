// Questions and reports on their way to the other coordinators: gathered for a moment, then sent in as few datagrams as hold them.

import { payloadBytes } from "../../proto/frame.ts";
import { limits } from "../../proto/limits.ts";
import type { Doubt, Report, StandingReport } from "../../proto/messages.ts";
import {
  after,
  type CoordinatorId,
  type Duration,
  type Instant,
  type WorkerId,
} from "../../proto/units.ts";

export interface Letter {
  readonly kind: "send-peer";
  readonly to: CoordinatorId;
  readonly message: Doubt | Report;
}

/** How long something may wait for company; a doubt of many workers at once then costs a twelfth of the datagrams. */
const gatherFor: Duration = 5;
/** What the envelope of a message may take: the sender's name and the heads of the arrays. */
const envelopeBytes = limits.nameBytes + 24;
/** What a question and a report take besides the worker's name: their numbers at full length, by the codec's form. */
const questionBytes = 16;
const reportBytes = 68;

interface Box {
  readonly to: CoordinatorId;
  /** Nonces by worker; a later question or report of the same worker replaces the earlier one. */
  readonly questions: Map<WorkerId, number>;
  readonly reports: Map<WorkerId, number>;
}

export class StandingMail {
  #boxes: readonly Box[] = [];
  #due: Instant | undefined;

  constructor(others: readonly CoordinatorId[]) {
    this.setOthers(others);
  }

  /** What waits for those who stay is kept. */
  setOthers(others: readonly CoordinatorId[]): void {
    this.#boxes = others.map(
      (to) =>
        this.#boxes.find((box) => box.to === to) ?? {
          to,
          questions: new Map(),
          reports: new Map(),
        },
    );
  }

  /** When what was gathered is to be sent. */
  get due(): Instant | undefined {
    return this.#due;
  }

  askAll(worker: WorkerId, nonce: number, now: Instant): void {
    for (const box of this.#boxes) {
      box.questions.set(worker, nonce);
      this.#due ??= after(now, gatherFor);
    }
  }

  reportAll(worker: WorkerId, now: Instant): void {
    for (const box of this.#boxes) this.#report(box.reports, worker, 0, now);
  }

  /** A report to one, as the answer to its question. */
  answer(to: CoordinatorId, worker: WorkerId, nonce: number, now: Instant): void {
    const box = this.#boxes.find((candidate) => candidate.to === to);
    if (box !== undefined) this.#report(box.reports, worker, nonce, now);
  }

  /** A doubt that ended before its question left. */
  dropQuestion(worker: WorkerId): void {
    for (const box of this.#boxes) box.questions.delete(worker);
  }

  drop(worker: WorkerId): void {
    for (const box of this.#boxes) {
      box.questions.delete(worker);
      box.reports.delete(worker);
    }
  }

  /** Everything gathered, as it is at this moment. `reportOf`: undefined for a worker that is not watched any more. */
  take(reportOf: (worker: WorkerId, nonce: number) => StandingReport | undefined): Letter[] {
    const letters: Letter[] = [];
    this.#due = undefined;
    for (const { to, questions, reports } of this.#boxes) {
      const asked = [...questions].map(([worker, nonce]) => ({ worker, nonce }));
      for (const part of parts(asked, questionBytes)) {
        letters.push({ kind: "send-peer", to, message: { kind: "doubt", questions: part } });
      }
      const told = [...reports].flatMap(([worker, nonce]) => reportOf(worker, nonce) ?? []);
      for (const part of parts(told, reportBytes)) {
        letters.push({ kind: "send-peer", to, message: { kind: "report", reports: part } });
      }
      questions.clear();
      reports.clear();
    }
    return letters;
  }

  #report(reports: Map<WorkerId, number>, worker: WorkerId, nonce: number, now: Instant): void {
    // A report that also answers a question keeps the question's nonce.
    reports.set(worker, nonce === 0 ? (reports.get(worker) ?? 0) : nonce);
    this.#due ??= after(now, gatherFor);
  }
}

/** Splits by limits.reportsPerMessage and by the bytes of a datagram. */
function parts<T extends { readonly worker: WorkerId }>(items: readonly T[], bytes: number): T[][] {
  const split: T[][] = [];
  let part: T[] = [];
  let room = 0;
  for (const item of items) {
    const needed = Buffer.byteLength(item.worker) + bytes;
    if (part.length === 0 || part.length === limits.reportsPerMessage || needed > room) {
      part = [];
      split.push(part);
      room = payloadBytes - envelopeBytes;
    }
    part.push(item);
    room -= needed;
  }
  return split;
}
