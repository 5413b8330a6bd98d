// Makes the worker's checks, each kind loaded only where it is used, so that an agent pays for no other.

import type { AgentConfig } from "./config.ts";
import type { CheckAnswer } from "./io/checks/result.ts";
import { checkTcp } from "./io/checks/tcp.ts";
import type { Duration } from "../proto/units.ts";

export type CheckFunction = (signal: AbortSignal) => Promise<CheckAnswer>;

/** The machine gives a check up in time, with its own lateness in mind; this is only the end behind that. */
const backstop: Duration = 60_000;

/** Undefined where the agent has no check to make. */
export function checkFunction(config: AgentConfig): CheckFunction | undefined {
  const timeout = config.timing.timeout + backstop;
  const { check, http } = config;
  switch (check.kind) {
    case "none":
    case "process":
      return undefined;
    case "tcp":
      return (signal) => checkTcp({ ...check, timeout, signal });
    case "http":
      return async (signal) => {
        const { checkHttp } = await import("./io/checks/http.ts");
        return checkHttp({ url: check.url, ...http, timeout, signal });
      };
    case "engine":
      return async (signal) => {
        const { checkEngine } = await import("./io/checks/engine.ts");
        return checkEngine({ ...check, timeout, signal });
      };
    case "exec":
      return async (signal) => {
        const { checkExec } = await import("./io/checks/exec.ts");
        return checkExec({ ...check, env: withoutSecrets(process.env), timeout, signal });
      };
  }
}

/** Runs the checks that the machine begins and ends those that it gives up. */
export class CheckRunner {
  readonly #check: CheckFunction;
  readonly #onFinished: (id: number, answer: CheckAnswer) => void;
  readonly #open = new Map<number, AbortController>();

  constructor(check: CheckFunction, onFinished: (id: number, answer: CheckAnswer) => void) {
    this.#check = check;
    this.#onFinished = onFinished;
  }

  begin(id: number): void {
    const controller = new AbortController();
    this.#open.set(id, controller);
    void this.#check(controller.signal).then((answer) => {
      if (this.#open.delete(id)) this.#onFinished(id, answer);
    });
  }

  abandon(id: number): void {
    const controller = this.#open.get(id);
    this.#open.delete(id);
    controller?.abort();
  }

  stop(): void {
    for (const id of [...this.#open.keys()]) this.abandon(id);
  }
}

/** An operator's program has no need of the mesh's key. */
function withoutSecrets(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("MESH_KEY")));
}
