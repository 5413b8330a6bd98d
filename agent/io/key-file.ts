// Follows the file of the mesh's keys, so that keys rotate without a restart. A file that cannot be used leaves the old ring in place.

import { readFileSync, statSync } from "node:fs";
import { secretFromFile } from "../../proto/config-parse.ts";
import { parseKeyRing, type KeyRing } from "../../proto/key-ring.ts";
import type { Outcome } from "../../proto/machine.ts";
import type { Duration } from "../../proto/units.ts";

export interface KeyFileOptions {
  readonly path: string;
  /** The ring that is in use already. */
  readonly current: KeyRing;
  /** The file holds other keys than before. */
  readonly onRing: (ring: KeyRing) => void;
  /** It cannot be used; told once until it changes again. Tells no key. */
  readonly onProblem: (problem: string) => void;
  /** How often its time of change is looked at; 2 s where not given. */
  readonly interval?: Duration;
}

export class KeyFile {
  readonly #options: KeyFileOptions;
  #timer: NodeJS.Timeout | undefined;
  #stamp = "";
  #keys: string;

  constructor(options: KeyFileOptions) {
    this.#options = options;
    this.#keys = options.current.keys.join("\n");
  }

  start(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => {
      this.#look();
    }, this.#options.interval ?? 2000);
    this.#timer.unref();
    this.#look();
  }

  /** Idempotent. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Reads it now, whatever its time of change says. */
  reload(): void {
    this.#stamp = "";
    this.#look();
  }

  #look(): void {
    const { path, onRing, onProblem } = this.#options;
    const stamp = stampOf(path);
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    const content = readSecretFile(path);
    const ring = content.ok ? parseKeyRing(secretFromFile(content.value)) : content;
    if (!ring.ok) {
      onProblem(`${path}: ${ring.detail ?? ring.failure}`);
      return;
    }
    const keys = ring.value.keys.join("\n");
    if (keys === this.#keys) return;
    this.#keys = keys;
    onRing(ring.value);
  }
}

/** For `…_FILE` variables; bounded, since a secret is short. */
export function readSecretFile(path: string): Outcome<string, "unreadable"> {
  try {
    if (statSync(path).size > 65_536) {
      return { ok: false, failure: "unreadable", detail: `${path} is longer than 64 KiB` };
    }
    return { ok: true, value: readFileSync(path, "utf8") };
  } catch (error) {
    return {
      ok: false,
      failure: "unreadable",
      detail: `${path} cannot be read (${(error as Error).message})`,
    };
  }
}

/** Also changes when a symbolic link is moved to another file, as orchestrators do. */
function stampOf(path: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path);
    return `${mtimeMs}/${size}/${ino}`;
  } catch {
    return "gone";
  }
}
