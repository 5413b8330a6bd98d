// Logs as an engine sends them: frames of lines, each with its instant and whose it is.

import { Transform, type TransformCallback } from "node:stream";
import type { SwarmLogLine } from "../../proto/swarm-rest.ts";

/** Of a frame: which stream, three bytes of nothing, the length of what follows (big-endian). */
const headerBytes = 8;
/** A longer line is given in parts. */
const lineBytes = 64 * 1024;

/** Bytes in, lines out as `lineOf` makes them of a stream's number and its text. The stream is one without a terminal. */
export class LogLines extends Transform {
  #bytes: Buffer = Buffer.alloc(0);
  /** The beginning of a line whose end is in a later frame. */
  readonly #open = new Map<number, string>();

  readonly #lineOf: (stream: number, line: string) => unknown;

  constructor(lineOf: (stream: number, line: string) => unknown) {
    super({ readableObjectMode: true });
    this.#lineOf = lineOf;
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    let at = 0;
    while (this.#bytes.length - at >= headerBytes) {
      const length = this.#bytes.readUInt32BE(at + 4);
      const end = at + headerBytes + length;
      if (this.#bytes.length < end) break;
      this.#take(this.#bytes[at] ?? 1, this.#bytes.toString("utf8", at + headerBytes, end));
      at = end;
    }
    this.#bytes = this.#bytes.subarray(at);
    done();
  }

  override _flush(done: TransformCallback): void {
    for (const [stream, text] of this.#open) if (text !== "") this.push(this.#lineOf(stream, text));
    done();
  }

  #take(stream: number, text: string): void {
    const lines = `${this.#open.get(stream) ?? ""}${text}`.split("\n");
    const rest = lines.pop() ?? "";
    for (const line of lines) this.push(this.#lineOf(stream, line));
    const isLong = rest.length > lineBytes;
    if (isLong) this.push(this.#lineOf(stream, rest));
    this.#open.set(stream, isLong ? "" : rest);
  }
}

/** `<instant> <key=value,…> <text>`: what `timestamps` and `details` put before each line of a service. */
export function serviceLine(stream: number, line: string): SwarmLogLine {
  const [, at = "", details = "", text = ""] = /^(\S+) (\S*) ?(.*)$/s.exec(line) ?? [];
  const of = new Map(details.split(",").map((pair) => pair.split("=", 2) as [string, string]));
  return {
    at,
    stream: stream === 2 ? "stderr" : "stdout",
    taskId: of.get("com.docker.swarm.task.id") ?? "",
    nodeId: of.get("com.docker.swarm.node.id") ?? "",
    text: text.replace(/\r$/, ""),
  };
}
