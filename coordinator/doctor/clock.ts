// Another clock, read between two looks at our own: how far it is ahead, and how well that is known.

export interface ClockRead {
  /** Before ours, ms; negative where it is behind. */
  readonly ahead: number;
  /** Half the time that the question took, ms: it may err by so much. */
  readonly err: number;
  /** Surely by more than this, ms. */
  isOff(by: number): boolean;
}

/** @param ask for its wall-clock ms */
export async function readClock(ask: () => Promise<number>): Promise<ClockRead> {
  const began = Date.now();
  const told = await ask();
  return clockRead(told, began, Date.now());
}

/** All in wall-clock ms. */
function clockRead(told: number, began: number, ended: number): ClockRead {
  const ahead = Math.round(told - (began + ended) / 2);
  const err = Math.max(0, ended - began) / 2;
  return { ahead, err, isOff: (by) => Math.abs(ahead) - err > by };
}

/** `12.3 s ahead of ours`. */
export const clockText = ({ ahead }: Pick<ClockRead, "ahead">): string =>
  `${(Math.abs(ahead) / 1000).toFixed(1)} s ${ahead < 0 ? "behind" : "ahead of"} ours`;
