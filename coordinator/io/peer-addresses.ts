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

/** More are not remembered; coordinators outside the set are heard too. */
const remembered = 32;

const resolverOf = (peers: readonly NamedAddress[]): Resolver =>
  new Resolver({ names: peers, interval: 2_000 });

export class PeerAddresses {
  #resolver = resolverOf([]);
  #isStarted = false;
  readonly #heard = new Map<CoordinatorId, { place: Place; at: number }>();
  readonly #clock: () => number;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  start(): void {
    this.#isStarted = true;
    this.#resolver.start();
  }

  /** The set of coordinators is known, or changed. Where each was heard stays known. */
  setPeers(peers: readonly NamedAddress[]): void {
    this.#resolver.stop();
    this.#resolver = resolverOf(peers);
    if (this.#isStarted) this.#resolver.start();
  }

  stop(): void {
    this.#resolver.stop();
  }

  /** The seal of the datagram was right: its sender is there. */
  onHeard(from: CoordinatorId, address: string, port: number): void {
    const known = this.#heard.get(from);
    if (known?.place.address === address && known.place.port === port) known.at = this.#clock();
    else this.#heard.set(from, { place: { address, port }, at: this.#clock() });
    if (this.#heard.size <= remembered) return;
    const quietest = [...this.#heard].sort(([, a], [, b]) => a.at - b.at)[0];
    if (quietest !== undefined) this.#heard.delete(quietest[0]);
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
