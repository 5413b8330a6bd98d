// The coordinator's log: a line of JSON for each thing that happens; on a terminal the same line in words.
//
// Not pino-pretty: it brings ten packages into the image for what stands below, and its options are of no use here.

import { pino, type Logger, type LoggerOptions } from "pino";

/** Where lines go: the process's own standard output. */
export interface LogSink {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export function createLog(options: LoggerOptions = {}, out: LogSink = process.stdout): Logger {
  if (out.isTTY !== true) return out === process.stdout ? pino(options) : pino(options, out);
  return pino(options, { write: (line: string) => out.write(readable(line)) });
}

type Fields = Readonly<Record<string, unknown>>;

/** `22:14:03.120 WARN  c1: engine-lost h1/web: the text  {"more":1}`; an error's stack follows. @param line as pino writes it */
function readable(line: string): string {
  const { level, time, coordinator, kind, worker, msg, err, ...rest } = JSON.parse(line) as Fields;
  const clock = new Date(Number(time)).toTimeString().slice(0, 8);
  const ms = String(Number(time) % 1000).padStart(3, "0");
  const label = (pino.levels.labels[Number(level)] ?? String(level)).toUpperCase().padEnd(5);
  const about = [kind, worker].filter((one) => typeof one === "string" && one !== "").join(" ");
  const said = [coordinator, about, msg].filter((one) => typeof one === "string" && one !== "");
  const told = Object.entries(rest).filter(([, value]) => value !== "");
  const fields = told.length === 0 ? "" : `  ${JSON.stringify(Object.fromEntries(told))}`;
  return `${clock}.${ms} ${label} ${said.join(": ")}${fields}\n${stackOf(err)}`;
}

function stackOf(err: unknown): string {
  const stack = typeof err === "object" && err !== null ? (err as Fields)["stack"] : undefined;
  return typeof stack === "string" ? `${stack.replaceAll(/^/gm, "    ")}\n` : "";
}
