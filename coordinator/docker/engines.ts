// The calls that are made to one Docker engine: bounded in time, failures coded, writes by their own way.

import path from "node:path";
import type { Readable } from "node:stream";
import { CodedError, isCoded } from "../../proto/coded-error.ts";
import type { Duration } from "../../proto/units.ts";
import type { ContainerView } from "../core/worker.ts";
import { coded } from "../errors.ts";
import { agreedVersion } from "./api-version.ts";
import { Connection, type EngineRequest } from "./connection.ts";
import { endpointText, type EngineSpec } from "./endpoints.ts";
import { callTimeouts, type CreateSpec, type EngineCall, type Query } from "./engine-calls.ts";
import { mapBounded } from "./map-bounded.ts";
import { summaryOf, type Summary } from "./relevance.ts";
import { swarmPartOf, type EngineInfo, type RawInfo } from "./swarm-part.ts";
import { viewOf, type RawInspection, type RawSummary } from "./views.ts";

/** The engine said no; `status` is its HTTP status, the detail ends with its own words. */
export class EngineRefused extends CodedError<"HM_ENGINE_REFUSED"> {
  readonly status: number;

  constructor(status: number, detail: string, cause: unknown) {
    super("HM_ENGINE_REFUSED", detail, { cause });
    this.status = status;
  }
}

export const hasStatus = (error: unknown, status: number): error is EngineRefused =>
  error instanceof EngineRefused && error.status === status;

export const isUnavailable = (error: unknown): error is CodedError =>
  isCoded(error, "HM_ENGINE_UNAVAILABLE");

interface Change {
  readonly method?: "POST" | "DELETE";
  readonly query?: EngineRequest["query"];
  readonly body?: unknown;
  readonly onAnswer?: (answer: unknown) => void;
}

/**
 * What a manager says, with HTTP 500, while the Swarm's managers look for a leader: the words are swarmkit's. What was asked may
 * have been done nevertheless.
 */
const isLeaderless = (words: string): boolean =>
  /lost leader status|no elected cluster leader|node is stopped|code = (Unavailable|DeadlineExceeded|Canceled)|context (deadline exceeded|canceled)/.test(
    words,
  );

const eventActions = [
  ...["create", "start", "die", "kill", "stop", "restart", "pause", "unpause"],
  ...["destroy", "rename", "oom", "health_status"],
];

/** Every method throws CodedError HM_ENGINE_UNAVAILABLE (no answer in time) or EngineRefused, and nothing else. */
export class EngineClient {
  readonly #spec: EngineSpec;
  readonly #read: Connection;
  readonly #write: Connection;
  /** Its own client, so that no timeout of a call ever ends the stream. */
  readonly #events: Connection;
  #host: string;

  constructor(spec: EngineSpec) {
    this.#spec = spec;
    this.#host = spec.name;
    this.#read = new Connection(spec.read);
    this.#events = new Connection(spec.read);
    this.#write = spec.write === spec.read ? this.#read : new Connection(spec.write);
  }

  /** The engine's name; before it was asked for the first time, and where none is configured, its address. */
  get host(): string {
    return this.#host === "" ? this.endpoint : this.#host;
  }

