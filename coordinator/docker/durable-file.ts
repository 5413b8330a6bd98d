// A small file that is there whole or not at all: written beside, synced, renamed, with a checksum over its content.

import { createHash, randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { Outcome } from "../../proto/machine.ts";

export type Kept = Outcome<unknown, "missing" | "damaged">;

/** Readable by this user alone: what is kept of a container holds its environment. Durable when it resolves. */
export async function writeDurably(file: string, value: unknown): Promise<void> {
  const text = JSON.stringify(value);
  const folder = path.dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const beside = `${file}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    const handle = await open(beside, "wx", 0o600);
    try {
      await handle.writeFile(`${checksumOf(text)}\n${text}`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

export async function readDurable(file: string): Promise<Kept> {
  let content: string;
  try {
    content = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      return { ok: false, failure: "missing" };
    throw error;
  }
  const end = content.indexOf("\n");
  const text = content.slice(end + 1);
  if (end === -1 || checksumOf(text) !== content.slice(0, end)) {
    return { ok: false, failure: "damaged", detail: `the checksum of ${file} does not match` };
  }
  return { ok: true, value: JSON.parse(text) as unknown };
}

export async function removeDurably(file: string): Promise<void> {
  await rm(file, { force: true });
  await syncFolder(path.dirname(file));
}

const checksumOf = (text: string): string => createHash("sha256").update(text).digest("hex");

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
