// The mesh's UDP socket on the simulated network.

import { currentLoop } from "../loop.ts";
import type { SimSocket } from "../network.ts";
import { surroundingsOf } from "../host-of.ts";
import { onlooker } from "../onlooker.ts";
import type { SocketCounters, SocketOptions } from "../../../agent/io/socket.ts";

export type { SocketCounters, SocketOptions };

const noCounts: SocketCounters = { sent: 0, received: 0, sendFailed: 0, refused: 0, errors: 0 };

export class MeshSocket {
  readonly #options: SocketOptions;
  #socket: SimSocket | undefined;

  constructor(options: SocketOptions) {
    this.#options = options;
  }

  get counters(): SocketCounters {
    return noCounts;
  }

  overflowed(): number {
    return 0;
  }

  open(): Promise<{ readonly port: number }> {
    const loop = currentLoop();
    const { namespace, address } = surroundingsOf(loop.process);
    const port = this.#options.port === 0 ? namespace.nextPort++ : this.#options.port;
    if (namespace.sockets.has(port)) return Promise.reject(new Error(`EADDRINUSE ${port}`));
    const { onDatagram, onRefused } = this.#options;
    const socket = { loop, onDatagram, onRefused, address, port, peer: undefined };
    namespace.sockets.set(port, socket);
    this.#socket = socket;
    loop.process.onEnd.push(() => {
      if (namespace.sockets.get(port) === socket) namespace.sockets.delete(port);
    });
    return Promise.resolve({ port });
  }

  connectTo(address: string, port: number): Promise<void> {
    if (this.#socket === undefined) return Promise.reject(new Error("the socket is not open"));
    this.#socket.peer = { address, port };
    return Promise.resolve();
  }

  send(bytes: Uint8Array, port: number, address: string): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    const { process } = socket.loop;
    if (!process.effect()) return;
    onlooker().onDatagram(process, bytes, address);
    surroundingsOf(process).network.send(socket, socket.address, bytes, port, address);
  }

  close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket !== undefined) {
      surroundingsOf(socket.loop.process).namespace.sockets.delete(socket.port);
    }
    return Promise.resolve();
  }
}
