// Where notifications go in a test of a whole mesh: Slack's, a webhook's and a dead-man service's HTTP server and an SMTP server, inside the engine's namespace.

import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { MailListener, Received } from "../coordinator/notify/listeners.ts";
import { inNamespace, type LabEngine } from "./engine.ts";

export type FromReceivers =
  ({ readonly kind: "ready" } & Addresses) | ({ readonly kind: "received" } & Deliveries);

export interface Addresses {
  readonly slack: string;
  readonly webhook: string;
  readonly deadman: string;
  readonly smtp: string;
}

/** Oldest first. */
export interface Deliveries {
  readonly slack: readonly Received[];
  readonly webhook: readonly Received[];
  readonly deadman: readonly Received[];
  readonly mails: MailListener["mails"];
}

const program = fileURLToPath(new URL("receivers-child.ts", import.meta.url));

export class Receivers {
  readonly addresses: Addresses;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, addresses: Addresses) {
    this.#child = child;
    this.addresses = addresses;
  }

  static async start(engine: LabEngine): Promise<Receivers> {
    const child = inNamespace(engine, process.execPath, ["--import", "tsx", program], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const ready = await next(child);
    if (ready.kind !== "ready") throw new Error(`the receivers said ${ready.kind}`);
    return new Receivers(child, ready);
  }

  async deliveries(): Promise<Deliveries> {
    this.#child.send("tell");
    const told = await next(this.#child);
    if (told.kind !== "received") throw new Error(`the receivers said ${told.kind}`);
    return told;
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}

function next(child: ChildProcess): Promise<FromReceivers> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => {
      reject(new Error(`the receivers ended with ${String(code)}`));
    };
    child.once("exit", onExit);
    child.once("message", (message) => {
      child.off("exit", onExit);
      resolve(message as FromReceivers);
    });
  });
}
