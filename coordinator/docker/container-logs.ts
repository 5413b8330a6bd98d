// The last lines that a container wrote, as its engine kept them.

import type { Readable } from "node:stream";
import type { WorkerLogLine } from "../../proto/live-rest.ts";
import { limits } from "../../proto/limits.ts";
import type { EngineClient } from "./engines.ts";
import { LogLines } from "./log-lines.ts";

/** For all lines; what came by then is told. */
const patience = 5_000;

interface RawContainer {
  readonly Config?: { readonly Tty?: boolean };
}

/** Oldest first. Rejects where the engine does not answer, or has no such container. */
export async function containerLogs(
  engine: Pick<EngineClient, "call" | "stream">,
  container: string,
  tail: number,
): Promise<readonly WorkerLogLine[]> {
  const path = `/containers/${container}`;
  const raw = (await engine.call({ what: "inspect", path: `${path}/json` })) as RawContainer;
  const query = { stdout: true, stderr: true, timestamps: true, follow: false, tail };
  const signal = AbortSignal.timeout(patience);
  const bytes = await engine.stream("logs", `${path}/logs`, query, signal);
  const lines = raw.Config?.Tty === true ? terminalLines(bytes) : framedLines(bytes);
  const kept: WorkerLogLine[] = [];
  let length = 0;
  try {
    for await (const line of lines) {
      kept.push(line);
      length += line.text.length;
      while (kept.length > tail || length > limits.logText) {
        length -= kept.shift()?.text.length ?? length;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return kept;
}

function framedLines(bytes: Readable): AsyncIterable<WorkerLogLine> {
  const lines = new LogLines(lineOf);
  bytes.on("error", (error) => lines.destroy(error));
  lines.on("close", () => bytes.destroy());
  return bytes.pipe(lines);
}

/** Of a terminal both streams are one, and not framed. */
async function* terminalLines(bytes: Readable): AsyncGenerator<WorkerLogLine> {
  let open = "";
  for await (const chunk of bytes.setEncoding("utf8") as AsyncIterable<string>) {
    const lines = `${open}${chunk}`.split("\n");
    open = (lines.pop() ?? "").slice(-limits.logText);
    for (const line of lines) yield lineOf(1, line);
  }
  if (open !== "") yield lineOf(1, open);
}

/** `<instant> <text>`: what `timestamps` puts before each line. */
function lineOf(stream: number, line: string): WorkerLogLine {
  const blank = line.indexOf(" ");
  const at = blank === -1 ? Number.NaN : Date.parse(line.slice(0, blank));
  const hasTime = !Number.isNaN(at);
  return {
    atMs: hasTime ? at : null,
    stream: stream === 2 ? "stderr" : "stdout",
    text: (hasTime ? line.slice(blank + 1) : line).replace(/\r$/, ""),
  };
}
