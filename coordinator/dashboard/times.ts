// Instants and durations as a person reads them. Unix milliseconds come in.

const second = 1_000;
const minute = 60_000;
const hour = 3_600_000;
const day = 86_400_000;

/** `840 ms`, `1.4 s`, `38 s`, `5 min`, `3 h`, `12 d`: two digits that matter. */
export function span(ms: number): string {
  const length = Math.max(0, ms);
  if (length < second - 0.5) return `${Math.round(length)} ms`;
  if (length < 9_950) return `${(length / second).toFixed(1)} s`;
  if (length < 100 * second) return `${Math.round(length / second)} s`;
  if (length < 100 * minute) return `${Math.round(length / minute)} min`;
  if (length < 48 * hour) return `${Math.round(length / hour)} h`;
  return `${Math.round(length / day)} d`;
}

/** `just now`, `38 s ago`, `5 min ago`. */
export const ago = (at: number, now: number): string =>
  now - at < second ? "just now" : `${span(now - at)} ago`;

/** Whole seconds that are left: `0:07`, `12:40`, `1:02:00`. */
export function countdown(ms: number): string {
  const left = Math.ceil(Math.max(0, ms) / second);
  const two = (value: number): string => String(value).padStart(2, "0");
  const [h, m, s] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** `03:12:07`; with `isFine`, `03:12:07.412`. In the reader's own zone. */
export function clock(at: number, isFine = false): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, "0");
  const text = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return isFine ? `${text}.${String(date.getMilliseconds()).padStart(3, "0")}` : text;
}

/** `03:12:07` today, `Nov 20, 03:12` before. */
export function moment(at: number, now: number): string {
  const date = new Date(at);
  if (date.toDateString() === new Date(now).toDateString()) return clock(at);
  const told = date.toLocaleDateString("en", { month: "short", day: "numeric" });
  const isThisYear = date.getFullYear() === new Date(now).getFullYear();
  return `${told}${isThisYear ? "" : ` ${date.getFullYear()}`}, ${clock(at).slice(0, 5)}`;
}

/** ISO 8601, as machines and the `title` of a time want it. */
export const iso = (at: number): string => new Date(at).toISOString();

/** Round trips: `0.42 ms`, `3.1 ms`, `120 ms`. */
export function trip(ms: number | null): string {
  if (ms === null) return "–";
  return `${ms < 1 ? ms.toFixed(2) : ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

export const percent = (fraction: number | null): string =>
  fraction === null ? "–" : `${Math.round(fraction * 100)} %`;

/** Bytes: `840 kB`, `1.4 GB`. */
export function bytes(value: number | null): string {
  if (value === null) return "–";
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  const scaled = value / 1000 ** power;
  return `${scaled < 10 && power > 0 ? scaled.toFixed(1) : Math.round(scaled)} ${units[power] ?? ""}`;
}
