// Long ways between the parts of a mesh, within an engine's network namespace: all datagrams pass through one process, which delays and can repeat them.

import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { inNamespace, type LabEngine } from "./engine.ts";

export interface WireWay {
  /** On the loopback of the namespace: who sends here reaches `to`, and is answered from here. */
  readonly port: number;
  readonly to: { readonly address: string; readonly port: number };
  /** One way. */
  readonly delayMs: number;
}

/** As a receiver counts it. */
export type Abuse = "replayed" | "too-short" | "too-long" | "bad-mac";

export type ToWire =
  | { readonly kind: "lay"; readonly way: WireWay }
  | { readonly kind: "abuse" }
  | { readonly kind: "tell" };

export type FromWire =
  | { readonly kind: "laid" }
  | {
      readonly kind: "told";
      /** By the receiver's `address:port`, in base64, oldest first. */
      readonly carried: Readonly<Record<string, readonly string[]>>;
    }
  | {
      readonly kind: "abused";
      /** By the receiver's `address:port`. */
      readonly sent: Readonly<Record<string, Readonly<Partial<Record<Abuse, number>>>>>;
    };

const program = fileURLToPath(new URL("wire-child.ts", import.meta.url));

export class Wire {
  readonly #child: ChildProcess;

  constructor(engine: LabEngine) {
    this.#child = inNamespace(engine, process.execPath, ["--import", "tsx", program], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
  }

  async lay(way: WireWay): Promise<void> {
    await this.#ask({ kind: "lay", way });
  }

  /** Sends what it has carried again: as it was, cut, changed and lengthened. Resolves when all of it is sent, with how much. */
  async abuse(): Promise<Extract<FromWire, { kind: "abused" }>["sent"]> {
    const answer = await this.#ask({ kind: "abuse" });
    if (answer.kind !== "abused") throw new Error(`the wire answered ${answer.kind}`);
    return answer.sent;
  }

  /** The latest datagrams that it has carried to each. */
  async carried(): Promise<Extract<FromWire, { kind: "told" }>["carried"]> {
    const answer = await this.#ask({ kind: "tell" });
    if (answer.kind !== "told") throw new Error(`the wire answered ${answer.kind}`);
    return answer.carried;
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  #ask(question: ToWire): Promise<FromWire> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void => {
        reject(new Error(`the wire ended with ${String(code)}`));
      };
      this.#child.once("exit", onExit);
      this.#child.once("message", (answer) => {
        this.#child.off("exit", onExit);
        resolve(answer as FromWire);
      });
      this.#child.send(question);
    });
  }
}
