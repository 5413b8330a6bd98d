// `heartmesh record`: fetches what the flight recorder holds, and saves it.

import { writeFileSync } from "node:fs";
import { readHeader } from "../io/recording.ts";
import type { VerbCall } from "./verb.ts";

export async function record({ client, terminal, options }: VerbCall): Promise<number> {
  const bytes = await client.file("/api/v1/record");
  const { id, recordedAt } = readHeader(bytes);
  const file = options.out ?? `heartmesh-${id}-${compact(recordedAt)}.recording`;
  if (file === "-") {
    terminal.raw(bytes);
    return 0;
  }
  try {
    // It tells more than a stranger should read: names, addresses, labels.
    writeFileSync(file, bytes, { mode: 0o600 });
  } catch (error) {
    terminal.err(
      `heartmesh: the recording cannot be saved (${(error as Error).message}); give a place by --out, or --out - for a pipe`,
    );
    return 1;
  }
  const told = { file, coordinator: id, bytes: bytes.length, recordedAtMs: recordedAt };
  terminal.out(
    options.json
      ? JSON.stringify(told, undefined, 2)
      : `${file}: the last minutes of ${id}, ${Math.ceil(bytes.length / 1024)} KiB. Replay it: npm run sim -- --replay ${file}`,
  );
  return 0;
}

/** `20260102T030405Z` */
const compact = (at: number): string =>
  `${new Date(at).toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
