// What of a core's outputs is a decision, to be recorded whole, and a digest of all the rest. The recorder and the replay share it.

import type { CoordinatorOutput } from "../core/exchange.ts";
import type { Decision } from "./recording.ts";

export class Deciding {
  #digest = 0;
  #holdsLease: boolean;

  constructor(holdsLease: boolean) {
    this.#holdsLease = holdsLease;
  }

  /** @param lease its end after the step, 0 without one; undefined where the step cannot have changed it */
  onStep(outputs: readonly CoordinatorOutput[], lease: number | undefined): readonly Decision[] {
    let decisions: Decision[] | undefined;
    for (const output of outputs) {
      switch (output.kind) {
        case "ping-worker":
        case "check-worker":
          this.#mix(output.nonce);
          break;
        case "reply":
          this.#mix(output.message.nonce);
          break;
        case "send-peer":
          this.#mixText(output.to);
          this.#mixText(output.message.kind);
          if ("term" in output.message) this.#mix(output.message.term);
          if ("round" in output.message) this.#mix(output.message.round);
          break;
        case "worker-settled":
          this.#mixText(output.worker);
          break;
        default:
          (decisions ??= []).push(output);
      }
    }
    if (lease === undefined) return decisions ?? none;
    this.#mix(Math.round(lease * 1000));
    const holds = lease > 0;
    if (holds !== this.#holdsLease) {
      (decisions ??= []).push({ kind: holds ? "lease-gained" : "lease-ended" });
    }
    this.#holdsLease = holds;
    return decisions ?? none;
  }

  /** Of what came since the last call. */
  takeDigest(): number {
    const digest = this.#digest;
    this.#digest = 0;
    return digest;
  }

  #mixText(text: string): void {
    for (let at = 0; at < text.length; at++) this.#mix(text.charCodeAt(at));
  }

  #mix(value: number): void {
    const low = value | 0;
    const high = Math.floor(value / 0x1_0000_0000) | 0;
    this.#digest = Math.imul(this.#digest ^ low, 0x9e3779b1) ^ Math.imul(high + 1, 0x85ebca6b);
    this.#digest = (this.#digest ^ (this.#digest >>> 15)) | 0;
  }
}

const none: readonly Decision[] = [];
