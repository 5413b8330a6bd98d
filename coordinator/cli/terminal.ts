// How the command line speaks: lines, aligned tables, relative times. Pure but for the lines.

export interface Terminal {
  out(line: string): void;
  err(line: string): void;
  /** To the same place as `out`, and nothing beside them. */
  raw(bytes: Uint8Array): void;
  /** Wall-clock ms. */
  now(): number;
}

/** Columns as wide as their widest cell, two blanks between; the last one is as long as it is. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const clean = rows.map((row) => row.map(printable));
  const widths = head.map((title, i) =>
    Math.max(title.length, ...clean.map((row) => row[i]?.length ?? 0)),
  );
  return [head, ...clean]
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** `name   value`, without a head. */
export const facts = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}`).join("\n");
};

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
  text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");
