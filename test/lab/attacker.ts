// Somebody on the network who means ill: a process in an engine's network namespace that sends datagrams nobody should act on.

import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { inNamespace, type LabEngine } from "./engine.ts";

export interface Target {
  readonly address: string;
  readonly port: number;
}

/** What a receiver counts each of them as. */
export type Harm =
  | "too-short"
  | "too-long"
  | "version"
  | "unknown-key"
  | "foreign-cluster"
  | "bad-mac"
  | "replayed"
  | "malformed"
  | "text-too-often";

/** `mixed`: everything short that comes to nothing; `long`: the longest that UDP carries; `text`: a person's PING. */
export type FloodKind = "mixed" | "long" | "text";

export type ToAttacker =
  /** A few of every kind, slowly enough for any socket's buffer. `heard`: datagrams that the target has taken already. */
  | {
      readonly kind: "probe";
      readonly target: Target;
      readonly seed: number;
      readonly heard: readonly string[];
    }
  /** Datagrams as they are, in base64. */
  | { readonly kind: "send"; readonly target: Target; readonly datagrams: readonly string[] }
  /** As fast as it goes and at most `perSecond`. */
  | {
      readonly kind: "flood";
      readonly target: Target;
      readonly seed: number;
      readonly heard: readonly string[];
      readonly seconds: number;
      readonly perSecond: number;
      readonly of: FloodKind;
    };

export interface FromAttacker {
  readonly sent: Readonly<Partial<Record<Harm, number>>>;
  readonly total: number;
  /** From the first to the last. */
  readonly ms: number;
}

const program = fileURLToPath(new URL("attacker-child.ts", import.meta.url));

export class Attacker {
  readonly #child: ChildProcess;

  constructor(engine: LabEngine) {
    this.#child = inNamespace(engine, process.execPath, ["--import", "tsx", program], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
  }

  /** Resolves when all of it is sent. */
  does(what: ToAttacker): Promise<FromAttacker> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void => {
        reject(new Error(`the attacker ended with ${String(code)}`));
      };
      this.#child.once("exit", onExit);
      this.#child.once("message", (answer) => {
        this.#child.off("exit", onExit);
        resolve(answer as FromAttacker);
      });
      this.#child.send(what);
    });
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}
