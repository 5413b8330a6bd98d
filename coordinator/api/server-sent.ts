// An answer that goes on: server-sent events, until the receiver leaves, its token ends or we do.

import type { ServerResponse } from "node:http";
import type { FastifyRequest } from "fastify";

/** Proxies close what is silent; and whether the token still holds is looked at as often. */
const stillHereEvery = 15_000;

/** HEAD would never be told that it has ended. */
export const wantsStream = ({ method, headers }: FastifyRequest): boolean =>
  method === "GET" && (headers.accept ?? "").includes("text/event-stream");

export interface ServerSentOptions {
  /** Hijacked from Fastify. */
  readonly response: ServerResponse;
  /** Whether the caller's token still holds. */
  readonly mayStay: () => boolean;
  /** Called once, whoever ended it. */
  readonly onEnd: () => void;
}

export class ServerSent {
  readonly #options: ServerSentOptions;
  #timer: NodeJS.Timeout | undefined;
  #isEnded = false;

  constructor(options: ServerSentOptions) {
    this.#options = options;
    const { response } = options;
    response.on("close", () => {
      this.end();
    });
    response.on("error", () => {
      this.end();
    });
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Bytes that the receiver has not taken yet. */
  get waiting(): number {
    return this.#options.response.writableLength;
  }

  begin(): void {
    const { response, mayStay } = this.#options;
    // It left while its answer was prepared; it will not say so again.
    if (response.destroyed) this.end();
    if (this.#isEnded) return;
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      // nginx and its like would hold events back.
      "x-accel-buffering": "no",
    });
    this.#timer = setInterval(() => {
      if (mayStay()) this.write(": still here\n\n");
      else this.end();
    }, stillHereEvery);
    this.#timer.unref();
  }

  /** @returns false where the receiver does not keep up; `onDrain` tells when it has */
  write(text: string): boolean {
    return this.#isEnded || this.#options.response.write(text);
  }

  onDrain(then: () => void): void {
    this.#options.response.once("drain", then);
  }

  /** Cut off without an end: the receiver comes back. */
  cut(): void {
    this.#options.response.destroy();
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearInterval(this.#timer);
    this.#options.response.end();
    this.#options.onEnd();
  }
}
