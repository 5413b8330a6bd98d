// Whoever counts coordinators is told when their set changes.

import type { Instant } from "../../proto/units.ts";
import { eventOf, type CoreEvent } from "./event.ts";
import type { Lookout } from "./lookout.ts";
import type { Members } from "./member-set.ts";
import { stagger } from "./phase.ts";
import type { RedisView } from "./redis-view.ts";
import type { SelfHealth } from "./self-health.ts";

interface Counting {
  readonly lookout: Lookout;
  readonly self: SelfHealth;
  readonly redis: RedisView;
}

export class Circle {
  readonly #members: Members;
  readonly #parts: Counting;
  #ids = "";

  constructor(members: Members, parts: Counting, now: Instant) {
    this.#members = members;
    this.#parts = parts;
    this.sync(now);
  }

  /** @returns what is to be published; nothing where the same coordinators only confirmed their set. */
  sync(now: Instant): CoreEvent | undefined {
    const { ids, self, set } = this.#members;
    this.#parts.lookout.hosts.granting.onSet(set, now);
    if (this.#ids === ids.join()) return undefined;
    const isFirst = this.#ids === "";
    this.#ids = ids.join();
    const { lookout, redis } = this.#parts;
    lookout.onMembers(ids, stagger(Math.max(0, ids.indexOf(self)), ids.length));
    this.#parts.self.onMembers(ids.length);
    redis.onMembers(ids);
    if (isFirst) return undefined;
    const names = set.members.map(({ id, host, port }) => `${id} (${host}:${port})`).join(", ");
    const { version, term } = set.stamp;
    const text = `the coordinators are ${names}: version ${version} of their set, by the leader of term ${term}`;
    return eventOf("", "coordinators-changed", text, { notify: true });
  }
}
