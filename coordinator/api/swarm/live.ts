// Lists of a Swarm as server-sent events: the whole list first, and again whenever it has changed, while the receiver keeps up.

import type { FastifyReply, FastifyRequest } from "fastify";
import type { AllRows, SwarmVerbs } from "../../docker/swarm-verbs.ts";
import type { Duration } from "../../../proto/units.ts";
import { ApiProblem, problemOf } from "../problem.ts";
import { ServerSent } from "../server-sent.ts";
import type { TokenStore } from "../token-store.ts";
import type { SwarmAt } from "./context.ts";
import { inWords, managerOf, told, wordsOf } from "./desk.ts";

/** Of all callers. */
const streamsAtMost = 100;
/** A Swarm is asked so often, and only while somebody listens. */
const lookEvery: Duration = 1_000;

export interface LiveView {
  /** Of each message: `nodes`. */
  readonly event: string;
  /** May throw what the API says instead. */
  readonly of: (rows: AllRows) => unknown;
}

type Look =
  { readonly isGood: true; readonly rows: AllRows } | { readonly isGood: false; error: unknown };

export class LiveSwarms {
  readonly #tokens: TokenStore;
  readonly #watches = new Map<string, Watch>();
  readonly #open = new Set<ServerSent>();
  /** Also those of which the first look is awaited. */
  #count = 0;

  constructor(tokens: TokenStore) {
    this.#tokens = tokens;
  }

  /** Takes the answer over once the first look was good; throws what that says otherwise. */
  async follow(
    request: FastifyRequest,
    reply: FastifyReply,
    at: SwarmAt,
    view: LiveView,
  ): Promise<void> {
    if (this.#count >= streamsAtMost) {
      throw new ApiProblem(503, `${streamsAtMost} lists are followed already. Try again later.`);
    }
    this.#count++;
    try {
      const watch = this.#watchOf(at);
      const look = await watch.look();
      if (!look.isGood) throw look.error;
      await inWords(() => Promise.resolve(view.of(look.rows)));
      this.#begin(request, reply, watch, view);
    } catch (error) {
      this.#count--;
      throw error;
    }
  }

  end(): void {
    for (const sent of this.#open) sent.end();
  }

  #begin(request: FastifyRequest, reply: FastifyReply, watch: Watch, view: LiveView): void {
    const { headers } = request;
    let leave = (): void => undefined;
    const sent = new ServerSent({
      response: reply.hijack().raw,
      mayStay: () => this.#tokens.whoAsks(headers).caller !== undefined,
      onEnd: () => {
        leave();
        this.#open.delete(sent);
        this.#count--;
      },
    });
    sent.begin();
    if (sent.isEnded) return;
    this.#open.add(sent);
    leave = watch.listen(new Teller(sent, view));
  }

  #watchOf(at: SwarmAt): Watch {
    const known = this.#watches.get(at.cluster);
    if (known !== undefined) return known;
    const watch = new Watch(at);
    this.#watches.set(at.cluster, watch);
    return watch;
  }
}

/** One Swarm, asked once for all who listen. */
class Watch {
  readonly #at: SwarmAt;
  readonly #listeners = new Set<Teller>();
  /** The manager that told last. */
  #manager: SwarmVerbs | undefined;
  #looking: Promise<Look> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(at: SwarmAt) {
    this.#at = at;
  }

  /** Never rejects. Who asks while a look is under way gets that one. */
  look(): Promise<Look> {
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** @returns what ends it */
  listen(teller: Teller): () => void {
    this.#listeners.add(teller);
    this.#timer ??= setTimeout(() => void this.#goOn(), 0);
    return () => {
      this.#listeners.delete(teller);
      if (this.#listeners.size > 0) return;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  async #goOn(): Promise<void> {
    const timer = this.#timer;
    const look = await this.look();
    for (const teller of this.#listeners) teller.tell(look);
    // All have left meanwhile; others who came since have a timer of their own.
    if (this.#timer !== timer || timer === undefined) return;
    this.#timer = setTimeout(() => void this.#goOn(), lookEvery).unref();
  }

  async #lookNow(): Promise<Look> {
    try {
      const rows = await this.#manager?.rows().catch(() => undefined);
      if (rows !== undefined) return { isGood: true, rows };
      // Another one may tell.
      const manager = await managerOf(this.#at);
      this.#manager = manager;
      return { isGood: true, rows: await inWords(() => manager.rows()) };
    } catch (error) {
      this.#manager = undefined;
      return { isGood: false, error };
    }
  }
}

/** Tells one receiver what is new to it; to one that does not keep up, only the newest once it does. */
class Teller {
  readonly #sent: ServerSent;
  readonly #view: LiveView;
  #last = "";
  #isWaiting = false;
  #held: Look | undefined;

  constructor(sent: ServerSent, view: LiveView) {
    this.#sent = sent;
    this.#view = view;
  }

  tell(look: Look): void {
    if (this.#isWaiting) {
      this.#held = look;
      return;
    }
    const { event, data } = this.#message(look);
    // The time at which it was looked makes nothing new.
    const essence = JSON.stringify([event, data], (key, value: unknown) =>
      key === "timestamp" ? undefined : value,
    );
    if (essence === this.#last) return;
    this.#last = essence;
    if (this.#sent.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)) return;
    this.#isWaiting = true;
    this.#sent.onDrain(() => {
      this.#isWaiting = false;
      const held = this.#held;
      this.#held = undefined;
      if (held !== undefined) this.tell(held);
    });
  }

  #message(look: Look): { readonly event: string; readonly data: object } {
    try {
      if (!look.isGood) throw look.error;
      return { event: this.#view.event, data: told(this.#view.of(look.rows)) };
    } catch (error) {
      return {
        event: "failure",
        data: { success: false, error: problemOf(wordsOf(error)).detail },
      };
    }
  }
}
