// What each frame of a page cost its main thread, read from Chromium's own trace. Pure.

/** As Chromium writes it; instants and durations in µs. */
interface TraceEvent {
  readonly name: string;
  /** `b` where something begins that ends in another event. */
  readonly ph?: string;
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
  /** For each frame that drew something new: all that the main thread did from the task that asked for it to its end, ms. */
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
 * A frame begins with the task that changes the page (`AnimationFrame`, as the browser's long animation frames are measured) and ends with
 * the task of its `Commit`, in which the main thread hands the new picture over. It costs all tasks of the main thread in between: the
 * message that was read, what Vue did, timers, garbage, style, layout, painting. Waiting for the display's next beat costs nothing; what
 * other threads do of it (raster) is no part.
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
  const tasks = outermost(own);
  const instants = (of: (one: TraceEvent) => boolean): readonly number[] =>
    own.filter(of).map(({ ts = 0 }) => ts);
  const begins = instants(({ name, ph }) => name === "AnimationFrame" && ph === "b");
  const commits = instants(({ name }) => name === "Commit");
  const frames = tasksOfFrames(tasks, begins, commits);
  const sumOf = (of: "dur" | "tdur") =>
    frames.map((frame) => frame.reduce((sum, task) => sum + task[of], 0) / 1_000);
  return {
    pid,
    work: sumOf("dur"),
    processor: sumOf("tdur"),
    longestTask: Math.max(0, ...tasks.map(({ dur }) => dur)) / 1_000,
  };
}

type Task = Required<Pick<TraceEvent, "ts" | "dur" | "tdur">>;

/** One within another is part of it. */
function outermost(own: readonly TraceEvent[]): readonly Task[] {
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

/** No task belongs to two frames. */
function tasksOfFrames(
  tasks: readonly Task[],
  begins: readonly number[],
  commits: readonly number[],
): readonly (readonly Task[])[] {
  const frames: Task[][] = [];
  let since: Task[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const task of tasks) {
    since.push(task);
    const end = task.ts + task.dur;
    if (!commits.some((at) => at >= task.ts && at <= end)) continue;
    // A frame that was asked for within the one before begins after that.
    const begun = begins.filter((at) => at <= end && at > last).at(0) ?? task.ts;
    frames.push(since.filter(({ ts, dur }) => ts + dur > begun));
    since = [];
    last = task.ts;
  }
  return frames;
}
