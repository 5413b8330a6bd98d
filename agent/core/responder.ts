// What an agent says, to whom and how often: pongs, announcements, obituaries, the farewell, and PONG to a person's PING.

import { limits } from "../../proto/limits.ts";
import type { Machine } from "../../proto/machine.ts";
import type {
  AgentHealth,
  Announce,
  Capacity,
  Message,
  Obituary,
  PongFence,
} from "../../proto/messages.ts";
import type { Random } from "../../proto/random.ts";
import {
  after,
  earliest,
  elapsed,
  type CoordinatorId,
  type Duration,
  type Incarnation,
  type Instant,
} from "../../proto/units.ts";
import { TextBudget } from "./text-budget.ts";

export interface Peer {
  readonly address: string;
  readonly port: number;
}

export interface Identity {
  readonly name: string;
  readonly incarnation: Incarnation;
}

export type ResponderInput =
  /** The socket is open on this port. */
  | { readonly kind: "opened"; readonly port: number }
  /** An authenticated ping. */
  | {
      readonly kind: "ping-received";
      readonly coordinator: CoordinatorId;
      readonly from: Peer;
      readonly nonce: number;
      readonly load: number;
      /** Of a worker's agent, where it can be measured. */
      readonly workerLoad?: number;
      /** Of a host's agent. */
      readonly capacity?: Capacity;
      readonly fence?: PongFence;
    }
  /** A person's `PING` in plain text; `text` is what arrived. */
  | { readonly kind: "text-ping-received"; readonly from: Peer; readonly text: string }
  | { readonly kind: "health-changed" }
  | { readonly kind: "process-exited"; readonly process: string; readonly at: Instant }
  | { readonly kind: "stop-requested" }
  | { readonly kind: "timer-fired" };

export type ResponderOutput =
  | { readonly kind: "send"; readonly to: Peer; readonly message: Message }
  /** To where the coordinator's name resolves to; `heardFrom` is where it pinged from last, for a name that does not resolve. */
  | {
      readonly kind: "send-to-coordinator";
      readonly coordinator: CoordinatorId;
      readonly heardFrom: Peer | undefined;
      readonly message: Message;
    }
  | { readonly kind: "send-text"; readonly to: Peer; readonly text: string }
  /** The farewell has been said. */
  | { readonly kind: "finish" };

interface Coordinator {
  readonly configured: boolean;
  heardAt: Instant | undefined;
  heardFrom: Peer | undefined;
  announceAt: Instant | undefined;
  interval: Duration;
}

/** Said several times, since datagrams get lost: the same news at each of these delays. */
interface Repeated {
  readonly news: "health" | "leaving" | { readonly process: string; readonly exitedAt: Instant };
  readonly times: Instant[];
}

const firstAnnounce: Duration = 200;
const slowestAnnounce: Duration = 5000;
/** A coordinator that pinged within this time knows the agent. */
const knownFor: Duration = 10_000;
const healthTimes: readonly Duration[] = [0, 60];
const leavingTimes: readonly Duration[] = [0, 30, 60];
const obituaryTimes: readonly Duration[] = [0, 30, 60, 120, 240, 480];
/** A timer of its own, so that an agent without checks knows how late it runs. */
const lagInterval: Duration = 1000;
/** How fast a past lateness is forgotten at each look. */
const lagDecay = 0.5;

export class Responder implements Machine<ResponderInput, ResponderOutput> {
  readonly #identity: Identity;
  readonly #random: Random;
  readonly #health: (now: Instant) => AgentHealth;
  readonly #isOfHost: boolean;
  readonly #coordinators = new Map<CoordinatorId, Coordinator>();
  readonly #textBudget = new TextBudget();
  #repeated: Repeated[] = [];
  #port = 0;
  #lag: Duration = 0;
  #lagAt: Instant | undefined;
  #leaving = false;
  #finished = false;

