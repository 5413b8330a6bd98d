// The tokens that hold now: from the configuration, and read again when their file changes.

import type { IncomingHttpHeaders } from "node:http";
import type { Logger } from "pino";
import type { Secret } from "../config.ts";
import { currentText } from "../secret.ts";
import { FileWatch } from "./file-watch.ts";
import type { Session, SessionCookies } from "./session-cookie.ts";
import { callersBy, hashOf, parseTokens, type Caller, type KnownCallers } from "./tokens.ts";

/** Who asks, and by which session where a cookie told it. */
export interface Asker {
  readonly caller: Caller | undefined;
  readonly session: Session | undefined;
}

export class TokenStore {
  /** Undefined: no tokens are configured, and whoever reaches loopback is an admin. */
  #callers: KnownCallers | undefined;
  readonly cookies: SessionCookies;
  readonly #secret: Secret | undefined;
  readonly #log: Logger;
  readonly #watch: FileWatch;

  constructor(secret: Secret | undefined, cookies: SessionCookies, log: Logger) {
    this.cookies = cookies;
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

  /** By an Authorization header, `Bearer <token>` or `Basic` with the token as password; else by the cookie of a session. */
  whoAsks(headers: IncomingHttpHeaders): Asker {
    const callers = this.#callers;
    if (callers === undefined) {
      return { caller: { name: "anybody on loopback", role: "admin" }, session: undefined };
    }
    const token = tokenIn(headers.authorization);
    const caller = token === undefined ? undefined : callers.get(hashOf(token));
    if (caller !== undefined) return { caller, session: undefined };
    const session = this.cookies.read(headers.cookie, callers, Date.now());
    return { caller: session?.caller, session };
  }

  /** @returns undefined for a token that is none */
  beginSession(token: string): Session | undefined {
    const hash = hashOf(token);
    const caller = this.#callers?.get(hash);
    return caller === undefined ? undefined : this.cookies.begin(hash, caller, Date.now());
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
