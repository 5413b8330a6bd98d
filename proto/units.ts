// Numbers that must not be confused. Instants are milliseconds of one process's monotonic clock and
// mean nothing in another process; durations are milliseconds and may travel.

declare const brand: unique symbol;
type Brand<T, B extends string> = T & { readonly [brand]: B };

/** Milliseconds of this process's monotonic clock. Never sent to anybody. */
export type Instant = Brand<number, "Instant">;
/** Milliseconds. */
export type Duration = number;
/** An election term; 0 before the first election. */
export type Term = Brand<number, "Term">;
/** A process's start time in ms since 1970, raised above any that is remembered of it. */
export type Incarnation = Brand<number, "Incarnation">;
/** A random id of one process start: 16 hexadecimal digits. */
export type BootId = Brand<string, "BootId">;
/** `c1`, `c2` …: the name of a coordinator in `COORDINATORS`. */
export type CoordinatorId = string;
/** `<host>/<container name>`. */
export type WorkerId = string;

/** No clock runs faster or slower than real time by more than this share. */
export const clockDrift = 0.01;

export const instant = (ms: number): Instant => ms as Instant;
export const term = (n: number): Term => n as Term;
export const incarnation = (n: number): Incarnation => n as Incarnation;

/** The instant `ms` after `from` (before it, where `ms` is negative). */
export const after = (from: Instant, ms: Duration): Instant => (from + ms) as Instant;
/** Milliseconds from `from` to `to`. */
export const elapsed = (from: Instant, to: Instant): Duration => to - from;

/** The earliest of some deadlines, where there is one. */
export function earliest(
  a: Instant | undefined,
  b?: Instant,
  c?: Instant,
  d?: Instant,
  e?: Instant,
): Instant | undefined {
  // No rest parameter: asked after each turn of each thread, it would leave an array behind each time.
  let first = a;
  if (b !== undefined && (first === undefined || b < first)) first = b;
  if (c !== undefined && (first === undefined || c < first)) first = c;
  if (d !== undefined && (first === undefined || d < first)) first = d;
  if (e !== undefined && (first === undefined || e < first)) first = e;
  return first;
}
