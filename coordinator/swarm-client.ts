// A client of `/api/swarm/*`, and of `/api/clusters/<name>/swarm/*`, for programs: the verbs with typed results. It needs nothing but `fetch`.

import type {
  SwarmAnswer,
  SwarmChange,
  SwarmClusterRow,
  SwarmHealth,
  SwarmInfo,
  SwarmJoinToken,
  SwarmLogLine,
  SwarmNodeFilter,
  SwarmNodeRow,
  SwarmScaling,
  SwarmScalingPolicy,
  SwarmServiceFilter,
  SwarmServiceRow,
  SwarmStackPreview,
  SwarmStackResult,
  SwarmStatistics,
  SwarmTaskRow,
  SwarmTemplate,
  SwarmTemplateRow,
} from "../proto/swarm-rest.ts";

export interface SwarmClientOptions {
  /** Of any coordinator, or of the proxy before them: `http://host:8080`. */
  readonly url: string;
  /** Of API_TOKENS; empty where none is needed. */
  readonly token?: string;
  /** Of `clusters()`; the Swarm of DOCKER_HOST unless given. */
  readonly cluster?: string;
  /** For one answer, in ms; 30 s unless given. */
  readonly timeout?: number;
}

export interface Watch {
  /** Ends it; without, it goes on until the coordinator does. */
  readonly signal?: AbortSignal;
  /** While nobody can tell, why; the stream goes on. */
  readonly onFailure?: (text: string) => void;
}

export interface StackWish {
  readonly name: string;
  readonly stack: string;
  readonly prune?: boolean;
  readonly resolveImage?: "always" | "changed" | "never";
}

export interface TemplateWish {
  readonly description?: string;
  /** A stack file with `${NAME}` and `${NAME:-default}` in its values. */
  readonly text: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly description?: string;
    readonly default?: string | null;
    readonly required?: boolean;
  }[];
}

export interface TemplateDeployment {
  readonly stack: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly prune?: boolean;
  readonly resolveImage?: "always" | "changed" | "never";
}

export interface SwarmJoin {
  readonly remoteAddrs: readonly string[];
  readonly joinToken: string;
  readonly advertiseAddr?: string;
  readonly engine?: string;
}

/** The answer was `{"success":false}`; the message is the coordinator's own. */
export class SwarmFailed extends Error {
  /** Of HTTP. */
  readonly status: number;

  constructor(status: number, text: string) {
    super(text);
    this.name = "SwarmFailed";
    this.status = status;
  }
}

interface Ask {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly query?: object;
  readonly body?: object;
  readonly signal?: AbortSignal;
  readonly accept?: string;
}

/** Each method rejects with `SwarmFailed`, or with what `fetch` throws where nobody answers. */
export class SwarmClient {
  readonly #options: SwarmClientOptions;

  constructor(options: SwarmClientOptions) {
    this.#options = options;
  }

  /** All Swarms that are managed there, whichever this client is of. */
  clusters(): Promise<readonly SwarmClusterRow[]> {
    return this.#ask("/api/clusters");
  }

  info(): Promise<SwarmInfo> {
    return this.#ask("info");
  }

  init(body: { readonly advertiseAddr: string; readonly engine?: string }): Promise<SwarmChange> {
    return this.#ask("init", { method: "POST", body });
  }

  join(body: SwarmJoin): Promise<SwarmChange> {
    return this.#ask("join", { method: "POST", body });
  }

  leave(body: { readonly force?: boolean; readonly engine?: string } = {}): Promise<SwarmChange> {
    return this.#ask("leave", { method: "POST", body });
  }

  joinToken(role: SwarmJoinToken["role"]): Promise<SwarmJoinToken> {
    return this.#ask(`join-token/${role}`);
  }

  nodes(filter: SwarmNodeFilter = {}): Promise<readonly SwarmNodeRow[]> {
    return this.#ask("nodes", { query: filter });
  }

