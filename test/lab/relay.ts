// A relay before an engine's socket that can cut, hold back or refuse the event streams alone.

import { connect, createServer, type Server, type Socket } from "node:net";
import path from "node:path";
import type { LabEngine } from "./engine.ts";

/** What becomes of event streams; all other calls always pass. */
type Streams = "pass" | "refused" | "silent";

interface Stream {
  readonly client: Socket;
  readonly engine: Socket;
}

export class EngineRelay {
  readonly host: string;
  readonly #engineSocket: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #streams = new Set<Stream>();
  #mode: Streams = "pass";

  private constructor(engine: LabEngine) {
    this.#engineSocket = engine.socket;
    this.host = `unix://${path.join(engine.dir, "relay")}`;
    this.#server = createServer((client) => {
      this.#accept(client);
    });
  }

  static async start(engine: LabEngine): Promise<EngineRelay> {
    const relay = new EngineRelay(engine);
    await new Promise<void>((resolve, reject) => {
      relay.#server.once("error", reject);
      relay.#server.listen(relay.host.slice("unix://".length), resolve);
    });
    return relay;
  }

  /** How many event streams are open. */
  get streams(): number {
    return this.#streams.size;
  }

  /** Ends all event streams; new ones pass. */
  cut(): void {
    for (const { client, engine } of this.#streams) {
      client.destroy();
      engine.destroy();
    }
  }

  /** Ends all event streams, and refuses new ones until `pass`. */
  refuse(): void {
    this.#mode = "refused";
    this.cut();
  }

  /** The streams stay open, and nothing comes any more; `pass` lets what was held back through. */
  silence(): void {
    this.#mode = "silent";
    for (const { client, engine } of this.#streams) engine.unpipe(client).pause();
  }

  pass(): void {
    const wasSilent = this.#mode === "silent";
    this.#mode = "pass";
    if (wasSilent) for (const { client, engine } of this.#streams) engine.pipe(client);
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #accept(client: Socket): void {
    const engine = connect(this.#engineSocket);
    const stream = { client, engine };
    const end = (): void => {
      this.#streams.delete(stream);
      for (const socket of [client, engine]) {
        this.#sockets.delete(socket);
        socket.destroy();
      }
    };
    for (const socket of [client, engine]) {
      this.#sockets.add(socket);
      socket.on("error", end).on("close", end);
    }
    client.once("data", (first: Buffer) => {
      if (/^GET \S*\/events\?/.test(first.toString("latin1"))) {
        if (this.#mode === "refused") {
          end();
          return;
        }
        this.#streams.add(stream);
      }
      engine.write(first);
      client.pipe(engine);
      if (this.#mode !== "silent" || !this.#streams.has(stream)) engine.pipe(client);
    });
  }
}
