// Events as a file for other programs: CSV as spreadsheets read it. Pure.

import type { EventView } from "../../proto/rest.ts";
import { iso } from "./times.ts";

const columns: readonly (readonly [name: string, of: (event: EventView) => string])[] = [
  ["at", ({ atMs }) => iso(atMs)],
  ["kind", ({ kind }) => kind],
  ["by", ({ by }) => by],
  ["worker", ({ worker }) => worker],
  ["recovery", ({ recovery }) => recovery],
  ["text", ({ text }) => text],
  ["actor", ({ change }) => change?.actor ?? ""],
  ["verb", ({ change }) => change?.verb ?? ""],
  ["subject", ({ change }) => change?.subject ?? ""],
  ["cluster", ({ change }) => change?.cluster ?? ""],
  ["before", ({ change }) => change?.before ?? ""],
  ["after", ({ change }) => change?.after ?? ""],
  ["outcome", ({ change }) => change?.outcome ?? ""],
];

/** By RFC 4180. */
export function csvOf(events: readonly EventView[]): string {
  const lines = [
    columns.map(([name]) => name),
    ...events.map((event) => columns.map(([, of]) => cell(of(event)))),
  ];
  return lines.map((line) => `${line.join(",")}\r\n`).join("");
}

/** A spreadsheet would take what begins so for a formula, and events carry what anybody named a container. */
function cell(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