  /** The list, and again whenever it has changed. */
  watchNodes(
    filter: SwarmNodeFilter = {},
    watch: Watch = {},
  ): AsyncGenerator<readonly SwarmNodeRow[]> {
    return this.#watch("nodes", watch, filter);
  }

  node(id: string): Promise<SwarmNodeRow> {
    return this.#ask(`nodes/${encodeURIComponent(id)}`);
  }

  setAvailability(id: string, availability: "active" | "pause" | "drain"): Promise<SwarmChange> {
    const path = `nodes/${encodeURIComponent(id)}/availability`;
    return this.#ask(path, { method: "PUT", body: { availability } });
  }

  removeNode(
    id: string,
    { force = false }: { readonly force?: boolean } = {},
  ): Promise<SwarmChange> {
    return this.#ask(`nodes/${encodeURIComponent(id)}`, { method: "DELETE", query: { force } });
  }

  services(filter: SwarmServiceFilter = {}): Promise<readonly SwarmServiceRow[]> {
    return this.#ask("services", { query: filter });
  }

  watchServices(
    filter: SwarmServiceFilter = {},
    watch: Watch = {},
  ): AsyncGenerator<readonly SwarmServiceRow[]> {
    return this.#watch("services", watch, filter);
  }

  scale(service: string, replicas: number): Promise<SwarmChange> {
    return this.#ask(`${pathOf(service)}/scale`, { method: "POST", body: { replicas } });
  }

  setImage(service: string, image: string): Promise<SwarmChange> {
    return this.#ask(`${pathOf(service)}/image`, { method: "PUT", body: { image } });
  }

  removeService(service: string): Promise<SwarmChange> {
    return this.#ask(pathOf(service), { method: "DELETE" });
  }

  /** Of all services with a policy, or of one. */
  scaling(): Promise<readonly SwarmScaling[]>;
  scaling(service: string): Promise<SwarmScaling>;
  scaling(service?: string): Promise<SwarmScaling | readonly SwarmScaling[]> {
    return this.#ask(service === undefined ? "scaling" : `${pathOf(service)}/scaling`);
  }

  setScaling(service: string, policy: SwarmScalingPolicy): Promise<SwarmChange> {
    return this.#ask(`${pathOf(service)}/scaling`, { method: "PUT", body: policy });
  }

  removeScaling(service: string): Promise<SwarmChange> {
    return this.#ask(`${pathOf(service)}/scaling`, { method: "DELETE" });
  }

  tasks(service: string): Promise<readonly SwarmTaskRow[]> {
    return this.#ask(`${pathOf(service)}/tasks`);
  }

  watchTasks(service: string, watch: Watch = {}): AsyncGenerator<readonly SwarmTaskRow[]> {
    return this.#watch(`${pathOf(service)}/tasks`, watch);
  }

  logs(
    service: string,
    { tail = 100 }: { readonly tail?: number } = {},
  ): Promise<readonly SwarmLogLine[]> {
    return this.#ask(`${pathOf(service)}/logs`, { query: { tail } });
  }

  /** The last lines, then each as it is written, until the signal. */
  async *followLogs(
    service: string,
    { tail = 100, signal }: { readonly tail?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<SwarmLogLine> {
    const ask = { query: { tail }, ...(signal === undefined ? {} : { signal }) };
    for await (const { data } of this.#events(`${pathOf(service)}/logs`, ask)) {
      yield JSON.parse(data) as SwarmLogLine;
    }
  }

  health(): Promise<SwarmHealth> {
    return this.#ask("health");
  }

  watchHealth(watch: Watch = {}): AsyncGenerator<SwarmHealth> {
    return this.#watch("health", watch);
  }

  /** @param wish `stack` is the file's text */
  deployStack(wish: StackWish): Promise<SwarmStackResult> {
    return this.#ask("deploy-stack", {
      method: "POST",
      body: wish,
      signal: AbortSignal.timeout(80_000),
    });
  }

