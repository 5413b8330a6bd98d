// What this coordinator grants to the agents of hosts, as a member of which set, and its goodbye.

import type { Grant } from "../../../proto/messages.ts";
import { quorumOf } from "../../../proto/quorum.ts";
import type { Random } from "../../../proto/random.ts";
import { after, type CoordinatorId, type Duration, type Instant } from "../../../proto/units.ts";
import type { CoordinatorOutput } from "../exchange.ts";
import type { MemberSet } from "../member-set.ts";
import type { FenceView } from "./fence.ts";
import type { FenceRecord } from "./fence-record.ts";
import type { HostPage } from "./page.ts";
import type { HostWatchConfig } from "./watch-shape.ts";

type HostPing = Extract<CoordinatorOutput, { kind: "ping-worker" }>;

/** Said several times, since datagrams get lost. */
const goodbyeTimes: readonly Duration[] = [0, 40, 80];

/** How old a word of another coordinator may be, or 3 × HEARTBEAT_INTERVAL where that is more. */
const shortestWord: Duration = 1_000;

export class Granting {
  readonly #config: HostWatchConfig;
  readonly #random: Random;
  #set: MemberSet | undefined;
  #ids: readonly CoordinatorId[] = [];
  #setSince: Instant | undefined;
  #goodbyes: readonly Instant[] | undefined;

  constructor(config: HostWatchConfig, random: Random) {
    this.#config = config;
    this.#random = random;
  }

  /** The set that counts, also where it was only confirmed. */
  onSet(set: MemberSet, now: Instant): void {
    const ids = set.members.map(({ id }) => id);
    if (this.#set !== undefined && ids.join() !== this.#ids.join()) this.#setSince = now;
    this.#set = set;
    this.#ids = ids;
  }

  /** The next question to this host, with what is granted to it. */
  ping({ spec, fence }: HostPage, nonce: number, freshSocket = false, goodbye = false): HostPing {
    const { id: worker, address, port } = spec;
    const grant = this.#grant(fence, goodbye);
    const ping = { kind: "ping-worker", worker, address, port, nonce, freshSocket } as const;
    return grant === undefined ? ping : { ...ping, grant };
  }

  get length(): Duration {
    return this.#config.fence.after;
  }

  view({ spec, fence, verdict }: HostPage, now: Instant): FenceView {
    const { self, heartbeatInterval } = this.#config;
    const about = {
      host: spec.id,
      isDead: verdict.kind === "dead",
      self,
      ids: this.#ids,
      quorum: quorumOf(this.#ids.length),
      setSince: this.#setSince,
      grantLength: this.length,
      wordHolds: Math.max(shortestWord, 3 * heartbeatInterval),
    };
    return fence.view(about, now);
  }

  /** From now on hosts are asked nothing: a question would take the goodbye back. */
  sayGoodbye(now: Instant): void {
    if (!this.#config.fence.saysGoodbye || this.isLeaving) return;
    this.#goodbyes = goodbyeTimes.map((delay) => after(now, delay));
  }

  get isLeaving(): boolean {
    return this.#goodbyes !== undefined;
  }

  nextDeadline(): Instant | undefined {
    return this.#goodbyes?.[0];
  }

  /** To every host that has something to lose. Nobody waits for the answers. */
  goodbyesDue(pages: Iterable<HostPage>, now: Instant): readonly HostPing[] {
    const due = this.#goodbyes?.filter((at) => at <= now) ?? [];
    if (due.length === 0) return [];
    this.#goodbyes = this.#goodbyes?.filter((at) => at > now);
    const pings = [...pages].map((page) => this.ping(page, this.#random.nonce(), false, true));
    return pings.filter(({ grant }) => grant !== undefined);
  }

  /** Undefined where it gets none: it has not answered, or whoever would grant was removed from the set. */
  #grant(record: FenceRecord, goodbye: boolean): Grant | undefined {
    const set = this.#set;
    if (set === undefined || !this.#ids.includes(this.#config.self)) return undefined;
    const answer = record.takeAnswer();
    if (answer === undefined) return undefined;
    return { answer, for: this.length, of: this.#ids.length, set: set.stamp, goodbye };
  }
}
