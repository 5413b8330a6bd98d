// A manager whose Swarm has one node and one service, for tests of routes: it answers as told and remembers what it was told to do.

import { PassThrough, type Readable } from "node:stream";
import { coded } from "../../../coordinator/errors.ts";
import type { EngineCall } from "../../../coordinator/docker/engine-calls.ts";
import type { VerbEngine } from "../../../coordinator/docker/swarm-verbs.ts";

export class ScriptedManager implements VerbEngine {
  readonly host: string;
  readonly endpoint = "unix:///nowhere";
  readonly commandLine = { DOCKER_HOST: "unix:///nowhere" };

  constructor(host = "h1") {
    this.host = host;
  }

  /** All but reads. */
  readonly told: Omit<EngineCall, "what">[] = [];
  /** Thrown by the next change. */
  failure: Error | undefined;
  log = "";
  /** Reads so far. */
  asked = 0;
  /** It does not answer. */
  isSilent = false;
  #answers = answers;

  call({ what: _what, ...call }: EngineCall): Promise<unknown> {
    const { method = "GET", path } = call;
    if (this.isSilent) return Promise.reject(coded("HM_ENGINE_UNAVAILABLE", "it is silent"));
    if (method === "GET") {
      this.asked++;
      return Promise.resolve(this.#answers[path] ?? {});
    }
    const { failure } = this;
    if (failure !== undefined) {
      this.failure = undefined;
      return Promise.reject(failure);
    }
    this.told.push(call);
    return Promise.resolve(path === "/swarm/init" ? "id-h1" : {});
  }

  /** From now on its one service is told so. */
  changeService({ replicas, label = "" }: { replicas: number; label?: string }): void {
    const [web, ...others] = answers["/services"] as readonly RawService[];
    const changed = {
      ...web,
      Spec: { ...web?.Spec, Labels: { label } },
      ServiceStatus: { RunningTasks: 1, DesiredTasks: replicas },
    };
    this.#answers = { ...answers, "/services": [changed, ...others] };
  }

  /** From now on no task runs anywhere. */
  endTasks(): void {
    this.#answers = { ...this.#answers, "/tasks": [] };
  }

  swarmList(what: string): Promise<unknown> {
    return this.call({ what, path: `/${what}` });
  }

  async updateNode(id: string, version: number, body: unknown): Promise<void> {
    await this.call({
      what: "",
      method: "POST",
      path: `/nodes/${id}/update`,
      query: { version },
      body,
    });
  }

  stream(): Promise<Readable> {
    const bytes = new PassThrough();
    const line = Buffer.from(this.log);
    const header = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
    header.writeUInt32BE(line.length, 4);
    bytes.end(Buffer.concat([header, line]));
    return Promise.resolve(bytes);
  }
}

interface RawService {
  readonly Spec: object;
}

const tokens = { Worker: "SWMTKN-1-worker", Manager: "SWMTKN-1-manager" };
const status = { State: "running", Timestamp: "2026-01-01T00:00:03Z", ContainerStatus: null };

const answers: Readonly<Record<string, unknown>> = {
  "/containers/json": [],
  "/system/df": { LayersSize: 4096, Containers: [], Volumes: [] },
  "/info": { Swarm: { NodeID: "id-h1", NodeAddr: "10.0.0.1", Cluster: { ID: "swarm-1" } } },
  "/swarm": { JoinTokens: tokens },
  "/nodes": [
    {
      ID: "id-h1",
      Version: { Index: 7 },
      Spec: { Role: "manager", Availability: "active", Labels: { type: "primary" } },
      Description: { Hostname: "h1", Resources: { NanoCPUs: 2e9, MemoryBytes: 4e9 } },
      Status: { State: "ready", Addr: "10.0.0.1" },
      ManagerStatus: { Leader: true, Reachability: "reachable", Addr: "10.0.0.1:2377" },
    },
  ],
  "/services": [
    {
      ID: "id-web",
      Version: { Index: 11 },
      Spec: {
        Name: "web",
        Labels: { tier: "front" },
        Mode: { Replicated: { Replicas: 2 } },
        TaskTemplate: { ContainerSpec: { Image: "nginx:1.26@sha256:0123abcd", Env: ["A=1"] } },
      },
      ServiceStatus: { RunningTasks: 1, DesiredTasks: 2 },
      Endpoint: { Ports: [{ Protocol: "tcp", TargetPort: 80, PublishedPort: 8080 }] },
    },
    {
      ID: "id-every",
      Version: { Index: 3 },
      Spec: { Name: "every", Mode: { Global: {} } },
      ServiceStatus: { RunningTasks: 1, DesiredTasks: 1 },
    },
  ],
  "/tasks": [
    {
      ID: "task-1",
      ServiceID: "id-web",
      Slot: 1,
      NodeID: "id-h1",
      DesiredState: "running",
      CreatedAt: "2026-01-01T00:00:01Z",
      Status: status,
    },
    {
      ID: "task-2",
      ServiceID: "id-web",
      Slot: 2,
      NodeID: "id-h1",
      DesiredState: "shutdown",
      CreatedAt: "2026-01-01T00:00:02Z",
      Status: { ...status, State: "failed", Err: "task: non-zero exit (1)" },
    },
  ],
};
