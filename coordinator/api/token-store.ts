// The tokens that hold now: from the configuration, and read again when their file changes.

import type { Logger } from "pino";
import type { Secret } from "../config.ts";
import { currentText } from "../secret.ts";
import { FileWatch } from "./file-watch.ts";
import { callerOf, callersBy, parseTokens, type Caller, type KnownCallers } from "./tokens.ts";

export class TokenStore {
  /** Undefined: no tokens are configured, and whoever reaches loopback is an admin. */
  #callers: KnownCallers | undefined;
  readonly #secret: Secret | undefined;
  readonly #log: Logger;
  readonly #watch: FileWatch;

  constructor(secret: Secret | undefined, log: Logger) {
    this.#secret = secret;
    this.#log = log;
    if (secret !== undefined) {
      const parsed = parseTokens(secret.text);
      // The configuration has refused a text that cannot be parsed; here it would let nobody in.
      this.#callers = callersBy(parsed.ok ? parsed.value : []);
    }
    this.#watch = new FileWatch(secret?.file === undefined ? [] : [secret.file], () => {
      this.#reread();
    });
  }

  get areNeeded(): boolean {
    return this.#callers !== undefined;
  }

  /** Who asks, by an Authorization header: `Bearer <token>`, or `Basic` with the token as password. */
  callerOf(authorization: string | undefined): Caller | undefined {
    if (this.#callers === undefined) return { name: "anybody on loopback", role: "admin" };
    const shown = tokenIn(authorization);
    return shown === undefined ? undefined : callerOf(this.#callers, shown);
  }

  start(interval?: number): void {
    this.#watch.start(interval);
  }

  stop(): void {
    this.#watch.stop();
  }

  #reread(): void {
    if (this.#secret === undefined) return;
    const parsed = parseTokens(currentText(this.#secret));
    if (parsed.ok) {
      this.#callers = callersBy(parsed.value);
      this.#log.info({ tokens: parsed.value.length }, "the API's tokens were read again");
    } else {
      const why = parsed.detail ?? "";
      this.#log.error(`the file of API_TOKENS is not usable, the old tokens hold: ${why}`);
    }
  }
}

/** A longer header is no token of ours. */
const longest = 4096;

function tokenIn(authorization: string | undefined): string | undefined {
  if (authorization === undefined || authorization.length > longest) return undefined;
  const [, scheme = "", value = ""] = /^(\S+) +(\S+)$/.exec(authorization.trim()) ?? [];
  switch (scheme.toLowerCase()) {
    case "bearer":
      return value;
    case "basic": {
      const text = Buffer.from(value, "base64").toString("utf8");
      const colon = text.indexOf(":");
      return colon < 0 ? undefined : text.slice(colon + 1);
    }
    default:
      return undefined;
  }
}