  /** Where it is, as configured. */
  get endpoint(): string {
    return endpointText(this.#spec.read);
  }

  /** The variables by which the docker command line reaches it, by the way of writes. */
  get commandLine(): Readonly<Record<string, string>> {
    const { write } = this.#spec;
    const tls = write.kind === "tcp" ? write.tls : undefined;
    return {
      DOCKER_HOST: endpointText(write),
      ...(tls === undefined
        ? {}
        : { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: path.dirname(tls.ca) }),
    };
  }

  /** Ends connections that are kept between calls (ssh). */
  close(): void {
    for (const way of [this.#read, this.#events, this.#write]) way.close();
  }

  /** Agrees on an API version and learns the engine's name. To be called before all else, and again after a loss. */
  async connect(): Promise<void> {
    const spoken = (await this.#get("version", "/version", callTimeouts.ping)) as {
      readonly ApiVersion?: string;
      readonly MinAPIVersion?: string;
    };
    const version = agreedVersion(spoken.ApiVersion, spoken.MinAPIVersion);
    for (const way of [this.#read, this.#events, this.#write]) way.speak(version);
    if (this.#host === "") this.#host = (await this.info()).name;
  }

  async info(): Promise<EngineInfo> {
    const info = (await this.#get("info", "/info")) as RawInfo;
    return { name: info.Name ?? "", id: info.ID ?? "", swarm: swarmPartOf(info) };
  }

  /** All of them, as a manager gives them; every other engine refuses. */
  async swarmList(what: "nodes" | "services" | "tasks"): Promise<unknown> {
    return this.#get(`list of ${what}`, `/${what}`, callTimeouts.swarm);
  }

  /** All of its specification, on top of that version of the node. */
  async updateNode(id: string, version: number, spec: unknown): Promise<void> {
    const more = { query: { version }, body: spec };
    await this.#post("node update", `/nodes/${id}/update`, callTimeouts.swarm, more);
  }

  /** As a manager has it, its specification whole; undefined when there is none. */
  async service(id: string): Promise<unknown> {
    try {
      return await this.#get("inspection of a service", `/services/${id}`);
    } catch (error) {
      if (hasStatus(error, 404)) return undefined;
      throw error;
    }
  }

  /** @param version the one that `spec` was made from: where another update came first, a manager refuses. */
  async updateService(id: string, version: number, spec: object): Promise<void> {
    const query = { version, registryAuthFrom: "spec" };
    const request = { query, body: spec };
    await this.#post("service update", `/services/${id}/update`, callTimeouts.swarm, request);
  }

  /** Reads go the way of reads, all else that of writes. Resolves to the parsed answer; undefined where nothing had to be changed. */
  async call({ what, method = "GET", path, query, body, timeout }: EngineCall): Promise<unknown> {
    if (method === "GET") return this.#get(what, path, timeout, query);
    let told: unknown;
    const onAnswer = (answer: unknown): void => {
      told = answer;
    };
    const more = { method, body, onAnswer, ...(query === undefined ? {} : { query }) };
    await this.#post(what, path, timeout ?? callTimeouts.write, more);
    return told;
  }

  async ping(): Promise<void> {
    await this.#get("ping", "/_ping", callTimeouts.ping);
  }

  /**
   * A mark of this run of the engine: it makes its default bridge anew at each start. Empty where there is no such
   * network or a proxy refuses it.
   */
  async runMark(): Promise<string> {
    const bridge = (await this.#getIfAllowed("network inspect", "/networks/bridge")) as
      { readonly Created?: string } | undefined;
    return bridge?.Created ?? "";
  }

  async summaries(): Promise<readonly Summary[]> {
    const raw = await this.#get("list", "/containers/json", callTimeouts.list, { all: 1 });
    return (raw as readonly RawSummary[]).map(summaryOf);
  }

  /** By id or name; undefined when there is none. */
  async inspectRaw(container: string): Promise<RawInspection | undefined> {
    const path = `/containers/${encodeURIComponent(container)}/json`;
    try {
      return (await this.#get("inspect", path)) as RawInspection;
    } catch (error) {
      if (hasStatus(error, 404)) return undefined;
      throw error;
    }
  }

  async inspect(container: string): Promise<ContainerView | undefined> {
    const raw = await this.inspectRaw(container);
    return raw === undefined ? undefined : viewOf(this.host, raw);
  }

  /** All containers, inspected; one that goes in the meantime is left out. */
  async list(): Promise<readonly ContainerView[]> {
    const summaries = await this.summaries();
    const views = await mapBounded(summaries, 8, ({ id }) => this.inspect(id));
    return views.filter((view) => view !== undefined);
  }

  async start(id: string): Promise<"started" | "already-running"> {
    const path = `/containers/${id}/start`;
    return (await this.#post("start", path, callTimeouts.start)) ? "started" : "already-running";
  }

  /** `timeout` ms between SIGTERM and SIGKILL, in whole seconds upwards: the engine knows no finer ones. */
  async stop(id: string, timeout: Duration): Promise<"stopped" | "already-stopped"> {
    const query = { t: Math.ceil(timeout / 1000) };
    const limit = timeout + callTimeouts.stop;
    return (await this.#post("stop", `/containers/${id}/stop`, limit, { query }))
      ? "stopped"
      : "already-stopped";
  }

  async restart(id: string, timeout: Duration): Promise<void> {
    const query = { t: Math.ceil(timeout / 1000) };
    const limit = timeout + callTimeouts.stop + callTimeouts.start;
    await this.#post("restart", `/containers/${id}/restart`, limit, { query });
  }

  async kill(id: string, signal = "SIGKILL"): Promise<"killed" | "not-running"> {
    try {
      await this.#post("kill", `/containers/${id}/kill`, callTimeouts.kill, { query: { signal } });
      return "killed";
    } catch (error) {
      if (hasStatus(error, 409)) return "not-running";
      throw error;
    }
  }

  /** Throws HM_ENGINE_UNAVAILABLE where it still runs after `ms`. */
  async waitNotRunning(id: string, ms: Duration): Promise<void> {
    const query = { condition: "not-running" };
    await this.#post("wait", `/containers/${id}/wait`, ms, { query });
  }

  /** Its anonymous volumes stay unless they are named. False when there was none, or its removal is under way already. */
  async remove(
    id: string,
    { volumes = false }: { readonly volumes?: boolean } = {},
  ): Promise<boolean> {
    const request = { method: "DELETE", query: { v: volumes, force: true } } as const;
    try {
      return await this.#post("remove", `/containers/${id}`, callTimeouts.write, request);
    } catch (error) {
      if (hasStatus(error, 404)) return false;
      if (hasStatus(error, 409) && error.detail.includes("already in progress")) return false;
      throw error;
    }
  }

  async create(spec: CreateSpec): Promise<string> {
    let id = "";
    await this.#post("create", "/containers/create", callTimeouts.write, {
      query: { name: spec.name },
      body: spec.body,
      onAnswer: (answer) => {
        id = (answer as { readonly Id: string }).Id;
      },
    });
    return id;
  }

  async rename(id: string, name: string): Promise<void> {
    await this.#post("rename", `/containers/${id}/rename`, callTimeouts.write, { query: { name } });
  }

  async connectNetwork(
    network: string,
    id: string,
    endpoint: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const path = `/networks/${encodeURIComponent(network)}/connect`;
    const body = { Container: id, EndpointConfig: endpoint };
    await this.#post("network connect", path, callTimeouts.write, { body });
  }

  /** The id of an image by name or id; undefined when there is none, or a proxy does not let us ask. */
  async imageId(image: string): Promise<string | undefined> {
    const path = `/images/${encodeURIComponent(image)}/json`;
    const found = (await this.#getIfAllowed("image inspect", path)) as
      { readonly Id?: string } | undefined;
    return found?.Id;
  }

  /** What speaks against it may also be told in the stream, which is thrown away: whoever needs the image finds out. */
  async pull(image: string): Promise<void> {
    const query = { fromImage: image, ...(/[:@][^/]*$/.test(image) ? {} : { tag: "latest" }) };
    await this.#post("pull", "/images/create", callTimeouts.pull, { query });
  }

  async hasNetwork(name: string): Promise<boolean> {
    const path = `/networks/${encodeURIComponent(name)}`;
    return (await this.#getIfAllowed("network inspect", path)) !== undefined;
  }

  async createNetwork(spec: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#post("network create", "/networks/create", callTimeouts.write, { body: spec });
  }

  /** The stream of container events, as the engine sends it: JSON objects divided by newlines, split anywhere. */
  async events(since: string, signal: AbortSignal): Promise<Readable> {
    const filters = JSON.stringify({ type: ["container"], event: eventActions });
    const query = { filters, ...(since === "" ? {} : { since }) };
    return this.stream("events", "/events", query, signal);
  }

  /** The stream of events of Swarm nodes, as a manager sends it. */
  async nodeEvents(signal: AbortSignal): Promise<Readable> {
    const filters = JSON.stringify({ type: ["node"] });
    return this.stream("events", "/events", { filters }, signal);
  }

  /** Ends with the signal. */
  async stream(what: string, path: string, query: Query, signal: AbortSignal): Promise<Readable> {
    // Bounded only until the headers are there: the stream itself may be silent for days.
    const abort = new AbortController();
    const request = {
      method: "GET",
      path,
      query,
      isStream: true,
      signal: AbortSignal.any([signal, abort.signal]),
    } as const;
    const call = (): Promise<unknown> => this.#events.request(request);
    return (await this.#bounded(what, callTimeouts.read, call, abort)) as Readable;
  }

  #get(
    what: string,
    path: string,
    timeout: Duration = callTimeouts.read,
    query: EngineRequest["query"] = {},
  ): Promise<unknown> {
    const abort = new AbortController();
    const request = { method: "GET", path, query, signal: abort.signal } as const;
    return this.#bounded(what, timeout, () => this.#read.request(request), abort);
  }

  /** Undefined where the engine, or a proxy before it, says no. */
  async #getIfAllowed(what: string, path: string): Promise<unknown> {
    try {
      return await this.#get(what, path);
    } catch (error) {
      if (error instanceof EngineRefused) return undefined;
      throw error;
    }
  }

  /** False when the engine says that there is nothing to change (304). */
  async #post(what: string, path: string, timeout: Duration, more: Change = {}): Promise<boolean> {
    const { method = "POST", query = {}, body = {}, onAnswer } = more;
    const abort = new AbortController();
    const request = { method, path, query, body, signal: abort.signal };
    try {
      const call = (): Promise<unknown> => this.#write.request(request);
      const answer = await this.#bounded(what, timeout, call, abort);
      onAnswer?.(answer);
      return true;
    } catch (error) {
      if (hasStatus(error, 304)) return false;
      throw error;
    }
  }

  /** The race is ours and not the signal's alone: dockerode answers nothing at all when a response breaks off in its middle. */
  async #bounded<T>(
    what: string,
    timeout: Duration,
    call: () => Promise<T>,
    abort: AbortController,
  ): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(
          coded("HM_ENGINE_UNAVAILABLE", `${this.host}: no answer to ${what} in ${timeout} ms`),
        );
        abort.abort();
      }, timeout);
    });
    try {
      return await Promise.race([call(), late]);
    } catch (error) {
      throw this.#becomeCoded(what, error);
    } finally {
      clearTimeout(timer);
    }
  }

  #becomeCoded(what: string, error: unknown): Error {
    if (error instanceof CodedError) return error;
    const { statusCode, json } = error as { statusCode?: unknown; json?: { message?: unknown } };
    if (typeof statusCode !== "number") {
      const { code, message } = error as { code?: string; message?: string };
      const why = code ?? message ?? String(error);
      return coded("HM_ENGINE_UNAVAILABLE", `${this.host}: ${what} failed: ${why}`, error);
    }
    const words = typeof json?.message === "string" ? json.message : "";
    const detail = `${this.host}: ${what}: HTTP ${statusCode}${words === "" ? "" : `: ${words}`}`;
    // A proxy in between, without its engine; or a manager without its Swarm.
    if ((statusCode >= 502 && statusCode <= 504) || (statusCode === 500 && isLeaderless(words)))
      return coded("HM_ENGINE_UNAVAILABLE", detail, error);
    return new EngineRefused(statusCode, detail, error);
  }
}
