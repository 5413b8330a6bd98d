// Where the other coordinators are: by name, and by the last authenticated datagram of each.

import { Resolver } from "../../agent/io/resolver.ts";
import type { NamedAddress } from "../../proto/config-parse.ts";
import type { CoordinatorId, Duration } from "../../proto/units.ts";

interface Place {
  readonly address: string;
  readonly port: number;
}

/** One who was not heard for this long may have moved: it is told at both places, the one it was heard from and the one its name gives. */
const certainFor: Duration = 1_000;

export class PeerAddresses {
  readonly #resolver: Resolver;
  readonly #heard = new Map<CoordinatorId, { place: Place; at: number }>();
  readonly #clock: () => number;

  constructor(peers: readonly NamedAddress[], clock: () => number) {
    this.#clock = clock;
    this.#resolver = new Resolver({ names: peers, interval: 2_000 });
  }

  start(): void {
    this.#resolver.start();
  }

  stop(): void {
    this.#resolver.stop();
  }

  /** The seal of the datagram was right: its sender is there. */
  onHeard(from: CoordinatorId, address: string, port: number): void {
    const known = this.#heard.get(from);
    if (known?.place.address === address && known.place.port === port) known.at = this.#clock();
    else this.#heard.set(from, { place: { address, port }, at: this.#clock() });
  }

  /** Where to send to; none as long as its name never resolved and it was never heard. */
  placesOf(peer: CoordinatorId): readonly Place[] {
    const heard = this.#heard.get(peer);
    const named = this.#resolver.addressOf(peer);
    if (heard === undefined) return named === undefined ? [] : [named];
    const isCertain = this.#clock() - heard.at < certainFor;
    const isSame = named?.address === heard.place.address && named.port === heard.place.port;
    return named === undefined || isCertain || isSame ? [heard.place] : [heard.place, named];
  }
}
