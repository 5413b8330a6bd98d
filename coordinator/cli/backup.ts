// `heartmesh backup` and `heartmesh restore`: what people gave and what is held against workers, to a file and back.

import { readFileSync, writeFileSync } from "node:fs";
import type { Backup, RestoreView } from "../../proto/backup.ts";
import { print } from "./print.ts";
import type { VerbCall } from "./verb.ts";

/** Many documents take their time. */
const patience = 60_000;

export async function backup(call: VerbCall): Promise<number> {
  const { client, terminal, words } = call;
  if (words.length > 1) {
    terminal.err(`heartmesh: ${words.slice(1).join(" ")} is too much; name one file, or none`);
    return 2;
  }
  const taken = JSON.parse((await client.file("/api/v1/backup")).toString("utf8")) as Backup;
  const text = `${JSON.stringify(taken, undefined, 2)}\n`;
  const file = words[0] ?? `heartmesh-${taken.cluster}-${compact(taken.at)}.json`;
  if (file === "-") {
    terminal.raw(Buffer.from(text));
    return 0;
  }
  try {
    // What people wrote into their documents is not for everybody.
    writeFileSync(file, text, { mode: 0o600 });
  } catch (error) {
    const why = (error as Error).message;
    terminal.err(
      `heartmesh: the backup cannot be saved (${why}); name another file, or - for a pipe`,
    );
    return 1;
  }
  const counts = countsOf(taken);
  const told = { file, cluster: taken.cluster, at: taken.at, ...counts };
  return print(call, told, () => {
    const kinds = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
    return `${file}: ${kinds.join(", ")}. Restore it: heartmesh restore ${file}`;
  });
}

export async function restore(call: VerbCall): Promise<number> {
  const { client, terminal, options, subject: file } = call;
  let body: unknown;
  try {
    body = JSON.parse(readFileSync(file === "-" ? 0 : file, "utf8"));
  } catch (error) {
    terminal.err(`heartmesh: ${file} cannot be read as a backup: ${(error as Error).message}`);
    return 1;
  }
  const path = `/api/v1/restore?replace=${options.replace === true}`;
  const view = await client.post<RestoreView>(path, body, patience);
  return print(call, view, restoredText);
}

const restoredText = ({ text, unchanged, passed }: RestoreView): string =>
  [
    text,
    ...(unchanged === 0 ? [] : [`${unchanged} were there already`]),
    ...(passed === 0 ? [] : [`the time of ${passed} silences has passed`]),
  ].join("; ");

/** By kind, in the file's order. */
function countsOf({ documents, silences, quarantines }: Backup): Record<string, number> {
  const kinds = Object.entries(documents).map(([kind, named]): [string, number] => [
    kind,
    Object.keys(named).length,
  ]);
  return {
    ...Object.fromEntries(kinds),
    silences: silences.length,
    quarantines: quarantines.length,
  };
}

/** `20260102T030405Z` */
const compact = (at: string): string => `${at.slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
