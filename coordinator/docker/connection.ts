// One way to one endpoint: a dockerode client with every option given, rebuilt when the TLS files change.

import { spawn } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { Duplex } from "node:stream";
import { inspect } from "node:util";
import Dockerode from "dockerode";
import type { Endpoint, TlsFiles } from "./endpoints.ts";

/** The types of dockerode leave out two options that its modem has. */
type DockerOptions = Dockerode.DockerOptions & {
  readonly agent: http.Agent;
  readonly pathPrefix?: string;
};

export interface EngineRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: unknown;
  readonly signal: AbortSignal;
  readonly isStream?: boolean;
}

export class Connection {
  readonly #endpoint: Endpoint;
  #docker: Dockerode | undefined;
  #version: string | undefined;
  #stamp = "";
  #agent: http.Agent | undefined;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  /** The client to use for the next call. */
  #client(): Dockerode {
    const stamp = this.#tlsStamp();
    if (this.#docker === undefined || stamp !== this.#stamp) {
      this.#docker = this.#rebuilt() ?? this.#docker;
      if (this.#docker === undefined) throw new Error("ca.pem, cert.pem or key.pem cannot be read");
      this.#stamp = stamp;
      this.#applyVersion();
    }
    return this.#docker;
  }

  /** Calls from here on carry this API version (`1.41`); undefined: none, the engine takes its newest. */
  speak(version: string | undefined): void {
    this.#version = version === undefined ? undefined : `v${version}`;
    this.#applyVersion();
  }

  /**
   * One call by the modem itself: dockerode's own methods leave the abort signal out here and there, and write a body
   * into the URL too. Resolves to the parsed JSON, or to the stream; rejects with the modem's error (`statusCode`, `json`).
   */
  request(request: EngineRequest): Promise<unknown> {
    const modem = this.#client().modem;
    const query = request.query ?? {};
    return new Promise((resolve, reject) => {
      modem.dial(
        {
          method: request.method,
          path: `${request.path}${Object.keys(query).length === 0 ? "" : "?"}`,
          options: { _query: query, _body: request.body ?? {} },
          abortSignal: request.signal,
          statusCodes: { 200: true, 201: true, 204: true },
          isStream: request.isStream ?? false,
        },
        (error: Error | null | undefined, data: unknown) => {
          if (error === null || error === undefined) resolve(data);
          else reject(error);
        },
      );
    });
  }

  /** Ends what is kept open between calls. */
  close(): void {
    this.#agent?.destroy();
  }

  #applyVersion(): void {
    // The modem's version is the one field that changes after construction; its type does not show it.
    if (this.#docker !== undefined) Object.assign(this.#docker.modem, { version: this.#version });
  }

  /** Undefined where the files cannot be read together just now (in the middle of a rotation): the old ones stay in use. */
  #rebuilt(): Dockerode | undefined {
    const options = optionsOf(this.#endpoint);
    if (options === undefined) return undefined;
    this.#agent = options.agent;
    makeTerse(options.agent);
    return buildDocker(options);
  }

