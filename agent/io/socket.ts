// The mesh's UDP socket, bound or connected to one peer. Bytes in, bytes out; it knows nothing of what they mean.

import { createSocket, type Socket } from "node:dgram";
import { isIP, isIPv4, isIPv6 } from "node:net";
import { kernelDrops } from "./kernel-drops.ts";

export interface SocketOptions {
  /** The address to bind, an IP; an IPv6 address makes an IPv6 socket (`::` takes IPv4 as well). */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly onDatagram: (bytes: Buffer, address: string, port: number) => void;
  /** A connected peer's port is closed (ECONNREFUSED came back). */
  readonly onRefused?: () => void;
  /** Bytes asked of the kernel, which may give less. */
  readonly receiveBuffer?: number;
  /** Whether the socket keeps the process alive; true where not given. */
  readonly keepAlive?: boolean;
}

export interface SocketCounters {
  readonly sent: number;
  readonly received: number;
  readonly sendFailed: number;
  readonly refused: number;
  readonly errors: number;
}

const targetsKept = 65_536;
const defaultReceiveBuffer = 4 * 1024 * 1024;
/** The kernel is asked for its count at most so often, ms. */
const dropsLookedEvery = 500;

export class MeshSocket {
  readonly #options: SocketOptions;
  readonly #family: 4 | 6;
  #socket: Socket | undefined;
  /** Addresses as this socket's family writes them. */
  readonly #targets = new Map<string, string>();
  #connected = false;
  #sent = 0;
  #received = 0;
  #sendFailed = 0;
  #refused = 0;
  #errors = 0;
  #port = 0;
  #overflowed = 0;
  #overflowedAt = -Infinity;

  constructor(options: SocketOptions) {
    this.#options = options;
    this.#family = isIPv6(options.host) ? 6 : 4;
  }

  get counters(): SocketCounters {
    return {
      sent: this.#sent,
      received: this.#received,
      sendFailed: this.#sendFailed,
      refused: this.#refused,
      errors: this.#errors,
    };
  }

  /** Datagrams that the kernel dropped because they came faster than they were read; up to half a second old. */
  overflowed(): number {
    const now = performance.now();
    if (this.#port !== 0 && now - this.#overflowedAt >= dropsLookedEvery) {
      this.#overflowed = kernelDrops(this.#port);
      this.#overflowedAt = now;
    }
    return this.#overflowed;
  }

  /** Binds. Rejects with the system's error (EADDRINUSE, EADDRNOTAVAIL, EACCES). */
  open(): Promise<{ readonly port: number }> {
    const socket = createSocket({
      type: this.#family === 6 ? "udp6" : "udp4",
      // Addresses are IPs: answering at once spares a turn for each datagram, and no name is ever looked up here.
      lookup: (address, _options, done) => {
        if (isIP(address) === 0) done(new Error(`not an IP address: ${address}`), "", 0);
        else done(null, address, this.#family);
      },
    });
    this.#socket = socket;
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.bind({ port: this.#options.port, address: this.#options.host }, () => {
        socket.removeListener("error", reject);
        this.#onBound(socket);
        this.#port = socket.address().port;
        resolve({ port: this.#port });
      });
    });
  }

  /** Connects an open socket to one peer: only its datagrams are received, and a closed port there is reported. */
  connectTo(address: string, port: number): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return Promise.reject(new Error("the socket is not open"));
    return new Promise((resolve, reject) => {
      socket.connect(port, this.#toFamily(address) ?? address, (error?: Error | null) => {
        if (error) {
          reject(error);
          return;
        }
        this.#connected = true;
        resolve();
      });
    });
  }

  /** Never throws; a failure is counted. The bytes must not be changed afterwards. A connected socket sends to its peer. */
  send(bytes: Uint8Array, port: number, address: string): void {
    const socket = this.#socket;
    const target = this.#toFamily(address);
    if (socket === undefined || target === undefined || port < 1 || port > 65_535) {
      this.#sendFailed++;
      return;
    }
    this.#sent++;
    try {
      if (this.#connected) socket.send(bytes, this.#onSent);
      else socket.send(bytes, port, target, this.#onSent);
    } catch {
      this.#sendFailed++;
    }
  }

  /** Idempotent. */
  close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      try {
        socket.close(() => {
          resolve();
        });
      } catch {
        resolve(); // It was never bound.
      }
    });
  }

  #onBound(socket: Socket): void {
    const { onDatagram, receiveBuffer, keepAlive } = this.#options;
    try {
      socket.setRecvBufferSize(receiveBuffer ?? defaultReceiveBuffer);
    } catch {
      this.#errors++; // The kernel's own size will do.
    }
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#onError(error);
    });
    socket.on("message", (bytes, from) => {
      this.#received++;
      onDatagram(bytes, plainAddress(from.address), from.port);
    });
    if (keepAlive === false) socket.unref();
  }

  readonly #onSent = (error: NodeJS.ErrnoException | null): void => {
    if (error === null) return;
    this.#sendFailed++;
    this.#onError(error);
  };

  #onError(error: NodeJS.ErrnoException): void {
    if (error.code === "ECONNREFUSED") {
      this.#refused++;
      this.#options.onRefused?.();
    } else {
      this.#errors++;
    }
  }

  /** Looked at once for each address: it is asked for with every datagram. */
  #toFamily(address: string): string | undefined {
    const known = this.#targets.get(address);
    if (known !== undefined) return known;
    const target = this.#familyOf(address);
    if (target === undefined) return undefined;
    if (this.#targets.size >= targetsKept) this.#targets.clear();
    this.#targets.set(address, target);
    return target;
  }

  #familyOf(address: string): string | undefined {
    if (this.#family === 4) return isIPv4(address) ? address : undefined;
    if (isIPv4(address)) return `::ffff:${address}`;
    return isIPv6(address) ? address : undefined;
  }
}

/** An IPv4 peer heard by an IPv6 socket is known by its IPv4 address. */
function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}
