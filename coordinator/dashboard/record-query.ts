// How a page's filters become a question to the record. Pure.

/** As it stands in the page's address; empty is any. */
export interface TimeAsk {
  /** Ms before now, as `3600000`. */
  readonly within: string;
  /** Unix ms. */
  readonly from: string;
  readonly until: string;
}

const isWhole = (text: string): boolean => /^\d{1,15}$/.test(text);

/** `worker=h1%2Fweb&from=…`: what is empty is left out, and a time that is none too. */
export function recordQuery(
  filter: Readonly<Record<string, string>>,
  time: TimeAsk,
  now: number,
): string {
  const from = isWhole(time.within) ? String(Math.round(now) - Number(time.within)) : time.from;
  const all = {
    ...filter,
    from: isWhole(from) ? from : "",
    until: isWhole(time.until) && !isWhole(time.within) ? time.until : "",
  };
  const query = new URLSearchParams(Object.entries(all).filter(([, value]) => value !== ""));
  return query.toString();
}

/** For a field of the type `datetime-local`: `2026-11-22T03:12:07`, in the reader's own zone. */
export function fieldOf(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Of such a field, in Unix ms; undefined where it is empty or none. */
export function momentOf(field: string): number | undefined {
  const at = Date.parse(field);
  return Number.isNaN(at) ? undefined : at;
}
