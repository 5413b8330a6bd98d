// The doctor's findings as people read them on a terminal: what was found, why it matters, what to do. Pure.

import type { DoctorFinding, DoctorView, Grade } from "../../proto/doctor-rest.ts";
import { painted, type Look, type Tone } from "./table.ts";
import { printable } from "./terminal.ts";
import { wrap } from "./width.ts";

const tones: Readonly<Record<Grade, Tone>> = { error: "bad", warning: "odd", advice: "quiet" };
const indent = "  ";

export function doctorText({ coordinators, findings }: DoctorView, look: Look): string {
  const asked = coordinators.filter(({ answers }) => answers).map(({ id }) => id);
  const who =
    asked.length === 0
      ? "No coordinator answered: this is what can be seen from here."
      : `Told by ${asked.join(", ")}.`;
  if (findings.length === 0) return `Nothing is found amiss. ${who}`;
  const isOne = new Set(findings.flatMap(({ by }) => by)).size === 1;
  return [...findings.map((one) => findingText(one, isOne, look)), `${counted(findings)}. ${who}`]
    .map((text) => `${text}\n`)
    .join("\n")
    .trimEnd();
}

function findingText(one: DoctorFinding, isOne: boolean, look: Look): string {
  const room = look.width === undefined ? undefined : Math.max(30, look.width - 9);
  const head = `${painted(one.grade.toUpperCase(), tones[one.grade], look)} ${printable(`${one.subject} (${one.code}${isOne ? "" : `, by ${one.by.join(", ")}`})`)}`;
  const rows: readonly (readonly [string, string])[] = [
    ["found", one.found],
    ["why", one.why],
    ["do", one.remedy],
  ];
  const lines = rows.flatMap(([name, text]) =>
    wrap(printable(text), room).map(
      (line, i) => `${indent}${(i === 0 ? name : "").padEnd(7)}${line}`,
    ),
  );
  return [head, ...lines].join("\n");
}

function counted(findings: readonly DoctorFinding[]): string {
  const words: Readonly<Record<Grade, readonly [one: string, many: string]>> = {
    error: ["error", "errors"],
    warning: ["warning", "warnings"],
    advice: ["piece of advice", "pieces of advice"],
  };
  return (Object.keys(words) as Grade[])
    .map((grade) => {
      const n = findings.filter((one) => one.grade === grade).length;
      return n === 0 ? "" : `${n} ${words[grade][n === 1 ? 0 : 1]}`;
    })
    .filter((text) => text !== "")
    .join(", ");
}
