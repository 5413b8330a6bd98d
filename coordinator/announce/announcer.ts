// Keeps one name of this machine announced by multicast DNS, on whatever addresses it has at the moment, until it is told to stop.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { getResponder, type Responder } from "@homebridge/ciao";
import type { Logger } from "pino";
import { placesOf, type Place } from "./places.ts";

/** How often the machine's addresses are looked at, and a name that somebody else holds is tried again, ms. */
const lookEvery = 5_000;

export interface PublicName {
  /** Before `.local`. */
  readonly label: string;
  readonly port: number;
  /** Empty: all that neighbours can reach. */
  readonly addresses: readonly string[];
}

/**
 * Announces until `signal`, then says goodbye and resolves. A name that another machine of the network holds is left
 * to it, and tried again: so of several machines one has it. Rejects where the port of multicast DNS cannot be shared.
 */
export async function keepAnnounced(
  wish: PublicName,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  await sharePort();
  const tell = teller(log);
  let current: Announcement | undefined;
  while (!signal.aborted) {
    const places = placesOf(networkInterfaces(), wish.addresses);
    if (current !== undefined && (current.isTaken || current.at !== addressesOf(places))) {
      await current.end();
      current = undefined;
    }
    if (places.length === 0) tell("warn", noAddress(wish));
    else current ??= new Announcement(wish, places, tell);
    await sleep(lookEvery, undefined, { signal }).catch(() => undefined);
  }
  await current?.end();
}

type Tell = (level: "info" | "warn", text: string) => void;

/** What is still as it was is not told again. */
function teller(log: Logger): Tell {
  let last = "";
  return (level, text) => {
    if (text !== last) log[level](text);
    last = text;
  };
}

const addressesOf = (places: readonly Place[]): string =>
  places.map(({ address }) => address).join(", ");

const noAddress = ({ addresses }: PublicName): string =>
  addresses.length === 0
    ? "this machine has no address that its neighbours could reach: nothing is announced before it has one"
    : `PUBLIC_ADDRESS: no network interface has ${addresses.join(" or ")} as its first IPv4 address: nothing is announced before one has`;

/** The name, probed for and then announced on these interfaces. */
class Announcement {
  readonly at: string;
  /** Another machine holds the name: nothing is announced. */
  isTaken = false;
  readonly #responder: Responder;

  constructor({ label, port }: PublicName, places: readonly Place[], tell: Tell) {
    this.at = addressesOf(places);
    this.#responder = getResponder({ interface: places.map(({ name }) => name) });
    const service = this.#responder.createService({
      name: label,
      hostname: label,
      type: "http",
      port,
      // With none the library takes its own announcements, heard on another interface, for somebody else's, without end.
      txt: { path: "/" },
      restrictedAddresses: places.map(({ address }) => address),
      disabledIpv6: true,
    });
    // The library would go on under another name, which nobody asks for.
    service.on("hostname-change", () => {
      this.isTaken = true;
      void service.destroy();
      tell("warn", `another machine holds ${label}.local: it is announced here when it is free`);
    });
    void service.advertise().then(() => {
      if (!this.isTaken) tell("info", `announced: http://${label}.local:${port} at ${this.at}`);
    });
  }

  /** With a goodbye, if it was announced. */
  async end(): Promise<void> {
    await this.#responder.shutdown();
  }
}

/** Rejects where another program has it for itself alone: the library would only print that. */
async function sharePort(): Promise<void> {
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  socket.bind(5353);
  await once(socket, "listening");
  socket.close();
  await once(socket, "close");
}
