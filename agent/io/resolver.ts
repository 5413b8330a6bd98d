// Names → IP addresses, off the hot path: asked again every few seconds, and the last good answer is kept.

import { lookup } from "node:dns/promises";
import { isIP, isIPv6 } from "node:net";
import type { NamedAddress } from "../../proto/config-parse.ts";
import type { Duration } from "../../proto/units.ts";

export interface ResolverOptions {
  readonly names: readonly NamedAddress[];
  /** How often names are resolved again; 5 s where not given. */
  readonly interval?: Duration;
  /** An address was found or changed. */
  readonly onResolved?: (name: string, address: string) => void;
  /** Where a name's address comes from; the system's resolver where not given. */
  readonly lookup?: (host: string) => Promise<string>;
  readonly keepAlive?: boolean;
}

export class Resolver {
  readonly #options: ResolverOptions;
  readonly #found = new Map<string, string>();
  readonly #asking = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ResolverOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#timer !== undefined) return;
    const named: NamedAddress[] = [];
    for (const entry of this.#options.names) {
      if (isIP(entry.host) === 0) named.push(entry);
      else this.#onAnswer(entry.name, entry.host);
    }
    if (named.length === 0) return;
    const askAll = (): void => {
      for (const entry of named) void this.#ask(entry);
    };
    this.#timer = setInterval(askAll, this.#options.interval ?? 5000);
    if (this.#options.keepAlive === false) this.#timer.unref();
    askAll();
  }

  /** Idempotent; what was found stays known. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Where this name is now; undefined as long as it never resolved. */
  addressOf(name: string): { readonly address: string; readonly port: number } | undefined {
    const address = this.#found.get(name);
    const entry = this.#options.names.find((candidate) => candidate.name === name);
    return address === undefined || entry === undefined ? undefined : { address, port: entry.port };
  }

  /** A resolver that hangs is not asked a second time meanwhile. */
  async #ask({ name, host }: NamedAddress): Promise<void> {
    if (this.#asking.has(name)) return;
    this.#asking.add(name);
    try {
      this.#onAnswer(name, await (this.#options.lookup ?? systemLookup)(host));
    } catch {
      // The last good answer stays; it is asked again.
    } finally {
      this.#asking.delete(name);
    }
  }

  #onAnswer(name: string, address: string): void {
    if (isIP(address) === 0 || this.#found.get(name) === address) return;
    this.#found.set(name, address);
    this.#options.onResolved?.(name, address);
  }
}

/** IPv4 where there is one: the mesh's sockets are IPv4 unless they are told otherwise. */
async function systemLookup(host: string): Promise<string> {
  const answers = await lookup(host, { all: true });
  const best = answers.find(({ address }) => !isIPv6(address)) ?? answers[0];
  if (best === undefined) throw new Error(`${host} has no address`);
  return best.address;
}
