// How the command line speaks: lines, and how times and strange characters stand in them. Pure but for the lines.

export interface Terminal {
  out(line: string): void;
  err(line: string): void;
  /** To the same place as `out`, and nothing beside them. */
  raw(bytes: Uint8Array): void;
  /** Wall-clock ms. */
  now(): number;
  /** Columns; undefined where the answer goes into a file or a pipe, and nothing is cut. */
  readonly width: number | undefined;
  readonly isColored: boolean;
  /** One line that is replaced by the next, on a terminal alone and never among the answer; undefined where there is none. An empty text takes it away. */
  readonly note: ((text: string) => void) | undefined;
}

/** `0.4 s`, `12 s`, `3 min`, `2 h`, `5 d`. */
export function span(ms: number): string {
  if (ms < 1) return "0 s";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** `3 min ago`; a clock that is ahead of ours says `just now`. */
export const ago = (at: number, now: number): string =>
  now - at < 1000 ? "just now" : `${span(now - at)} ago`;

/** `2026-01-02 03:04:05`, UTC: the trio and its readers may sit in different zones. */
export const clock = (at: number): string =>
  new Date(at).toISOString().slice(0, 19).replace("T", " ");

/** A container's name or a log line in a reason must not steer somebody's terminal. */
export const printable = (text: string): string =>
  // eslint-disable-next-line no-control-regex -- these are the characters meant
  text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "?");
