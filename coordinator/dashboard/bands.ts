// Samples of standings, one a second, as bands of the same standing. Pure.

import type { HistoryView } from "../../proto/rest.ts";

type Standing = HistoryView["coordinators"][string]["standing"][number];

export interface Band {
  readonly standing: Standing;
  /** Of all that is shown, 0 to 1. */
  readonly from: number;
  readonly to: number;
  readonly fromMs: number;
  readonly toMs: number;
}

export function bandsOf({ stepMs, endMs, coordinators }: HistoryView): readonly {
  readonly id: string;
  readonly bands: readonly Band[];
}[] {
  return Object.entries(coordinators).map(([id, { standing }]) => {
    const length = standing.length;
    const timeOf = (at: number): number => endMs - (length - at) * stepMs;
    const bands: Band[] = [];
    let begin = 0;
    for (let at = 1; at <= length; at++) {
      if (at < length && standing[at] === standing[begin]) continue;
      bands.push({
        standing: standing[begin] ?? null,
        from: begin / length,
        to: at / length,
        fromMs: timeOf(begin),
        toMs: timeOf(at),
      });
      begin = at;
    }
    return { id, bands };
  });
}
