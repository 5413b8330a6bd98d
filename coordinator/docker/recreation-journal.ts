// Recreations that are under way, one file each under DATA_DIR: written before the first step, removed after the last.

import { createHash } from "node:crypto";
import { readdir, rename } from "node:fs/promises";
import path from "node:path";
import { readDurable, removeDurably, writeDurably } from "./durable-file.ts";
import type { KeptSpec } from "./spec-store.ts";

/** One container that is made again. */
export interface Plan {
  readonly name: string;
  readonly spec: KeptSpec;
  readonly isToRun: boolean;
  /** Empty until it was created. */
  readonly newId: string;
}

export interface Entry {
  readonly recovery: string;
  readonly host: string;
  /** Of the worker. */
  readonly name: string;
  /** The worker's container where only dependants are made again; empty where the first plan is the worker's. */
  readonly ownerId: string;
  /** Old ids → new ones that are known from the start. */
  readonly replaced: Readonly<Record<string, string>>;
  /** The owner of the namespace before those who join it. */
  readonly plans: readonly Plan[];
}

export class Journal {
  readonly #folder: string;
  readonly #onProblem: (text: string) => void;

  constructor(dataDir: string, onProblem: (text: string) => void) {
    this.#folder = path.join(dataDir, "recreations");
    this.#onProblem = onProblem;
  }

  async write(entry: Entry): Promise<void> {
    await writeDurably(this.#fileOf(entry), entry);
  }

  async remove(entry: Entry): Promise<void> {
    await removeDurably(this.#fileOf(entry));
  }

  /** The unfinished recreation of this worker; undefined when there is none. */
  async read(host: string, name: string): Promise<Entry | undefined> {
    return await this.#readFile(this.#fileOf({ host, name }));
  }

  async all(): Promise<readonly Entry[]> {
    const files = await readdir(this.#folder).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    });
    const entries: Entry[] = [];
    for (const file of files) {
      if (!file.endsWith(".json")) continue;
      const entry = await this.#readFile(path.join(this.#folder, file));
      if (entry !== undefined) entries.push(entry);
    }
    return entries;
  }

  /** A damaged file is set aside and reported, never guessed at. */
  async #readFile(file: string): Promise<Entry | undefined> {
    const kept = await readDurable(file);
    if (kept.ok) return kept.value as Entry;
    if (kept.failure === "damaged") {
      await rename(file, `${file}.damaged`);
      this.#onProblem(
        `an unfinished recreation cannot be read and was set aside: ${kept.detail ?? file}`,
      );
    }
    return undefined;
  }

  #fileOf(entry: Pick<Entry, "host" | "name">): string {
    const digest = createHash("sha256").update(`${entry.host}/${entry.name}`).digest("hex");
    return path.join(this.#folder, `${digest}.json`);
  }
}
