// The shapes of `GET /api/v1/queues`. Durations are milliseconds, times are Unix time in milliseconds.

export interface QueueView {
  /** `revival`, `migration` or `notification`. */
  readonly name: string;
  readonly isPaused: boolean;
  readonly waiting: number;
  readonly active: number;
  /** They wait for their time: the backoff between two tries. */
  readonly delayed: number;
  /** Those that are still kept, as the next. */
  readonly failed: number;
  readonly completed: number;
  /** Newest first; at most ten. */
  readonly lastFailed: readonly FailedJobView[];
}

export interface FailedJobView {
  readonly id: string;
  /** The worker or service; of a notification its channel and what it was about. */
  readonly about: string;
  readonly reason: string;
  readonly tries: number;
  /** Null where it is not known. */
  readonly endedAtMs: number | null;
}

export interface QueuesView {
  readonly queues: readonly QueueView[];
}
