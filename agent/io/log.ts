// The agent's log: JSON lines on stdout with the field names of pino. Pino itself would cost the agent more memory
// than its whole mesh part, and its asynchronous writes are of no use at a line an hour.

import { writeSync } from "node:fs";
import { hostname } from "node:os";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";
export const logLevels: readonly LogLevel[] = ["debug", "info", "warn", "error", "silent"];

export interface Log {
  debug(text: string, fields?: LogFields): void;
  info(text: string, fields?: LogFields): void;
  warn(text: string, fields?: LogFields): void;
  error(text: string, fields?: LogFields): void;
}

/** Never a secret. */
export type LogFields = Readonly<Record<string, unknown>>;

const numbers: Record<LogLevel, number> = { debug: 20, info: 30, warn: 40, error: 50, silent: 60 };

export function createLog(level: LogLevel, write: (line: string) => void = toStdout): Log {
  const base = { pid: process.pid, hostname: hostname(), name: "heartmesh-agent" };
  const at =
    (lineLevel: LogLevel) =>
    (text: string, fields?: LogFields): void => {
      if (logLevels.indexOf(lineLevel) < logLevels.indexOf(level)) return;
      const line = { level: numbers[lineLevel], time: Date.now(), ...base, ...fields, msg: text };
      write(`${JSON.stringify(line)}\n`);
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

export const silentLog: Log = createLog("silent");

function toStdout(line: string): void {
  try {
    writeSync(1, line);
  } catch {
    // Nobody reads, or the pipe is full: an agent does not stop for its log.
  }
}
