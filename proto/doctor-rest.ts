// The shapes of `GET /api/v1/doctor`: what should be mended before the night. Durations are milliseconds, times are Unix time in milliseconds.

/** `error`: something does not work. `warning`: it will fail somebody some night. `advice`: it could be better. */
export type Grade = "error" | "warning" | "advice";

export interface DoctorFinding {
  readonly grade: Grade;
  /** One word a fault: `redis-volatile`, `never-heard` … */
  readonly code: string;
  /** The worker, host, coordinator, engine or variable. */
  readonly subject: string;
  readonly found: string;
  readonly why: string;
  readonly remedy: string;
  /** The coordinators that found it; `here` for the command line itself. */
  readonly by: readonly string[];
}

export interface ExaminedView {
  readonly id: string;
  /** Where its HTTP is asked; null where unknown. */
  readonly url: string | null;
  readonly answers: boolean;
  /** Why it does not answer; empty where it does. */
  readonly text: string;
  /** Null where it does not answer, as the next two. */
  readonly version: string | null;
  /** Its wall clock when it answered. */
  readonly nowMs: number | null;
  /** Before the clock of the coordinator that was asked; 0 of itself. */
  readonly aheadMs: number | null;
}

export interface DoctorView {
  /** By id. */
  readonly coordinators: readonly ExaminedView[];
  /** The gravest first. */
  readonly findings: readonly DoctorFinding[];
}