  #tlsStamp(): string {
    if (this.#endpoint.kind !== "tcp" || this.#endpoint.tls === undefined) return "";
    return Object.values(this.#endpoint.tls as unknown as Record<string, string>)
      .map((file) => {
        const stat = statSync(file, { throwIfNoEntry: false });
        return stat === undefined ? "none" : `${stat.ino}:${stat.mtimeMs}:${stat.size}`;
      })
      .join(" ");
  }
}

function readPems(files: TlsFiles): { ca: string; cert: string; key: string } | undefined {
  try {
    return {
      ca: readFileSync(files.ca, "utf8"),
      cert: readFileSync(files.cert, "utf8"),
      key: readFileSync(files.key, "utf8"),
    };
  } catch {
    return undefined;
  }
}

/** No `timeout`: it would kill an idle event stream; every call has an abort signal instead. */
function optionsOf(endpoint: Endpoint): DockerOptions | undefined {
  switch (endpoint.kind) {
    case "unix":
      return { socketPath: endpoint.path, agent: new http.Agent({ keepAlive: false }) };
    case "tcp": {
      const { host, port } = endpoint;
      if (endpoint.tls === undefined) {
        return { host, port, protocol: "http", agent: new http.Agent({ keepAlive: false }) };
      }
      const pems = readPems(endpoint.tls);
      const agent = new https.Agent({ keepAlive: false });
      return pems === undefined ? undefined : { host, port, protocol: "https", ...pems, agent };
    }
    case "ssh":
      // Never reached by name: the agent's connection is the ssh program's.
      return { host: "docker", port: 80, protocol: "http", agent: new SshAgent(endpoint) };
  }
}

/**
 * docker-modem prints its options, the agent with all its open sockets among them, for a debug line at each call, also where
 * nobody reads it: several ms of CPU a call, three quarters of a busy coordinator's. So an agent prints as one word.
 */
function makeTerse(agent: http.Agent): void {
  Object.defineProperty(agent, inspect.custom, { value: () => "http.Agent" });
}

const readByDockerode = [
  "DOCKER_HOST",
  "DOCKER_TLS_VERIFY",
  "DOCKER_CERT_PATH",
  "DOCKER_PATH_PREFIX",
  "DOCKER_CLIENT_TIMEOUT",
] as const;

/**
 * dockerode's defaults come from the environment: a `DOCKER_HOST` that is a list makes it throw, and one that is a
 * host wins over a socket. So it is built without those variables in sight; it reads them only in its constructor.
 */
function buildDocker(options: DockerOptions): Dockerode {
  const kept = readByDockerode.map((name) => [name, process.env[name]] as const);
  for (const name of readByDockerode) Reflect.deleteProperty(process.env, name);
  try {
    return new Dockerode({ pathPrefix: "/", ...options });
  } finally {
    for (const [name, value] of kept) if (value !== undefined) process.env[name] = value;
  }
}

/**
 * `ssh … docker system dial-stdio`, one process a connection, kept for the next calls. Not dockerode's own ssh: it
 * checks no host key, connects anew for each call, and a failed connection throws outside of any promise.
 */
class SshAgent extends http.Agent {
  readonly #args: readonly string[];

  constructor(endpoint: Extract<Endpoint, { kind: "ssh" }>) {
    super({ keepAlive: true, keepAliveMsecs: 15_000, maxFreeSockets: 2, timeout: 60_000 });
    const port = endpoint.port === undefined ? [] : ["-p", String(endpoint.port)];
    this.#args = [
      ...["-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-T", ...port],
      ...["--", endpoint.destination, "docker", "system", "dial-stdio"],
    ];
  }

  override createConnection(): Duplex {
    const child = spawn("ssh", this.#args, { stdio: ["pipe", "pipe", "pipe"] });
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint = (complaint + text).slice(-500);
    });
    const duplex = new ChildDuplex(child.stdin, child.stdout, () => child.kill("SIGTERM"));
    child.on("error", (error) => duplex.destroy(error));
    // Its exit, not the end of its output, ends the stream: only then it is known what ssh complained of.
    child.on("close", (code) => {
      if (code === 0) duplex.push(null);
      else duplex.destroy(new Error(`ssh ended with ${String(code)}: ${complaint.trim()}`));
    });
    return duplex;
  }
}

/** The two pipes of a process as one stream with the few methods of a socket that node:http calls. */
class ChildDuplex extends Duplex {
  readonly #input: NodeJS.WritableStream;
  readonly #output: NodeJS.ReadableStream;
  readonly #end: () => void;

  constructor(input: NodeJS.WritableStream, output: NodeJS.ReadableStream, end: () => void) {
    super();
    this.#input = input;
    this.#output = output;
    this.#end = end;
    // A pipe that broke says less than the program's exit, which follows.
    input.on("error", () => undefined);
    output.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) output.pause();
    });
  }

  override _read(): void {
    this.#output.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#input.write(chunk, () => {
      done();
    });
  }

  override _final(done: () => void): void {
    this.#input.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#end();
    done(error);
  }

  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}
