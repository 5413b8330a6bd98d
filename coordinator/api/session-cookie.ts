// A session that no coordinator keeps: a name, an end, and a MAC under the hash of its token. So all with the same tokens take it, and it dies with its token.

import { createHmac, timingSafeEqual } from "node:crypto";
import type { Caller, KnownCallers } from "./tokens.ts";

/** From sign-in on, however busy it is. ms */
export const sessionLasts = 12 * 3_600_000;

export interface Session {
  readonly caller: Caller;
  /** Unix time, ms. */
  readonly expiresAt: number;
  /** What its writes show beside the cookie; pages elsewhere cannot read it. */
  readonly csrf: string;
  /** `name=value`, as a browser shows it. */
  readonly cookie: string;
}

export class SessionCookies {
  readonly #cluster: string;
  readonly #name: string;
  readonly #attributes: string;

  constructor({ cluster, isTls }: { readonly cluster: string; readonly isTls: boolean }) {
    this.#cluster = cluster;
    // By the prefix a browser refuses it from any other host, and without TLS.
    this.#name = isTls ? "__Host-heartmesh" : "heartmesh";
    this.#attributes = `Path=/; HttpOnly; SameSite=Strict${isTls ? "; Secure" : ""}`;
  }

  /** @param hash of a token that holds */
  begin(hash: string, caller: Caller, now: number): Session {
    return this.#sessionOf(hash, caller, now + sessionLasts);
  }

  /** @returns undefined for what is forged, over, of another mesh or of a token that holds no longer */
  read(header: string | undefined, callers: KnownCallers, now: number): Session | undefined {
    const shown = this.#cookieIn(header ?? "");
    const [, name, end] = /=([\w-]*)\.(\d{1,15})\.[\w-]+$/.exec(shown ?? "") ?? [];
    const expiresAt = Number(end);
    if (shown === undefined || name === undefined || !(now < expiresAt)) return undefined;
    for (const [hash, caller] of callers) {
      // Two tokens may have one name.
      if (encoded(caller.name) !== name) continue;
      const session = this.#sessionOf(hash, caller, expiresAt);
      if (isSame(shown, session.cookie)) return session;
    }
    return undefined;
  }

  /** Of `Set-Cookie`. */
  setting({ cookie }: Session): string {
    return `${cookie}; Max-Age=${sessionLasts / 1000}; ${this.#attributes}`;
  }

  /** Of `Set-Cookie`. */
  clearing(): string {
    return `${this.#name}=; Max-Age=0; ${this.#attributes}`;
  }

  #sessionOf(hash: string, caller: Caller, expiresAt: number): Session {
    const macOf = (use: string): string => {
      const words = JSON.stringify([use, this.#cluster, caller.name, expiresAt]);
      return createHmac("sha256", hash).update(words).digest("base64url");
    };
    const value = `${encoded(caller.name)}.${expiresAt}.${macOf("session")}`;
    return { caller, expiresAt, csrf: macOf("csrf"), cookie: `${this.#name}=${value}` };
  }

  /** Of two with our name one is somebody else's, and nothing says which: neither counts. */
  #cookieIn(header: string): string | undefined {
    const all = header.split(";").map((one) => one.trim());
    const ours = all.filter((one) => one.startsWith(`${this.#name}=`));
    return ours.length === 1 ? ours[0] : undefined;
  }
}

/** In a time that tells nothing of where two texts differ. */
export function isSame(shown: string, expected: string): boolean {
  const [one, other] = [Buffer.from(shown), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}

const encoded = (name: string): string => Buffer.from(name).toString("base64url");