  /** @returns what `deployStack` would do, by images and replicas; nothing is changed */
  previewStack(wish: StackWish): Promise<SwarmStackPreview> {
    return this.#ask("preview-stack", { method: "POST", body: wish });
  }

  templates(): Promise<readonly SwarmTemplateRow[]> {
    return this.#ask("templates");
  }

  template(name: string): Promise<SwarmTemplate> {
    return this.#ask(templatePath(name));
  }

  putTemplate(name: string, template: TemplateWish): Promise<SwarmChange> {
    return this.#ask(templatePath(name), { method: "PUT", body: template });
  }

  removeTemplate(name: string): Promise<SwarmChange> {
    return this.#ask(templatePath(name), { method: "DELETE" });
  }

  /** @param wish `stack` is the new stack's name */
  deployTemplate(name: string, wish: TemplateDeployment): Promise<SwarmStackResult> {
    return this.#ask(`${templatePath(name)}/deploy`, {
      method: "POST",
      body: wish,
      signal: AbortSignal.timeout(80_000),
    });
  }

  previewTemplate(name: string, wish: TemplateDeployment): Promise<SwarmStackPreview> {
    return this.#ask(`${templatePath(name)}/preview`, { method: "POST", body: wish });
  }

  statistics(): Promise<SwarmStatistics> {
    return this.#ask("statistics");
  }

  async *#watch<Data>(
    path: string,
    { signal, onFailure }: Watch,
    query: object = {},
  ): AsyncGenerator<Data> {
    const ask = { query, ...(signal === undefined ? {} : { signal }) };
    for await (const { data } of this.#events(path, ask)) {
      const answer = JSON.parse(data) as SwarmAnswer<Data>;
      if (answer.success) yield answer.data;
      else onFailure?.(answer.error);
    }
  }

  async *#events(path: string, ask: Ask): AsyncGenerator<{ readonly data: string }> {
    const response = await this.#fetch(path, { ...ask, accept: "text/event-stream" });
    if (!response.ok) throw await failureOf(response);
    if (response.body === null) return;
    let open = "";
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (open + text).split("\n\n");
      open = blocks.pop() ?? "";
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (data !== undefined) yield { data };
      }
    }
  }

  async #ask<Data>(path: string, ask: Ask = {}): Promise<Data> {
    const signal = AbortSignal.timeout(this.#options.timeout ?? 30_000);
    const response = await this.#fetch(path, { signal, ...ask });
    if (!response.ok) throw await failureOf(response);
    const answer = (await response.json()) as SwarmAnswer<Data>;
    if (!answer.success) throw new SwarmFailed(response.status, answer.error);
    return answer.data;
  }

  #fetch(
    path: string,
    { method = "GET", query = {}, body, signal, accept }: Ask,
  ): Promise<Response> {
    const { url, token = "", cluster } = this.#options;
    const own = cluster === undefined ? "swarm" : `clusters/${encodeURIComponent(cluster)}/swarm`;
    const where = path.startsWith("/") ? path : `/api/${own}/${path}`;
    const words = new URLSearchParams(
      Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]),
    ).toString();
    const headers = {
      accept: accept ?? "application/json",
      ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    };
    return fetch(`${url.replace(/\/$/, "")}${where}${words === "" ? "" : `?${words}`}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  }
}

const templatePath = (name: string): string => `templates/${encodeURIComponent(name)}`;
const pathOf = (service: string): string => `services/${encodeURIComponent(service)}`;

/** Also of what is no coordinator's answer. */
async function failureOf(response: Response): Promise<SwarmFailed> {
  const text = await response.text();
  try {
    const { error } = JSON.parse(text) as { readonly error?: unknown };
    if (typeof error === "string") return new SwarmFailed(response.status, error);
  } catch {
    // Its text is all there is.
  }
  return new SwarmFailed(response.status, text.slice(0, 300));
}
