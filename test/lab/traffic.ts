// A steady rate of reads and writes through a proxy, each with when it was asked, when it ended, and how.

import { Agent, request } from "node:http";
import { pause } from "../waiting.ts";

export interface TrafficWish {
  /** Of the API, without a slash at the end. */
  readonly url: string;
  /** Taken in turn: each has a bound of its own. */
  readonly tokens: readonly string[];
  readonly perSecond: number;
  /** Asked in turn. */
  readonly asks: readonly TrafficAsk[];
}

export interface TrafficAsk {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
}

export interface Asked {
  readonly method: TrafficAsk["method"];
  /** By `performance.now()`. */
  readonly began: number;
  readonly ended: number;
  /** Of HTTP, or what went wrong. */
  readonly outcome: number | string;
}

export class Traffic {
  readonly #wish: TrafficWish;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 });
  readonly #asked: Asked[] = [];
  readonly #open = new Set<Promise<void>>();
  #isEnding = false;
  readonly #running: Promise<void>;

  constructor(wish: TrafficWish) {
    this.#wish = wish;
    this.#running = this.#run();
  }

  /** Whether the last two seconds' worth was answered well, and nearly all of it within 200 ms. */
  get isCarried(): boolean {
    const last = this.#asked.slice(-2 * this.#wish.perSecond);
    const slow = last.filter((one) => hasFailed(one) || one.ended - one.began > 200).length;
    return last.length === 2 * this.#wish.perSecond && slow < last.length / 20;
  }

  /** Ends it; resolves with all that was asked, when the last is answered. */
  async stop(): Promise<readonly Asked[]> {
    this.#isEnding = true;
    await this.#running;
    await Promise.all(this.#open);
    this.#agent.destroy();
    return this.#asked;
  }

  async #run(): Promise<void> {
    const { perSecond } = this.#wish;
    const begun = performance.now();
    for (let sent = 0; !this.#isEnding;) {
      const due = ((performance.now() - begun) / 1000) * perSecond;
      for (; sent < due; sent++) this.#ask(sent);
      await pause(2);
    }
  }

  #ask(at: number): void {
    const { asks, tokens } = this.#wish;
    const ask = asks[at % asks.length];
    if (ask === undefined) return;
    const began = performance.now();
    const done = this.#send(ask, tokens[Math.floor(at / asks.length) % tokens.length] ?? "")
      .catch((error: unknown) => String(error))
      .then((outcome) => {
        this.#asked.push({ method: ask.method, began, ended: performance.now(), outcome });
        this.#open.delete(done);
      });
    this.#open.add(done);
  }

  #send({ method, path, body }: TrafficAsk, token: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? "" : JSON.stringify(body);
      const type = text === "" ? {} : { "content-type": "application/json" };
      const headers = {
        authorization: `Bearer ${token}`,
        "content-length": Buffer.byteLength(text),
        ...type,
      };
      const outgoing = request(this.#wish.url + path, { method, headers, agent: this.#agent });
      outgoing.setTimeout(20_000, () => outgoing.destroy(new Error("no answer within 20 s")));
      outgoing.on("error", reject);
      outgoing.on("response", (answer) => {
        answer.resume();
        answer.on("error", reject);
        answer.on("end", () => {
          resolve(answer.statusCode ?? 0);
        });
      });
      outgoing.end(text);
    });
  }
}

export const hasFailed = ({ outcome }: Asked): boolean =>
  typeof outcome === "string" || outcome >= 400;

/** From when the first of these was asked until the last was answered, ms; 0 for none. */
export function spanOf(asked: readonly Asked[]): number {
  if (asked.length === 0) return 0;
  const began = Math.min(...asked.map((one) => one.began));
  return Math.max(...asked.map((one) => one.ended)) - began;
}
