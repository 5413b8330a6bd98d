// What people ask for, as events: who, what, before and after, and whether it was done. The audit log.

import { eventOf, type ChangeRecord, type CoreEvent, type EventKind } from "./core/event.ts";

/** `before` and `after` where there are such. */
export type Asked = Pick<ChangeRecord, "actor" | "verb" | "subject"> &
  Partial<Pick<ChangeRecord, "cluster" | "before" | "after">> & {
    /** The worker that it concerns; none unless given. */
    readonly worker?: string;
  };

export class ChangeLog {
  readonly #publish: (event: CoreEvent) => void;

  constructor(publish: (event: CoreEvent) => void) {
    this.#publish = publish;
  }

  /** @param text what was done, for people */
  done(asked: Asked, text: string, kind: EventKind = "command-taken"): void {
    this.#tell(kind, "done", asked, text);
  }

  /** @param why for people */
  refused(asked: Asked, why: string): void {
    this.#tell("change-refused", "refused", asked, `${asked.verb} ${asked.subject}: ${why}`);
  }

  #tell(
    kind: EventKind,
    outcome: ChangeRecord["outcome"],
    { worker = "", cluster = "", before = "", after = "", ...asked }: Asked,
    text: string,
  ): void {
    const { actor, verb, subject } = asked;
    const change = { actor, verb, subject, cluster, before, after, outcome };
    const where = cluster === "" ? "" : `${cluster}: `;
    this.#publish(eventOf(worker, kind, `${actor}: ${where}${text}`, { change }));
  }
}
