// Datagrams between simulated sockets: delayed, lost, repeated, overtaken, cut off in one direction or both.

import { placeOf } from "../../coordinator/core/phase.ts";
import type { Loop } from "./loop.ts";
import type { World } from "./world.ts";

export interface SimSocket {
  readonly loop: Loop;
  readonly onDatagram: (bytes: Buffer, address: string, port: number) => void;
  readonly onRefused: (() => void) | undefined;
  /** Where it is bound. */
  readonly address: string;
  readonly port: number;
  /** The only peer of a connected socket. */
  peer: { readonly address: string; readonly port: number } | undefined;
}

/** What stands at an IP address: the sockets of one network namespace. */
export interface Namespace {
  readonly sockets: Map<number, SimSocket>;
  nextPort: number;
}

export interface Weather {
  /** Share of datagrams lost, in each direction. */
  loss: number;
  repeated: number;
  /** One way, ms. */
  readonly delay: { low: number; high: number };
  /** Share of datagrams that come late by up to 100 times the delay. */
  tail: number;
  /** Share of half seconds in which a path, in one direction and for itself, carries nothing. */
  bursts: number;
}

/** ms */
const burst = 500;

export const newNamespace = (): Namespace => ({ sockets: new Map(), nextPort: 40_000 });

export class Network {
  readonly #world: World;
  /** By address; replaced where a container is started anew. */
  readonly namespaces = new Map<string, Namespace>();
  /** `from>to` by name of an end: a coordinator, a worker, `redis`, an engine. */
  readonly #cuts = new Map<string, number>();
  /** The name of who is at an address, for cuts. */
  readonly names = new Map<string, string>();
  readonly weather: Weather;
  /** Bursts of another run fall otherwise. */
  readonly #salt: number;

  constructor(world: World, weather: Weather) {
    this.#world = world;
    this.weather = weather;
    this.#salt = world.random.nonce();
  }

  /** Several cuts of a link may overlap. */
  cut(from: string, to: string): void {
    const key = `${from}>${to}`;
    this.#cuts.set(key, (this.#cuts.get(key) ?? 0) + 1);
  }

  heal(from: string, to: string): void {
    const key = `${from}>${to}`;
    const left = (this.#cuts.get(key) ?? 0) - 1;
    if (left > 0) this.#cuts.set(key, left);
    else this.#cuts.delete(key);
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.size > 0 && this.#cuts.has(`${from}>${to}`);
  }

  send(from: SimSocket, source: string, bytes: Uint8Array, port: number, address: string): void {
    const { random } = this.#world;
    const { loss, repeated, bursts } = this.weather;
    const copies = repeated > 0 && random.float() < repeated ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (loss > 0 && random.float() < loss) continue;
      if (bursts > 0 && this.#isInBurst(source, address)) continue;
      if (this.isCut(this.#nameOf(source), this.#nameOf(address))) continue;
      // A thread that a slow disk holds sends what comes behind the write when it goes on.
      const sentAt = Math.max(this.#world.now, from.loop.blockedUntil);
      this.#world.at(sentAt + this.#delay() + copy * random.between(0, 500), () => {
        this.#arrive(from, source, bytes, port, address);
      });
    }
  }

  #isInBurst(source: string, address: string): boolean {
    const slot = Math.floor(this.#world.now / burst);
    return placeOf(`${this.#salt} ${source}>${address} ${slot}`) < this.weather.bursts;
  }

  #nameOf(address: string): string {
    return this.names.get(address) ?? address;
  }

  #delay(): number {
    const { random } = this.#world;
    const { delay, tail } = this.weather;
    const usual = random.between(delay.low, delay.high);
    return tail > 0 && random.float() < tail ? usual + random.between(0, 100 * delay.high) : usual;
  }

  #arrive(from: SimSocket, source: string, bytes: Uint8Array, port: number, address: string): void {
    const namespace = this.namespaces.get(address);
    if (namespace === undefined) return;
    const socket = namespace.sockets.get(port);
    if (socket === undefined) {
      // The kernel over there says that nobody listens; only a connected socket hears it.
      if (from.onRefused !== undefined && from.peer !== undefined) {
        const { onRefused } = from;
        this.#world.after(this.#delay(), () => {
          from.loop.deliver(onRefused);
        });
      }
      return;
    }
    const { peer } = socket;
    if (peer !== undefined && (peer.address !== source || peer.port !== from.port)) return;
    socket.loop.deliver(() => {
      if (namespace.sockets.get(port) === socket) {
        socket.onDatagram(bytes as Buffer, source, from.port);
      }
    });
  }
}
