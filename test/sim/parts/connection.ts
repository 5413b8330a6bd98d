// The way to a simulated engine: its HTTP calls, with times, failures and lost answers.

import { EventEmitter } from "node:events";
import type { Endpoint } from "../../../coordinator/docker/endpoints.ts";
import type { EngineRequest } from "../../../coordinator/docker/connection.ts";
import type { SimContainer, SimEngine } from "../engine.ts";
import { surroundingsOf } from "../host-of.ts";
import { onlooker } from "../onlooker.ts";
import { currentLoop, type Loop } from "../loop.ts";
import { wallBegin, type SimProcess } from "../process.ts";

export type { EngineRequest };

interface Answer {
  /** `onRead`: called as the answer is read. */
  readonly ok: (value: unknown, onRead?: () => void) => void;
  readonly refuse: (statusCode: number, message: string) => void;
}

const isWrite = (request: EngineRequest): boolean => request.method !== "GET";

export class Connection {
  readonly #engine: SimEngine;
  readonly #loop: Loop = currentLoop();

  constructor(endpoint: Endpoint) {
    const { engines } = surroundingsOf(this.#loop.process);
    const name = endpoint.kind === "tcp" ? endpoint.host : "";
    const engine = engines.get(name);
    if (engine === undefined) throw new Error(`there is no engine ${name}`);
    this.#engine = engine;
  }

  speak(): void {
    // Any version will do.
  }

  close(): void {
    // Nothing is kept open.
  }

  request(request: EngineRequest): Promise<unknown> {
    const { world } = this.#engine;
    const { process } = this.#loop;
    return new Promise((resolve, reject) => {
      if (isWrite(request) && !process.effect()) return;
      const onDone = isWrite(request) ? this.#tellOnlooker(request) : (): void => undefined;
      const settle = (run: () => void): void => {
        world.after(world.random.between(0.2, 2), () => {
          this.#loop.deliver(run);
        });
      };
      const fail = (code: string): void => {
        settle(() => {
          reject(Object.assign(new Error(code), { code }));
        });
      };
      world.after(world.random.between(0.2, 2), () => {
        this.#carry(request, { settle, fail, resolve, reject, onDone });
      });
    });
  }

  #carry(
    request: EngineRequest,
    ways: {
      readonly settle: (run: () => void) => void;
      readonly fail: (code: string) => void;
      readonly resolve: (value: unknown) => void;
      readonly reject: (error: Error) => void;
      readonly onDone: () => void;
    },
  ): void {
    const engine = this.#engine;
    const { world } = engine;
    const { settle, fail, resolve, reject, onDone } = ways;
    if (!engine.isUp) {
      onDone();
      fail("ECONNREFUSED");
      return;
    }
    if (this.#isCut()) {
      onDone();
      return;
    }
    if (engine.hungUntil > world.now) {
      world.at(engine.hungUntil + world.random.between(0, 5), () => {
        this.#carry(request, ways);
      });
      return;
    }
    const isLost =
      isWrite(request) && engine.lostAnswers > 0 && world.random.float() < engine.lostAnswers;
    const answer: Answer = {
      ok: (value, onRead) => {
        onDone();
        if (isLost) fail("ECONNRESET");
        else if (!this.#isCut())
          settle(() => {
            onRead?.();
            resolve(value);
          });
      },
      refuse: (statusCode, message) => {
        onDone();
        if (!this.#isCut()) {
          settle(() => {
            reject(Object.assign(new Error(message), { statusCode, json: { message } }));
          });
        }
      },
    };
    engine.onNextDown(() => {
      onDone();
      fail("ECONNRESET");
    });
    if (request.path === "/events") answer.ok(this.#stream(request));
    else new EngineApi(engine, this.#loop.process).handle(request, answer);
  }

  #tellOnlooker(request: EngineRequest): () => void {
    const [, , reference = ""] = request.path.split("/");
    const engine = this.#engine;
    const container = engine.find(decodeURIComponent(reference));
    return onlooker().onWrite({ by: this.#loop.process, engine, request, container });
  }

  #isCut(): boolean {
    const { network } = surroundingsOf(this.#loop.process);
    const { name } = this.#loop.process;
    return network.isCut(name, this.#engine.host) || network.isCut(this.#engine.host, name);
  }

  #stream({ query, signal }: EngineRequest): EventEmitter {
    const engine = this.#engine;
    const { world } = engine;
    const stream = new EventEmitter();
    let arrivesAt = 0;
    const send = (line: { readonly text: string }): void => {
      const { lost, repeated } = engine.eventFaults;
      if (this.#isCut() || (lost > 0 && world.random.float() < lost)) return;
      const copies = repeated > 0 && world.random.float() < repeated ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) {
        // In order, as one stream brings them.
        arrivesAt = Math.max(arrivesAt, world.now + world.random.between(1, 25));
        world.at(arrivesAt, () => {
          this.#loop.deliver(() => {
            if (engine.subscribers.has(send)) stream.emit("data", Buffer.from(line.text));
          });
        });
      }
    };
    const since = query?.since;
    if (since !== undefined) {
      const from = Number(since) * 1000 - wallBegin;
      for (const line of engine.history) if (line.at >= from) send(line);
    }
    engine.subscribers.add(send);
    const end = (): void => {
      if (!engine.subscribers.delete(send)) return;
      this.#loop.deliver(() => {
        stream.emit("end");
      });
    };
    engine.onNextDown(end);
    this.#loop.process.onEnd.push(() => {
      engine.subscribers.delete(send);
    });
    signal.addEventListener("abort", end, { once: true });
    return stream;
  }
}

