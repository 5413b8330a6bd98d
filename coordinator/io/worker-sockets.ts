// Sockets of their own for workers in doubt: another source port, and a kernel that reports refused datagrams (design rule 1).

import { MeshSocket } from "../../agent/io/socket.ts";
import type { WorkerId } from "../../proto/units.ts";

/** So many are open at once; further workers in doubt are asked by the shared socket. */
const mostOpen = 512;

export interface WorkerSocketEvents {
  readonly onDatagram: (bytes: Buffer, address: string, port: number) => void;
  readonly onRefused: (worker: WorkerId) => void;
}

interface Own {
  readonly socket: MeshSocket;
  readonly target: string;
  ready: boolean;
}

export class WorkerSockets {
  readonly #events: WorkerSocketEvents;
  readonly #open = new Map<WorkerId, Own>();

  constructor(events: WorkerSocketEvents) {
    this.#events = events;
  }

  /** False where the worker has no socket of its own that is ready: then the shared one is to be used. */
  send(worker: WorkerId, bytes: Uint8Array, port: number, address: string): boolean {
    const target = `${address} ${port}`;
    const own = this.#open.get(worker);
    if (own?.target !== target) {
      if (own !== undefined) this.close(worker);
      if (this.#open.size < mostOpen) void this.#begin(worker, target, port, address);
      return false;
    }
    if (!own.ready) return false;
    own.socket.send(bytes, port, address);
    return true;
  }

  /** Idempotent. */
  close(worker: WorkerId): void {
    const own = this.#open.get(worker);
    if (own === undefined) return;
    this.#open.delete(worker);
    void own.socket.close();
  }

  closeAll(): void {
    for (const worker of [...this.#open.keys()]) this.close(worker);
  }

  async #begin(worker: WorkerId, target: string, port: number, address: string): Promise<void> {
    const socket = new MeshSocket({
      host: address.includes(":") ? "::" : "0.0.0.0",
      port: 0,
      receiveBuffer: 65_536,
      onDatagram: this.#events.onDatagram,
      onRefused: () => {
        this.#events.onRefused(worker);
      },
    });
    const own: Own = { socket, target, ready: false };
    this.#open.set(worker, own);
    try {
      await socket.open();
      await socket.connectTo(address, port);
      own.ready = true;
    } catch {
      // No route, or no port left: the shared socket goes on.
    }
    // Closed meanwhile: its doubt is over.
    if (this.#open.get(worker) !== own) await socket.close();
  }
}
