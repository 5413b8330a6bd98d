// What each frame of a page cost its main thread, read from Chromium's own trace. Pure.

/** As Chromium writes it; instants and durations in µs. */
interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  /** Of `dur`, what the thread had a processor for. */
  readonly tdur?: number;
  readonly args?: {
    readonly name?: string;
    readonly data?: { readonly frames?: readonly { readonly url: string; processId: number }[] };
  };
}

export interface Frames {
  /** Of the process that draws the page. */
  readonly pid: number;
  /** For each frame that drew something new: all that the main thread did since the one before, ms. */
  readonly work: readonly number[];
  /** The same without the time in which other processes had the processor, ms. */
  readonly processor: readonly number[];
  /** Longest single task of the main thread, also of those that drew nothing, ms; 0 without any. */
  readonly longestTask: number;
}

/** To be recorded. */
export const traceCategories: readonly string[] = [
  "devtools.timeline",
  "disabled-by-default-devtools.timeline",
];

/**
 * A frame is what ends with `Commit`: the main thread hands a changed picture over. Nothing between two frames is left out: messages that
 * were read, what Vue did, timers, garbage, layout, painting; what other threads do of it (raster) is no part.
 * @param url where the page's address begins; throws where the trace has no such page
 */
export function framesOf(trace: string, url: string): Frames {
  const { traceEvents } = JSON.parse(trace) as { readonly traceEvents: readonly TraceEvent[] };
  const shown = traceEvents
    .filter(({ name }) => name === "TracingStartedInBrowser")
    .flatMap(({ args }) => args?.data?.frames ?? [])
    .find((frame) => frame.url.startsWith(url));
  if (shown === undefined) throw new Error(`the trace has no page at ${url}`);
  const pid = shown.processId;
  const main = traceEvents.find(
    (one) => one.pid === pid && one.name === "thread_name" && one.args?.name === "CrRendererMain",
  );
  const own = traceEvents.filter((one) => one.pid === pid && one.tid === main?.tid);
  const commits = own.filter(({ name }) => name === "Commit").map(({ ts = 0 }) => ts);
  return { pid, ...costs(outermost(own), commits) };
}

/** One within another is part of it. */
function outermost(own: readonly TraceEvent[]): readonly Required<Timed>[] {
  const tasks = own
    .filter(({ name }) => name === "RunTask")
    .map(({ ts = 0, dur = 0, tdur = 0 }) => ({ ts, dur, tdur }))
    .toSorted((a, b) => a.ts - b.ts);
  let end = Number.NEGATIVE_INFINITY;
  return tasks.filter(({ ts, dur }) => {
    if (ts < end) return false;
    end = ts + dur;
    return true;
  });
}

type Timed = Pick<TraceEvent, "ts" | "dur" | "tdur">;

function costs(
  tasks: readonly Required<Timed>[],
  commits: readonly number[],
): Pick<Frames, "work" | "processor" | "longestTask"> {
  const work: number[] = [];
  const processor: number[] = [];
  let [sum, busy, longest] = [0, 0, 0];
  for (const { ts, dur, tdur } of tasks) {
    sum += dur;
    busy += tdur;
    longest = Math.max(longest, dur);
    if (!commits.some((at) => at >= ts && at <= ts + dur)) continue;
    work.push(sum / 1_000);
    processor.push(busy / 1_000);
    [sum, busy] = [0, 0];
  }
  return { work, processor, longestTask: longest / 1_000 };
}
