// Tables and facts that fit the terminal: columns are cut by its width, never wrapped; into a file or a pipe all is written out. Pure.

import { printable } from "./terminal.ts";
import { cut, displayWidth, pad, wrap } from "./width.ts";

/** How an answer is to look. */
export interface Look {
  /** Columns; undefined: as wide as it is. */
  readonly width: number | undefined;
  readonly isColored: boolean;
  /** Wall-clock ms, for `3 min ago`. */
  readonly now: number;
}

/** The word always says the same as its colour. */
export type Tone = "good" | "bad" | "odd" | "quiet";

export type Cell = string | { readonly text: string; readonly tone: Tone };

const sgr: Readonly<Record<Tone, string>> = { good: "32", bad: "1;31", odd: "33", quiet: "2" };
const asItIs: Look = { width: undefined, isColored: false, now: 0 };
const gap = "  ";
/** Narrower, a column says nothing. */
const narrowest = 6;
const narrowestLast = 16;

export const toned = (text: string, tone: Tone): Cell => ({ text, tone });

export const painted = (text: string, tone: Tone, { isColored }: Look): string =>
  isColored ? `\u001b[${sgr[tone]}m${text}\u001b[0m` : text;

/** Columns as wide as their widest cell, two blanks between; the last one is as long as it is. */
export function table(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  look: Look = asItIs,
): string {
  const texts = rows.map((row) => row.map((cell) => printable(textOf(cell))));
  const natural = head.map((title, i) =>
    Math.max(title.length, ...texts.map((row) => displayWidth(row[i] ?? ""))),
  );
  const widths = fitted(natural, look.width);
  const line = (cells: readonly string[], tones: readonly (Tone | undefined)[]): string => {
    const shown = cells.map((text, i) => {
      const width = widths[i] ?? 0;
      const isLast = i === widths.length - 1;
      const fit = isLast && look.width === undefined ? text : cut(text, width);
      const padding = isLast ? "" : " ".repeat(Math.max(0, width - displayWidth(fit)));
      const tone = tones[i];
      return (tone === undefined ? fit : painted(fit, tone, look)) + padding;
    });
    return shown.join(gap).trimEnd();
  };
  return [
    line(
      head,
      head.map(() => (look.isColored ? ("quiet" as const) : undefined)),
    ),
    ...texts.map((row, i) => line(row, (rows[i] ?? []).map(toneOf))),
  ].join("\n");
}

/** `name   value`, without a head; a long value goes on below itself. */
export function facts(rows: readonly (readonly [string, Cell])[], look: Look = asItIs): string {
  const indent = Math.max(0, ...rows.map(([name]) => displayWidth(name))) + gap.length;
  const room = look.width === undefined ? undefined : Math.max(20, look.width - indent);
  return rows
    .flatMap(([name, cell]) => {
      const tone = toneOf(cell);
      return wrap(printable(textOf(cell)), room).map((line, i) => {
        const shown = tone === undefined ? line : painted(line, tone, look);
        return pad(i === 0 ? name : "", indent) + shown;
      });
    })
    .join("\n");
}

const textOf = (cell: Cell): string => (typeof cell === "string" ? cell : cell.text);
const toneOf = (cell: Cell): Tone | undefined => (typeof cell === "string" ? undefined : cell.tone);

/** The last column, which tells most in prose, gives way first, then whichever is widest. */
function fitted(natural: readonly number[], width: number | undefined): readonly number[] {
  if (width === undefined) return natural;
  const widths = [...natural];
  const last = widths.length - 1;
  const over = (): number =>
    widths.reduce((sum, one) => sum + one, gap.length * Math.max(0, last)) - width;
  const spare = Math.max(0, (widths[last] ?? 0) - narrowestLast);
  widths[last] = (widths[last] ?? 0) - Math.min(Math.max(0, over()), spare);
  while (over() > 0) {
    const widest = Math.max(...widths);
    if (widest <= narrowest) break;
    widths[widths.lastIndexOf(widest)] = widest - 1;
  }
  // A terminal that is narrower than that loses the columns at the right.
  while (over() > 0 && widths.some((one) => one > 0)) {
    const at = widths.findLastIndex((one) => one > 0);
    widths[at] = Math.max(0, (widths[at] ?? 0) - over());
    if (widths[at] === 0) widths.splice(at, 1);
  }
  return widths;
}
