// The hand that acts on one engine for one job: every change asks for the right to act just before it, and is marked as ours.

import type { Duration } from "../../proto/units.ts";
import type { ActionResult } from "../jobs/ports.ts";
import type { ContainerView } from "../core/worker.ts";
import { callTimeouts, type CreateSpec } from "./engine-calls.ts";
import { EngineRefused, hasStatus, isUnavailable, type EngineClient } from "./engines.ts";
import type { Deed, OwnActions } from "./own-actions.ts";

/** Unwinds an action whose result is settled; thrown and caught within this folder only. */
export class Halt extends Error {
  readonly result: ActionResult;

  constructor(result: ActionResult) {
    super(result.kind);
    this.result = result;
  }
}

export const superseded = (reason: string, found?: ContainerView): Halt =>
  new Halt({
    kind: "superseded",
    reason,
    ...(found === undefined ? {} : { found: foundOf(found) }),
  });

export const failed = (reason: string): Halt => new Halt({ kind: "failed", reason });

const foundOf = (
  view: ContainerView,
): { readonly containerId: string; readonly startedAt: string; readonly running: boolean } => ({
  containerId: view.id,
  startedAt: view.startedAt,
  running: view.state === "running",
});

/** What an engine's failure means for the action; anything else is a mistake of ours and thrown on. */
export function resultOf(error: unknown): ActionResult {
  if (error instanceof Halt) return error.result;
  if (isUnavailable(error)) return { kind: "engine-unavailable", reason: error.detail };
  if (hasStatus(error, 404)) return { kind: "superseded", reason: `gone: ${error.detail}` };
  if (error instanceof EngineRefused) return { kind: "failed", reason: error.detail };
  throw error;
}

/** An inspection older than this is made again before the container is changed. */
const inspectionHolds: Duration = 250;
/** So often; then this process is too slow to act at all. */
const looksAgain = 5;

export interface HandAsk {
  readonly client: EngineClient;
  readonly own: OwnActions;
  /** Asked right before every call that changes something. */
  readonly mayAct: () => boolean;
  /** Monotonic, ms. */
  readonly now: () => number;
}

export class Hand {
  readonly client: EngineClient;
  readonly #own: OwnActions;
  readonly #mayAct: () => boolean;
  readonly #now: () => number;
  /** What each container looked like, and when; gone once it was changed by this hand. */
  readonly #looks = new Map<string, { readonly view: ContainerView; readonly at: number }>();

  constructor({ client, own, mayAct, now }: HandAsk) {
    this.client = client;
    this.#own = own;
    this.#mayAct = mayAct;
    this.#now = now;
  }

  /** By id or name; remembered, so that no change follows a look that is too old. */
  async inspect(container: string): Promise<ContainerView | undefined> {
    const view = await this.client.inspect(container);
    if (view !== undefined) this.#looks.set(view.id, { view, at: this.#now() });
    return view;
  }

  async start(id: string): Promise<void> {
    try {
      await this.#change(id, "start", callTimeouts.start, () => this.client.start(id));
      this.#own.onStarted(id);
    } catch (error) {
      // Also said of a network, or of the namespace it joins: then the container itself is not gone.
      if (hasStatus(error, 404) && (await this.inspect(id)) !== undefined) {
        throw failed(error.detail);
      }
      throw error;
    }
  }

  /** Kills it and waits until the engine knows that it is not running. */
  async kill(id: string): Promise<void> {
    await this.#change(id, "kill", callTimeouts.kill, async () => {
      this.#own.onKilled(id);
      await this.client.kill(id);
      await this.client.waitNotRunning(id, callTimeouts.kill);
    });
  }

  /**
   * Ends the wait of an engine that is to restart it later by its own policy: until then `start` changes nothing.
   * Such a kill ends no process, and the engine tells nobody of it.
   */
  async takeOver(view: ContainerView): Promise<void> {
    if (view.state === "restarting") await this.kill(view.id);
  }

  async stop(id: string, timeout: Duration): Promise<void> {
    await this.#change(id, "stop", timeout + callTimeouts.stop, async () => {
      this.#own.onKilled(id);
      await this.client.stop(id, timeout);
    });
  }

  async restart(id: string, timeout: Duration): Promise<void> {
    await this.#change(
      id,
      "restart",
      timeout + callTimeouts.stop + callTimeouts.start,
      async () => {
        this.#own.onKilled(id);
        await this.client.restart(id, timeout);
        this.#own.onStarted(id);
      },
    );
  }

  async remove(id: string): Promise<void> {
    await this.#change(id, "remove", callTimeouts.write, () => this.client.remove(id));
  }

  async create(spec: CreateSpec): Promise<string> {
    return await this.#change(spec.name, "create", callTimeouts.write, () =>
      this.client.create(spec),
    );
  }

  async pull(image: string): Promise<void> {
    await this.#change(image, undefined, callTimeouts.pull, () => this.client.pull(image));
  }

  /** A bridge, where there is no network of that name. */
  async createNetwork(name: string): Promise<void> {
    const spec = { Name: name, Driver: "bridge", CheckDuplicate: true };
    const call = (): Promise<void> => this.client.createNetwork(spec);
    await this.#change(name, undefined, callTimeouts.write, call).catch((error: unknown) => {
      if (!hasStatus(error, 409)) throw error;
    });
  }

  async rename(id: string, name: string): Promise<void> {
    await this.#change(id, "rename", callTimeouts.write, () => this.client.rename(id, name));
  }

  async connectNetwork(
    network: string,
    id: string,
    endpoint: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    await this.#change(id, undefined, callTimeouts.write, () =>
      this.client.connectNetwork(network, id, endpoint),
    );
  }

  /** Whether its being down is our own doing. */
  hasKilled(id: string): boolean {
    return this.#own.hasKilled(id);
  }

  /** Where the last look is too old by now: a slow engine, or this process stood still. */
  async #lookAgain(container: string): Promise<void> {
    for (let round = 0; round < looksAgain; round++) {
      const seen = this.#looks.get(container);
      if (seen === undefined || this.#now() - seen.at <= inspectionHolds) return;
      const view = await this.inspect(container);
      const { name, startedAt, state } = seen.view;
      if (view === undefined) throw superseded(`${name} is gone`);
      if (view.startedAt !== startedAt || view.state !== state) {
        throw superseded(`${name} changed while it was looked at: it is ${view.state}`, view);
      }
    }
    throw new Halt({
      kind: "engine-unavailable",
      reason: `this process is too slow: it stalls for more than ${inspectionHolds} ms after each look`,
    });
  }

  /** `deed`: what the engine will tell of it; undefined where that is nothing that is watched. */
  async #change<Value>(
    container: string,
    deed: Deed | undefined,
    limit: Duration,
    call: () => Promise<Value>,
  ): Promise<Value> {
    await this.#lookAgain(container);
    if (!this.#mayAct()) {
      throw new Halt({ kind: "lease-lost", reason: "the right to act ended before the call" });
    }
    if (deed !== undefined) this.#own.expect(container, deed, limit);
    this.#looks.delete(container);
    try {
      return await call();
    } finally {
      if (deed !== undefined) this.#own.settled(container, deed);
    }
  }
}