  constructor(
    identity: Identity,
    coordinators: readonly CoordinatorId[],
    random: Random,
    health: (now: Instant) => AgentHealth,
    isOfHost = false,
  ) {
    this.#identity = identity;
    this.#random = random;
    this.#health = health;
    this.#isOfHost = isOfHost;
    for (const id of coordinators) this.#coordinators.set(id, newCoordinator(true));
  }

  /** Plain-text PINGs beyond what is answered. */
  get textsRefused(): number {
    return this.#textBudget.refused;
  }

  step(input: ResponderInput, now: Instant): readonly ResponderOutput[] {
    switch (input.kind) {
      case "opened":
        return this.#onOpened(input.port, now);
      case "ping-received":
        return this.#onPing(input, now);
      case "text-ping-received":
        return this.#textBudget.take(now)
          ? [{ kind: "send-text", to: input.from, text: input.text.replace("PING", "PONG") }]
          : [];
      case "health-changed":
        return this.#say("health", healthTimes, now);
      case "process-exited":
        return this.#say({ process: input.process, exitedAt: input.at }, obituaryTimes, now);
      case "stop-requested":
        return this.#onStop(now);
      case "timer-fired":
        return this.#onTimer(now);
    }
  }

  nextDeadline(): Instant | undefined {
    let next = this.#lagAt;
    for (const { times } of this.#repeated) next = earliest(next, times[0]);
    if (this.#leaving) return next;
    for (const { announceAt } of this.#coordinators.values()) next = earliest(next, announceAt);
    return next;
  }

  #onOpened(port: number, now: Instant): readonly ResponderOutput[] {
    this.#port = port;
    this.#lagAt = after(now, lagInterval);
    for (const coordinator of this.#coordinators.values()) coordinator.announceAt = now;
    return this.#announceDue(now);
  }

  #onPing(
    input: Extract<ResponderInput, { kind: "ping-received" }>,
    now: Instant,
  ): readonly ResponderOutput[] {
    const coordinator = this.#coordinatorOf(input.coordinator);
    coordinator.heardAt = now;
    coordinator.heardFrom = input.from;
    coordinator.interval = firstAnnounce;
    coordinator.announceAt = coordinator.configured ? after(now, knownFor) : undefined;
    // Who is leaving is silent on purpose only after its farewell.
    if (this.#finished) return [];
    const pong: Message = {
      kind: "pong",
      nonce: input.nonce,
      ...this.#identity,
      health: {
        ...this.#health(now),
        ...(input.workerLoad !== undefined && { load: input.workerLoad }),
      },
      lag: Math.round(this.#currentLag(now)),
      load: input.load,
      ...(input.capacity !== undefined && { capacity: input.capacity }),
      ...(input.fence !== undefined && { fence: input.fence }),
    };
    return [{ kind: "send", to: input.from, message: pong }];
  }

  #onStop(now: Instant): readonly ResponderOutput[] {
    if (this.#leaving) return [];
    this.#leaving = true;
    this.#repeated = this.#repeated.filter((repeated) => repeated.news !== "health");
    return this.#say("leaving", leavingTimes, now);
  }

  #onTimer(now: Instant): readonly ResponderOutput[] {
    if (this.#lagAt !== undefined && now >= this.#lagAt) {
      this.#lag = Math.max(elapsed(this.#lagAt, now), this.#lag * lagDecay);
      this.#lagAt = after(now, lagInterval);
    }
    const outputs = [...this.#sayDue(now)];
    if (!this.#leaving) outputs.push(...this.#announceDue(now));
    return outputs;
  }

  #say(
    news: Repeated["news"],
    delays: readonly Duration[],
    now: Instant,
  ): readonly ResponderOutput[] {
    if (this.#port === 0) return []; // Not open yet: the first announcement says it.
    if (news === "health") {
      if (this.#leaving) return [];
      this.#repeated = this.#repeated.filter((repeated) => repeated.news !== "health");
    }
    this.#repeated.push({ news, times: delays.map((delay) => after(now, delay)) });
    return this.#sayDue(now);
  }

  #sayDue(now: Instant): readonly ResponderOutput[] {
    const outputs: ResponderOutput[] = [];
    for (const { news, times } of this.#repeated) {
      let isDue = false;
      // A stall that made several due at once does not make several datagrams at once.
      while (times[0] !== undefined && times[0] <= now) {
        times.shift();
        isDue = true;
      }
      if (isDue) outputs.push(...this.#toAll(this.#wording(news, now), now));
      if (news === "leaving" && times.length === 0 && !this.#finished) {
        this.#finished = true;
        outputs.push({ kind: "finish" });
      }
    }
    this.#repeated = this.#repeated.filter((repeated) => repeated.times.length > 0);
    return outputs;
  }

  #wording(news: Repeated["news"], now: Instant): Announce | Obituary {
    if (typeof news === "string") return this.#announcement(now);
    return {
      kind: "obituary",
      ...this.#identity,
      process: news.process,
      ago: Math.round(elapsed(news.exitedAt, now)),
    };
  }

  #announcement(now: Instant): Announce {
    return {
      kind: "announce",
      ...this.#identity,
      port: this.#port,
      leaving: this.#leaving,
      health: this.#health(now),
      ...(this.#isOfHost && { ofHost: true }),
    };
  }

  /** To every configured coordinator, and to others that pinged lately. */
  #toAll(message: Message, now: Instant): readonly ResponderOutput[] {
    const outputs: ResponderOutput[] = [];
    for (const [id, coordinator] of this.#coordinators) {
      const isKnown =
        coordinator.heardAt !== undefined && elapsed(coordinator.heardAt, now) <= knownFor;
      if (coordinator.configured || isKnown) outputs.push(sendTo(id, coordinator, message));
    }
    return outputs;
  }

  #announceDue(now: Instant): readonly ResponderOutput[] {
    const outputs: ResponderOutput[] = [];
    for (const [id, coordinator] of this.#coordinators) {
      if (coordinator.announceAt === undefined || now < coordinator.announceAt) continue;
      outputs.push(sendTo(id, coordinator, this.#announcement(now)));
      coordinator.announceAt = after(now, this.#random.jitter(coordinator.interval, 0.1));
      coordinator.interval = Math.min(coordinator.interval * 2, slowestAnnounce);
    }
    return outputs;
  }

  #coordinatorOf(id: CoordinatorId): Coordinator {
    const known = this.#coordinators.get(id);
    if (known !== undefined) return known;
    if (this.#coordinators.size >= 2 * limits.coordinators) this.#forgetOldest();
    const made = newCoordinator(false);
    this.#coordinators.set(id, made);
    return made;
  }

  /** Only the configured ones are kept for ever. */
  #forgetOldest(): void {
    let oldest: { id: CoordinatorId; heardAt: number } | undefined;
    for (const [id, { configured, heardAt }] of this.#coordinators) {
      if (configured) continue;
      const at = heardAt ?? -Infinity;
      if (oldest === undefined || at < oldest.heardAt) oldest = { id, heardAt: at };
    }
    if (oldest !== undefined) this.#coordinators.delete(oldest.id);
  }

  /** A stall shows in the first pong after it, though datagrams are answered before the late timer is looked at. */
  #currentLag(now: Instant): Duration {
    const late = this.#lagAt === undefined ? 0 : elapsed(this.#lagAt, now);
    return Math.max(this.#lag, late, 0);
  }
}

const newCoordinator = (configured: boolean): Coordinator => ({
  configured,
  heardAt: undefined,
  heardFrom: undefined,
  announceAt: undefined,
  interval: firstAnnounce,
});

const sendTo = (id: CoordinatorId, to: Coordinator, message: Message): ResponderOutput => ({
  kind: "send-to-coordinator",
  coordinator: id,
  heardFrom: to.heardFrom,
  message,
});