class EngineApi {
  readonly #engine: SimEngine;
  readonly #by: SimProcess;

  constructor(engine: SimEngine, by: SimProcess) {
    this.#engine = engine;
    this.#by = by;
  }

  handle(request: EngineRequest, answer: Answer): void {
    const [, first = "", second = "", third = ""] = request.path.split("/");
    if (first === "containers" && second === "json") this.#list(answer);
    else if (first === "containers")
      this.#onContainer(decodeURIComponent(second), third, request, answer);
    else if (first === "version") answer.ok({ ApiVersion: "1.41", MinAPIVersion: "1.12" });
    else if (first === "info") answer.ok({ Name: this.#engine.host, ID: this.#engine.host });
    else if (first === "_ping") answer.ok("OK");
    else if (first === "networks") answer.ok({ Created: this.#engine.runMark });
    else answer.refuse(404, `no such path: ${request.path}`);
  }

  #list(answer: Answer): void {
    answer.ok(
      [...this.#engine.containers.values()].map(({ id, name, labels, networkMode }) => ({
        Id: id,
        Names: [`/${name}`],
        Labels: labels,
        HostConfig: { NetworkMode: networkMode },
      })),
    );
  }

  #onContainer(reference: string, verb: string, request: EngineRequest, answer: Answer): void {
    const engine = this.#engine;
    const container = engine.find(reference);
    if (container === undefined) {
      answer.refuse(404, `No such container: ${reference}`);
      return;
    }
    const query = request.query ?? {};
    switch (verb) {
      case "json":
        answer.ok(inspectionOf(container), () => {
          onlooker().onRead(this.#by, container);
        });
        return;
      case "wait":
        this.#wait(container, answer);
        return;
      case "kill":
        this.#kill(container, answer);
        return;
      case "start":
        engine.inLine(container, (done) => {
          this.#start(container, answer, done);
        });
        return;
      case "stop":
        engine.inLine(container, (done) => {
          this.#stopThen(container, Number(query.t ?? 10) * 1000, () => {
            answer.ok("");
            done();
          });
        });
        return;
      case "restart":
        engine.inLine(container, (done) => {
          this.#stopThen(container, Number(query.t ?? 10) * 1000, () => {
            engine.emit(container, "restart");
            this.#start(container, answer, done);
          });
        });
        return;
      default:
        answer.refuse(404, `no such verb: ${verb}`);
    }
  }

  /** By its API an engine's restart policy rests until the container is started again. */
  #stopThen(container: SimContainer, grace: number, then: () => void): void {
    container.isStoppedByHand = true;
    if (container.state === "restarting") container.state = "exited";
    this.#engine.stop(container, grace, then);
  }

  #start(container: SimContainer, answer: Answer, done: () => void): void {
    if (container.state === "running") {
      answer.refuse(304, "");
      done();
      return;
    }
    this.#engine.start(container, (ok) => {
      if (ok) answer.ok("");
      else answer.refuse(409, "cannot join the network of a non running container");
      done();
    });
  }

  #kill(container: SimContainer, answer: Answer): void {
    container.isStoppedByHand = true;
    if (container.state === "restarting") {
      container.state = "exited";
      answer.ok("");
      return;
    }
    if (container.state !== "running") {
      answer.refuse(409, `Container ${container.name} is not running`);
      return;
    }
    this.#engine.kill(container, 9, () => {
      answer.ok("");
    });
  }

  #wait(container: SimContainer, answer: Answer): void {
    if (container.state !== "running" && container.state !== "paused")
      answer.ok({ StatusCode: container.exitCode });
    else
      this.#engine.world.after(5, () => {
        this.#wait(container, answer);
      });
  }
}

function inspectionOf(container: SimContainer): unknown {
  const { id, name, labels, state, exitCode, startedAt, networkMode, restartPolicy } = container;
  const joins = networkMode !== "bridge";
  return {
    Id: id,
    Name: `/${name}`,
    Image: "sha256:0",
    RestartCount: container.restartCount,
    State: {
      Status: state,
      ExitCode: exitCode,
      StartedAt: startedAt === "" ? "0001-01-01T00:00:00Z" : startedAt,
    },
    Config: { Hostname: name, Labels: labels, Image: "worker" },
    HostConfig: {
      NetworkMode: networkMode,
      PidMode: "",
      RestartPolicy: { Name: restartPolicy, MaximumRetryCount: 0 },
    },
    NetworkSettings: {
      Networks: joins
        ? {}
        : { bridge: { IPAddress: state === "running" ? container.address : "" } },
    },
  };
}
