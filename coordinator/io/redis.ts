// Connections to Redis, each with the patience that its user needs, and the password that may change under way.

import { Redis, type RedisOptions as AllOptions } from "ioredis";
import type { Duration } from "../../proto/units.ts";
import type { RedisAddress } from "./redis-url.ts";

type RedisOptions = Omit<AllOptions, "replyMapping">;

/** A command of the producer that takes longer has failed: a hung Redis is noticed, and the leader decides anew. */
const producerPatience: Duration = 1_000;
/** The longest wait between two attempts to connect. */
const reconnectWithin: Duration = 250;
/** Nothing heard for this long on a connection that is always waiting for something: it is dead. */
const silentSocket: Duration = 10_000;

/**
 * `producer`: rejects at once while Redis is away, and after `producerPatience` when it hangs.
 * `runner`: waits for Redis as long as it takes, in order; BullMQ's workers demand it.
 * `follower`: as the runner's, for blocking reads.
 */
export type ConnectionRole = "producer" | "runner" | "follower";

/** All connections of one process. Connections are opened by `open`, and closed together by `stop`. */
export class RedisConnections {
  readonly #address: RedisAddress;
  readonly #owner: string;
  readonly #open = new Set<Redis>();
  readonly #onError: (error: Error) => void;
  #password: string | undefined;

  /**
   * @param ask.owner shown in `CLIENT LIST`
   * @param ask.password from a file; goes before the address's own
   * @param ask.onError connection errors; they repeat while Redis is away
   */
  constructor(ask: {
    readonly address: RedisAddress;
    readonly owner: string;
    readonly password?: string;
    readonly onError: (error: Error) => void;
  }) {
    this.#address = ask.address;
    this.#owner = ask.owner;
    this.#password = ask.password ?? ask.address.password;
    this.#onError = ask.onError;
  }

  /** A connection that begins to connect at once and goes on trying until `close` or `stop`. */
  open(role: ConnectionRole): Redis {
    const connection = new Redis({
      ...addressOptions(this.#address, this.#password),
      ...roleOptions(role),
      connectionName: `heartmesh-${this.#owner}-${role}`,
    });
    connection.on("error", this.#onError);
    this.#open.add(connection);
    return connection;
  }

  close(connection: Redis): void {
    this.#open.delete(connection);
    connection.disconnect();
  }

  /**
   * The new password is used by every connection made or made again from now on; established ones stay.
   * A BullMQ runner copies its options, so it must be restarted (`RevivalRunner.restart`).
   */
  changePassword(password: string): void {
    this.#password = password;
    for (const connection of this.#open) {
      connection.options.password = password;
      if (this.#address.kind === "sentinel") connection.options.sentinelPassword = password;
    }
  }

  stop(): void {
    for (const connection of this.#open) connection.disconnect();
    this.#open.clear();
  }
}

function addressOptions(address: RedisAddress, password: string | undefined): RedisOptions {
  const login: RedisOptions = {
    db: address.db,
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(password === undefined ? {} : { password }),
  };
  switch (address.kind) {
    case "tcp":
      return {
        ...login,
        host: address.host,
        port: address.port,
        ...(address.tls ? { tls: { servername: address.host } } : {}),
      };
    case "unix":
      return { ...login, path: address.path };
    case "sentinel":
      return {
        ...login,
        sentinels: [...address.sentinels],
        name: address.name,
        role: "master",
        ...(password === undefined ? {} : { sentinelPassword: password }),
        enableTLSForSentinelMode: address.tls,
        ...(address.tls ? { tls: {}, sentinelTLS: {} } : {}),
        failoverDetector: true,
        sentinelRetryStrategy: () => reconnectWithin,
        sentinelReconnectStrategy: () => 1_000,
        sentinelCommandTimeout: 500,
      };
  }
}

function roleOptions(role: ConnectionRole): RedisOptions {
  const shared: RedisOptions = {
    retryStrategy: (times) => Math.min(25 * times, reconnectWithin),
    connectTimeout: 2_000,
    keepAlive: 5_000,
    enableReadyCheck: true,
    // RESP 2 keeps replies of XREAD and HGETALL the same on every server.
    protocol: 2,
    // A master that a failover demoted: find the new one, and send the command again there.
    reconnectOnError: (error) => (error.message.startsWith("READONLY") ? 2 : false),
  };
  if (role === "producer") {
    return {
      ...shared,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      commandTimeout: producerPatience,
    };
  }
  return {
    ...shared,
    enableOfflineQueue: true,
    autoResendUnfulfilledCommands: true,
    maxRetriesPerRequest: null,
    socketTimeout: silentSocket,
  };
}
