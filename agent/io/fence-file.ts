// What a host's agent must know of its grants after a restart, in a small file: until when it holds, by the machine's own clock.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import path from "node:path";
import type { FenceMemory } from "../core/fence.ts";
import { machineBoot } from "./boot-clock.ts";

interface Content {
  readonly boot: string;
  readonly memory: FenceMemory;
}

export class FenceFile {
  readonly #path: string;
  readonly #boot = machineBoot();
  #next: FenceMemory | undefined;
  #isWriting = false;
  #problem = "";

  constructor(directory: string) {
    this.#path = path.join(directory, "fence.json");
  }

  /** Why nothing can be remembered; empty where it can. */
  get problem(): string {
    return this.#boot === "" ? "the machine's boot id cannot be read" : this.#problem;
  }

  /** `none`: nothing was ever granted here. `lost`: something was, and the machine has been booted since, or the file is damaged. */
  read(): FenceMemory | "none" | "lost" {
    let text: string;
    try {
      text = readFileSync(this.#path, "utf8");
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "ENOENT" ? "none" : "lost";
    }
    try {
      const { boot, memory } = JSON.parse(text) as Partial<Content>;
      if (memory === undefined || boot === undefined || boot === "") return "lost";
      return boot === this.#boot ? memory : "lost";
    } catch {
      return "lost";
    }
  }

  /** Whether it can be written at all. */
  prepare(): void {
    try {
      mkdirSync(path.dirname(this.#path), { recursive: true, mode: 0o700 });
      writeFileSync(`${this.#path}.new`, "");
    } catch (error) {
      this.#problem = (error as Error).message;
    }
  }

  /** The last of several that come while one is being written; a disk that hangs must not hold the agent up. */
  write(memory: FenceMemory): void {
    this.#next = memory;
    if (!this.#isWriting) void this.#writeNext();
  }

  /** At the end of the process. */
  writeNow(memory: FenceMemory): void {
    this.#next = undefined;
    try {
      writeFileSync(`${this.#path}.last`, this.#content(memory));
      renameSync(`${this.#path}.last`, this.#path);
    } catch (error) {
      this.#problem = (error as Error).message;
    }
  }

  async #writeNext(): Promise<void> {
    this.#isWriting = true;
    while (this.#next !== undefined) {
      const memory = this.#next;
      this.#next = undefined;
      try {
        // Not flushed to the disk: a machine that loses its power begins another boot.
        await writeFile(`${this.#path}.new`, this.#content(memory));
        await rename(`${this.#path}.new`, this.#path);
        this.#problem = "";
      } catch (error) {
        this.#problem = (error as Error).message;
      }
    }
    this.#isWriting = false;
  }

  #content(memory: FenceMemory): string {
    const content: Content = { boot: this.#boot, memory };
    return JSON.stringify(content);
  }
}
